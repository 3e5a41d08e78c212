"""Responses become pixels by one rule, whatever kind of picture came in."""

import cv2
import numpy as np
import pytest
from PIL import Image

from striate.errors import ArgumentError
from striate.signal import KERNELS, kernel
from striate.signal.picture import Showing, filtered, plain
from striate.signal.strip import boxed, eight_bit, heat, side_by_side, swatch


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


def test_edges_are_shown_as_opencv_does():
    pixels = noise(20, 30)
    theirs = cv2.convertScaleAbs(cv2.Sobel(pixels, cv2.CV_32F, 1, 0, ksize=3))
    ours = np.asarray(filtered(Image.fromarray(pixels), kernel("sobel-x")))
    np.testing.assert_array_equal(ours, theirs)


def test_sharpening_is_clipped_as_opencv_does():
    pixels = noise(20, 30, 3)
    theirs = cv2.filter2D(pixels, -1, kernel("sharpen"))
    ours = np.asarray(filtered(Image.fromarray(pixels), kernel("sharpen")))
    np.testing.assert_array_equal(ours, theirs)


def test_which_kernels_lose_their_sign_and_which_are_scaled():
    showings = {name: Showing.of(kernel(name)) for name in KERNELS}
    signed = {name for name, showing in showings.items() if showing.absolute}
    assert set(KERNELS) - signed == {"identity", "box", "gaussian", "sharpen"}
    assert {n for n, showing in showings.items() if showing.scale != 1} == {"log", "gabor"}
    table = kernel("gabor") * showings["gabor"].scale
    assert table[table > 0].sum() == pytest.approx(4)


@pytest.mark.parametrize("text", ["log", "gabor", "gabor:phase=60"])
def test_a_kernel_and_its_negative_are_shown_alike(text):
    assert Showing.of(-kernel(text)) == Showing.of(kernel(text))
    assert Showing.of(np.full((1, 2), -0.5)) == Showing(absolute=True, scale=4)


def test_sixteen_bit_pictures_stay_sixteen_bit():
    pixels = noise(9, 9).astype(np.uint16) * 200
    out = filtered(plain(Image.fromarray(pixels)), kernel("identity"))
    assert out.mode == "I;16"
    np.testing.assert_array_equal(np.asarray(out), pixels)


@pytest.mark.parametrize("padding", ["reflect", "valid"])
def test_alpha_stays_as_it_is(padding):
    image = Image.fromarray(noise(9, 11, 4))
    out = filtered(image, kernel("box:size=5"), padding)
    alpha = np.asarray(image)[..., 3]
    assert out.mode == "RGBA"
    wanted = alpha[2:-2, 2:-2] if padding == "valid" else alpha
    np.testing.assert_array_equal(np.asarray(out)[..., 3], wanted)


def test_palettes_bits_and_cmyk_become_colours():
    colour = Image.fromarray(noise(8, 8, 3))
    palette = colour.convert("P")
    assert plain(palette).mode == "RGB"
    np.testing.assert_array_equal(np.asarray(plain(palette)), np.asarray(palette.convert("RGB")))
    palette.info["transparency"] = 0
    assert plain(palette).mode == "RGBA"
    assert plain(colour.convert("CMYK")).mode == "RGB"
    bits = Image.fromarray(noise(8, 8) > 99)
    assert bits.mode == "1"
    assert set(np.unique(np.asarray(plain(bits)))) == {0, 255}
    assert plain(Image.fromarray(noise(4, 4).astype(np.int32) * 256)).mode == "I;16"


def test_numbers_without_a_known_white_are_refused():
    with pytest.raises(ArgumentError, match="image: got '32-bit floating point'"):
        plain(Image.fromarray(np.ones((3, 3), np.float32)))
    with pytest.raises(ArgumentError, match="numbers from -1 to -1', expected 0 to 65535"):
        plain(Image.fromarray(np.full((3, 3), -1, np.int32)))


def test_swatch_colours_signs_and_writes_numbers_only_where_they_fit():
    small = swatch(kernel("sobel-x"))
    assert small.size == (318, 318)
    red, blue = small.getpixel((230, 120)), small.getpixel((20, 120))
    assert red[0] > 2 * red[2]
    assert blue[2] > 2 * blue[0]
    assert len(small.getcolors(4096)) > 20  # numbers: the greys of smoothed letters
    large = swatch(kernel("gaussian:sigma=4"))
    assert len(large.getcolors(4096)) <= 33**2 // 2


def test_strip_holds_every_panel_enlarged_or_reduced():
    tiny, huge = Image.fromarray(noise(20, 30)), Image.new("RGB", (2000, 1000), "red")
    strip = side_by_side([(tiny, "tiny"), (huge, "huge")])
    assert strip.size == (240 + 480 + 3 * 16, 240 + 16 + 28)
    assert strip.getpixel((600, 100)) == (255, 0, 0)


def test_heat_is_brightest_at_the_centre_of_the_best_window():
    scores = np.zeros((7, 9))
    scores[2, 3] = 1
    picture = np.asarray(heat(scores, (12, 11), (4, 5))).sum(-1)
    assert np.unravel_index(picture.argmax(), picture.shape) == (2 + 2, 3 + 2)
    assert picture[0, 0] == 3 * 128


def test_box_surrounds_what_was_found_and_leaves_it_visible():
    image = Image.fromarray(noise(40, 40))
    out = np.asarray(boxed(image, (10, 12), (8, 6)))
    np.testing.assert_array_equal(out[12:18, 10:18, 0], np.asarray(image)[12:18, 10:18])
    assert out[11, 10:18].tolist() == [[255, 255, 0]] * 8
    assert out[12:18, 18].tolist() == [[255, 255, 0]] * 6


def test_eight_bit_view_lays_transparency_on_white():
    see_through = Image.new("RGBA", (2, 2), (9, 9, 9, 0))
    assert eight_bit(see_through).getpixel((0, 0)) == (255, 255, 255)
    deep = Image.fromarray(np.full((2, 2), 65535, np.uint16))
    assert eight_bit(deep).getpixel((0, 0)) == (255, 255, 255)
