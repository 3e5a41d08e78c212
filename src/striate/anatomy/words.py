"""Numbers and names as people write them, the same in every table, drawing and error."""

from __future__ import annotations

from collections.abc import Iterable


def times(sizes: Iterable[int]) -> str:
    """(8, 12, 12) -> 8x12x12."""
    return "x".join(map(str, sizes))


def shape_text(shape: Iterable[int]) -> str:
    """The same in a sentence, where a shape without any axis needs words."""
    return times(shape) or "a single number"


def exact(number: int) -> str:
    """1849688064 -> 1,849,688,064."""
    return f"{number:,}"


def short(number: float, base: int = 1000, units: str = " kMGTP") -> str:
    """1849688064 -> 1.85G: three digits, for narrow tables."""
    for unit in units:
        if number < base:
            digits = 0 if unit == " " or number >= 100 else 1 if number >= 10 else 2
            return f"{number:.{digits}f}{unit}".strip()
        number /= base
    return f"{number:.0f}E"


def size(number: int) -> str:
    """Bytes in KiB, MiB, GiB."""
    text = short(number, 1024, " KMGT")
    return f"{text}iB" if text[-1].isalpha() else f"{text} B"


def shortened(name: str, room: int, dots: str = "..") -> str:
    """The end of a dotted path says most: features.denseblock1.conv -> ..block1.conv."""
    return name if len(name) <= room else dots + name[len(name) - room + len(dots) :]
