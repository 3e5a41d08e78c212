"""What a trunk makes of pictures, each view once; and what becomes of a solved head."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from striate.data.augment import Rotate, Stream, apply
from striate.data.dataset import Excluded
from striate.data.stores import MemoryStore
from striate.errors import ArgumentError, StriateError
from striate.models import create
from striate.transfer import (
    FINE_TUNING,
    Head,
    Views,
    deep_stages,
    features_of,
    gradually,
    mlp,
    solve_logistic,
    trunk_of,
    write_head,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def pixels(num: int = 70) -> Tensor:
    draw = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (num, 3, 8, 8), generator=draw, dtype=torch.uint8)


class Sums:
    """An engine that counts its pictures: features are the left and the right half's sums."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, images: Tensor) -> Tensor:
        assert images.is_contiguous(memory_format=torch.channels_last)
        self.seen += len(images)
        return sums(images)


def sums(images: Tensor) -> Tensor:
    whole = images.float()
    return torch.stack((whole[..., :4].sum((1, 2, 3)), whole[..., 4:].sum((1, 2, 3))), 1)


def test_each_view_of_each_picture_is_computed_once() -> None:
    store, engine = MemoryStore(pixels()), Sums()
    ids = torch.arange(69, -1, -1)
    policy = (Rotate(40),)
    found = features_of(engine, store, ids, views=Views(True, 2, policy, seed=3))
    assert engine.seen == 70 * 4
    expected = sums(pixels()[ids])
    assert torch.equal(found.values[:, 0], expected)
    assert torch.equal(found.values[:, 1], expected.flip(1))
    for number in range(2):
        turned = apply(policy, pixels()[ids], Stream(3, number, ids))
        torch.testing.assert_close(found.values[:, 2 + number], sums(turned))
    assert not torch.equal(found.values[:, 2], found.values[:, 3])
    assert found.readable.all()


def test_pictures_that_cannot_be_read_are_told() -> None:
    store = MemoryStore(pixels(5), {3: Excluded("three.jpg", "cut", "is cut short")})
    steps: list[tuple[int, int]] = []
    found = features_of(
        Sums(), store, torch.tensor([4, 3]), report=lambda *step: steps.append(step)
    )
    assert found.readable.tolist() == [True, False]
    assert found.values.shape == (2, 1, 2)
    assert steps == [(2, 2)]


# One of each family that has a linear end, at the least size it takes.
NETS = {
    "lecture_net": 28, "resnet20": 32, "mobilenet_v3_small": 64, "efficientnet_lite0": 64,
    "shufflenet_v2_x0_5": 64, "googlenet": 64, "mnasnet0_5": 64,
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_trunk_and_last_layer_are_the_network(name: str) -> None:
    torch.manual_seed(0)
    options = {"size": 28, "in_channels": 3} if name == "lecture_net" else {}
    net = create(name, classes=5, **options).eval()
    images = torch.randn(2, 3, NETS[name], NETS[name])
    with torch.inference_mode():
        features = trunk_of(net)(images)
        assert features.shape == (2, net.num_features)
        torch.testing.assert_close(net.last_layer(features), net(images))
        head = Head(nn.Linear(net.num_features, 3, dtype=torch.float64), torch.empty(0), 0.0)
    write_head(net, head)
    with torch.inference_mode():
        found, expected = net.eval()(images).double(), head.layer(features.double())
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_networks_whose_answer_is_no_linear_layer_s_are_refused() -> None:
    for name in ("squeezenet1_1", "airbench94"):
        with pytest.raises(StriateError, match="does not end in one linear layer with biases"):
            trunk_of(create(name))
    with pytest.raises(ArgumentError, match="expected a network in stages"):
        trunk_of(nn.Linear(2, 2))


def test_a_head_that_does_not_fit_is_refused() -> None:
    net = create("resnet20", classes=2)
    draw = torch.randn(20, 10), torch.arange(20) % 2
    with pytest.raises(ArgumentError, match="head: got 10, expected one of 64 features"):
        write_head(net, solve_logistic(*draw, 2))
    with pytest.raises(ArgumentError, match="head: got 'Sequential', expected a linear layer"):
        write_head(net, mlp(*draw, 2, epochs=1))


def test_recipes_for_fine_tuning_name_stages_of_the_network() -> None:
    net = create("resnet20")
    names = list(net.stages)
    assert 0 < names.index(deep_stages(net)) < len(names) - 1
    recipe = gradually(FINE_TUNING, net, 0.3)
    assert (recipe.frozen, recipe.thaw, recipe.keep_start) == (names[-1], 0.3, True)
