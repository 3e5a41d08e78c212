import pytest
import torch
from torch import nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.models import create
from striate.models.shufflenet import Halving, Shuffled

COUNTS = {
    "shufflenet_v2_x0_5": (1_366_792, 40_476_448),
    "shufflenet_v2_x1_0": (2_278_604, 144_907_992),
    "shufflenet_v2_x1_5": (3_503_624, 295_759_392),
    "shufflenet_v2_x2_0": (7_393_996, 583_253_464),
}
"""Multiply-adds in print: 41, 146, 299 and 591 M."""
each = pytest.mark.parametrize("name", sorted(COUNTS))


@each
def test_counts(name: str) -> None:
    with torch.device("meta"):
        seen = summary(create(name), (3, 224, 224))
    assert (seen.params, seen.macs) == COUNTS[name]


@each
def test_no_classes_are_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match="classes: got 0"):
        create(name, classes=0)


def test_half_of_the_channels_pass_and_halves_alternate() -> None:
    """The channels that pass are found at the even places, in their order."""
    x = torch.randn(2, 8, 5, 7)
    block = Shuffled(8).eval()
    y = block(x)
    assert torch.equal(y[:, 0::2], x[:, :4])
    assert torch.equal(y[:, 1::2], block.branch2(x[:, 4:]))


def test_a_halving_block_joins_two_branches_of_the_whole_input() -> None:
    x = torch.randn(2, 6, 7, 9)
    block = Halving(6, 16).eval()
    y = block(x)
    assert y.shape == (2, 16, 4, 5)
    assert torch.equal(y[:, 0::2], block.branch1(x))
    assert torch.equal(y[:, 1::2], block.branch2(x))


def test_filters_within_a_map_have_no_activation() -> None:
    branch = Shuffled(8).branch2
    kinds = [type(layer) for layer in branch]
    mix = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
    assert kinds == [*mix, nn.Conv2d, nn.BatchNorm2d, *mix]
    assert branch[3].groups == 4
