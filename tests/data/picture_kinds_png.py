"""The 12 PNG kinds."""

import struct
import zlib

import numpy as np
from picture_parts import PNG_START, chunk, claimed_png, interlaced_png, png, saved
from picture_table import Decode, Made, Rng, Skip, grey3, kind, over_white, picture
from PIL import Image


@kind("png 16-bit grey", ".png")
def _(rng: Rng) -> Made:
    deep = rng.integers(0, 65_536, (21, 34), dtype=np.uint16)
    rows = [row.astype(">u2").tobytes() for row in deep]
    return png(rows, (34, 21), 16, 0), Decode(grey3((deep >> 8).astype(np.uint8)), odd="16-bit")


@kind("png 16-bit colour", ".png")
def _(rng: Rng) -> Made:
    deep = rng.integers(0, 65_536, (21, 34, 3), dtype=np.uint16)
    rows = [row.astype(">u2").tobytes() for row in deep]
    return png(rows, (34, 21), 16, 2), Decode((deep >> 8).astype(np.uint8), odd="16-bit")


@kind("png of 1, 2 or 4 bits", ".png")
def _(rng: Rng) -> Made:
    bits = int(rng.choice([1, 2, 4]))
    few = rng.integers(0, 2**bits, (21, 32), dtype=np.uint8)
    per_byte = 8 // bits
    shifts = np.arange(per_byte)[::-1] * bits
    packed = (few.reshape(21, -1, per_byte) << shifts).sum(axis=2).astype(np.uint8)
    rows = [row.tobytes() for row in packed]
    grey = few * np.uint8(255 // (2**bits - 1))
    return png(rows, (32, 21), bits, 0), Decode(grey3(grey), odd="grey")


@kind("png palette with transparency", ".png")
def _(rng: Rng) -> Made:
    colours = rng.integers(0, 256, (16, 4), dtype=np.uint8)
    indices = rng.integers(0, 16, (21, 34), dtype=np.uint8)
    tables = chunk(b"PLTE", colours[:, :3].tobytes()) + chunk(b"tRNS", colours[:, 3].tobytes())
    content = png([row.tobytes() for row in indices], (34, 21), 8, 3, tables)
    return content, Decode(over_white(colours[indices]), within=1, odd="alpha")


@kind("png with alpha", ".png")
def _(rng: Rng) -> Made:
    rgba = rng.integers(0, 256, (21, 34, 4), dtype=np.uint8)
    return saved(Image.fromarray(rgba), "PNG"), Decode(over_white(rgba), within=1, odd="alpha")


@kind("png interlaced", ".png")
def _(rng: Rng) -> Made:
    pixels = picture(rng)
    return interlaced_png(pixels), Decode(pixels)


@kind("png with a wrong checksum", ".png")
def _(rng: Rng) -> Made:
    """Either of a chunk that matters: its pixels may be any, whatever they look like."""
    content = bytearray(saved(Image.fromarray(picture(rng)), "PNG"))
    name = b"IHDR" if rng.random() < 0.5 else b"IDAT"
    at = content.index(name)
    content[at + 4 + int.from_bytes(content[at - 4 : at])] ^= 1
    return bytes(content), Skip("damaged")


@kind("png cut in its pixels", ".png")
def _(rng: Rng) -> Made:
    whole = saved(Image.fromarray(picture(rng)), "PNG")
    start = whole.index(b"IDAT") + 5
    return whole[: int(rng.integers(start, len(whole) - 16))], Skip("truncated")


@kind("png of 0x0", ".png")
def _(rng: Rng) -> Made:
    return claimed_png(0, int(rng.integers(2))), Skip("no-pixels")


@kind("png of 2^31-1 squared", ".png")
def _(rng: Rng) -> Made:
    side = 2**31 - 1
    return claimed_png(side, side if rng.random() < 0.5 else 1), Skip("too-many-pixels")


@kind("png with a bomb in its text or profile", ".png")
def _(rng: Rng) -> Made:
    bomb = zlib.compress(bytes(70_000_000), 9)
    name, head = [(b"zTXt", b"a\0\0"), (b"iCCP", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0")][
        int(rng.integers(3))
    ]
    whole = saved(Image.fromarray(picture(rng)), "PNG")
    start = len(PNG_START) + 25
    return whole[:start] + chunk(name, head + bomb) + whole[start:], Skip("bomb")


@kind("apng", ".png")
def _(rng: Rng) -> Made:
    pixels = picture(rng)
    more = [Image.fromarray(255 - pixels), Image.fromarray(pixels[::-1].copy())]
    content = saved(Image.fromarray(pixels), "PNG", save_all=True, append_images=more)
    assert struct.pack(">I", 3) in content  # frames
    return content, Decode(pixels, odd="animated")
