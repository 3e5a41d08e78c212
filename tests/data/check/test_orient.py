import numpy as np
import pytest

from striate.data.check.orient import (
    frequencies,
    orientations,
    packed_bits,
    turned,
    turned_spectra,
    unit,
)

THUMBS = np.random.default_rng(0).uniform(0, 255, (20, 32, 32)).astype(np.float32)
SPECTRA = frequencies(THUMBS)


@pytest.mark.parametrize("turn", range(8))
def test_turning_a_picture_turns_its_frequencies(turn: int) -> None:
    turns = np.full(20, turn)
    ours = turned_spectra(SPECTRA, turns)
    np.testing.assert_allclose(ours, frequencies(turned(THUMBS, turns)), rtol=1e-3, atol=0.5)


@pytest.mark.parametrize("turn", range(8))
def test_however_a_picture_lies_it_comes_to_the_same_orientation(turn: int) -> None:
    best, possible = orientations(SPECTRA)
    other, _ = orientations(turned_spectra(SPECTRA, np.full(20, turn)))
    home = turned_spectra(SPECTRA, best)
    there = turned_spectra(turned_spectra(SPECTRA, np.full(20, turn)), other)
    np.testing.assert_allclose(home, there, rtol=1e-3, atol=0.5)
    assert possible[np.arange(20), best].all()


def test_the_eight_turns_are_eight_different_ones() -> None:
    image = np.repeat(THUMBS[:1], 8, axis=0)
    assert len({picture.tobytes() for picture in turned(image, np.arange(8))}) == 8


def test_bits_that_differ_measure_the_angle() -> None:
    generator = np.random.default_rng(2)
    one = unit(generator.standard_normal((500, 8, 8)).astype(np.float32))
    other = unit(generator.standard_normal((500, 8, 8)).astype(np.float32))
    between = one + other  # 45 degrees from each
    differing = np.bitwise_count(packed_bits(one) ^ packed_bits(between)).sum(0)
    assert 30 < differing.mean() < 34
    assert packed_bits(one).shape == (2, 500)
