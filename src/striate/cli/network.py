"""Which network a command is about, and the size of what it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from striate.errors import ArgumentError

if TYPE_CHECKING:
    from torch import nn

    from striate.models import Entry

# Shared by every command that takes a network.
Network = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK",
        help="FILE.py:NAME (a module, class or function in your file) or a network's name.",
    ),
]
Input = Annotated[
    str | None,
    typer.Option(
        "--input",
        help="One sample's shape: 3,224,224. Several inputs: 3,8,8;10. "
        "A network known by name has a size of its own.",
    ),
]


def network_from(spec: str) -> nn.Module:
    """The network FILE.py:NAME, or the registered one of that name."""
    if ":" in spec or spec.endswith(".py"):
        from striate.anatomy.load import net_from

        return net_from(spec)
    from striate.models import create

    return create(_known(spec).name)


def _known(spec: str) -> Entry:
    from striate.models import entry

    try:
        return entry(spec)
    except ArgumentError as error:
        expected = f"{error.expected}, or FILE.py:NAME for one of your own"
        raise ArgumentError(error.argument, spec, expected, remedy=error.remedy) from error


def input_of(spec: str, text: str | None) -> tuple[int, ...] | tuple[tuple[int, ...], ...]:
    """The shape that was asked for, or the one a registered network was made for."""
    if text is not None:
        return parse_shape(text)
    if ":" in spec or spec.endswith(".py"):
        raise ArgumentError("--input", text, "the shape of one sample, such as 3,224,224")
    return _known(spec).input


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
