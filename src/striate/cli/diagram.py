"""`striate diagram`: a network as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from striate.cli.output import talk
from striate.cli.shape import shape_from


def diagram(
    net: Annotated[str, typer.Argument(metavar="FILE.py:NAME", help="A network in your own file.")],
    input: Annotated[
        str,
        typer.Option("--input", help="Shape of one sample, such as 3,224,224.", metavar="SHAPE"),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The SVG file to write.", metavar="OUT.svg")
    ],
) -> None:
    """Draw a network: volumes as blocks, operations on the arrows, joins and skips.

    \b
    striate diagram nets.py:AlexNet --input 3,224,224 -o alexnet.svg
    """
    shape = shape_from(input)
    from striate.anatomy.diagram import diagram as draw
    from striate.anatomy.load import net_from
    from striate.files import write_atomic

    picture = draw(net_from(net), shape)
    write_atomic(out, picture.encode())
    talk().print(f"wrote {out}", soft_wrap=True)
