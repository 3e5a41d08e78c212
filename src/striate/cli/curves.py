"""Curves drawn as text: one letter a curve, in plain ASCII, so that any terminal shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

_HEIGHT = 10
_CROSSING = "*"
_FEWEST = 10  # columns that a curve can still be read in

Points = Sequence[tuple[float, float]]


def draw(curves: Mapping[str, Points], width: int, height: int = _HEIGHT) -> list[str]:
    """Lines of at most `width` letters: `curves` maps a letter to points (epoch, value), in order.

    Where several curves meet stands `*`. Between its points a curve goes straight.
    """
    points = [point for curve in curves.values() for point in curve]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, right, low, high = min(xs), max(xs), min(ys), max(ys)
    labels = _labels(low, high, height)
    margin = max(map(len, labels))
    columns = max(_FEWEST, width - margin - 2)
    grid = [[" "] * columns for _ in range(height)]
    for letter, curve in curves.items():
        for column, value in _sampled(curve, left, right, columns):
            row = round((high - value) / (high - low) * (height - 1)) if high > low else height // 2
            cell = grid[row][column]
            grid[row][column] = letter if cell in (" ", letter) else _CROSSING
    lines = [
        f"{label:>{margin}} |{''.join(row)}".rstrip()
        for label, row in zip(labels, grid, strict=True)
    ]
    first, last = f"{left:g}", f"{right:g}"
    below = f"{first}{last:>{columns - len(first)}}" if right > left else first
    return [*lines, f"{'':>{margin}} +{'-' * columns}", f"{'':>{margin}}  {below}"]


def _sampled(curve: Points, left: float, right: float, columns: int) -> list[tuple[int, float]]:
    """The curve's value in every column that it passes, straight from point to point."""
    if right == left:
        return [(0, curve[0][1])]
    scale = (columns - 1) / (right - left)
    found = {round((x - left) * scale): y for x, y in curve}
    for (x0, y0), (x1, y1) in pairwise(curve):
        begin, end = round((x0 - left) * scale), round((x1 - left) * scale)
        for column in range(begin + 1, end):
            found[column] = y0 + (y1 - y0) * (column - begin) / (end - begin)
    return sorted(found.items())


def _labels(low: float, high: float, height: int) -> list[str]:
    """One a row: numbers at the top, in the middle and at the bottom."""
    middle = height // 2
    values = {middle: high - (high - low) * middle / (height - 1)}
    if high > low:
        values |= {0: high, height - 1: low}
    return [f"{values[row]:#.3g}".rstrip(".") if row in values else "" for row in range(height)]
