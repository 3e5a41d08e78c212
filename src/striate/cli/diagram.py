"""`striate diagram`: a network as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from striate.cli.network import Input, Network, input_of, network_from
from striate.cli.output import guest_code, talk
from striate.errors import ArgumentError


def diagram(
    network: Network,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The SVG file to write.", metavar="OUT.svg"),
    ] = None,
    shape: Input = None,
) -> None:
    """Draw a network: volumes as blocks, operations on the arrows, joins and skips.

    \b
    striate diagram nets.py:AlexNet --input 3,224,224 -o alexnet.svg
    striate diagram resnet18 -o resnet18.svg
    """
    file = _svg_file(network, output)
    sizes = input_of(network, shape)
    from striate.anatomy.diagram import diagram as draw
    from striate.files import write_atomic

    with guest_code():
        picture = draw(network_from(network), sizes)
    write_atomic(file, picture.encode())
    talk().print(f"wrote {file}", soft_wrap=True)


def _svg_file(network: str, output: Path | None) -> Path:
    """Where the picture goes; another kind than SVG is refused before anything is drawn."""
    if output is not None and output.suffix.lower() == ".svg":
        return output
    expected = "the SVG file to write"
    if output is not None:
        expected = "a name that ends in .svg, for SVG is what is drawn"
    name = output.parent / output.stem if output is not None else network.rpartition(":")[2]
    remedy = f"Try: striate diagram {network} -o {name}.svg"
    raise ArgumentError("--output", output and str(output), expected, remedy=remedy)
