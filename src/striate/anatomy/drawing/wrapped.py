"""Rows under one another: where a line is cut, and how the rows hang together."""

from __future__ import annotations

from striate.anatomy.drawing.blocks import Scale
from striate.anatomy.drawing.flow import Line
from striate.anatomy.drawing.ink import Ink
from striate.anatomy.drawing.ladder import is_ladder, ladder
from striate.anatomy.drawing.row import Placed, place

_WIDTH = 1100.0
_BETWEEN_ROWS = 34.0
_MARGIN = 22.0


def paginate(line: Line, scale: Scale) -> Ink:
    """The whole picture, its top left corner anywhere."""
    if is_ladder(line):
        return ladder(line, scale)
    whole = place(line, 0, len(line.items), scale, lead=False)
    bounds = _balanced(whole)
    rows = [place(line, a, b, scale, lead=a > 0) for a, b in bounds]
    return _stacked(rows)


def _stacked(rows: list[Placed]) -> Ink:
    widest = max(row.ink.box[2] for row in rows)
    ink, y = Ink(), 0.0
    for number, row in enumerate(rows):
        _, top, _, bottom = row.ink.box
        middle = y - top
        ink.paste(row.ink, 0, middle)
        y = middle + bottom + _BETWEEN_ROWS
        if number + 1 < len(rows):
            following = rows[number + 1]
            below = y - following.ink.box[1]
            bend, right = y - _BETWEEN_ROWS / 2, widest + _MARGIN
            ink.line(
                [
                    *((row.end, middle), (right, middle), (right, bend)),
                    *((-_MARGIN, bend), (-_MARGIN, below), (0, below)),
                ],
                "line turn",
            )
    return ink


def _cuts(line: Line) -> list[int]:
    """Items a row may start with: no skip but those of the item before is cut, and no repeat."""
    crossed = {k for arc in line.arcs for k in range(arc.start + 2, arc.end + 1)}
    inside = {k for run in line.repeats for k in range(run.first + 1, run.last + 1)}
    after_stack = {i + 1 for i, item in enumerate(line.items) if item.rows}
    return [k for k in range(1, len(line.items)) if k not in crossed | inside | after_stack]


def _balanced(whole: Placed) -> list[tuple[int, int]]:
    """As few rows as the width allows, and then as even as that many rows can be."""
    best = _broken(whole, _WIDTH)
    limit = _WIDTH
    while limit > 200:
        limit -= 20
        narrower = _broken(whole, limit)
        if len(narrower) > len(best) or _widest(whole, narrower) > _widest(whole, best):
            return best
        best = narrower
    return best


def _span(whole: Placed, first: int, last: int) -> float:
    left = whole.middles[first] - whole.extents[first].left
    return whole.middles[last - 1] + whole.extents[last - 1].right - left


def _widest(whole: Placed, rows: list[tuple[int, int]]) -> float:
    return max(_span(whole, first, last) for first, last in rows)


def _broken(whole: Placed, limit: float) -> list[tuple[int, int]]:
    cuts = [*_cuts(whole.line), len(whole.line.items)]
    rows, first = [], 0
    while first < len(whole.line.items):
        ahead = [cut for cut in cuts if cut > first]
        fitting = [cut for cut in ahead if _span(whole, first, cut) <= limit]
        last = max(fitting) if fitting else ahead[0]
        rows.append((first, last))
        first = last
    return rows
