"""Light and colour, beside Pillow and the formulas."""

import math

import numpy as np
import pytest
import scipy.stats
import torch
from augment_forced import forced, photo
from PIL import Image, ImageEnhance, ImageOps

from striate.data.augment import (
    IMAGENET,
    AutoContrast,
    Colour,
    ColourShift,
    Posterise,
    Sharpness,
    Solarise,
    Stream,
    principal_colours,
)
from striate.data.augment.op import Shape
from striate.errors import ArgumentError


def pil(image: torch.Tensor) -> Image.Image:
    return Image.fromarray(image.permute(1, 2, 0).numpy().squeeze())


def apart(ours: torch.Tensor, theirs: Image.Image) -> int:
    """The largest difference from Pillow's result."""
    theirs_planes = np.asarray(theirs).reshape(*ours.shape[1:], -1)
    return int(np.abs(ours.permute(1, 2, 0).numpy().astype(int) - theirs_planes).max())


@pytest.mark.parametrize("factor", [0.2, 0.75, 1.0, 1.4, 2.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_brightness_and_contrast_are_pillows(factor: float, channels: int) -> None:
    image = photo(channels=channels)
    number = factor / 2
    bright = forced(Colour(brightness=1.0), image, number, 0.5, 0.5, 0.5)[0]
    assert apart(bright, ImageEnhance.Brightness(pil(image[0])).enhance(factor)) <= 1
    contrast = forced(Colour(contrast=1.0), image, 0.5, number, 0.5, 0.5)[0]
    assert apart(contrast, ImageEnhance.Contrast(pil(image[0])).enhance(factor)) <= 2


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 1.6])
def test_saturation_and_sharpness_are_pillows(factor: float) -> None:
    image = photo()
    vivid = forced(Colour(saturation=1.0), image, 0.5, 0.5, factor / 2, 0.5)[0]
    assert apart(vivid, ImageEnhance.Color(pil(image[0])).enhance(factor)) <= 2
    sharp = forced(Sharpness(1.0), image, factor / 2)[0]
    assert apart(sharp, ImageEnhance.Sharpness(pil(image[0])).enhance(factor)) <= 2


def test_the_four_are_one_after_the_other() -> None:
    image = torch.rand(2, 3, 9, 11, generator=torch.Generator().manual_seed(0)) * 0.2 + 0.4
    numbers = (0.7, 0.3, 0.8, 0.6)
    together = forced(Colour(0.2, 0.2, 0.2, 0.1), image, *numbers)
    settings = ("brightness", "contrast", "saturation", "hue")
    step_by_step = image
    for i, (name, reach) in enumerate(zip(settings, (0.2, 0.2, 0.2, 0.1), strict=True)):
        one = [numbers[j] if i == j else 0.5 for j in range(4)]
        step_by_step = forced(Colour(**{name: reach}), step_by_step, *one)
    assert torch.allclose(together, step_by_step, atol=1e-5)


def test_hue_turns_chroma_and_keeps_luma() -> None:
    image = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 0.1 + 0.45
    to_yiq = np.array([[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263],
                       [0.211456, -0.522591, 0.311135]])  # fmt: skip
    before, after = (
        np.einsum("ij,jhw->ihw", to_yiq, x[0].double().numpy())
        for x in (image, forced(Colour(hue=0.5), image, 0.5, 0.5, 0.5, 0.65))
    )
    np.testing.assert_allclose(after[0], before[0], atol=1e-6)
    turn = np.exp(2j * math.pi * 0.15)
    np.testing.assert_allclose(
        after[1] + 1j * after[2], (before[1] + 1j * before[2]) * turn, atol=1e-6
    )


def test_grey_stays_grey() -> None:
    grey = torch.full((1, 3, 4, 4), 90, dtype=torch.uint8)
    assert torch.equal(forced(Colour(saturation=1.0, hue=0.5), grey, 0.5, 0.5, 0.9, 0.8), grey)


def test_a_grey_picture_becomes_the_grey_of_the_colour_one() -> None:
    grey = photo(channels=1).float() / 255 * 0.4 + 0.3
    luma = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    for step in (Colour(0.2, 0.2, 0.2, 0.1), ColourShift(0.3)):
        numbers = (0.9, 0.2, 0.8, 0.6)[: step.draws]
        colour = forced(step, grey.expand(-1, 3, -1, -1), *numbers)
        expected = (colour * luma).sum(1, keepdim=True)
        assert torch.allclose(forced(step, grey, *numbers), expected, atol=1e-5)


def test_factors_are_even_and_independent() -> None:
    plan = Colour(0.4, 0.4, 0.0, 0.0).plan(
        Stream(0, 0, torch.arange(4000)).uniform(0, 4), Shape(3, 8, 8)
    )
    gain, pull = plan[:, 0], plan[:, 1]
    brightness = gain + pull  # b c - (c - 1) b = b
    assert scipy.stats.kstest(brightness.numpy(), "uniform", (0.6, 0.8)).pvalue > 1e-3
    contrast = gain / brightness
    assert scipy.stats.kstest(contrast.numpy(), "uniform", (0.6, 0.8)).pvalue > 1e-3
    assert scipy.stats.pearsonr(brightness, contrast).pvalue > 1e-3


def test_the_colour_shift_is_the_papers_formula() -> None:
    image = torch.full((1, 3, 5, 5), 0.5)
    quantiles = (0.9, 0.2, 0.6)
    a = scipy.stats.norm.ppf(quantiles) * 0.1
    expected = 0.5 + np.array(IMAGENET.vectors).T @ (a * np.array(IMAGENET.values))
    shifted = forced(ColourShift(0.1), image, *quantiles)
    np.testing.assert_allclose(shifted[0, :, 2, 3], expected, atol=1e-6)


def test_imagenets_components_are_orthonormal() -> None:
    vectors = np.array(IMAGENET.vectors)
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(3), atol=2e-4)


def test_components_of_own_pictures_are_numpys() -> None:
    images = photo(count=4)
    found = principal_colours(images)
    covariance = np.cov(images.transpose(0, 1).flatten(1).double().numpy() / 255, bias=True)
    values, vectors = np.linalg.eigh(covariance)
    np.testing.assert_allclose(found.values, values[::-1], atol=1e-10)
    for ours, theirs in zip(found.vectors, vectors.T[::-1], strict=True):
        assert abs(np.dot(ours, theirs)) == pytest.approx(1)
    own = ColourShift(0.1, found)
    shifts = own.plan(Stream(0, 0, torch.arange(20_000)).uniform(0, 3), Shape(3, 5, 5)).numpy()
    expected = 0.01 * sum(
        v**2 * np.outer(e, e) for v, e in zip(found.values, found.vectors, strict=True)
    )
    np.testing.assert_allclose(np.cov(shifts.T), expected, atol=0.05 * expected.max())


def test_tones_are_pillows() -> None:
    image = photo()
    picture = pil(image[0])
    assert apart(forced(Solarise((0.5, 1.0)), image, 0.2)[0], ImageOps.solarize(picture, 153)) == 0
    for bits in range(1, 9):
        ours = forced(Posterise((bits, bits)), image, 0.5)[0]
        assert apart(ours, ImageOps.posterize(picture, bits)) == 0
    assert apart(forced(AutoContrast(), image)[0], ImageOps.autocontrast(picture)) <= 1
    flat = torch.full_like(image, 7)
    assert torch.equal(forced(AutoContrast(), flat), flat)
    tiny = photo(2, 9)
    assert torch.equal(forced(Sharpness(), tiny, 0.9), tiny)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Colour(brightness=-0.1), "brightness: got -0.1"),
        (lambda: Colour(contrast=1.1), "contrast: got 1.1"),
        (lambda: Colour(saturation=2), "saturation: got 2"),
        (lambda: Colour(hue=0.6), "hue: got 0.6"),
        (lambda: forced(Colour(hue=0.1), photo(channels=2), 0, 0, 0, 0), "channels: got 2"),
        (lambda: forced(ColourShift(), photo(channels=2), 0.1, 0.1, 0.1), "channels: got 2, exp"),
        (lambda: ColourShift(-1), "strength: got -1"),
        (lambda: principal_colours(torch.zeros(0, 3, 4, 4)), r"images: got \(0, 3, 4, 4\)"),
        (lambda: Solarise((0.5, 1.5)), "threshold: got"),
        (lambda: Posterise((0, 4)), r"bits: got \(0, 4\)"),
        (lambda: Sharpness(9), "strength: got 9"),
    ],
)
def test_wrong_settings_are_named(make, match) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError, match=match):
        make()
