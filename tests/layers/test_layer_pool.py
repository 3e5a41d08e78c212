"""Pools beside torch's: the sum is an average times its area, the global ones adapt to any size."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.layers import GlobalAveragePool, GlobalMaxPool, SumPool1d, SumPool2d


def test_sum_is_the_area_times_the_average() -> None:
    x = torch.randn(2, 3, 8, 9)
    torch.testing.assert_close(SumPool2d(3, 2, 1)(x), 9 * F.avg_pool2d(x, 3, 2, 1))
    torch.testing.assert_close(SumPool2d((2, 3))(x), nn.LPPool2d(1, (2, 3))(x))
    signal = torch.randn(2, 3, 11)
    torch.testing.assert_close(SumPool1d(4, 3, 2)(signal), 4 * F.avg_pool1d(signal, 4, 3, 2))


def test_a_sum_of_zero_has_a_gradient_too() -> None:
    x = torch.zeros(1, 1, 2, 2, requires_grad=True)
    SumPool2d(2)(x).sum().backward()
    assert x.grad is not None
    assert (x.grad == 1).all()


def test_stride_is_the_kernel_where_none_is_given() -> None:
    assert SumPool2d((2, 3))(torch.ones(1, 1, 4, 6)).tolist() == [[[[6.0, 6.0], [6.0, 6.0]]]]
    assert SumPool1d(2)(torch.ones(1, 1, 4)).tolist() == [[[2.0, 2.0]]]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(GlobalAveragePool(), F.adaptive_avg_pool2d), (GlobalMaxPool(), F.adaptive_max_pool2d)],
    ids=["average", "max"],
)
def test_global_pools_equal_torchs_adaptive_ones(ours: nn.Module, theirs: object) -> None:
    assert callable(theirs)
    for size in [(1, 1), (7, 5), (32, 1)]:
        x: Tensor = torch.randn(2, 3, *size)
        torch.testing.assert_close(ours(x), theirs(x, 1).flatten(1))


def test_a_shared_maximum_shares_its_gradient() -> None:
    x = torch.tensor([[[1.0, 5.0, 5.0, 0.0]]], requires_grad=True)
    GlobalMaxPool()(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[[0.0, 0.5, 0.5, 0.0]]]


def test_say_their_arguments() -> None:
    assert str(SumPool1d(3, 2, 1)) == "SumPool1d(3, stride=2, padding=1)"
    assert str(SumPool2d(3, 2, 1)) == "SumPool2d((3, 3), stride=(2, 2), padding=(1, 1))"
