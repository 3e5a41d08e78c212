"""Charts as inline SVG, coloured by the page's style sheet: they follow light, dark and print.

Lines differ by their dashes and marks as well as by colour. Every chart is told in words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup, escape

from striate.evaluating.calibrate import Bin
from striate.evaluating.reject import Coverage
from striate.report.words import percent

_WIDTH, _HEIGHT = 340.0, 220.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 14.0, 24.0, 36.0
_LETTER = 6.2  # width of one at the size of the legend, at most


class Series(NamedTuple):
    """One curve: its name and its points."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Frame:
    """The field of a chart: what its edges stand for."""

    left: float
    right: float
    low: float
    high: float

    def x(self, value: float) -> float:
        """Where a value lies from left to right."""
        share = (value - self.left) / ((self.right - self.left) or 1)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        """Where a value lies from top to bottom."""
        share = (self.high - value) / ((self.high - self.low) or 1)
        return round(_TOP + share * (_HEIGHT - _TOP - _BOTTOM), 1)

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        """The points joined by straight lines."""
        return "M" + "L".join(f"{self.x(x):g} {self.y(y):g}" for x, y in points)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers from `low` or just below to `high` or just above, about `count` of them."""
    if not high > low:
        low, high = low - 0.5, high + 0.5
    raw = (high - low) / max(1, count - 1)
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * number, 12) for number in range(first, last + 1)]


def lines(series: Sequence[Series], told: str, x: str, y: str, *, shares: bool = False) -> Markup:
    """Curves over one axis; with `shares`, 0..1 is written as per cent."""
    points = [point for one in series for point in one.points]
    across = ticks(min(p[0] for p in points), max(p[0] for p in points))
    if all(float(p[0]).is_integer() for p in points):  # half an epoch is none
        across = [value for value in across if float(value).is_integer()]
    up = ticks(min(p[1] for p in points), max(p[1] for p in points))
    frame = Frame(across[0], across[-1], up[0], min(up[-1], 1.0) if shares else up[-1])
    marks = [_axes(frame, across, up, x, y, shares=shares), _legend([one.name for one in series])]
    for number, one in enumerate(series):
        marks.append(f'<path class="curve c{number}" d="{frame.path(one.points)}"/>')
        if len(one.points) < 25:
            marks += [_dot(frame, px, py, 2.2, f"c{number}") for px, py in one.points]
    return _svg(marks, told)


def reliability(bins: Sequence[Bin], told: str) -> Markup:
    """How often answers of a confidence are right, with intervals; on the diagonal if honest."""
    frame = Frame(0, 1, 0, 1)
    marks = [_axes(frame, _TENTHS, _TENTHS, "confidence", "share right", shares=True)]
    marks.append(f'<path class="ideal" d="{frame.path([(0, 0), (1, 1)])}"/>')
    most = max((one.n for one in bins), default=1)
    for one in bins:
        ends = [(one.confidence, edge) for edge in one.interval]
        marks.append(f'<path class="whisker" d="{frame.path(ends)}"/>')
        radius = 2.5 + 4 * math.sqrt(one.n / most)
        marks.append(_dot(frame, one.confidence, one.accuracy, radius, "c0"))
    return _svg(marks, told)


def coverage(curve: Coverage, threshold: float, told: str) -> Markup:
    """The share right among the answers given, over the share of pictures that get an answer."""
    points = _thinned(list(zip(curve.coverage.tolist(), curve.accuracy.tolist(), strict=True)))
    up = ticks(min(y for _, y in points), 1.0)
    frame = Frame(0, 1, up[0], 1.0)
    axes = _axes(frame, _TENTHS, up, "share answered", "share of it right", shares=True)
    marks = [axes, f'<path class="curve c0" d="{frame.path(points)}"/>']
    answered = int((curve.threshold >= threshold).sum())
    if answered:
        share, right = curve.coverage[answered - 1].item(), curve.accuracy[answered - 1].item()
        at = f"{percent(share, 0)} answered, {percent(right)} right"
        x, y = frame.x(share), frame.y(right)
        marks.append(_dot(frame, share, right, 5, "chosen"))
        side = "end" if x > _WIDTH / 2 else "start"
        below = y + 18 if y < _HEIGHT / 2 else y - 10
        marks.append(f'<text x="{x:g}" y="{below:g}" class="{side}">{escape(at)}</text>')
    return _svg(marks, told)


def _thinned(points: list[tuple[float, float]], most: int = 300) -> list[tuple[float, float]]:
    """No more points than can be seen, the last among them."""
    step = -(-len(points) // most)
    return points[::-1][::step][::-1]


def interval(share: float, ends: tuple[float, float], baseline: float, told: str) -> Markup:
    """A share with its interval on a line from 0 to 100 %, and the baseline as a stroke across."""
    frame = Frame(0, 1, 0, 1)
    left, right, here, there = map(frame.x, (*ends, share, baseline))
    marks = [f'<path class="axis" d="M{frame.x(0):g} 38H{frame.x(1):g}"/>']
    for value in (0, 0.25, 0.5, 0.75, 1):
        x = frame.x(value)
        marks.append(f'<path class="axis" d="M{x:g} 38v4"/>')
        marks.append(f'<text x="{x:g}" y="54" class="middle">{100 * value:g}</text>')
    marks.append(f'<path class="reach" d="M{left:g} 28H{right:g}M{left:g} 22v12M{right:g} 22v12"/>')
    marks.append(f'<circle class="c0 dot" cx="{here:g}" cy="28" r="5"/>')
    marks.append(f'<path class="baseline" d="M{there:g} 16V42"/>')
    side = "end" if there > _WIDTH / 2 else "start"
    shift = -4 if side == "end" else 4
    marks.append(f'<text x="{there + shift:g}" y="14" class="{side}">majority</text>')
    return _svg(marks, told, height=60)


_TENTHS = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]


def _axes(
    frame: Frame, across: Sequence[float], up: Sequence[float], x: str, y: str, *, shares: bool
) -> str:
    bottom, right = frame.y(frame.low), frame.x(frame.right)
    marks = []
    for value in up:
        if value > frame.high + 1e-9:
            continue
        at = frame.y(value)
        text = _number(100 * value) if shares else _number(value)
        marks.append(f'<path class="grid" d="M{_LEFT:g} {at:g}H{right:g}"/>')
        marks.append(f'<text x="{_LEFT - 5:g}" y="{at + 3.5:g}" class="end">{text}</text>')
    whole = shares and frame.right <= 1
    for value in across:
        text = _number(100 * value) if whole else _number(value)
        marks.append(
            f'<text x="{frame.x(value):g}" y="{bottom + 14:g}" class="middle">{text}</text>'
        )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    unit = ", %" if shares else ""
    across_unit = ", %" if whole else ""
    marks.append(f'<path class="axis" d="M{_LEFT:g} {bottom:g}H{right:g}"/>')
    marks.append(
        f'<text x="{middle:g}" y="{_HEIGHT - 6:g}" class="middle">{escape(x)}{across_unit}</text>'
    )
    marks.append(f'<text x="4" y="12" class="start title">{escape(y)}{unit}</text>')
    return "".join(marks)


def _legend(names: Sequence[str]) -> str:
    """The names with a piece of their line each, from the right; a single one needs none."""
    if len(names) < 2:
        return ""
    marks, right = [], _WIDTH - _RIGHT
    for number, name in reversed(list(enumerate(names))):
        left = right - _LETTER * len(name)
        marks.append(f'<text x="{left:g}" y="12" class="start">{escape(name)}</text>')
        marks.append(f'<path class="curve c{number}" d="M{left - 26:g} 8h22"/>')
        right = left - 36
    return "".join(marks)


def _dot(frame: Frame, x: float, y: float, radius: float, style: str) -> str:
    return f'<circle class="{style} dot" cx="{frame.x(x):g}" cy="{frame.y(y):g}" r="{radius:.3g}"/>'


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _svg(marks: Sequence[str], told: str, height: float = _HEIGHT) -> Markup:
    return Markup(
        f'<svg class="chart" role="img" aria-label="{escape(told)}" '
        f'viewBox="0 0 {_WIDTH:g} {height:g}">{"".join(marks)}</svg>'
    )
