"""Planted patterns are found, and the score is OpenCV's."""

import sys
import time

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from striate.errors import ArgumentError
from striate.signal import match


def noise(seed, *shape):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def coefficient(window, pattern):
    window, pattern = window - window.mean(), pattern - pattern.mean()
    return (window * pattern).sum() / np.sqrt((window**2).sum() * (pattern**2).sum())


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_planted_patterns_are_found(data):
    rows, columns = data.draw(st.integers(8, 60)), data.draw(st.integers(8, 60))
    height, width = data.draw(st.integers(3, rows)), data.draw(st.integers(3, columns))
    row = data.draw(st.integers(0, rows - height))
    column = data.draw(st.integers(0, columns - width))
    image = noise(data.draw(st.integers(0, 99)), rows, columns)
    pattern = image[row : row + height, column : column + width]
    contrast = data.draw(st.sampled_from([0.25, 1.0, 3.0]))
    found = match(image, pattern * contrast + data.draw(st.sampled_from([-9.0, 0.0, 100.0])))
    assert (found.row, found.column) == (row, column)
    assert found.score == pytest.approx(1, abs=1e-6)
    assert found.scores.shape == (rows - height + 1, columns - width + 1)


def test_every_score_equals_the_formula():
    image = np.random.default_rng(1).normal(size=(19, 23))
    pattern = np.random.default_rng(2).normal(size=(4, 7))
    scores = match(image, pattern).scores
    for row, column in np.ndindex(scores.shape):
        window = image[row : row + 4, column : column + 7]
        assert scores[row, column] == pytest.approx(coefficient(window, pattern), abs=1e-12)


@pytest.mark.parametrize("shape", [(64, 80), (64, 80, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_equals_opencv(shape, dtype):
    image = cv2.GaussianBlur(noise(3, *shape), (0, 0), 2).astype(dtype)
    pattern = cv2.GaussianBlur(noise(4, 17, 12, *shape[2:]), (0, 0), 1.5).astype(dtype)
    theirs = cv2.matchTemplate(image, pattern, cv2.TM_CCOEFF_NORMED)
    found = match(image, pattern, axes=(0, 1))
    np.testing.assert_allclose(found.scores, theirs, atol=1e-4)
    assert found.scores.dtype == np.float32
    assert (found.row, found.column) == np.unravel_index(theirs.argmax(), theirs.shape)


def test_tall_images_in_several_slabs_equal_one(monkeypatch):
    image, pattern = noise(5, 150, 40), noise(6, 9, 11)
    whole = match(image, pattern).scores
    # The package attribute `match` is the function, so the module is fetched by its full name.
    monkeypatch.setattr(sys.modules["striate.signal.match"], "_SLAB", 40 * 37)
    np.testing.assert_allclose(match(image, pattern).scores, whole, atol=1e-6)


def test_the_negative_scores_minus_one():
    image = noise(7, 20, 20)
    scores = match(image, 255 - image[3:9, 4:11]).scores
    assert scores[3, 4] == pytest.approx(-1, abs=1e-6)


def test_one_level_of_contrast_counts_and_none_does_not():
    image = np.full((3000, 40), 200, np.uint8)
    image[2500, 20] = 201
    pattern = np.zeros((9, 9), np.uint8)
    pattern[4, 4] = 9
    found = match(image, pattern)
    assert (found.row, found.column, found.ties) == (2496, 16, 0)
    assert found.score == pytest.approx(1, abs=1e-6)
    assert np.count_nonzero(found.scores) == 81


def test_a_flat_image_scores_nothing_anywhere():
    found = match(np.full((12, 9), 0.1), noise(8, 3, 3))
    assert (found.score, found.ties) == (0, 10 * 7 - 1)


def test_ties_are_counted_and_the_first_in_reading_order_wins():
    tile = noise(9, 8, 8)
    found = match(np.tile(tile, (2, 3)), tile)
    assert (found.row, found.column, found.ties) == (0, 0, 5)
    assert found.places() == [(0, 0), (0, 8), (0, 16), (8, 0), (8, 8), (8, 16)]
    assert found.places(2) == [(0, 0), (0, 8)]


def test_rounding_does_not_break_a_tie():
    tile = np.random.default_rng(9).normal(size=(11, 13))
    found = match(np.tile(tile, (4, 5)), tile)
    best = found.scores[::11, ::13]
    assert len(np.unique(best)) > 1
    assert (found.row, found.column, found.ties) == (0, 0, 19)


def test_kinds_in_and_out():
    colour = noise(10, 30, 40, 3)
    part = colour[5:15, 6:18]
    from_array = match(colour, part, axes=(0, 1))
    from_image = match(Image.fromarray(colour), Image.fromarray(part))
    tensors = [torch.from_numpy(a).movedim(-1, 0) for a in (colour, part)]
    from_tensor = match(*tensors)
    assert isinstance(from_tensor.scores, torch.Tensor)
    for found in (from_array, from_image, from_tensor):
        assert (found.row, found.column) == (5, 6)
        np.testing.assert_allclose(np.asarray(found.scores), from_array.scores, atol=1e-6)


def test_a_big_offset_does_not_drown_the_pattern():
    image = np.random.default_rng(11).normal(1e6, 0.001, (50, 50))
    found = match(image, image[20:28, 30:39])
    assert (found.row, found.column) == (20, 30)
    assert found.score == pytest.approx(1, abs=1e-6)


def test_inputs_stay_as_they_are():
    image, pattern = np.random.default_rng(0).normal(size=(2, 9, 9))
    before = image.copy(), pattern.copy()
    match(image, pattern[:3, :3])
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(pattern, before[1])


@pytest.mark.parametrize(
    ("image", "pattern", "words"),
    [
        (noise(0, 5, 9), noise(0, 6, 3), "pattern: got '3 x 6 pixels', expected at most.* 9 x 5"),
        (noise(0, 9, 9), np.full((3, 3), 0.1), "the same value everywhere"),
        (noise(0, 9, 9), noise(0, 1, 1), "the same value everywhere"),
        (noise(0, 3, 9, 9), noise(0, 3, 3), "got '1 channels', expected 3"),
        (np.full((4, 4), np.nan), noise(0, 3, 3), "image: got 'NaN or infinity in it'"),
        (noise(0, 9, 9), np.full((2, 2), np.inf), "pattern: got 'NaN or infinity in it'"),
        (noise(0, 9), noise(0, 3, 3), "at least 2 axes"),
    ],
)
def test_bad_input_is_named(image, pattern, words):
    with pytest.raises(ArgumentError, match=words):
        match(image, pattern)


@pytest.mark.slow
def test_twelve_megapixels_in_at_most_twelve_times_opencvs_time():
    image = cv2.GaussianBlur(noise(12, 3000, 4000), (0, 0), 2)
    pattern = image[1000:1064, 2000:2064].copy()
    ours, theirs = [], []
    for _ in range(5):  # in turn, so that a busy machine slows both
        for times, run in (
            (ours, lambda: match(image, pattern)),
            (theirs, lambda: cv2.matchTemplate(image, pattern, cv2.TM_CCOEFF_NORMED)),
        ):
            start = time.perf_counter()
            result = run()
            times.append(time.perf_counter() - start)
    found = match(image, pattern)
    assert (found.row, found.column) == (1000, 2000)
    np.testing.assert_allclose(found.scores, result, atol=1e-4)
    # Double precision against OpenCV's single precision, with room for a busy machine.
    assert min(ours) < 12 * min(theirs)
