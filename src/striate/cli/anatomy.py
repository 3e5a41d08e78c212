"""`striate summary`: a network as a table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from striate.cli.network import Input, Network, input_of, network_from
from striate.cli.output import Json, guest_code, print_json, results, talk
from striate.errors import FAILED

if TYPE_CHECKING:
    from striate.anatomy.summary import Summary


def summary(
    network: Network,
    shape: Input = None,
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
    striate summary resnet50
    """
    sizes = input_of(network, shape)

    from striate.anatomy.summary import summary as summarise
    from striate.files import write_atomic

    with guest_code():
        found = summarise(network_from(network), sizes)
    if html is not None:
        write_atomic(html, found.to_html().encode())
        talk().print(f"wrote {html}", soft_wrap=True)
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
