"""How every command talks: results to stdout, talk to stderr, one JSON object for machines."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 80
_SHORT = 20  # letters that are never wrapped
_GAP = 2  # one of padding, one of the box between the columns

# Shared by every command that reports.
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no talk.")]


def print_json(result: dict[str, Any] | list[Any]) -> None:
    """The machine's answer: exactly one JSON value on stdout (NaN and infinity are refused)."""
    print(json.dumps(result, indent=2, allow_nan=False))


def wants_json(context: typer.Context, json: bool) -> bool:
    """Whether `--json` came behind a subcommand or before it."""
    return json or bool(context.parent and context.parent.params.get("json"))


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]], narrow: Sequence[str]) -> None:
    """One line a row: aligned on a terminal, separated by tabs in a pipe.

    A terminal of less than 80 columns shows the columns of `narrow` only.
    """
    console = results()
    if not console.is_terminal:
        _print_tabs(heads, rows)
        return
    if not rows:
        return
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown = [k for k, head in enumerate(heads) if console.width >= _WIDE or head in narrow]
    for k in shown:
        cells = [row[k] for row in rows]
        short = all(len(cell) <= _SHORT for cell in cells)
        numbers = all(re.fullmatch(r"[\d,.]*", cell) for cell in cells)
        justify: Literal["right", "left"] = "right" if numbers else "left"
        table.add_column(heads[k], justify=justify, overflow="fold", no_wrap=short)
    for row in rows:
        table.add_row(*(row[k] for k in shown))
    console.print(table)


def _print_tabs(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    for line in (heads, *rows):
        print("\t".join(line))


def print_fitted(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    folded: Sequence[str],
    numbers: Sequence[str] = (),
    spare: Sequence[str] = (),
) -> None:
    """One line a row: as many columns as there is room for; all of them, by tabs, in a pipe.

    Those in `spare` go first, in this order; those in `folded` are folded at need, and no other is
    ever cut. `numbers` stand to the right.
    """
    console = results()
    if not console.is_terminal:
        _print_tabs(heads, rows)
        return
    if not rows:
        return
    from rich import box
    from rich.table import Table

    columns = dict(zip(heads, zip(*rows, strict=True), strict=True))
    for name in spare:
        wide = sum(max(map(len, (head, *cells))) + _GAP for head, cells in columns.items())
        if wide <= console.width:
            break
        del columns[name]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, _GAP - 1, 0, 0))
    for head in columns:
        justify: Literal["left", "right"] = "right" if head in numbers else "left"
        table.add_column(head, justify=justify, no_wrap=head not in folded, overflow="fold")
    for line in zip(*columns.values(), strict=True):
        table.add_row(*line)
    console.print(table)


@contextlib.contextmanager
def guest_code() -> Iterator[None]:
    """Around a stranger's code: what it prints is talk, and no result."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def results() -> Console:
    """A console on stdout; rich drops colour in a pipe or under NO_COLOR.

    What is printed is no markup: a path may hold `[x]`, in which rich would see a style.
    """
    from rich.console import Console

    return Console(highlight=False, markup=False)


def talk(quiet: bool = False) -> Console:
    """A console on stderr, for progress and remarks."""
    from rich.console import Console

    return Console(file=sys.stderr, highlight=False, markup=False, quiet=quiet)
