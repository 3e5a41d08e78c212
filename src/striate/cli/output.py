"""How every command talks: results to stdout, talk to stderr, one JSON object for machines."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

# Shared by every command that reports.
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no talk.")]


def print_json(result: dict[str, Any] | list[Any]) -> None:
    """The machine's answer: exactly one JSON value on stdout (NaN and infinity are refused)."""
    print(json.dumps(result, indent=2, allow_nan=False))


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
