"""Which input pixels a unit sees, exactly, for any mix of strides, upsampling and branches.

Along one axis, unit `i` sees the pixels `low(i) .. high(i)`. Shifting `i` by one period shifts both
by `step` pixels, so one period tells all: a stack of convolutions has period 1 and `step` is the
jump; upsampling by 2 makes the period 2. Everything is a whole number and nothing is clipped at the
borders, which is what makes the sums exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import gcd

from striate.anatomy.geometry import Field

NOTHING = 10**12  # low of a unit that sees no pixel at all (a gap of a strided transposed conv)


@dataclass(frozen=True, slots=True)
class Axis:
    """One input axis of `length` pixels as seen from the units along dimension `dim` of a tensor.

    `dim` None: every unit of the tensor sees the same pixels.
    """

    length: int
    dim: int | None
    low: tuple[int, ...] = (0,)
    high: tuple[int, ...] = (0,)
    step: int = 1

    @property
    def period(self) -> int:
        """Units after which the pattern repeats, `step` pixels further on."""
        return len(self.low)

    @property
    def whole(self) -> bool:
        """Every unit sees the whole axis."""
        return self.dim is None and self.low[0] <= 0 and self.high[0] >= self.length - 1

    def at(self, unit: int) -> tuple[int, int]:
        """First and last pixel that `unit` sees; the first is behind the last for nothing."""
        turns, place = divmod(unit, self.period)
        return self.low[place] + turns * self.step, self.high[place] + turns * self.step

    def over(self, units: Iterable[int]) -> tuple[int, int]:
        """First and last pixel that any of `units` sees."""
        spans = [self.at(unit) for unit in units]
        spans = [span for span in spans if span[0] <= span[1]]
        if not spans:
            return NOTHING, -NOTHING
        return min(low for low, _ in spans), max(high for _, high in spans)

    def rewired(self, sees: Callable[[int], Iterable[int]], units: int, old_units: int) -> Axis:
        """The axis behind a layer whose unit `i` reads the old units `sees(i)`.

        The wiring repeats: `sees(i + units)` is `sees(i)` moved by `old_units`.
        """
        if self.dim is None:
            return self
        turns = self.period // gcd(self.period, old_units)
        spans = [self.over(sees(unit)) for unit in range(units * turns)]
        step = self.step * (old_units * turns // self.period)
        low, high = zip(*spans, strict=True)
        return replace(self, low=low, high=high, step=step)

    def folded(self, units: Iterable[int]) -> Axis:
        """The axis when every unit behind sees all `units` of this one (a global pool, a sum)."""
        return self if self.dim is None else self._constant(self.over(units))

    def _constant(self, span: tuple[int, int]) -> Axis:
        low, high = max(0, span[0]), min(self.length - 1, span[1])
        return Axis(self.length, None, (low,), (high,), 0)

    def moved(self, dim: int | None) -> Axis:
        """The same axis along another dimension of the tensor."""
        return self if self.dim is None else replace(self, dim=dim)

    def joined(self, other: Axis) -> Axis | None:
        """What a sum or concatenation of both sees; None where no single pattern tells it."""
        if self.whole or other.whole:
            return self if self.whole else other
        if self.dim is None and other.dim is None:
            return self._constant(
                (min(self.low[0], other.low[0]), max(self.high[0], other.high[0]))
            )
        if self.dim != other.dim or self.step * other.period != other.step * self.period:
            return None
        period = self.period * other.period // gcd(self.period, other.period)
        spans = [(self.at(unit), other.at(unit)) for unit in range(period)]
        return replace(
            self,
            low=tuple(min(a[0], b[0]) for a, b in spans),
            high=tuple(max(a[1], b[1]) for a, b in spans),
            step=self.step * period // self.period,
        )

    def field(self) -> Field:
        """The plain three numbers: largest size, mean jump, centre of unit 0."""
        size = max(high - low + 1 for low, high in zip(self.low, self.high, strict=True))
        jump, start = self.step / self.period, (self.low[0] + self.high[0]) / 2
        return Field(
            max(0, size),
            int(jump) if jump.is_integer() else jump,
            int(start) if start.is_integer() else start,
        )


# A tensor's reach: one Axis per spatial axis of the input; None when it can't be told.
Reach = tuple[Axis, ...] | None


def joined(reaches: Iterable[Reach]) -> Reach:
    """What a layer sees that reads several tensors whose spatial dimensions coincide."""
    reaches = list(reaches)
    known = [reach for reach in reaches if reach is not None]
    for reach in known:
        if is_whole(reach):
            return reach  # nothing can be seen beyond everything, not even by an unknown branch
    if len(known) < len(reaches) or not known:
        return None
    total = known[0]
    for reach in known[1:]:
        pairs = [a.joined(b) for a, b in zip(total, reach, strict=True)]
        axes = tuple(axis for axis in pairs if axis is not None)
        if len(axes) < len(pairs):
            return None
        total = axes
    return total


def is_whole(reach: Reach) -> bool:
    """Every unit sees the whole input."""
    return reach is not None and all(axis.whole for axis in reach)
