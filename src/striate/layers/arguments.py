"""Checks of constructor arguments: each returns the value, or says what was expected of it."""

from __future__ import annotations

import math

from striate.errors import ArgumentError


def whole(argument: str, value: int, least: int = 1) -> int:
    """`value` if it is a whole number of at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ArgumentError(argument, value, f"a whole number of at least {least}")
    return value


def odd(argument: str, value: int) -> int:
    """`value` if it is an odd whole number: a window with a centre."""
    if whole(argument, value) % 2 == 0:
        raise ArgumentError(argument, value, "an odd whole number, so that the window has a centre")
    return value


def pair(argument: str, value: int | tuple[int, int], least: int = 1) -> tuple[int, int]:
    """(rows, columns): one number stands for both."""
    both = (value, value) if isinstance(value, int) else value
    if not isinstance(both, tuple) or len(both) != 2:
        raise ArgumentError(argument, value, "one whole number, or a pair (rows, columns)")
    return whole(argument, both[0], least), whole(argument, both[1], least)


def odd_pair(argument: str, value: int | tuple[int, int]) -> tuple[int, int]:
    """(rows, columns), both odd; one number stands for both."""
    rows, columns = pair(argument, value)
    return odd(argument, rows), odd(argument, columns)


def positive(argument: str, value: float) -> float:
    """`value` if it is a finite number above zero."""
    if not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise ArgumentError(argument, value, "a finite number above 0")
    return value


def share(argument: str, value: float) -> float:
    """`value` if it is a probability below 1: 0 <= value < 1."""
    if not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise ArgumentError(argument, value, "a number from 0 up to, but not including, 1")
    return value


def divides(argument: str, value: int, *channels: int) -> int:
    """`value` if every one of `channels` is a multiple of it."""
    if any(number % whole(argument, value) for number in channels):
        multiples = " and ".join(str(number) for number in channels)
        raise ArgumentError(argument, value, f"a divisor of the channels {multiples}")
    return value
