"""The matrix does what `convolve` does, and its facts are counted right."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.linalg import convolution_matrix

from striate.errors import ArgumentError
from striate.signal import as_matrix, as_sparse, convolve, matrix_facts

PADDINGS = ["zeros", "replicate", "wrap", "reflect", "valid", "full", "cyclic"]


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_the_matrix_times_the_signal_is_the_convolution(data):
    dimensions = data.draw(st.integers(1, 2))
    sizes = st.tuples(*[st.integers(1, 8)] * dimensions)
    steps = st.tuples(*[st.integers(1, 3)] * dimensions)
    shape, stride, dilation = data.draw(sizes), data.draw(steps), data.draw(steps)
    taps = data.draw(st.tuples(*[st.integers(1, 5)] * dimensions))
    padding = data.draw(st.sampled_from(PADDINGS))
    spans = [d * (k - 1) for d, k in zip(dilation, taps, strict=True)]
    assume(padding != "valid" or all(s < n for s, n in zip(spans, shape, strict=True)))
    generator = np.random.default_rng(data.draw(st.integers(0, 99)))
    signal, kernel = generator.normal(size=shape), generator.normal(size=taps)
    options = {"padding": padding, "stride": stride, "dilation": dilation}
    matrix = as_matrix(kernel, shape, **options)
    wanted = convolve(signal, kernel, **options)
    np.testing.assert_allclose(matrix @ signal.ravel(), wanted.ravel(), atol=1e-10)
    sparse = as_sparse(kernel, shape, **options)
    np.testing.assert_array_equal(sparse.to_dense().numpy(), matrix)
    facts = matrix_facts(kernel, shape, **options)
    assert (facts.rows, facts.columns) == matrix.shape
    assert facts.nonzero == np.count_nonzero(np.abs(matrix) > 1e-12)


@pytest.mark.parametrize(("padding", "mode"), [("full", "full"), ("valid", "valid")])
def test_one_dimension_is_the_toeplitz_matrix_of_scipy(padding, mode):
    ours = as_matrix([1, 2, -4], 6, padding=padding)
    np.testing.assert_array_equal(ours, convolution_matrix([1, 2, -4], 6, mode=mode))


def test_the_lectures_claim_mostly_zero_and_tied():
    facts = matrix_facts(np.arange(1, 10).reshape(3, 3), (28, 28))
    # 28 windows meet 3 taps each, less one at either end, along both axes.
    assert (facts.rows, facts.columns, facts.nonzero) == (784, 784, (3 * 28 - 2) ** 2)
    assert facts.distinct == 9
    assert facts.sparsity == pytest.approx(1 - 6724 / 614656)
    assert facts.dense_bytes == 8 * 784 * 784
    assert str(facts) == (
        "784 x 784 = 614,656 entries (4.92 MB in float64), 6,724 not zero (98.91% zeros), "
        "9 distinct weights"
    )


def test_taps_that_meet_are_added_and_cancelled_ones_are_zero():
    assert as_matrix([1, 10, 100], 2, padding="replicate").tolist() == [[110, 1], [100, 11]]
    facts = matrix_facts([1, 0, -1], 1, padding="replicate")
    assert (facts.nonzero, facts.distinct, facts.sparsity) == (0, 0, 1)


def test_numpy_integers_are_whole_numbers():
    expected = as_matrix(np.ones((2, 2)), (4, 4), stride=2)
    result = as_matrix(np.ones((2, 2)), np.array([4, 4]), stride=np.int64(2))
    np.testing.assert_array_equal(result, expected)


def test_facts_of_a_matrix_that_no_memory_holds():
    facts = matrix_facts(np.ones((3, 3)), (300, 300))
    assert facts.dense_bytes == 8 * 300**4
    assert (facts.nonzero, facts.distinct) == (898**2, 1)
    assert "64.8 GB" in str(facts)


def test_a_kernel_may_be_a_tensor_that_is_being_learned():
    kernel = torch.tensor([1.0, 2.0], requires_grad=True)
    assert as_matrix(kernel, 2, padding="full").tolist() == [[1, 0], [2, 1], [0, 2]]


def test_the_dense_guard_says_how_many_bytes():
    with pytest.raises(
        ArgumentError, match=r"shape: got \(224, 224\).* 50,176 x 50,176 float64 need 20.1 GB"
    ):
        as_matrix(np.ones((3, 3)), (224, 224))


def test_the_sparse_guard_counts_taps():
    with pytest.raises(ArgumentError, match="at most 30,000,000 taps of windows, not 144,000,000"):
        matrix_facts(np.ones((3, 3)), (4000, 4000))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([1, 2], (3, 3)), "shape"),
        (([1, 2], 0), "shape: got 0"),
        (([1, 2, 3], 2, "valid"), "valid"),
        (([1, 2], 3, "mirror"), "padding"),
        (([1, np.nan], 3), "finite"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    kernel, shape, *padding = arguments
    with pytest.raises(ArgumentError, match=words):
        as_matrix(kernel, shape, **dict(zip(["padding"], padding, strict=False)))
