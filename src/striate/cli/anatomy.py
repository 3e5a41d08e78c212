"""`striate summary`: a network as a table."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from striate.cli.output import Json, print_json, results
from striate.errors import FAILED, ArgumentError

if TYPE_CHECKING:
    from striate.anatomy.summary import Summary

Network = Annotated[
    str, typer.Argument(metavar="FILE.py:NAME", help="A module, class or function in your file.")
]
Input = Annotated[
    str, typer.Option("--input", help="One sample's shape: 3,224,224. Several inputs: 3,8,8;10.")
]


def parse_shape(text: str) -> tuple[int, ...] | tuple[tuple[int, ...], ...]:
    """`3,224,224` (or 3x224x224) as a tuple; inputs are separated by `;`."""
    try:
        shapes = [
            tuple(int(size) for size in part.replace("x", ",").split(","))
            for part in text.split(";")
        ]
    except ValueError:
        shapes = []
    if not shapes or min(size for shape in shapes for size in shape) < 1:
        raise ArgumentError("--input", text, "positive sizes such as 3,224,224")
    return shapes[0] if len(shapes) == 1 else tuple(shapes)


def summary(
    network: Network,
    shape: Input,
    json: Json = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one HTML page.")
    ] = None,
) -> None:
    """Show every layer: shape, what it sees, parameters, multiply-adds, memory.

    Nothing is computed: a large network takes well under a second and no memory. A network that
    fails half way is shown up to the layer at fault, with the mend; the exit code is then 1.

    \b
    striate summary nets.py:LeNet --input 1,28,28
    striate summary nets.py:make_resnet --input 3,224,224 --html resnet.html
    striate summary nets.py:net --input 3,32,32 --json
    """
    sizes = parse_shape(shape)

    from striate.anatomy.load import net_from
    from striate.anatomy.summary import summary as summarise
    from striate.files import write_atomic

    with contextlib.redirect_stdout(sys.stderr):  # what the network prints is no result
        found = summarise(net_from(network), sizes)
    if html is not None:
        write_atomic(html, found.to_html().encode())
    if json:
        print_json(found.to_dict())
    else:
        _print(found)
    if found.failure is not None:
        raise typer.Exit(FAILED)


def _print(found: Summary) -> None:
    """Fitted to a terminal (or to COLUMNS); in a pipe, as wide as it needs."""
    from striate.anatomy.table import show

    console = results()
    if console.is_terminal or "COLUMNS" in os.environ:
        show(found, console, console.width)
    else:
        print(found)
