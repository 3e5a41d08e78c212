"""What a check remembers of one picture: about a kilobyte, whatever the picture's size."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.data.decode import converting, decode, opened, orientation_of
from striate.data.oddities import oddities_of
from striate.data.quiet import quiet
from striate.data.reading import read
from striate.preprocess import opaque

SIDE = 32  # of the grey thumbnail
COLOURS = 4  # of the colour thumbnail
_DIGEST = 16  # bytes
_WORKING = 256  # the sharpness of every photograph is measured at this size


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One picture: `size` (height, width), a digest that only an equal one has, and what it shows.

    `thumb` (32, 32) uint8 is grey, `colours` (4, 4, 3) uint8 are RGB; both fill their square.
    `contrast` is the standard deviation of the grey values, 0..127. `sharpness` is the power of
    the finest details relative to that of all, at the size of a small photograph. `oddities` are
    words of `striate.data.kinds.ODDITIES`.
    """

    size: tuple[int, int]
    channels: int
    digest: bytes
    thumb: NDArray[np.uint8]
    colours: NDArray[np.uint8]
    contrast: float
    sharpness: float
    oddities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """Those of N pictures, an array a field, so that 100,000 of them take 120 MB."""

    digests: NDArray[np.uint8]  # (N, 16)
    thumbs: NDArray[np.uint8]  # (N, 32, 32)
    colours: NDArray[np.uint8]  # (N, 4, 4, 3)
    sizes: NDArray[np.int32]  # (N, 2) height, width
    channels: NDArray[np.uint8]  # (N,)
    contrasts: NDArray[np.float32]  # (N,)
    sharpness: NDArray[np.float32]  # (N,)

    @classmethod
    def room_for(cls, num: int) -> Fingerprints:
        """Nothing yet: `put` the fingerprints in."""
        return cls(
            np.zeros((num, _DIGEST), np.uint8),
            np.zeros((num, SIDE, SIDE), np.uint8),
            np.zeros((num, COLOURS, COLOURS, 3), np.uint8),
            np.zeros((num, 2), np.int32),
            np.zeros(num, np.uint8),
            np.zeros(num, np.float32),
            np.zeros(num, np.float32),
        )

    def __len__(self) -> int:
        return len(self.digests)

    def put(self, row: int, one: Fingerprint) -> None:
        """Fill a row."""
        self.digests[row] = np.frombuffer(one.digest, np.uint8)
        self.thumbs[row], self.colours[row] = one.thumb, one.colours
        self.sizes[row], self.channels[row] = one.size, one.channels
        self.contrasts[row], self.sharpness[row] = one.contrast, one.sharpness

    def take(self, rows: NDArray[np.int64]) -> Fingerprints:
        """Only these rows."""
        return Fingerprints(*(getattr(self, field.name)[rows] for field in fields(self)))


def stack(fingerprints: Sequence[Fingerprint]) -> Fingerprints:
    """Fingerprints one by one to all of them, ready for the search."""
    stacked = Fingerprints.room_for(len(fingerprints))
    for row, one in enumerate(fingerprints):
        stacked.put(row, one)
    return stacked


def fingerprint(source: Path) -> Fingerprint:
    """The fingerprint of a picture file; `Unreadable` where there is no picture in it.

    Equal digests mean files equal byte for byte. Needs no torch, so that it can run in a worker.
    """
    content = read(source)
    oddities = oddities_of(content, name=source.name)
    image = decode(content, at_least=(_WORKING, _WORKING))
    size = _size(content)
    with converting():
        shown = opaque(image)
        if image.mode == "LA":  # grey also where it is transparent
            shown = shown.convert("L")
        return _of_image(shown, _digest(content).digest(), size, oddities)


def _size(content: bytes) -> tuple[int, int]:
    """Height and width as the picture is shown, though it may be decoded smaller."""
    with quiet():
        image = opened(content)
        lies = orientation_of(image) >= 5
    return (image.width, image.height) if lies else (image.height, image.width)


def fingerprint_pixels(pixels: NDArray[np.uint8]) -> Fingerprint:
    """The fingerprint of pixels `(C, H, W)` with 1 or 3 channels; equal digests: equal pixels."""
    digest = _digest(repr(pixels.shape).encode() + pixels.tobytes()).digest()
    array = pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0))
    return _of_image(Image.fromarray(array), digest, pixels.shape[1:])


def _digest(data: bytes) -> hashlib.blake2b:
    return hashlib.blake2b(data, digest_size=_DIGEST)


def _of_image(
    image: Image.Image, digest: bytes, size: tuple[int, ...], oddities: tuple[str, ...] = ()
) -> Fingerprint:
    image = image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
    if max(image.size) > _WORKING:
        scale = _WORKING / max(image.size)
        smaller = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(smaller, Image.Resampling.BILINEAR, reducing_gap=2)
    grey = image.convert("L")
    values = np.asarray(grey, np.float32)
    return Fingerprint(
        size=(size[0], size[1]),
        channels=len(image.getbands()),
        digest=digest,
        thumb=np.array(grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR)),
        colours=np.array(image.convert("RGB").resize((COLOURS, COLOURS), Image.Resampling.BOX)),
        contrast=float(values.std()),
        sharpness=_sharpness(values),
        oddities=oddities,
    )


def _sharpness(grey: NDArray[np.float32]) -> float:
    """Variance of the Laplacian over the variance of the picture, 0 where there is nothing."""
    if min(grey.shape) < 3:
        return 0.0
    middle = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * middle).var() / max(float(grey.var()), 1e-6))
