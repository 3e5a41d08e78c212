"""A profile on a terminal: a table, the classes of layers, and nested bars as wide as the time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from striate.anatomy.words import short, shortened, size, times

if TYPE_CHECKING:
    from striate.anatomy.profile import LayerTime, Profile

_SMALL = 0.001  # rows under a thousandth of the time are told in one line
_EIGHTHS = " ▏▎▍▌▋▊▉"
# The 256-colour palette, so that a block looks alike on dark and light terminals: black on pastel.
_TINTS = (
    "black on color(180)",
    "black on color(110)",
    "black on color(150)",
    "black on color(182)",
)


@dataclass(slots=True)
class Node:
    """A module in the nest: `share` counts all below it."""

    label: str
    share: float = 0.0
    below: dict[str, Node] = field(default_factory=dict)


def nest(profile: Profile) -> Node:
    """The layers as a tree by the dots of their names; a node's share is the sum of its rows'."""
    root = Node(profile.name)
    for layer in profile.layers:
        root.share += layer.share
        node = root
        for part in layer.name.split("."):
            node = node.below.setdefault(part, Node(part))
            node.share += layer.share
    return root


def pieces(profile: Profile, width: int, ascii_only: bool) -> Iterator[Text | Table]:
    """What a terminal of `width` columns shows, top to bottom."""
    yield _headline(profile)
    yield _table(profile, width, ascii_only)
    small = [layer.share for layer in profile.layers if layer.share < _SMALL]
    if small:
        yield Text(f"+ {len(small)} rows under 0.1 %, together {sum(small):.1%}")
    shares = ", ".join(f"{kind} {share:.1%}" for kind, share in profile.by_type().items())
    yield Text(f"By class: {shares}\n")
    yield from bars(nest(profile), width, ascii_only)


def _headline(profile: Profile) -> Text:
    shapes = " and ".join(times(shape) for shape in profile.input_shapes)
    mode = "training" if profile.training else "evaluation"
    backward = f", backward {seconds(profile.backward)}" if profile.backward else ""
    threads = f", {profile.threads} threads" if profile.device == "cpu" else ""
    return Text(
        f"{profile.name} on {shapes} ({profile.device}{threads}, {mode} mode, "
        f"median of {profile.repeats})\n"
        f"forward {seconds(profile.forward)}{backward}, peak memory {size(profile.peak_bytes)}; "
        f"timing took {seconds(profile.hooks)}, not counted"
    )


def _table(profile: Profile, width: int, ascii_only: bool) -> Table:
    """Rows as wide as the terminal; columns go as it narrows, numbers are never cut."""
    shown = [layer for layer in profile.layers if layer.share >= _SMALL]
    bar = max(0, min(24, width - 80))
    titles = ["layer", "class", "time", "share", "", "MAC/s", "memory"]
    kept = [True, width >= 60, True, True, bar > 0, width >= 76, width >= 50]
    dots = ".." if ascii_only else "…"
    longest = max(layer.share for layer in profile.layers)
    rows = [_cells(layer, solid(layer.share / longest * bar, ascii_only)) for layer in shown]
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    widths[1] = min(widths[1], 20)
    room = width - sum(w + 2 for w, keep in zip(widths[1:], kept[1:], strict=True) if keep)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title, keep in zip(titles, kept, strict=True):
        if keep:
            left = title in ("layer", "class", "")
            table.add_column(title, justify="left" if left else "right", no_wrap=True)
    for cells in rows:
        cells[0] = shortened(cells[0], max(8, min(room, widths[0])), dots)
        cells[1] = cells[1][: widths[1]]
        table.add_row(*[cell for cell, keep in zip(cells, kept, strict=True) if keep])
    return table


def _cells(layer: LayerTime, bar: str) -> list[str]:
    rate = layer.macs_per_second
    return [
        layer.name,
        layer.type,
        seconds(layer.forward + layer.backward),
        f"{layer.share:.1%}",
        bar,
        "" if rate is None else short(rate),
        size(layer.activation_bytes),
    ]


def solid(length: float, ascii_only: bool) -> str:
    """A bar `length` columns long, to an eighth of a column where the terminal can draw it."""
    if ascii_only:
        return "#" * round(length)
    eighths = round(length * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def bars(root: Node, width: int, ascii_only: bool) -> Iterator[Text]:
    """One line per depth: every module lies under the one that holds it, as wide as its time."""
    level: list[tuple[Node, int, int]] = [(root, 0, width)]
    tints = 0
    while level:
        line, following = Text(no_wrap=True, overflow="crop"), []
        for node, start, end in level:
            line.append(" " * (start - len(line)))
            line.append(_label(node, end - start, ascii_only), _TINTS[tints % len(_TINTS)])
            tints += 1
            following += _split(node, start, end)
        yield line
        level = following


def _split(node: Node, start: int, end: int) -> list[tuple[Node, int, int]]:
    """The columns of the children: cumulated shares rounded, so that nothing drifts."""
    placed, passed = [], 0.0
    for child in node.below.values():
        left = start + round((end - start) * passed)
        passed += child.share / node.share if node.share else 0.0
        right = start + round((end - start) * min(1.0, passed))
        if right > left:
            placed.append((child, left, right))
    return placed


def _label(node: Node, width: int, ascii_only: bool) -> str:
    edge = "|" if ascii_only else "▏"
    full = f"{node.label} {node.share:.0%}"
    text = full if len(full) < width else node.label if len(node.label) < width else ""
    return (edge + text).ljust(width)


def seconds(value: float) -> str:
    """A time as people say it."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value * 1e6:.3g} us"
