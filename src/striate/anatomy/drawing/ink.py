"""Marks on a page: polygons, lines, circles and words, kept movable until they become SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Literal

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom

FONT = 10.0
# Advance of a character in ems. Sans-serif digits take 0.556; words with m and w a little more.
_EM = 0.58
_ROUND = 6.0


def text_width(text: str) -> float:
    """An upper estimate that holds for the usual sans-serif faces."""
    return len(text) * FONT * _EM


@dataclass(frozen=True, slots=True)
class Mark:
    """`style` is a class of the style sheet; a circle's points are its centre and one on it."""

    kind: Literal["polygon", "line", "circle", "text"]
    points: tuple[Point, ...]
    style: str
    text: str = ""

    @property
    def box(self) -> Box:
        """What it covers (a word's by estimate)."""
        xs, ys = [x for x, _ in self.points], [y for _, y in self.points]
        if self.kind == "text":
            half = text_width(self.text) / 2
            return xs[0] - half, ys[0] - 0.8 * FONT, xs[0] + half, ys[0] + 0.25 * FONT
        if self.kind == "circle":
            r = xs[1] - xs[0]
            return xs[0] - r, ys[0] - r, xs[0] + r, ys[0] + r
        return min(xs), min(ys), max(xs), max(ys)

    def svg(self) -> str:
        """One element."""
        x, y = self.points[0]
        if self.kind == "text":
            words = escape(self.text)
            return f'<text x="{_n(x)}" y="{_n(y)}" class="{self.style}">{words}</text>'
        if self.kind == "circle":
            r = _n(self.points[1][0] - x)
            return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{r}" class="{self.style}"/>'
        if self.kind == "polygon":
            corners = " ".join(f"{_n(px)},{_n(py)}" for px, py in self.points)
            return f'<polygon points="{corners}" class="{self.style}"/>'
        head = ' marker-end="url(#head)"' if self.style.endswith("arrow") else ""
        return f'<path d="{_rounded(self.points)}" class="{self.style}"{head}/>'


class Ink:
    """A list of marks that can be moved as one."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []

    def polygon(self, points: Sequence[Point], style: str) -> None:
        """A filled face."""
        self.marks.append(Mark("polygon", tuple(points), style))

    def line(self, points: Sequence[Point], style: str = "line arrow") -> None:
        """Straight pieces with rounded corners; a style that ends in "arrow" gets a head."""
        self.marks.append(Mark("line", tuple(points), style))

    def circle(self, x: float, y: float, r: float, style: str) -> None:
        """A disc."""
        self.marks.append(Mark("circle", ((x, y), (x + r, y)), style))

    def text(self, x: float, y: float, text: str, style: str) -> None:
        """Words centred on x, on the base line y."""
        if text:
            self.marks.append(Mark("text", ((x, y),), style, text))

    def paste(self, other: Ink, dx: float, dy: float) -> None:
        """All marks of another, moved."""
        for mark in other.marks:
            moved = tuple((x + dx, y + dy) for x, y in mark.points)
            self.marks.append(replace(mark, points=moved))

    @property
    def box(self) -> Box:
        """What all marks cover together."""
        boxes = [mark.box for mark in self.marks] or [(0.0, 0.0, 0.0, 0.0)]
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        return min(lefts), min(tops), max(rights), max(bottoms)


def _n(value: float) -> str:
    return f"{round(value, 1):g}"


def _rounded(points: Sequence[Point]) -> str:
    """A path through the points whose inner corners are quarter turns."""
    path = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        (ax, ay), (bx, by) = _towards(corner, before), _towards(corner, after)
        path.append(f"L{_n(ax)} {_n(ay)}Q{_n(corner[0])} {_n(corner[1])} {_n(bx)} {_n(by)}")
    path.append(f"L{_n(points[-1][0])} {_n(points[-1][1])}")
    return "".join(path)


def _towards(corner: Point, other: Point) -> Point:
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    length = max(abs(dx), abs(dy), 1e-9)
    step = min(_ROUND, length / 2) / length
    return corner[0] + dx * step, corner[1] + dy * step
