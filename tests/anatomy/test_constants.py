"""Which products are multiply-adds of the network, and which are like a pooling."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.anatomy import summary
from striate.layers import LocalResponseNorm, SCell, TableConv2d


def band(x: Tensor) -> Tensor:
    channel = torch.arange(x.shape[1])
    return ((channel[:, None] - channel).abs() <= 1).to(x.dtype)[:, :, None, None]


class Fixed(nn.Module):
    """A convolution with numbers made in `forward`, in one of the ways to make them."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        kernels = {
            "arange": band,
            "new": lambda x: x.new_ones(4, 4, 1, 1),
            "like": lambda x: torch.ones_like(x)[0, :, :, :1].expand(4, 4, 6, 1)[:, :, :1],
            "list": lambda x: torch.tensor([[0.25] * 4] * 4)[:, :, None, None],
            "random": lambda x: torch.empty(4, 4, 1, 1).uniform_(-1, 1),
        }
        return F.conv2d(x, kernels[self.how](x))


class Scattered(nn.Module):
    """Weights written into zeros, through a view: after that the zeros are weights."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 2, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        full = torch.zeros(4, 4, 1, 1)
        full[:, :2].copy_(self.weight)
        return F.conv2d(x, full)


class Attention(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(2)
        return flat @ flat.mT


class Places(nn.Module):
    """A layer of weights that reads the places, not the data."""

    def __init__(self) -> None:
        super().__init__()
        self.code = nn.Linear(1, 4)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.code(torch.arange(6.0)[:, None]).T[None, :, None]


class Biased(nn.Module):
    """A linear layer whose bias, not its weight, is a constant."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 6))

    def forward(self, x: Tensor) -> Tensor:
        return torch.addmm(torch.zeros(3), x[0, 0], self.weight.T)


def macs(net: nn.Module) -> int:
    found = summary(nn.Sequential(net), (4, 6, 6))
    assert found.failure is None
    return found.macs


@pytest.mark.parametrize("how", ["arange", "new", "like", "list", "random"])
def test_the_data_times_numbers_made_on_the_spot_counts_none(how: str) -> None:
    assert macs(Fixed(how)) == 0


def test_response_norm_counts_none() -> None:
    assert macs(LocalResponseNorm()) == macs(nn.LocalResponseNorm(5)) == 0


def test_weights_count_wherever_they_lie() -> None:
    assert macs(TableConv2d(4, [(0, 1), (2, 3)], 3)) == 2 * 4 * 9 * 16
    assert macs(Scattered()) == 4 * 4 * 36
    assert macs(SCell(4, 3, 3, padding=1)) == (3 + 1) * 4 * 9 * 36  # its fixed window is a buffer
    assert macs(Places()) == 6 * 4
    assert macs(Biased()) == 6 * 6 * 3


def test_data_times_data_counts() -> None:
    assert macs(Attention()) == 4 * 36 * 4
