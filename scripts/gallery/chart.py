"""Hand-drawn charts: a frame with two axes, dots, and words that never cover one another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise

WIDTH, HEIGHT = 480, 330
LEFT, RIGHT, TOP, BOTTOM = 52, 466, 40, 296
_FONT = 12.0
_EM = 0.55  # the advance of a character in ems, on average
_BEHIND = {"start": 0.0, "middle": 0.5, "end": 1.0}  # the share of a word left of its anchor
_STYLE = (
    ".striate-chart{max-width:100%;height:auto;font:12px Helvetica,Arial,sans-serif}"
    ".striate-chart text{fill:currentColor}"
    ".striate-chart .name{font-size:14px;font-weight:600}"
    ".striate-chart .grid{stroke:currentColor;stroke-opacity:.18;fill:none}"
    ".striate-chart .trend{stroke:#d9772b;stroke-width:2;fill:none}"
    ".striate-chart .mark{fill:#d9772b}"
    ".striate-chart .dot{fill:#3d85cc;fill-opacity:.75}"
    ".striate-chart .other{fill:none;stroke:#3d85cc;stroke-width:1.4}"
)

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """Values to pixels along one side: `low` at `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value lies."""
        scale = math.log10 if self.log else float
        share = (scale(value) - scale(self.low)) / (scale(self.high) - scale(self.low))
        return self.start + share * (self.end - self.start)


@dataclass
class Chart:
    """Marks and words, collected until `svg()`."""

    name: str
    about: str
    marks: list[str] = field(default_factory=list)
    taken: list[Box] = field(default_factory=list)
    dots: list[tuple[float, float]] = field(default_factory=list)

    def ticks(self, y: Axis, levels: Sequence[tuple[float, str]]) -> None:
        """Horizontal lines with their values."""
        for level, words in levels:
            at = y.at(level)
            self.marks.append(f'<path d="M{LEFT} {at:.1f}H{RIGHT}" class="grid"/>')
            self._text(LEFT - 6, at + 4, words, "end")

    def below(self, x: float, words: str) -> None:
        """A word under the horizontal axis."""
        self._text(x, BOTTOM + 20, words, "middle")

    def trend(self, points: Sequence[tuple[float, float]]) -> None:
        """A line through points; words keep off it."""
        for (ax, ay), (bx, by) in pairwise(points):
            for part in (place / 20 for place in range(21)):
                x, y = ax + part * (bx - ax), ay + part * (by - ay)
                self.taken.append((x - 1, y - 1, x + 1, y + 1))
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self.marks.append(f'<path d="M{path}" class="trend"/>')

    def dot(self, x: float, y: float, told: str, style: str, link: str = "") -> None:
        """A disc that says what it is when pointed at, and leads there when clicked."""
        self.taken.append((x - 4, y - 4, x + 4, y + 4))
        self.dots.append((x, y))
        disc = (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="{style}">'
            f"<title>{escape(told)}</title></circle>"
        )
        self.marks.append(f'<a href="{escape(link)}">{disc}</a>' if link else disc)

    def label(self, x: float, y: float, words: str) -> bool:
        """A word beside a dot, where there is room; False where there is none."""
        width = len(words) * _FONT * _EM
        # A word so near another column's dot would be read as that one's name.
        others = [(a - 9, b - 9, a + 9, b + 9) for a, b in self.dots if a != x]
        for anchor, at, base in (
            ("start", x + 8, y + 4), ("end", x - 8, y + 4),
            ("middle", x, y - 9), ("middle", x, y + 17), ("middle", x, y - 13),
            ("start", x + 5, y - 8), ("end", x - 5, y - 8),
            ("start", x + 5, y + 16), ("end", x - 5, y + 16),
        ):  # fmt: skip
            left = at - width * _BEHIND[anchor]
            box = (left, base - 10, left + width, base + 3)
            inside = _within(box, (LEFT, TOP - 12, WIDTH, BOTTOM))
            if inside and not any(_meet(box, other) for other in [*self.taken, *others]):
                self.taken.append(box)
                self._text(at, base, words, anchor)
                return True
        return False

    def _text(self, x: float, y: float, words: str, anchor: str) -> None:
        self.marks.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
        )

    def svg(self) -> str:
        """The whole chart as one element, to be set into a page."""
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" class="striate-chart" role="img" '
                f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">',
                f"<title>{escape(self.name)}</title><desc>{escape(self.about)}</desc>",
                f"<style>{_STYLE}</style>",
                f'<text x="0" y="16" class="name">{escape(self.name)}</text>',
                *self.marks,
                "</svg>",
            ]
        )


def _within(one: Box, frame: Box) -> bool:
    starts = one[0] >= frame[0] and one[1] >= frame[1]
    return starts and one[2] <= frame[2] and one[3] <= frame[3]


def _meet(one: Box, other: Box) -> bool:
    across = one[0] < other[2] and other[0] < one[2]
    return across and one[1] < other[3] and other[1] < one[3]
