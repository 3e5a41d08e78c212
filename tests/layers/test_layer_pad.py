"""Padding by NumPy's rules, the torus, and the memory format that wrapping keeps."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from striate.layers import PaddedConv2d, SamePadConv2d

NUMPY = {"zeros": "constant", "replicate": "edge", "wrap": "wrap", "reflect": "reflect"}
TORCH = {"zeros": "zeros", "replicate": "replicate", "wrap": "circular", "reflect": "reflect"}


@settings(deadline=None, max_examples=40)
@given(
    mode=st.sampled_from(sorted(NUMPY)),
    kernel=st.tuples(st.sampled_from([1, 3, 5, 7]), st.sampled_from([1, 3, 5])),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilation=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
)
def test_equals_numpy_padding_and_a_valid_convolution(
    mode: str,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    size: tuple[int, int],
) -> None:
    conv = PaddedConv2d(2, 3, kernel, mode=mode, stride=stride, dilation=dilation).double()
    rows, columns = conv.reach
    if mode == "reflect" and (rows >= size[0] or columns >= size[1]):
        return
    x = torch.randn(2, 2, *size, dtype=torch.float64)
    widths = ((0, 0), (0, 0), (rows, rows), (columns, columns))
    padded = torch.from_numpy(np.pad(x.numpy(), widths, mode=NUMPY[mode]))  # type: ignore[call-overload]
    wanted = F.conv2d(padded, conv.weight, conv.bias, stride=stride, dilation=dilation)
    torch.testing.assert_close(conv(x), wanted)
    assert wanted.shape[2:] == tuple(-(-n // s) for n, s in zip(size, stride, strict=True))


@pytest.mark.parametrize("mode", sorted(TORCH))
def test_takes_the_weights_of_torchs_layer(mode: str) -> None:
    theirs = nn.Conv2d(3, 4, 5, padding=2, padding_mode=TORCH[mode])
    ours = PaddedConv2d(3, 4, 5, mode=mode)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 9, 8)
    torch.testing.assert_close(ours(x), theirs(x))


def test_on_the_torus_a_shift_commutes_and_with_zeros_it_does_not() -> None:
    x = torch.randn(1, 3, 8, 9)

    def residual(mode: str) -> float:
        conv = PaddedConv2d(3, 4, 5, mode=mode)
        shifted_after = conv(x).roll((3, -2), (2, 3))
        return float((conv(x.roll((3, -2), (2, 3))) - shifted_after).detach().abs().max())

    assert residual("wrap") < 1e-5
    assert residual("zeros") > 0.1


@pytest.mark.parametrize("mode", sorted(TORCH))
def test_channels_last_stays_channels_last(mode: str) -> None:
    seen: list[bool] = []
    conv = PaddedConv2d(8, 8, 3, mode=mode).to(memory_format=torch.channels_last)
    x = torch.randn(2, 8, 6, 6).to(memory_format=torch.channels_last)
    original = conv._conv_forward

    def watch(image: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        seen.append(image.is_contiguous(memory_format=torch.channels_last))
        return original(image, weight, bias)

    conv._conv_forward = watch  # type: ignore[method-assign, assignment]
    assert conv(x).is_contiguous(memory_format=torch.channels_last)
    assert seen == [True]


def test_zeros_are_left_to_the_kernel() -> None:
    """No padded copy: the convolution is handed the very storage that came in."""
    seen: list[int] = []
    conv = PaddedConv2d(3, 4, 5)
    original = conv._conv_forward

    def watch(image: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        seen.append(image.data_ptr())
        return original(image, weight, bias)

    conv._conv_forward = watch  # type: ignore[method-assign, assignment]
    x = torch.randn(1, 3, 6, 6)
    conv(x)
    assert seen == [x.data_ptr()]


def test_says_its_arguments() -> None:
    assert str(PaddedConv2d(3, 4, (5, 1), mode="wrap")) == "PaddedConv2d(3, 4, 5x1, mode=wrap)"


@settings(deadline=None, max_examples=60)
@given(
    kernel=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    dilation=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
)
def test_same_pads_no_more_than_the_last_position_needs(
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    size: tuple[int, int],
) -> None:
    conv = SamePadConv2d(1, 1, kernel, stride=stride, dilation=dilation, bias=False).double()
    x = torch.randn(1, 1, *size, dtype=torch.float64)
    around = []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        missing = max((math.ceil(n / s) - 1) * s + d * (k - 1) + 1 - n, 0)
        around.insert(0, (missing // 2, missing - missing // 2))
    padded = F.pad(x, (*around[0], *around[1]))
    expected = F.conv2d(padded, conv.weight, None, stride, 0, dilation)
    assert expected.shape[2:] == tuple(math.ceil(n / s) for n, s in zip(size, stride, strict=True))
    torch.testing.assert_close(conv(x), expected)


def test_same_begins_where_tensorflow_does() -> None:
    """Of an even size a strided 3x3 begins at the first pixel, of an odd size before it."""
    conv = SamePadConv2d(1, 1, 3, stride=2, bias=False)
    nn.init.zeros_(conv.weight)
    conv.weight.data[0, 0, 0, 0] = 1
    for size, first in ((6, 1.0), (7, 0.0)):
        assert conv(torch.ones(1, 1, size, size))[0, 0, 0, 0] == first


def test_same_exports_with_free_sizes() -> None:
    conv = SamePadConv2d(2, 3, 5, stride=2)
    free = torch.export.Dim.DYNAMIC
    program = torch.export.export(
        conv, (torch.randn(1, 2, 9, 12),), dynamic_shapes=({2: free, 3: free},)
    )
    for size in ((12, 9), (31, 40)):
        x = torch.randn(1, 2, *size)
        torch.testing.assert_close(program.module()(x), conv(x))
