"""Response normalisation with the paper's alpha, and layer normalisation of maps."""

import pytest
import torch
from torch import nn

from striate.layers import LayerNorm2d, LocalResponseNorm


def test_alexnets_constants_are_the_defaults() -> None:
    norm = LocalResponseNorm()
    assert (norm.size, norm.alpha, norm.beta, norm.k) == (5, 1e-4, 0.75, 2.0)


def test_a_unit_among_equal_neighbours_by_hand() -> None:
    """Seven maps of value 10: the middle ones see five, the outer ones three."""
    y = LocalResponseNorm(k=1.0, alpha=0.01, beta=0.5)(torch.full((1, 7, 1, 1), 10.0)).flatten()
    assert y[3].item() == pytest.approx(10 / (1 + 0.01 * 500) ** 0.5)
    assert y[0].item() == pytest.approx(10 / (1 + 0.01 * 300) ** 0.5)


@pytest.mark.parametrize("channels", [1, 2, 5, 96])
def test_torch_divides_alpha_by_the_window_and_the_paper_does_not(channels: int) -> None:
    x = 20 * torch.randn(2, channels, 6, 7)
    ours = LocalResponseNorm(size=5, alpha=1e-3, beta=0.75, k=2.0)(x)
    torch.testing.assert_close(ours, nn.LocalResponseNorm(5, alpha=5 * 1e-3, beta=0.75, k=2.0)(x))
    assert not torch.allclose(ours, nn.LocalResponseNorm(5, 1e-3, 0.75, 2.0)(x), rtol=1e-3)


def test_gradient_equals_torchs() -> None:
    x = (20 * torch.randn(2, 9, 4, 4)).requires_grad_()
    ours = torch.autograd.grad(LocalResponseNorm(alpha=1e-3)(x).square().sum(), x)
    theirs = torch.autograd.grad(nn.LocalResponseNorm(5, 5e-3, 0.75, 2.0)(x).square().sum(), x)
    torch.testing.assert_close(ours, theirs)


def test_layer_norm_is_torchs_on_the_last_axis_and_shares_its_state() -> None:
    ours, theirs = LayerNorm2d(6), nn.LayerNorm(6, eps=1e-6)
    nn.init.normal_(theirs.weight)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 6, 3, 4)
    torch.testing.assert_close(ours(x), theirs(x.movedim(1, -1)).movedim(-1, 1))
    assert not torch.allclose(LayerNorm2d(6)(x), nn.GroupNorm(1, 6)(x), atol=0.1)


def test_layer_norm_keeps_channels_last() -> None:
    x = torch.randn(2, 6, 3, 4).to(memory_format=torch.channels_last)
    assert LayerNorm2d(6)(x).is_contiguous(memory_format=torch.channels_last)


def test_says_its_arguments() -> None:
    assert str(LocalResponseNorm()) == "LocalResponseNorm(5, alpha=0.0001, beta=0.75, k=2.0)"
