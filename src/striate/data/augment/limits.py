"""What the operations accept, checked when a policy is written down."""

from __future__ import annotations

from striate.data.augment.resample import PADDINGS
from striate.errors import ArgumentError, unknown_name


def check_padding(padding: str) -> None:
    """What lies beyond the edge of a picture must have a name we know."""
    if padding not in PADDINGS:
        raise unknown_name("padding", padding, PADDINGS)


def check_range(name: str, value: float, low: float, high: float) -> None:
    """A number within its limits; NaN is in none."""
    if not low <= value <= high:
        raise ArgumentError(name, value, f"a number from {low:g} to {high:g}")


def check_span(name: str, span: tuple[float, float], low: float, high: float) -> None:
    """Two numbers in order, both within limits."""
    if not low <= span[0] <= span[1] <= high:
        raise ArgumentError(name, span, f"two numbers in order, from {low:g} to {high:g}")
