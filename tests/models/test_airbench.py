"""The net of first filters that whiten."""

from __future__ import annotations

import torch

from striate.models import create
from striate.models.airbench import AirBench, Whiten


def blurred(count: int) -> torch.Tensor:
    """(count, 3, 16, 16): pictures whose neighbours and colours resemble each other."""
    torch.manual_seed(0)
    noise = torch.randn(count, 3, 16, 16)
    smooth = torch.nn.functional.avg_pool2d(noise, 3, 1, 1) * 3
    return smooth + smooth.mean(1, keepdim=True)


def test_the_measured_filters_whiten_patches() -> None:
    pictures = blurred(400)
    layer = Whiten(3)
    layer.measure(iter(pictures.split(100)))
    answers = layer(pictures).detach()
    assert answers.shape == (400, 24, 15, 15)
    assert torch.equal(answers[:, 12:], -answers[:, :12])
    flat = answers[:, :12].movedim(1, 0).flatten(1)
    torch.testing.assert_close(flat.cov(), torch.eye(12), atol=0.02, rtol=0)


def test_filters_come_with_the_strongest_component_first() -> None:
    layer = Whiten(3)
    layer.measure(iter([blurred(400)]))
    norms = layer.weight[:12].flatten(1).norm(dim=1)
    assert (norms.diff() >= 0).all()  # a strong component is scaled down most


def test_no_more_pictures_are_looked_at_than_are_needed() -> None:
    asked: list[int] = []

    def pictures() -> object:
        while True:
            asked.append(1)
            yield torch.randn(2000, 3, 32, 32)

    net = AirBench(width=8)
    before = net.whiten.weight.clone()
    net.look_at(pictures())  # type: ignore[arg-type]
    assert len(asked) == 3
    assert not torch.equal(before, net.whiten.weight)


def test_without_any_picture_the_filters_stay_random() -> None:
    net = AirBench(width=8)
    before = net.whiten.weight.clone()
    net.look_at(iter(()))
    assert torch.equal(before, net.whiten.weight)


def test_what_whitens_is_saved_but_does_not_learn() -> None:
    net = AirBench(width=8)
    assert "whiten.weight" in net.state_dict()
    assert "whiten.weight" not in dict(net.named_parameters())


def test_a_block_begins_by_passing_its_maps_on() -> None:
    net = AirBench(width=8, in_channels=1)
    x = torch.rand(2, 8, 6, 6)
    first = net.block1[0]
    torch.testing.assert_close(first(x), x)
    wider = net.block2[0]  # 8 maps to 32
    torch.testing.assert_close(wider(x)[:, :8], x)


def test_most_nets_look_at_nothing() -> None:
    net = create("lecture_net")
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.look_at(iter([torch.randn(4, 1, 28, 28)]))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
