"""A summary as text: as many columns as the terminal has room for, numbers never cut."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from striate.anatomy.words import exact, short, shortened, size, times

if TYPE_CHECKING:
    from striate.anatomy.summary import Layer, Summary

_GAP = 2  # one of padding, one of the box between the columns
_LEAST_NAME = 8


def shape(sizes: tuple[int, ...] | None) -> str:
    """(64, 112, 112) -> 64x112x112."""
    return "-" if sizes is None else times(sizes) or "1"


def field(layer: Layer) -> str:
    """The receptive field: 7x7, or `whole` for the whole input."""
    return "whole" if layer.whole else shape(layer.receptive_field)


def params(layer: Layer) -> str:
    """The parameters; `shared` where an earlier row has counted them."""
    return "shared" if layer.shared and not layer.params else exact(layer.params)


def _narrow_params(layer: Layer) -> str:
    return "shared" if layer.shared and not layer.params else short(layer.params)


_Column = tuple[str, Callable[["Layer"], str]]
_NAME: _Column = ("layer", lambda layer: layer.name)
_TYPE: _Column = ("type", lambda layer: layer.type)
_OUT: _Column = ("output", lambda layer: shape(layer.output))
_SEES: _Column = ("sees", field)
_PARAMS: _Column = ("params", params)
_MACS: _Column = ("MACs", lambda layer: exact(layer.macs))
_MEMORY: _Column = ("memory", lambda layer: size(layer.memory))
_SHORT_PARAMS: _Column = ("params", _narrow_params)
_SHORT_MACS: _Column = ("MACs", lambda layer: short(layer.macs))

# From the widest to the narrowest; the first that fits is shown.
_LAYOUTS: tuple[tuple[_Column, ...], ...] = (
    (_NAME, _TYPE, _OUT, _SEES, _PARAMS, _MACS, _MEMORY),
    (_NAME, _TYPE, _OUT, _SEES, _SHORT_PARAMS, _SHORT_MACS, _MEMORY),
    (_NAME, _OUT, _SEES, _SHORT_PARAMS, _SHORT_MACS, _MEMORY),
    (_NAME, _OUT, _SEES, _SHORT_PARAMS, _SHORT_MACS),
    (_NAME, _OUT, _SHORT_PARAMS, _SHORT_MACS),
    (_NAME, _OUT, _SHORT_PARAMS),
)


def as_text(found: Summary, width: int | None = None) -> str:
    """The table and its totals, without colour, `width` columns wide or as wide as it needs."""
    stream = io.StringIO()
    console = Console(file=stream, width=width or 10_000, no_color=True, highlight=False)
    show(found, console, width)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def show(found: Summary, console: Console, width: int | None) -> None:
    """Print the table on `console`; no `width` means as wide as it needs."""
    columns = _layout(found, width)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, _GAP - 1, 0, 0))
    for place, (title, _) in enumerate(columns):
        left = (title, place) in (("layer", 0), ("type", 1))
        table.add_column(title, justify="left" if left else "right", no_wrap=True)
    room = _name_room(found, columns, width)
    for layer in found.layers:
        cells = [cell(layer) for _, cell in columns]
        table.add_row(*(Text(text) for text in (shortened(cells[0], room), *cells[1:])))
    console.print(table)
    for line in totals(found):
        console.print(Text(line))
    if found.failure is not None:
        console.print(Text(f"failed at {found.failure}", style="bold red"), soft_wrap=True)


def totals(found: Summary) -> list[str]:
    """The lines under the table, exact."""
    params = f"parameters {exact(found.params)}"
    notes = []
    if found.trainable != found.params:
        notes.append(f"{exact(found.trainable)} trainable")
    if found.uncalled and found.failure is None:
        notes.append(f"{exact(found.uncalled)} not used in this run")
    return [
        f"{params} ({', '.join(notes)})" if notes else params,
        f"MACs {exact(found.macs)}",
        f"activations {size(found.memory)} a sample, weights {size(found.weights)}",
    ]


def _widths(found: Summary, columns: tuple[_Column, ...]) -> list[int]:
    return [
        max([len(title), *(len(cell(layer)) for layer in found.layers)]) for title, cell in columns
    ]


def _layout(found: Summary, width: int | None) -> tuple[_Column, ...]:
    if width is None:
        return _LAYOUTS[0]
    for columns in _LAYOUTS:
        if sum(_widths(found, columns)) + _GAP * len(columns) <= width:
            return columns
    # None fits whole: the widest that does once the names are cut to something readable.
    for columns in _LAYOUTS:
        name, *rest = _widths(found, columns)
        if min(name, 16) + sum(rest) + _GAP * len(columns) <= width:
            return columns
    return _LAYOUTS[-1]


def _name_room(found: Summary, columns: tuple[_Column, ...], width: int | None) -> int:
    name, *rest = _widths(found, columns)
    if width is None:
        return name
    return max(_LEAST_NAME, width - sum(rest) - _GAP * len(columns))
