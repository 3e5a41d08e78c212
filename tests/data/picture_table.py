"""The kinds of picture files found in the wild: how each is made, and what must come of it.

The tables of `picture_kinds_*.py` are the specification: a kind either decodes, to reference pixels
that come from its maker and not from our decoder, or it is refused under a word of
`striate.data.kinds.KINDS`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from picture_parts import Array, saved
from PIL import Image

Rng = np.random.Generator


@dataclass(frozen=True)
class Decode:
    """The kind gives a picture: its pixels `(H, W, 3)`, within a tolerance, and what is odd."""

    pixels: Array
    within: int = 0
    odd: str = ""


@dataclass(frozen=True)
class Skip:
    """The kind is refused, under this word."""

    kind: str


Made = tuple[bytes, Decode | Skip]
KINDS: dict[str, tuple[str, Callable[[Rng], Made]]] = {}
"""Name -> the file's extension, and its maker."""


def kind(name: str, suffix: str) -> Callable[[Callable[[Rng], Made]], Callable[[Rng], Made]]:
    def note(make: Callable[[Rng], Made]) -> Callable[[Rng], Made]:
        assert name not in KINDS
        KINDS[name] = (suffix, make)
        return make

    return note


def picture(rng: Rng, bands: int = 3) -> Array:
    """Smooth, as photographs are, so that a JPEG stays near it: `(H, W, bands)`."""
    height, width = (int(side) for side in rng.integers(24, 80, 2))
    y, x = np.mgrid[:height, :width] / 40
    phase, pace = rng.uniform(0, 6, (2, bands))
    waves = [np.sin(x * pace[band] / 3 + y + phase[band]) for band in range(bands)]
    return np.stack([(wave * 100 + 128).astype(np.uint8) for wave in waves], axis=2)


def jpeg(pixels: Array, **options: object) -> bytes:
    return saved(Image.fromarray(pixels), "JPEG", quality=95, subsampling=0, **options)


def over_white(rgba: Array) -> Array:
    alpha = rgba[..., 3:] / 255
    return np.rint(rgba[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)


def from_cmyk(cmyk: Array) -> Array:
    ink = cmyk.astype(float)
    return np.rint((255 - ink[..., :3]) * (255 - ink[..., 3:]) / 255).astype(np.uint8)


def grey3(grey: Array) -> Array:
    return np.repeat(grey[..., None] if grey.ndim == 2 else grey, 3, axis=2)
