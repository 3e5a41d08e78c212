from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from striate.errors import ArgumentError
from striate.signal import pad

NUMPY_MODES = {"zeros": "constant", "replicate": "edge", "wrap": "wrap", "reflect": "reflect"}
sizes = st.integers(1, 6)
pairs = st.tuples(st.integers(0, 13), st.integers(0, 13))


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(sizes, sizes),
    st.tuples(pairs, pairs),
    st.sampled_from(sorted(NUMPY_MODES)),
    st.sampled_from(["uint8", "int64", "float32", "float64", "bool"]),
)
def test_every_mode_equals_numpy_even_where_wider_than_the_signal(shape, widths, mode, dtype):
    signal = (np.random.default_rng(0).random(shape) * 9).astype(dtype)
    padded = pad(signal, widths, mode)
    assert padded.dtype == signal.dtype
    np.testing.assert_array_equal(padded, np.pad(signal, widths, mode=NUMPY_MODES[mode]))


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32, np.uint64, np.float16])
def test_number_types_torch_knows_little_of(dtype):
    signal = np.arange(6, dtype=dtype)
    for mode, name in NUMPY_MODES.items():
        np.testing.assert_array_equal(pad(signal, 4, mode), np.pad(signal, 4, mode=name))


@pytest.mark.parametrize(
    ("lecture", "own"), [("extended", "replicate"), ("cyclic", "wrap"), ("undefined", "valid")]
)
def test_the_lectures_names(lecture, own):
    signal = np.array([5, 4, 2, 3, 7])
    np.testing.assert_array_equal(pad(signal, 2, lecture), pad(signal, 2, own))


def test_the_lectures_picture_of_each_mode():
    signal = np.array([5, 4, 2, 3, 7])
    assert pad(signal, 2, "cyclic").tolist() == [3, 7, 5, 4, 2, 3, 7, 5, 4]
    assert pad(signal, 2, "extended").tolist() == [5, 5, 5, 4, 2, 3, 7, 7, 7]
    assert pad(signal, 2, "zeros").tolist() == [0, 0, 5, 4, 2, 3, 7, 0, 0]
    assert pad(signal, (0, 2), "full").tolist() == [5, 4, 2, 3, 7, 0, 0]
    assert pad(signal, 2, "undefined").tolist() == [5, 4, 2, 3, 7]


def test_widths_name_the_last_axes_unless_axes_say_otherwise():
    signal = np.zeros((2, 3, 4))
    assert pad(signal, 1).shape == (2, 5, 6)
    assert pad(signal, (1, 0)).shape == (2, 4, 5)
    assert pad(signal, [(1, 1), (0, 0)]).shape == (2, 5, 4)
    assert pad(signal, [(1, 1), (2, 0)], axes=(0, 1)).shape == (4, 5, 4)
    assert pad(signal, 1, axes=(0,)).shape == (4, 3, 4)
    assert pad(signal, [(1, 0), (2, 0), (3, 0)]).shape == (3, 5, 7)


def test_kinds_come_out_as_they_came_in_and_never_share_memory():
    array = np.ones((2, 2))
    same = pad(array, 0)
    same[0, 0] = 7
    assert array[0, 0] == 1
    image = pad(Image.new("RGB", (4, 3), "red"), [(1, 1), (2, 2)], "wrap")
    assert (image.mode, image.size) == ("RGB", (8, 5))
    assert image.getpixel((0, 0)) == (255, 0, 0)


def test_a_tensor_keeps_its_gradient():
    signal = torch.arange(4.0, requires_grad=True)
    pad(signal, 2, "reflect").sum().backward()
    assert signal.grad is not None
    assert signal.grad.tolist() == [1, 3, 3, 1]


@pytest.mark.parametrize("widths", [-1, (1, -2), 1.5, (1, 2, 3), "ab", [(1, 2), (3,)], (), None])
def test_bad_widths(widths):
    with pytest.raises(ArgumentError, match=r"widths: got .* expected a number"):
        pad(np.zeros((3, 3)), widths)


def test_a_wrong_mode_names_the_nearest():
    with pytest.raises(ArgumentError, match="Did you mean reflect"):
        pad(np.zeros(3), 1, "reflekt")
    with pytest.raises(ArgumentError, match="padding: got 'None'"):
        pad(np.zeros(3), 1, None)


@pytest.mark.parametrize("axes", [0, np.int64(0), (0,)])
def test_one_axis_may_be_a_number(axes):
    np.testing.assert_array_equal(pad(np.ones((1, 2)), 1, axes=axes), [[0, 0], [1, 1], [0, 0]])


@pytest.mark.parametrize("axes", [0, 1.5, (0, 0), (0, 2), (0,), ("a", 1)])
def test_bad_axes(axes):
    with pytest.raises(ArgumentError, match=r"axes: got .* expected 2"):
        pad(np.zeros((3, 3)), [(1, 1), (1, 1)], axes=axes)
