"""`striate diagram`: a network as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from striate.cli.network import Input, Network, input_of, network_from
from striate.cli.output import guest_code, talk


def diagram(
    network: Network,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The SVG file to write.", metavar="OUT.svg")
    ],
    shape: Input = None,
) -> None:
    """Draw a network: volumes as blocks, operations on the arrows, joins and skips.

    \b
    striate diagram nets.py:AlexNet --input 3,224,224 -o alexnet.svg
    striate diagram resnet18 -o resnet18.svg
    """
    sizes = input_of(network, shape)
    from striate.anatomy.diagram import diagram as draw
    from striate.files import write_atomic

    with guest_code():
        picture = draw(network_from(network), sizes)
    write_atomic(output, picture.encode())
    talk().print(f"wrote {output}", soft_wrap=True, markup=False)
