"""One picture, every orientation and mode: the same pixels by every way into the package."""

import functools
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import picture_parts
import pytest
import torch
from picture_parts import Array, chunk, exif, saved, with_segment
from picture_table import from_cmyk, grey3, over_white
from PIL import Image

from striate.data.pixels import pixels_of, raw_of
from striate.data.workers import Workers
from striate.preprocess import Preprocess

HEIGHT, WIDTH = 16, 24
SHOWN: dict[int, Callable[[Array], Array]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).transpose(1, 0, 2),
    8: lambda stored: np.rot90(stored),
}


def stored(bands: int) -> Array:
    """Flat blocks of 8x8, which a JPEG of quality 100 keeps to two levels or so."""
    blocks = np.random.default_rng(bands).integers(0, 256, (2, 3, bands), dtype=np.uint8)
    return blocks.repeat(8, axis=0).repeat(8, axis=1)


def tagged_png(content: bytes, tag: bytes) -> bytes:
    return content[:33] + chunk(b"eXIf", tag.removeprefix(b"Exif\0\0")) + content[33:]


def rgb(tag: bytes) -> tuple[bytes, Array, int]:
    colours = stored(3)
    content = saved(Image.fromarray(colours), "JPEG", quality=100, subsampling=0)
    return with_segment(content, 0xE1, tag), colours, 3


def cmyk(tag: bytes) -> tuple[bytes, Array, int]:
    inks = stored(4)
    content = saved(Image.fromarray(inks, "CMYK"), "JPEG", quality=100, subsampling=0)
    return with_segment(content, 0xE1, tag), from_cmyk(inks), 3


def deep(tag: bytes) -> tuple[bytes, Array, int]:
    grey = stored(1)[..., 0].astype(np.uint16) * 257
    rows = [row.astype(">u2").tobytes() for row in grey]
    content = picture_parts.png(rows, (WIDTH, HEIGHT), 16, 0)
    return tagged_png(content, tag), grey3(stored(1)[..., 0]), 0


def palette(tag: bytes) -> tuple[bytes, Array, int]:
    colours = np.random.default_rng(9).integers(0, 256, (8, 4), dtype=np.uint8)
    indices = stored(1)[..., 0] % 8
    tables = chunk(b"PLTE", colours[:, :3].tobytes()) + chunk(b"tRNS", colours[:, 3].tobytes())
    content = picture_parts.png([row.tobytes() for row in indices], (WIDTH, HEIGHT), 8, 3, tables)
    return tagged_png(content, tag), over_white(colours[indices]), 1


def grey(tag: bytes) -> tuple[bytes, Array, int]:
    shades = stored(1)[..., 0]
    return tagged_png(saved(Image.fromarray(shades), "PNG"), tag), grey3(shades), 0


def alpha(tag: bytes) -> tuple[bytes, Array, int]:
    colours = stored(4)
    content = saved(Image.fromarray(colours), "TIFF", exif=tag.removeprefix(b"Exif\0\0"))
    return content, over_white(colours), 1


@pytest.mark.parametrize("make", [rgb, cmyk, deep, palette, grey, alpha])
def test_every_way_gives_the_upright_picture(
    make: Callable[[bytes], tuple[bytes, Array, int]], tmp_path: Path
) -> None:
    wide, tall = (
        Preprocess(size, 3, (0.5,) * 3, (0.5,) * 3) for size in ((HEIGHT, WIDTH), (WIDTH, HEIGHT))
    )
    for orientation, turned in SHOWN.items():
        content, pixels, within = make(exif((0x0112, 3, 1, struct.pack("<H", orientation))))
        (tmp_path / "a").write_bytes(content)
        record = wide if orientation < 5 else tall
        got = pixels_of(tmp_path / "a", record)
        want = torch.from_numpy(turned(pixels).copy()).permute(2, 0, 1)
        assert (got.int() - want.int()).abs().max() <= within, orientation
        assert torch.equal(pixels_of(content, record), got)
        assert torch.equal(record.tensor(raw_of(content, record)), got)


def test_a_worker_gives_the_same_bytes(tmp_path: Path) -> None:
    """At a size that needs scaling and drafting."""
    record = Preprocess((24, 24), 3, (0.5,) * 3, (0.5,) * 3, fit="crop", crop_share=0.875)
    paths = []
    for number in range(12):
        image = Image.effect_noise((300 + number, 200 + 7 * number), 80).convert("RGB")
        paths.append(tmp_path / f"{number}.jpg")
        image.save(paths[-1])
    task = functools.partial(raw_of, preprocess=record)
    with Workers(task, count=2) as workers:
        there = list(workers.map(paths))
    with Workers(task, count=0) as workers:
        assert list(workers.map(paths)) == there
    assert all(isinstance(result, bytes) for result in there)
