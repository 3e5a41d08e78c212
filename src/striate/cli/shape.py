"""How a shape is written on the command line."""

from __future__ import annotations

from striate.errors import ArgumentError


def shape_from(text: str) -> tuple[int, ...]:
    """`3,224,224` or `3x224x224` as a shape."""
    try:
        sizes = tuple(int(part) for part in text.replace("x", ",").split(","))
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise ArgumentError("--input", text, "a shape without batch axis, such as 3,224,224")
    return sizes
