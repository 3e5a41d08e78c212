"""Refuse forty bombs in this process, and print by how many bytes its memory grew at most."""

import resource
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from picture_parts import PNG_START, chunk, claimed_png, gif, saved, tiff, with_frame
from PIL import Image

from striate.data.decode import decode
from striate.data.kinds import Unreadable

SIDES = ((65_500, 65_500), (8_000, 6_251), (50_000_001, 1), (30_000, 30_000))


def webp(width: int, height: int) -> bytes:
    """A still canvas of 24-bit sides, with one frame of the old lossy kind behind it."""
    sides = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"VP8X" + struct.pack("<II", 10, 0) + sides
    frame = b"\x30\x01\x00\x9d\x01\x2a" + struct.pack("<HH", width & 0x3FFF, height & 0x3FFF)
    body += b"VP8 " + struct.pack("<I", 60) + frame.ljust(60, b"\0")
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def apng(width: int, height: int) -> bytes:
    """Its frames say they cover a canvas that is too large; each holds one zero."""
    control = chunk(b"acTL", struct.pack(">II", 1_000, 0))
    return claimed_png(width, height, control)


def bombs() -> list[bytes]:
    small = saved(Image.new("RGB", (9, 9)), "PNG")
    photo = saved(Image.new("RGB", (9, 9)), "JPEG")
    bmp = saved(Image.new("RGB", (9, 9)), "BMP")
    zeros = zlib.compress(bytes(60_000_000), 9)
    start = len(PNG_START) + 25
    found = []
    for width, height in SIDES:
        short = (min(width, 65_535), min(height, 65_535))
        short = short if short[0] * short[1] > 50_000_000 else (65_535, 65_535)
        found += [
            claimed_png(width, height),
            apng(width, height),
            with_frame(photo, struct.pack(">HH", short[1], short[0]), 5),
            gif(short, (0, 0, np.zeros((2, 2), np.uint8))),
            gif((9, 9), (short[0] - 2, short[1] - 2, np.zeros((2, 2), np.uint8))),
            webp(min(width, 16_383), min(height, 16_383) if height > 1 else 16_383),
            tiff((width, height), b"\0" * 9, t259=5, t273=8, t278=height, t279=9),
            # A small picture in one enormous tile.
            tiff((9, 9), b"\0" * 9, t259=8, t322=width, t323=height, t324=8, t325=9),
            bmp[:18] + struct.pack("<ii", width, height) + bmp[26:],
        ]
    for name, head in ((b"zTXt", b"a\0\0"), (b"iCCP", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0")):
        found.append(small[:start] + chunk(name, head + zeros) + small[start:])
    texts = b"".join(chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1_000_000))) for _ in range(99))
    return [*found, small[:start] + texts + small[start:]]


def memory() -> int:
    """The most this process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def main() -> None:
    paths = sorted(Path(sys.argv[1]).iterdir())
    decode(paths.pop())  # the good one: whatever a first decoding loads is no bomb's doing
    before = memory()
    for path in paths:
        try:
            decode(path)
        except Unreadable as error:
            print(error.kind)
        else:
            print("decoded", path)
    print(memory() - before)


if __name__ == "__main__":
    main()
