"""Pictures that are only moved stay as they lie in memory; the numbers do not depend on it."""

import pytest
import torch

from striate.data.augment import Cutout, Flip, Policy, RandomCrop, Rotate, Stream, apply

LAST = torch.channels_last


@pytest.mark.parametrize(
    ("policy", "stays"),
    [
        ((Flip(),), True),
        ((RandomCrop(margin=4), Flip()), True),
        ((Rotate(9),), False),
        ((Cutout(),), False),
    ],
)
def test_the_layout_of_what_is_only_moved_stays(policy: Policy, stays: bool) -> None:
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(256, (5, 3, 24, 20), generator=draw, dtype=torch.uint8)
    stream = Stream(0, 0, torch.arange(5))
    planes, rows = (
        apply(policy, images, stream),
        apply(policy, images.to(memory_format=LAST), stream),
    )
    assert torch.equal(planes, rows)
    assert planes.is_contiguous()
    assert rows.is_contiguous(memory_format=LAST) == stays
