"""One row of the picture: items on a common middle line, arrows between, skips above."""

from __future__ import annotations

from dataclasses import dataclass, field

from striate.anatomy.drawing.blocks import Extent, Scale, caption, draw, extent
from striate.anatomy.drawing.flow import Arc, Item, Line
from striate.anatomy.drawing.ink import Ink, text_width

_ARROW = 16.0  # the least length of an arrow
_APART = 8.0  # between the words below neighbours
_BETWEEN_BRANCHES = 10.0
_OVER = 12.0  # a skip above what it skips
_BRANCH_SHRINK = 0.55


@dataclass(slots=True)
class Placed:
    """Items `first` to `last - 1` of a line around y = 0, from x = 0 on."""

    line: Line
    first: int
    last: int
    ink: Ink = field(default_factory=Ink)
    middles: dict[int, float] = field(default_factory=dict)
    extents: dict[int, Extent] = field(default_factory=dict)

    @property
    def end(self) -> float:
        """Where the arrow out of the last item starts."""
        if self.last == self.first:
            return 0.0
        return self.middles[self.last - 1] + self.extents[self.last - 1].right + 2

    @property
    def width(self) -> float:
        """Up to the end of the last item or of the words below it."""
        if self.last == self.first:
            return 0.0
        return max(self.end, self.middles[self.last - 1] + self.extents[self.last - 1].label / 2)


def operation_of(item: Item) -> tuple[str, str]:
    """What the arrow into an item says; nothing on the way into a join or a stack."""
    plain = item.volume is not None and not item.volume.is_join
    return item.volume.operation if plain and item.volume else ("", "")


def gap(item: Item) -> float:
    """Room for the arrow into an item and its words."""
    return max(_ARROW, max(map(text_width, operation_of(item))) + 10)


def place(line: Line, first: int, last: int, scale: Scale, lead: bool) -> Placed:
    """Lay a part of a line out; `lead` leaves room for an arrow into its first item."""
    placed = Placed(line, first, last)
    stacks = {i: stack(line.items[i], scale) for i in range(first, last) if line.items[i].rows}
    edge = reach = 0.0
    for i in range(first, last):
        item = line.items[i]
        size = _stack_extent(stacks[i]) if i in stacks else extent(item, scale)
        room = gap(item) if i > first or lead else 0.0
        middle = max(edge + room + size.left, reach + size.label / 2)
        if i > first or lead:
            _arrow(placed.ink, line, i, edge, middle - size.left)
        if item.volume is not None:
            draw(placed.ink, item.volume, middle, 0, scale)
        else:
            placed.ink.paste(stacks[i], middle - size.left, 0)
        placed.middles[i], placed.extents[i] = middle, size
        edge, reach = middle + size.right + 2, middle + size.label / 2 + _APART
    _repeats(placed)
    _skips(placed)
    return placed


def _arrow(ink: Ink, line: Line, i: int, start: float, end: float) -> None:
    item = line.items[i]
    if not line.linked[i] and i > 0:
        return
    plain = item.volume is not None
    ink.line([(start, 0), (end - (2 if plain else 0), 0)], "line arrow" if plain else "line")
    name, detail = operation_of(item)
    ink.text((start + end) / 2, -4, name, "operation")
    ink.text((start + end) / 2, 12, detail, "operation")


def stack(item: Item, scale: Scale) -> Ink:
    """Branches one above the other, fanned out of one line and gathered into one."""
    small = Scale(scale.largest, _BRANCH_SHRINK * scale.shrink)
    rows = [place(row, 0, len(row.items), small, lead=True) for row in item.rows]
    widest = max(row.width for row in rows)
    boxes = [row.ink.box for row in rows]
    total = sum(b[3] - b[1] for b in boxes) + _BETWEEN_BRANCHES * (len(rows) - 1)
    ink, y = Ink(), -total / 2
    for row, (_, top, _, bottom) in zip(rows, boxes, strict=True):
        middle = y - top
        shift = 12 + (widest - row.width) / 2
        ink.paste(row.ink, shift, middle)
        ink.line([(0, 0), (6, 0), (6, middle), (shift, middle)], "line")
        out = [(shift + row.end, middle), (widest + 18, middle), (widest + 18, 0)]
        ink.line([*out, (widest + 24, 0)], "line")
        y += bottom - top + _BETWEEN_BRANCHES
    return ink


def _stack_extent(ink: Ink) -> Extent:
    left, top, right, bottom = ink.box
    return Extent(0.0, right, -top, bottom, 0.0, 0.0) if left >= 0 else _wide(ink)


def _wide(ink: Ink) -> Extent:
    # A word in a branch reaches left of where the branch starts: count it in.
    left, top, right, bottom = ink.box
    return Extent(0.0, right - left, -top, bottom, 0.0, 0.0)


def _below(placed: Placed, i: int) -> float:
    """How far down an item and its words reach."""
    volume = placed.line.items[i].volume
    lines = len(caption(volume)) if volume else 0
    return placed.extents[i].bottom + (5 + 11 * lines if lines else 0)


def _repeats(placed: Placed) -> None:
    """A bracket below every block that happens several times."""
    for run in placed.line.repeats:
        if not placed.first <= run.first <= run.last < placed.last:
            continue
        items = range(run.first, run.last + 1)
        y = max(max(_below(placed, i) for i in items), 14) + 6
        first, last = placed.extents[run.first], placed.extents[run.last]
        left = placed.middles[run.first] - max(first.left, first.label / 2)
        right = placed.middles[run.last] + max(last.right, last.label / 2)
        placed.ink.line([(left, y), (left, y + 7), (right, y + 7), (right, y)], "line")
        placed.ink.text((left + right) / 2, y + 19, f"x {run.times}", "times")


def _skips(placed: Placed) -> None:
    """Arcs over what they skip: the shorter ones nearer."""
    done: list[tuple[float, float, float]] = []
    arcs = [a for a in placed.line.arcs if placed.first <= a.end < placed.last]
    for arc in sorted(arcs, key=lambda a: (a.end - a.start, a.start)):
        left, foot = _leaving(placed, arc)
        land = placed.extents[arc.end]
        right = placed.middles[arc.end] + land.anchor - (3 if land.anchor == 0 else 0)
        spanned = range(max(arc.start, placed.first), arc.end + 1)
        y = -max(max(placed.extents[i].top for i in spanned), 16) - _OVER
        room = 26.0 if arc.label else 12.0
        for other_left, other_right, other in sorted(done, reverse=True, key=lambda d: d[2]):
            if other_left < right and left < other_right and abs(other - y) < 20:
                y = other - room
        ends = [(left, foot), (left, y), (right, y), (right, -land.top - 2)]
        placed.ink.line(ends, "skip arrow")
        placed.ink.text((left + right) / 2, y - 4, arc.label, "operation")
        done.append((left, right, y - (14 if arc.label else 0)))


def _leaving(placed: Placed, arc: Arc) -> tuple[float, float]:
    """Where a skip starts: on top of its source, or on the line into this row."""
    if arc.start < placed.first:
        placed.ink.circle(3, 0, 2, "dot")
        return 3.0, 0.0
    source = placed.extents[arc.start]
    return placed.middles[arc.start] + (source.anchor or 3.0), -source.top
