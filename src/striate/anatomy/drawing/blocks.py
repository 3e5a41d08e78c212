"""What each item looks like: oblique blocks for volumes, bars for vectors, circles for joins."""

from __future__ import annotations

import math
from dataclasses import dataclass

from striate.anatomy.drawing.flow import Item
from striate.anatomy.drawing.ink import Ink, text_width
from striate.anatomy.drawing.volumes import SIGNS, Volume

_RADIUS = 8.0
_POINT = 14.0  # height of a map that is one pixel
_SLANT = 0.30  # how far the oblique edge goes right per unit of width, and
_RISE = 0.20  # how far up
_WORDS_BELOW = 13.0  # words under an item start no higher: those under its arrow come first


@dataclass(frozen=True, slots=True)
class Extent:
    """How far an item reaches from its middle; `label` is the width of the words below it."""

    left: float
    right: float
    top: float
    bottom: float
    label: float
    anchor: float  # where, right of the middle, a skip leaves or lands


@dataclass(frozen=True, slots=True)
class Scale:
    """Compressed scales: a block's height goes with the square root of its size."""

    largest: int
    shrink: float = 1.0

    def length(self, size: int) -> float:
        """Pixels for a spatial size."""
        share = min(1.0, size / self.largest)
        return max(26.0, (12 + 88 * math.sqrt(share)) * self.shrink)

    def depth(self, channels: int) -> float:
        """Pixels for a number of channels."""
        return min(44.0, 4 + 1.2 * math.sqrt(channels)) * (0.5 + 0.5 * self.shrink)

    def bar(self, units: int) -> float:
        """Height of a flat vector."""
        return min(110.0, max(26.0, (6 + 26 * math.log10(max(units, 2))) * self.shrink))


def _faces(volume: Volume, scale: Scale) -> tuple[float, float, float, float]:
    """Width, height, and the oblique offset right and up, of a volume's block."""
    channels, *space = volume.shape if volume.shape else (1,)
    if not space:
        return 7.0, scale.bar(channels), 0.0, 0.0
    if len(space) == 1:  # a signal: a sheet, length by channels
        return scale.depth(channels), scale.length(space[0]), 0.0, 0.0
    width = scale.length(space[-1]) if space[-1] > 1 else _POINT
    height = scale.length(space[-2]) if space[-2] > 1 else _POINT
    return scale.depth(channels), height, width * _SLANT, width * _RISE


def caption(volume: Volume) -> tuple[str, ...]:
    """The words below it, line by line."""
    if volume.kind == "cat":
        return (SIGNS["cat"], volume.label)
    return () if volume.is_join else (volume.label,)


def extent(item: Item, scale: Scale) -> Extent:
    """Of a volume or a join."""
    assert item.volume is not None
    words = max((text_width(line) for line in caption(item.volume)), default=0.0)
    if item.volume.is_join:
        return Extent(_RADIUS, _RADIUS, _RADIUS, _WORDS_BELOW, words, 0.0)
    w, h, dx, dy = _faces(item.volume, scale)
    half = (w + dx) / 2
    return Extent(half, half, h / 2 + dy, max(h / 2, _WORDS_BELOW), words, dx / 2)


def draw(ink: Ink, volume: Volume, x: float, y: float, scale: Scale) -> None:
    """A volume or join with its middle at (x, y), and the words below it."""
    if volume.is_join:
        ink.circle(x, y, _RADIUS, "join")
        sign = {"cat": "", "mul": "x", "sub": "-"}.get(volume.kind, "+")
        ink.text(x, y + 3.6, sign, "sign")
        if not sign:  # two bars side by side: a concatenation
            for bar in (-2.5, 2.5):
                ink.line([(x + bar, y - 4), (x + bar, y + 4)], "line")
    else:
        w, h, dx, dy = _faces(volume, scale)
        left, top = x - (w + dx) / 2, y - h / 2
        right = left + w
        front = [(left, top), (right, top), (right, top + h), (left, top + h)]
        ink.polygon(front, f"front {volume.kind}")
        if dx:
            above = [(left, top), (left + dx, top - dy), (right + dx, top - dy), (right, top)]
            ink.polygon(above, f"above {volume.kind}")
            beside = [(right, top), (right + dx, top - dy), (right + dx, top - dy + h)]
            ink.polygon([*beside, (right, top + h)], f"side {volume.kind}")
    bottom = extent(Item(volume), scale).bottom
    for number, words in enumerate(caption(volume)):
        ink.text(x, y + bottom + 12 + 11 * number, words, "size")
