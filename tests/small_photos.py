"""Small colour pictures of three classes that differ by their colour, and runs made from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"blue": (40, 60, 200), "green": (50, 190, 60), "red": (210, 50, 40)}


def picture(name: str, seed: int, size: tuple[int, int] = (40, 48)) -> Image.Image:
    """A patch of the class's colour with noise over it."""
    draw = np.random.default_rng(seed)
    pixels = np.array(COLOURS[name]) + draw.normal(0, 8, (*size, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def folder(root: Path, **counts: int) -> Path:
    """A folder a class, of PNG files."""
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for number in range(count):
            picture(name, number).save(root / name / f"{number:03}.png")
    return root
