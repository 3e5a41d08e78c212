import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from check_pictures import photo
from PIL import Image

from striate.data import Unreadable
from striate.data.check import fingerprint, fingerprint_pixels
from striate.data.check.fingerprints import stack

PHOTO = photo(np.random.default_rng(0), 120, 200)


def test_a_turned_photograph_is_seen_upright_and_in_full_size(tmp_path: Path) -> None:
    large = PHOTO.resize((1600, 1200))
    exif = Image.Exif()
    exif[0x0112] = 6
    large.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.jpg", exif=exif)
    large.save(tmp_path / "plain.jpg")
    turned, plain = fingerprint(tmp_path / "turned.jpg"), fingerprint(tmp_path / "plain.jpg")
    assert turned.size == plain.size == (1200, 1600)
    assert turned.oddities == ("exif-rotated",)
    assert plain.oddities == ()
    assert np.abs(turned.thumb.astype(int) - plain.thumb).max() <= 3


def test_the_digest_is_that_of_the_bytes_and_names_do_not_matter(tmp_path: Path) -> None:
    PHOTO.save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    PHOTO.save(tmp_path / "c.bmp")
    a, b, c = (fingerprint(tmp_path / name).digest for name in ("a.png", "b.png", "c.bmp"))
    assert a == b != c


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_has_a_fingerprint(tmp_path: Path, mode: str) -> None:
    PHOTO.convert("L" if mode == "I;16" else mode).convert(mode).save(tmp_path / "x.png")
    one = fingerprint(tmp_path / "x.png")
    assert one.channels == (1 if mode in ("1", "L", "LA", "I;16") else 3)
    assert one.thumb.shape == (32, 32)
    assert one.colours.shape == (4, 4, 3)


def test_pixels_that_say_no_scale_are_unreadable(tmp_path: Path) -> None:
    Image.fromarray(np.full((9, 9), 70000, np.int32)).save(tmp_path / "deep.tif")
    with pytest.raises(Unreadable, match="32-bit") as raised:
        fingerprint(tmp_path / "deep.tif")
    assert raised.value.kind == "unknown-scale"


def test_blur_shows_and_soft_backgrounds_do_not() -> None:
    sharp = np.asarray(PHOTO).copy()
    blurred = np.asarray(PHOTO.resize((10, 6)).resize(PHOTO.size, Image.Resampling.BICUBIC))
    half = blurred.copy()
    half[40:80, 60:120] = sharp[40:80, 60:120]
    values = [fingerprint_pixels(a.transpose(2, 0, 1)).sharpness for a in (sharp, half, blurred)]
    assert values[0] > values[1] > 0.006 > values[2]


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 2), (3, 2, 900), (1, 3, 3)])
def test_tiny_and_thin_pictures(shape: tuple[int, ...]) -> None:
    one = fingerprint_pixels(np.full(shape, 7, np.uint8))
    assert one.size == shape[1:]
    assert one.contrast == 0
    assert one.sharpness == 0
    assert len(stack([one, one])) == 2


def test_it_travels_between_processes_without_torch() -> None:
    task = pickle.dumps(fingerprint)
    program = f"import pickle, sys; pickle.loads({task!r}); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "False\n"
