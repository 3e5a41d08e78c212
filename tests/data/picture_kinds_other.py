"""The kinds of GIF (4), WebP (3), TIFF (6), and of what is in no format that is read (9)."""

import struct

import numpy as np
from picture_parts import gif, saved, tiff
from picture_table import Decode, Made, Rng, Skip, grey3, kind, over_white, picture
from PIL import Image

GREYS = np.array([0, 85, 170, 255], np.uint8)


def indices(rng: Rng, height: int = 20, width: int = 30) -> np.ndarray:
    return rng.integers(0, 4, (height, width), dtype=np.uint8)


@kind("gif animated", ".gif")
def _(rng: Rng) -> Made:
    first = indices(rng)
    content = gif((30, 20), (0, 0, first), (0, 0, indices(rng)), (2, 3, indices(rng, 5, 5)))
    return content, Decode(grey3(GREYS[first]), odd="animated")


@kind("gif without a frame", ".gif")
def _(rng: Rng) -> Made:
    return gif((int(rng.integers(1, 99)), 20)), Skip("no-pixels")


@kind("gif with a frame outside its canvas", ".gif")
def _(rng: Rng) -> Made:
    """The canvas grows, and what no frame covers has the first colour."""
    frame = indices(rng)
    want = np.zeros((25, 37), np.uint8)
    want[5:, 7:] = GREYS[frame]
    return gif((10, 10), (7, 5, frame)), Decode(grey3(want), odd="palette")


@kind("gif bomb", ".gif")
def _(rng: Rng) -> Made:
    if rng.random() < 0.5:
        return gif((65_535, 65_535), (0, 0, indices(rng))), Skip("too-many-pixels")
    return gif((10, 10), (60_000, 60_000, indices(rng))), Skip("too-many-pixels")


@kind("webp animated", ".webp")
def _(rng: Rng) -> Made:
    pixels = picture(rng)
    content = saved(
        Image.fromarray(pixels),
        "WEBP",
        save_all=True,
        lossless=True,
        append_images=[Image.fromarray(255 - pixels)],
    )
    return content, Decode(pixels, odd="animated")


@kind("webp lossless with alpha", ".webp")
def _(rng: Rng) -> Made:
    rgba = rng.integers(0, 256, (21, 34, 4), dtype=np.uint8)
    content = saved(Image.fromarray(rgba), "WEBP", lossless=True, exact=True)
    return content, Decode(over_white(rgba), within=1, odd="alpha")


@kind("webp cut", ".webp")
def _(rng: Rng) -> Made:
    whole = saved(Image.fromarray(picture(rng)), "WEBP", lossless=bool(rng.random() < 0.5))
    return whole[: int(len(whole) * rng.uniform(0.1, 0.99))], Skip("truncated")


@kind("tiff of several pages", ".tif")
def _(rng: Rng) -> Made:
    pixels = picture(rng)
    more = [Image.fromarray(255 - pixels)]
    content = saved(Image.fromarray(pixels), "TIFF", save_all=True, append_images=more)
    return content, Decode(pixels, odd="several-pictures")


@kind("tiff of real numbers, some none", ".tif")
def _(rng: Rng) -> Made:
    values = rng.random((20, 30), dtype=np.float32)
    values[int(rng.integers(20)), int(rng.integers(30))] = rng.choice([np.nan, np.inf, -np.inf])
    return saved(Image.fromarray(values), "TIFF"), Skip("unknown-scale")


@kind("tiff 16-bit", ".tif")
def _(rng: Rng) -> Made:
    deep = rng.integers(0, 65_536, (20, 30), dtype=np.uint16)
    want = grey3((deep >> 8).astype(np.uint8))
    return saved(Image.fromarray(deep), "TIFF"), Decode(want, odd="16-bit")


@kind("tiff tiled, cut", ".tif")
def _(rng: Rng) -> Made:
    """Four tiles of 16x16; the last ones lie beyond the end of the file."""
    data = rng.bytes(4 * 256)
    places = tuple(8 + 256 * number for number in range(4))
    missing = int(rng.integers(1, 3))
    beyond = (*places[: 4 - missing], *(9_000 + place for place in places[4 - missing :]))
    tags = {"t322": 16, "t323": 16, "t324": beyond, "t325": (256,) * 4}
    return tiff((32, 32), data, **tags), Skip("truncated")


@kind("tiff whose directories loop", ".tif")
def _(rng: Rng) -> Made:
    grey = rng.integers(0, 256, (20, 30), dtype=np.uint8)
    tags = {"t273": 8, "t278": 20, "t279": 600}
    return tiff((30, 20), grey.tobytes(), loop=True, **tags), Decode(grey3(grey))


@kind("tiff lzw bomb", ".tif")
def _(rng: Rng) -> Made:
    side = int(rng.integers(20_000, 2**31 - 1))
    tags = {"t259": 5, "t273": 8, "t278": side, "t279": 100}
    return tiff((side, side), rng.bytes(100), **tags), Skip("too-many-pixels")


@kind("bmp of absurd size", ".bmp")
def _(rng: Rng) -> Made:
    whole = saved(Image.fromarray(picture(rng)), "BMP")
    side = int(rng.integers(20_000, 2**31 - 1))
    return whole[:18] + struct.pack("<ii", side, side) + whole[26:], Skip("too-many-pixels")


def media(brand: bytes, rng: Rng) -> bytes:
    box = b"ftyp" + brand + bytes(4) + brand + b"mif1"
    return struct.pack(">I", len(box) + 4) + box + rng.bytes(300)


FOREIGN = {
    "ico": (".ico", lambda rng: saved(Image.fromarray(picture(rng)), "ICO", sizes=[(16, 16)])),
    "heic": (".heic", lambda rng: media(b"heic", rng)),
    "avif": (".avif", lambda rng: media(b"avif", rng)),
    "svg": (".jpg", lambda rng: b"<?xml version='1.0'?>\n<svg xmlns='a'><text>b</text></svg>"),
    "pdf": (".jpg", lambda rng: b"%PDF-1.7\n" + rng.bytes(300)),
    "eps": (".jpg", lambda rng: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(w) run\n"),
    "html saved as jpg": (".jpg", lambda rng: b"\n<!DOCTYPE html>\n<html><body>404</body></html>"),
}
for name, (suffix, make) in FOREIGN.items():
    kind(name, suffix)(lambda rng, make=make: (make(rng), Skip("unsupported-format")))


@kind("no bytes", ".jpg")
def _(rng: Rng) -> Made:
    return b"", Skip("empty")
