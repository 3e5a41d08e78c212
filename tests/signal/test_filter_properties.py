"""What convolution must satisfy, whatever the signal: linearity, shifts, commuting, associating."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.signal import convolve, correlate

seeds = st.integers(0, 2**32 - 1)
shapes = st.tuples(st.integers(1, 12), st.integers(1, 12))
kernel_shapes = st.tuples(st.integers(1, 6), st.integers(1, 6))
paddings = st.sampled_from(["zeros", "replicate", "wrap", "reflect", "full"])
check = settings(deadline=None, max_examples=40)


@check
@given(seeds, shapes, kernel_shapes, paddings, st.floats(-5, 5), st.floats(-5, 5))
def test_linear(seed, shape, kernel_shape, padding, a, b):
    rng = np.random.default_rng(seed)
    x, y, k = rng.standard_normal(shape), rng.standard_normal(shape), rng.random(kernel_shape)
    for f in (convolve, correlate):
        together = f(a * x + b * y, k, padding=padding)
        apart = a * f(x, k, padding=padding) + b * f(y, k, padding=padding)
        np.testing.assert_allclose(together, apart, atol=1e-10)


@check
@given(seeds, shapes, kernel_shapes, st.integers(-9, 9), st.integers(-9, 9))
def test_shift_equivariant_on_the_torus(seed, shape, kernel_shape, down, across):
    rng = np.random.default_rng(seed)
    x, k = rng.standard_normal(shape), rng.standard_normal(kernel_shape)
    shifted = convolve(np.roll(x, (down, across), (0, 1)), k, padding="wrap")
    filtered = np.roll(convolve(x, k, padding="wrap"), (down, across), (0, 1))
    np.testing.assert_allclose(shifted, filtered, atol=1e-10)


@check
@given(seeds, kernel_shapes, kernel_shapes)
def test_convolution_commutes(seed, first, second):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal(first), rng.standard_normal(second)
    np.testing.assert_allclose(
        convolve(a, b, padding="full"), convolve(b, a, padding="full"), atol=1e-10
    )


@check
@given(seeds, shapes, kernel_shapes, kernel_shapes)
def test_convolution_associates(seed, shape, first, second):
    rng = np.random.default_rng(seed)
    x, a, b = rng.standard_normal(shape), rng.standard_normal(first), rng.standard_normal(second)
    one = convolve(convolve(x, a, padding="full"), b, padding="full")
    other = convolve(x, convolve(a, b, padding="full"), padding="full")
    np.testing.assert_allclose(one, other, atol=1e-9)


def test_correlation_neither_commutes_nor_associates():
    a, b, c = np.array([1.0, 2.0]), np.array([1.0, 0.0, 3.0]), np.array([0.0, 1.0, 5.0])
    ab, ba = correlate(a, b, padding="full"), correlate(b, a, padding="full")
    assert ab.tolist() == [3, 6, 1, 2]
    assert ba.tolist() == ab[::-1].tolist() != ab.tolist()
    one = correlate(ab, c, padding="full")
    other = correlate(a, correlate(b, c, padding="full"), padding="full")
    assert one.shape == other.shape
    assert not np.allclose(one, other)


@check
@given(seeds, shapes, kernel_shapes, paddings)
def test_a_symmetric_kernel_makes_no_difference(seed, shape, kernel_shape, padding):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    k = rng.standard_normal([2 * n - 1 for n in kernel_shape])
    k = k + k[::-1, ::-1]
    np.testing.assert_allclose(
        convolve(x, k, padding=padding), correlate(x, k, padding=padding), atol=1e-10
    )


def test_an_asymmetric_kernel_does_make_one():
    x, k = np.array([0.0, 1.0, 0.0]), np.array([1.0, 2.0, 3.0])
    assert convolve(x, k).tolist() == [1, 2, 3]
    assert correlate(x, k).tolist() == [3, 2, 1]
