from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.errors import ArgumentError
from striate.signal import convolve, correlate, pad, separable

SCIPY_MODES = {"zeros": "constant", "replicate": "nearest", "wrap": "wrap", "reflect": "mirror"}
seeds = st.integers(0, 2**32 - 1)
shapes = st.tuples(st.integers(1, 40), st.integers(1, 40))
kernel_shapes = st.tuples(st.integers(1, 7), st.integers(1, 7))


def close(result, expected, tolerance):
    """Within `tolerance` of the largest expected magnitude."""
    expected = np.asarray(expected, dtype=np.float64)
    assert result.shape == expected.shape
    scale = max(np.abs(expected).max(initial=0.0), 1e-30)
    assert np.abs(result - expected).max(initial=0.0) <= tolerance * scale


@settings(deadline=None, max_examples=80)
@given(seeds, shapes, kernel_shapes, st.sampled_from(sorted(SCIPY_MODES)), st.booleans())
def test_2d_equals_ndimage(seed, shape, kernel_shape, padding, rank_one):
    rng = np.random.default_rng(seed)
    signal, kernel = rng.random(shape), rng.random(kernel_shape)
    if rank_one:
        kernel = np.outer(kernel[:, 0], kernel[0])
    mode = SCIPY_MODES[padding]
    for ours, theirs in (
        (correlate, scipy.ndimage.correlate),
        (convolve, scipy.ndimage.convolve),
    ):
        expected = theirs(signal, kernel, mode=mode)
        close(ours(signal, kernel, padding=padding), expected, 1e-9)
        close(ours(signal.astype(np.float32), kernel, padding=padding), expected, 1e-6)


@settings(deadline=None, max_examples=60)
@given(seeds, st.integers(1, 90), st.integers(1, 50), st.sampled_from(["full", "valid"]))
def test_1d_equals_scipy_signal(seed, length, taps, padding):
    rng = np.random.default_rng(seed)
    signal, kernel = rng.standard_normal(length), rng.standard_normal(taps)
    if padding == "valid" and taps > length:
        with pytest.raises(ArgumentError, match="No whole window fits"):
            convolve(signal, kernel, padding=padding)
        return
    for ours, theirs in (
        (correlate, scipy.signal.correlate),
        (convolve, scipy.signal.convolve),
    ):
        close(ours(signal, kernel, padding=padding), theirs(signal, kernel, mode=padding), 1e-9)


@settings(deadline=None, max_examples=60)
@given(seeds, shapes, kernel_shapes, st.sampled_from(["full", "valid"]))
def test_2d_full_and_valid_equal_scipy_signal(seed, shape, kernel_shape, padding):
    rng = np.random.default_rng(seed)
    signal, kernel = rng.random(shape), rng.random(kernel_shape)
    if padding == "valid" and any(k > n for k, n in zip(kernel_shape, shape, strict=True)):
        with pytest.raises(ArgumentError, match="No whole window fits"):
            convolve(signal, kernel, padding=padding)
        return
    expected = scipy.signal.convolve2d(signal, kernel, mode=padding)
    close(convolve(signal, kernel, padding=padding), expected, 1e-9)
    close(convolve(signal.astype(np.float32), kernel, padding=padding), expected, 1e-6)


@settings(deadline=None, max_examples=60)
@given(
    seeds,
    shapes,
    kernel_shapes,
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.sampled_from(sorted(SCIPY_MODES)),
)
def test_strides_skip_and_dilations_spread(seed, shape, kernel_shape, stride, dilation, padding):
    rng = np.random.default_rng(seed)
    signal, kernel = rng.random(shape), rng.random(kernel_shape)
    spread = np.zeros([(k - 1) * d + 1 for k, d in zip(kernel_shape, dilation, strict=True)])
    spread[:: dilation[0], :: dilation[1]] = kernel
    # The centre stays tap k // 2, which in the spread kernel is sample (k // 2) * d.
    origin = [
        (k // 2) * d - ((k - 1) * d + 1) // 2 for k, d in zip(kernel_shape, dilation, strict=True)
    ]
    every = scipy.ndimage.correlate(signal, spread, mode=SCIPY_MODES[padding], origin=origin)
    result = correlate(signal, kernel, padding=padding, stride=stride, dilation=dilation)
    close(result, every[:: stride[0], :: stride[1]], 1e-9)


def test_kernels_larger_than_the_signal():
    signal, kernel = np.arange(6.0).reshape(2, 3), np.arange(35.0).reshape(5, 7)
    for padding in SCIPY_MODES:
        # scipy's own borders fail for some of these sizes; numpy's don't.
        padded = pad(signal, [(2, 2), (3, 3)], padding)
        expected = scipy.signal.correlate2d(padded, kernel, mode="valid")
        close(correlate(signal, kernel, padding=padding), expected, 1e-9)


@pytest.mark.parametrize("taps", [1, 2, 9, 41, 201])
def test_1d_on_any_axis_with_everything_else_as_batch(taps):
    rng = np.random.default_rng(0)
    signal, kernel = rng.standard_normal((3, 70, 5)).astype(np.float32), rng.standard_normal(taps)
    for axis in range(3):
        expected = scipy.ndimage.correlate1d(signal.astype(np.float64), kernel, axis, mode="wrap")
        close(correlate(signal, kernel, padding="wrap", axes=(axis,)), expected, 1e-6)


def test_axes_of_an_interleaved_colour_image():
    rng = np.random.default_rng(0)
    image, kernel = rng.random((9, 8, 3)), rng.random((3, 2))
    result = convolve(image, kernel, axes=(0, 1), padding="reflect")
    for band in range(3):
        expected = scipy.ndimage.convolve(image[..., band], kernel, mode="mirror")
        close(result[..., band], expected, 1e-9)
    swapped = convolve(image, kernel.T, axes=(1, -3), padding="reflect")
    np.testing.assert_allclose(swapped, result, rtol=1e-12)


def test_a_large_image_stays_within_the_promise():
    """Several frames, long sums: float32 against float64."""
    rng = np.random.default_rng(0)
    image = rng.random((1500, 1400), dtype=np.float32)
    gaussian = np.exp(-0.5 * (np.arange(-100, 101) / 25) ** 2)
    gaussian /= gaussian.sum()
    down = scipy.ndimage.correlate1d(image.astype(np.float64), gaussian, 0, mode="mirror")
    expected = scipy.ndimage.correlate1d(down, gaussian, 1, mode="mirror")
    close(separable(image, gaussian, gaussian, padding="reflect"), expected, 1e-6)
    dense = rng.standard_normal((31, 31))
    expected = scipy.signal.oaconvolve(image.astype(np.float64), dense, mode="same")
    close(convolve(image, dense), expected, 1e-6)


def test_separable_is_the_outer_product():
    rng = np.random.default_rng(0)
    signal, column, row = rng.random((20, 30)), rng.random(4), rng.random(7)
    expected = scipy.ndimage.correlate(signal, np.outer(column, row), mode="nearest")
    close(separable(signal, column, row, padding="replicate"), expected, 1e-9)


def test_an_empty_batch_and_a_zero_kernel():
    assert not correlate(np.ones((4, 4)), np.zeros((3, 3))).any()
    with pytest.raises(ArgumentError, match="at least one axis and one sample"):
        correlate(np.ones((0, 4, 4)), np.ones((3, 3)))


@pytest.mark.parametrize("padding", ["zeros", "replicate", "wrap", "reflect", "valid", "full"])
def test_gradients_reach_signal_and_kernel(padding):
    signal = torch.rand(2, 6, 7, dtype=torch.float64, requires_grad=True)
    kernel = torch.rand(3, 2, dtype=torch.float64, requires_grad=True)

    def run(s, k):
        return convolve(s, k, padding=padding, stride=(2, 1), dilation=(1, 2))

    assert torch.autograd.gradcheck(run, (signal, kernel))
    torch.testing.assert_close(run(signal, kernel), run(signal.detach(), kernel.detach()))


def test_no_grad_uses_the_engine_and_gives_no_graph():
    signal = torch.rand(6, 7, requires_grad=True)
    with torch.no_grad():
        assert not correlate(signal, torch.ones(3, 3)).requires_grad


BAD_KERNELS = [
    (np.ones((2, 2, 2)), r"kernel: got \(2, 2, 2\), expected 1 or 2 axes"),
    (np.float64(3), r"kernel: got \(\), expected 1 or 2 axes"),
    ([], r"kernel: got \(0,\), expected 1 or 2 axes"),
    (np.ones((0, 3)), r"kernel: got \(0, 3\)"),
    ([1.0, np.nan], "expected finite numbers"),
    ([1.0, np.inf], "expected finite numbers"),
    (torch.tensor([1.0, -torch.inf]), "expected finite numbers"),
    ([1j, 2], "kernel: .* expected real numbers"),
    (torch.ones(2, dtype=torch.complex64), "kernel: .* expected real numbers"),
    (["a"], "kernel: .* expected real numbers"),
    ([None], "kernel: .* expected real numbers"),
    ([[1], [1, 2]], "kernel: .* expected rows of equal length"),
]


@pytest.mark.parametrize(("kernel", "message"), BAD_KERNELS)
def test_bad_kernels(kernel, message):
    with pytest.raises(ArgumentError, match=message) as caught:
        convolve(np.ones((4, 4)), kernel)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [0, -1, 1.5, True, (1, 0), (1, 1, 1), "2", None])
@pytest.mark.parametrize("name", ["stride", "dilation"])
def test_bad_steps(name, value):
    with pytest.raises(ArgumentError, match=f"{name}: got .* expected a whole number from 1"):
        correlate(np.ones((4, 4)), np.ones((2, 2)), **{name: value})


def test_numpy_integers_are_whole_numbers():
    signal, two = np.random.default_rng(0).random((9, 8)), np.int64(2)
    expected = correlate(signal, np.ones((3, 3)), stride=2, dilation=(2, 1))
    for stride in (two, (two, two), np.array([2, 2])):
        result = correlate(signal, np.ones((3, 3)), stride=stride, dilation=np.array([2, 1]))
        np.testing.assert_array_equal(result, expected)


def test_one_axis_may_be_a_number():
    signal = np.random.default_rng(0).random((9, 8))
    expected = correlate(signal, [1, 2, 3], axes=(0,))
    for axes in (0, np.int64(0), np.array([-2])):
        np.testing.assert_array_equal(correlate(signal, [1, 2, 3], axes=axes), expected)


@pytest.mark.parametrize("axes", [0, 1.5, (0.0, 1.0), "ab", (True, False), (0, 1, 2)])
def test_bad_axes_of_a_2d_kernel(axes):
    with pytest.raises(ArgumentError, match=r"axes: got .* expected 2 "):
        correlate(np.ones((4, 4)), np.ones((2, 2)), axes=axes)


def test_bad_names_and_shapes():
    with pytest.raises(ArgumentError, match="Did you mean zeros"):
        correlate(np.ones(4), np.ones(2), padding="zero")
    with pytest.raises(ArgumentError, match=r"at least 2 axes for 2 spatial axes"):
        correlate(np.ones(4), np.ones((2, 2)))
    with pytest.raises(ArgumentError, match=r"row: got \(2, 2\), expected a 1-D kernel"):
        separable(np.ones((4, 4)), np.ones(2), np.ones((2, 2)))
    with pytest.raises(ArgumentError, match=r"column: .* finite"):
        separable(np.ones((4, 4)), [np.nan], np.ones(2))
