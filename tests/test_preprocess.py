import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from striate.errors import ArgumentError, StriateError
from striate.preprocess import Preprocess

GREY = Preprocess(size=(4, 6), channels=1, mean=(0.5,), std=(0.25,))
COLOUR = Preprocess(size=(4, 6), channels=3, mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 3.0))


def test_pixels_of_the_right_size_are_kept() -> None:
    array = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    assert torch.equal(
        COLOUR.pixels(Image.fromarray(array)), torch.from_numpy(array).permute(2, 0, 1)
    )


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "I;16", "LA", "PA"])
@pytest.mark.parametrize("record", [GREY, COLOUR])
def test_every_mode_becomes_the_shape_of_the_record(record: Preprocess, mode: str) -> None:
    pixels = record.pixels(Image.new(mode, (10, 7)))
    assert pixels.shape == (record.channels, 4, 6)
    assert pixels.dtype == torch.uint8


def test_sixteen_bits_become_eight_by_the_high_byte() -> None:
    array = np.array([[0, 255, 256], [30_000, 65_280, 65_535]], dtype=np.uint16)
    record = Preprocess(size=(2, 3), channels=1, mean=(0.5,), std=(0.25,))
    assert record.pixels(Image.fromarray(array)).tolist() == [[[0, 0, 1], [117, 255, 255]]]


def test_what_is_transparent_shows_white_paper() -> None:
    record = Preprocess(size=(1, 2), channels=1, mean=(0.5,), std=(0.25,))
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))  # black, but nothing of it is seen
    image.putpixel((1, 0), (0, 0, 0, 255))
    assert record.pixels(image).tolist() == [[[255, 0]]]


def test_whole_numbers_of_unknown_scale_are_refused() -> None:
    with pytest.raises(StriateError, match="nothing says which value is white"):
        GREY.pixels(Image.new("I", (6, 4)))


def real(*values: float) -> list[int]:
    """What real pixels become, in one row."""
    record = Preprocess(size=(1, len(values)), channels=1, mean=(0.5,), std=(0.25,))
    pixels = record.pixels(Image.fromarray(np.array([values], dtype=np.float32)))
    return [int(value) for value in pixels.flatten()]


def test_real_numbers_are_scaled_by_their_range() -> None:
    assert real(0, 0.5, 1) == [0, 128, 255]
    assert real(0, 0.5, 1.5, 254.6) == [0, 0, 2, 255]


@pytest.mark.parametrize(
    ("value", "message"),
    [(float("nan"), "no numbers"), (float("inf"), "infinite"), (-1, "from -1 to 0"), (256, "256")],
)
def test_real_numbers_without_a_scale_are_refused(value: float, message: str) -> None:
    with pytest.raises(StriateError, match=message):
        real(0, value)


def test_normalise_is_the_formula() -> None:
    batch = torch.randint(0, 256, (2, 3, 4, 6), dtype=torch.uint8)
    for band in range(3):
        expected = (batch[:, band] / 255 - COLOUR.mean[band]) / COLOUR.std[band]
        torch.testing.assert_close(COLOUR.normalise(batch)[:, band], expected)


def test_normalise_leaves_its_input_alone() -> None:
    batch = torch.full((1, 1, 4, 6), 200, dtype=torch.uint8)
    GREY.normalise(batch)
    assert (batch == 200).all()


def test_a_record_survives_json() -> None:
    padded = replace(COLOUR, fit="pad", antialias=False, background=(1, 2, 3))
    for record in (COLOUR, padded):
        assert Preprocess.from_dict(json.loads(json.dumps(record.to_dict()))) == record


def test_lanczos_needs_its_antialias() -> None:
    with pytest.raises(ArgumentError, match="without antialias nearest or bilinear"):
        replace(GREY, interpolation="lanczos", antialias=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": 2}, "channels: got 2"),
        ({"size": (0, 4)}, "size: got"),
        ({"mean": (0.1,)}, "mean and std"),
        ({"mean": (0.1, float("inf"), 0.1)}, "mean: got .* expected finite values"),
        ({"mean": (0.1, 0.1, float("nan"))}, "mean: got"),
        ({"std": (1.0, 0.0, 1.0)}, "std: got"),
        ({"std": (1.0, float("nan"), 1.0)}, "std: got"),
        ({"size": ("four", 6)}, "size, channels, mean and std"),
        ({"background": 3}, "size, channels, mean and std"),
    ],
)
def test_bad_records_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Preprocess.from_dict({**COLOUR.to_dict(), **change})


def test_missing_fields_are_named() -> None:
    with pytest.raises(ArgumentError, match="size, channels, mean and std"):
        Preprocess.from_dict({"size": [4, 6]})


def test_a_crop_takes_the_middle_and_keeps_proportions() -> None:
    """A wide picture: the middle square is white, its sides are black."""
    array = np.zeros((20, 40, 3), dtype=np.uint8)
    array[:, 10:30] = 255
    record = Preprocess((10, 10), 3, (0.5,) * 3, (1.0,) * 3, fit="crop", interpolation="bicubic")
    cut = record.pixels(Image.fromarray(array))
    assert (cut[:, :, 1:-1] == 255).all()  # the filter of the outermost columns reaches outside
    assert (cut > 200).all()
    squashed = Preprocess((10, 10), 3, (0.5,) * 3, (1.0,) * 3)
    assert not squashed.pixels(Image.fromarray(array))[:, :, [0, -1]].any()


def test_the_crop_share_is_of_the_shorter_side() -> None:
    """With a share of 1/2 the middle quarter of a square fills the size."""
    array = np.zeros((32, 32), dtype=np.uint8)
    array[8:24, 8:24] = 200
    record = Preprocess((16, 16), 1, (0.5,), (1.0,), fit="crop", crop_share=0.5)
    assert (record.pixels(Image.fromarray(array)) == 200).all()


def test_a_crop_equals_resizing_and_cutting_in_the_middle() -> None:
    """The usual way (shorter side to 256, middle 224) on sizes where it rounds nothing."""
    array = np.random.default_rng(0).integers(0, 256, (512, 768, 3), dtype=np.uint8)
    image = Image.fromarray(array)
    record = Preprocess((224, 224), 3, (0.5,) * 3, (1.0,) * 3, fit="crop", crop_share=224 / 256)
    usual = image.resize((384, 256), Image.Resampling.BILINEAR).crop((80, 16, 304, 240))
    want = torch.from_numpy(np.array(usual)).permute(2, 0, 1).int()
    assert (record.pixels(image).int() - want).abs().max() <= 1


def test_a_crop_stays_inside_where_rounding_leads_out() -> None:
    """116 / 224 * 224 is a little more than 116, and Pillow refuses a box that begins at -7e-15."""
    record = Preprocess((224, 224), 1, (0.5,), (1.0,), fit="crop")
    for width, height in ((116, 333), (333, 116), (123, 375)):
        assert record.pixels(Image.new("L", (width, height))).shape == (1, 224, 224)


def test_pad_keeps_the_whole_picture_in_the_middle() -> None:
    record = Preprocess((8, 8), 3, (0.5,) * 3, (1.0,) * 3, fit="pad", background=(9, 8, 7))
    pixels = record.pixels(Image.new("RGB", (40, 20), (200, 100, 50)))
    for band, inside, outside in zip(pixels, (200, 100, 50), (9, 8, 7), strict=True):
        assert (band[2:6] == inside).all()
        assert (band[:2] == outside).all()
        assert (band[6:] == outside).all()
    tall = record.pixels(Image.new("RGB", (1, 5_000), (200, 100, 50)))
    assert (tall[0] == 200).sum() == 8  # one column is left of it, not none


def test_pad_in_grey_has_the_background_in_grey() -> None:
    record = Preprocess((2, 4), 1, (0.5,), (1.0,), fit="pad", background=(255, 0, 0))
    assert record.pixels(Image.new("L", (2, 2), 10)).tolist() == [[[76, 10, 10, 76]] * 2]


def test_the_background_shows_through() -> None:
    record = Preprocess((1, 1), 3, (0.5,) * 3, (1.0,) * 3, background=(10, 20, 30))
    assert record.pixels(Image.new("RGBA", (1, 1), (255, 255, 255, 0))).flatten().tolist() == [
        10,
        20,
        30,
    ]


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("size", [(9, 11), (40, 60)])
def test_without_antialias_it_is_interpolation_at_points(
    interpolation: str, size: tuple[int, int]
) -> None:
    """The reference is torch's, away from the edges, which it continues in its own way."""
    array = np.random.default_rng(0).integers(0, 256, (23, 31), dtype=np.uint8)
    record = Preprocess(size, 1, (0.5,), (1.0,), interpolation=interpolation, antialias=False)
    mode = "nearest-exact" if interpolation == "nearest" else interpolation
    want = torch.nn.functional.interpolate(
        torch.from_numpy(array).float()[None, None], size, mode=mode
    )[0]
    edge = max(2, size[0] // 8)
    difference = (record.pixels(Image.fromarray(array)) - want)[:, edge:-edge, edge:-edge].abs()
    assert difference.max() <= 1


def test_only_pictures_that_are_scaled_down_smoothly_may_be_drafted() -> None:
    record = Preprocess((224, 200), 3, (0.5,) * 3, (1.0,) * 3)
    assert record.at_least == (448, 400)
    assert replace(record, fit="crop", crop_share=0.875).at_least == (512, 458)
    assert replace(record, antialias=False).at_least is None
    assert replace(record, interpolation="nearest").at_least is None


def test_raw_bytes_and_tensor_are_the_same_pixels() -> None:
    image = Image.effect_noise((30, 20), 60).convert("RGB")
    raw = COLOUR.raw(image)
    assert len(raw) == 4 * 6 * 3
    assert torch.equal(COLOUR.tensor(raw), COLOUR.pixels(image))


def test_the_record_imports_no_torch() -> None:
    """A decode worker must start at once."""
    code = "import sys, striate.data.pixels; print({'torch', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("field", "value", "match"),
    [
        ("background", (0, 0, 256), "background: got"),
        ("background", (0, 0), "red, green and blue"),
        ("fit", "croop", "Did you mean crop"),
        ("crop_share", 0, "above 0, at most 1"),
        ("crop_share", 1.5, "above 0, at most 1"),
        ("interpolation", "cubic", "Did you mean bicubic"),
    ],
)
def test_a_wrong_fit_is_named(field: str, value: object, match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        Preprocess((4, 4), 1, (0.5,), (1.0,), **{field: value})


def test_a_record_without_a_fit_is_an_old_one() -> None:
    old = {"size": [4, 6], "channels": 1, "mean": [0.5], "std": [0.25]}
    assert Preprocess.from_dict(old) == GREY
