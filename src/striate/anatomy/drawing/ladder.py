"""Nets that go down and come up again, as a U: down where the maps shrink, up where they grow."""

from __future__ import annotations

import math

from striate.anatomy.drawing.blocks import Extent, Scale, draw, extent
from striate.anatomy.drawing.flow import Line
from striate.anatomy.drawing.ink import Ink, text_width
from striate.anatomy.drawing.row import gap, operation_of

_ARROW_DOWN = 34.0
_APART = 8.0
_OVER = 12.0


def is_ladder(line: Line) -> bool:
    """Two long skips, one around the other, over a line without stacks."""
    long = [arc for arc in line.arcs if arc.end - arc.start > 3]
    nested = any(a.start < b.start and b.end < a.end for a in long for b in long)
    crossed = any(a.start <= b.start < a.end <= b.end and a != b for a in long for b in long)
    plain = not any(item.rows for item in line.items) and all(line.linked[1:])
    return nested and not crossed and plain and not line.repeats


def _levels(line: Line) -> list[int]:
    """How many halvings down each item is, less the levels that nobody is on."""
    depths, depth, before = [], 0, 0
    for item in line.items:
        space = item.volume.shape[1:] if item.volume else ()
        size = space[-1] if space else before
        if before:
            depth += round(math.log2(before / size))
        depths.append(depth)
        before = size
    ranks = {depth: rank for rank, depth in enumerate(sorted(set(depths)))}
    return [ranks[depth] for depth in depths]


def ladder(line: Line, scale: Scale) -> Ink:
    """Steps share a column, so the U is as narrow as its rungs allow."""
    ink, levels = Ink(), _levels(line)
    sizes = [extent(item, scale) for item in line.items]
    heights = _heights(levels, sizes)
    middles: list[float] = []
    edge = reach = 0.0
    for i, (item, size) in enumerate(zip(line.items, sizes, strict=True)):
        level = levels[i]
        if i and level != levels[i - 1]:
            middle = max(middles[-1], edge - 2 - sizes[i - 1].right)
            _vertical(ink, line, i, middle, heights, levels, sizes)
        else:
            room = gap(item) if i else 0.0
            middle = max(edge + room + size.left, reach + size.label / 2)
            if i:
                _horizontal(ink, line, i, edge, middle - size.left, heights[level])
        assert item.volume is not None
        draw(ink, item.volume, middle, heights[level], scale)
        middles.append(middle)
        edge, reach = middle + size.right + 2, middle + size.label / 2 + _APART
    for arc in line.arcs:
        left, right = middles[arc.start] + sizes[arc.start].anchor, middles[arc.end] - 4
        y0, y1 = heights[levels[arc.start]], heights[levels[arc.end]]
        on_top = [i for i in range(arc.start, arc.end + 1) if levels[i] == levels[arc.start]]
        y = y0 - max(sizes[i].top for i in on_top) - _OVER
        foot, land = y0 - sizes[arc.start].top, y1 - sizes[arc.end].top - 2
        ink.line([(left, foot), (left, y), (right, y), (right, land)], "skip arrow")
        ink.text((left + right) / 2, y - 4, arc.label, "operation")
    return ink


def _heights(levels: list[int], sizes: list[Extent]) -> dict[int, float]:
    """The middle line of each level."""
    y, heights = 0.0, dict[int, float]()
    for level in range(min(levels), max(levels) + 1):
        members = [size for size, own in zip(sizes, levels, strict=True) if own == level]
        y += max((size.top for size in members), default=0.0)
        heights[level] = y
        y += max((size.bottom for size in members), default=0.0) + 28 + _ARROW_DOWN
    return heights


def _horizontal(ink: Ink, line: Line, i: int, start: float, end: float, y: float) -> None:
    ink.line([(start, y), (end - 2, y)])
    name, detail = operation_of(line.items[i])
    ink.text((start + end) / 2, y - 4, name, "operation")
    ink.text((start + end) / 2, y + 12, detail, "operation")


def _vertical(
    ink: Ink,
    line: Line,
    i: int,
    x: float,
    heights: dict[int, float],
    levels: list[int],
    sizes: list[Extent],
) -> None:
    """An arrow down (or up) a step, its words beside it."""
    here, there = heights[levels[i - 1]], heights[levels[i]]
    down = there > here
    words = 18  # the words below the upper block
    if down:
        ends = here + sizes[i - 1].bottom + words, there - sizes[i].top - 3
    else:
        ends = here - sizes[i - 1].top - 3, there + sizes[i].bottom + words
    ink.line([(x, ends[0]), (x, ends[1])])
    text = " ".join(operation_of(line.items[i])).strip()
    aside = text_width(text) / 2 + 5  # on the outer side of the U, where nothing else is
    ink.text(x - aside if down else x + aside, (ends[0] + ends[1]) / 2 + 4, text, "operation")
