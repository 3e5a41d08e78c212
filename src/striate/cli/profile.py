"""`striate profile`: where a network's time and memory go."""

from __future__ import annotations

from typing import Annotated

import typer

from striate.cli.network import Input, Network, input_of, network_from
from striate.cli.output import Json, guest_code, print_json, results


def profile(
    network: Network,
    shape: Input = None,
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
    striate profile resnet50
    """
    sizes = input_of(network, shape)
    from striate.anatomy.profile import profile as measure

    with guest_code():
        net = network_from(network).train(backward)
        found = measure(net, sizes, batch=batch, repeats=repeats, backward=backward)
    if json:
        print_json(found.to_dict())
    else:
        results().print(found)
