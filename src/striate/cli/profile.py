"""`striate profile`: where a network's time and memory go."""

from __future__ import annotations

from typing import Annotated

import typer

from striate.cli.output import Json, print_json, results
from striate.cli.shape import shape_from


def profile(
    net: Annotated[str, typer.Argument(metavar="FILE.py:NAME", help="A network in your own file.")],
    input: Annotated[
        str,
        typer.Option("--input", help="Shape of one sample, such as 3,224,224.", metavar="SHAPE"),
    ],
    batch: Annotated[int, typer.Option("--batch", help="Samples per pass.")] = 1,
    repeats: Annotated[int, typer.Option("--repeats", help="Passes to take medians of.")] = 10,
    backward: Annotated[
        bool, typer.Option("--backward", help="Time the backward pass too, in training mode.")
    ] = False,
    json: Json = False,
) -> None:
    """Time every layer of a network: table, shares by class, and nested bars.

    \b
    striate profile nets.py:AlexNet --input 3,224,224 --batch 16
    striate profile nets.py:AlexNet --input 3,224,224 --backward --json
    """
    shape = shape_from(input)
    from striate.anatomy.load import net_from
    from striate.anatomy.profile import profile as measure

    network = net_from(net).train(backward)
    found = measure(network, shape, batch=batch, repeats=repeats, backward=backward)
    if json:
        print_json(found.to_dict())
    else:
        results().print(found)
