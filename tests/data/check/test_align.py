import numpy as np
import pytest
from check_pictures import photo
from PIL import Image

from striate.data.check.align import likeness, roughly

WHOLE = np.full(1, 32)


def thumb(image: Image.Image) -> np.ndarray:
    grey = image.convert("L").resize((32, 32), Image.Resampling.BILINEAR)
    return np.asarray(grey, np.float32)[None]


@pytest.mark.parametrize(
    "box", [(0, 0, 128, 96), (0, 0, 121, 91), (6, 5, 122, 91), (9, 0, 128, 96)]
)
def test_a_crop_lies_on_its_picture_either_way(box: tuple[int, int, int, int]) -> None:
    image = photo(np.random.default_rng(3))
    whole, crop = thumb(image), thumb(image.crop(box))
    for one, other in ((whole, crop), (crop, whole)):
        alike = likeness(one, other, WHOLE)
        assert alike.whole[0] > 0.99
        assert alike.fine[0] > 0.9
        assert roughly(one, other)[0] > 0.95


def test_brightness_and_contrast_do_not_matter() -> None:
    image = thumb(photo(np.random.default_rng(4)))
    alike = likeness(image, 40 + image / 2, WHOLE)
    assert alike.whole[0] > 0.9999
    assert alike.fine[0] > 0.9999


def test_other_pictures_are_unlike_however_they_are_laid() -> None:
    generator = np.random.default_rng(5)
    ours = np.concatenate([thumb(photo(generator)) for _ in range(200)])
    alike = likeness(ours, np.roll(ours, 1, axis=0), np.full(200, 32))
    assert alike.whole.max() < 0.95
    assert alike.fine.max() < 0.6


def test_a_blank_picture_has_no_likeness() -> None:
    alike = likeness(thumb(photo(np.random.default_rng(6))), np.zeros((1, 32, 32), "f4"), WHOLE)
    assert abs(alike.whole[0]) < 0.1


def test_of_no_pair_there_is_nothing_to_say() -> None:
    nothing = np.zeros((0, 32, 32), np.float32)
    assert len(likeness(nothing, nothing, np.zeros(0, np.int64)).whole) == 0
    assert len(roughly(nothing, nothing)) == 0
