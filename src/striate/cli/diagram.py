"""`striate diagram`: a network as a picture."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from striate.cli.anatomy import Input, Network, parse_shape
from striate.cli.output import talk


def diagram(
    network: Network,
    shape: Input,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The SVG file to write.", metavar="OUT.svg")
    ],
) -> None:
    """Draw a network: volumes as blocks, operations on the arrows, joins and skips.

    \b
    striate diagram nets.py:AlexNet --input 3,224,224 -o alexnet.svg
    """
    sizes = parse_shape(shape)
    from striate.anatomy.diagram import diagram as draw
    from striate.anatomy.load import net_from
    from striate.files import write_atomic

    with contextlib.redirect_stdout(sys.stderr):  # what the network prints is no result
        picture = draw(net_from(network), sizes)
    write_atomic(output, picture.encode())
    talk().print(f"wrote {output}", soft_wrap=True, markup=False)
