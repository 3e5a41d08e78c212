"""Where the windows lie: how far a signal is extended, and how many results there are."""

from __future__ import annotations

from dataclasses import dataclass

from striate.errors import ArgumentError


@dataclass(frozen=True, slots=True)
class Axis:
    """One filtered axis: `length` samples, extended by `before`, and one window every `stride`.

    `taps` weights lie `dilation` samples apart.
    """

    length: int
    taps: int = 1
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0

    @property
    def reach(self) -> int:
        """Samples from the first tap of a window to its last."""
        return (self.taps - 1) * self.dilation

    @property
    def results(self) -> int:
        """Number of windows: floor((length + before + after - reach - 1) / stride) + 1."""
        return (self.length + self.before + self.after - self.reach - 1) // self.stride + 1

    def span(self, windows: int) -> int:
        """Samples under that many neighbouring windows."""
        return (windows - 1) * self.stride + self.reach + 1


def axis_for(
    length: int, taps: int, stride: int, dilation: int, padding: str, flipped: bool
) -> Axis:
    """The axis that a padding mode asks for.

    An even kernel has its centre at tap `taps // 2`, as in scipy.ndimage; turned round
    (`flipped`), the same tap stays the centre.
    """
    reach = (taps - 1) * dilation
    if padding == "valid":
        if reach >= length:
            raise ArgumentError(
                "kernel",
                f"{taps} taps spanning {reach + 1} samples",
                f"at most the {length} samples of the axis with padding 'valid'",
                remedy="No whole window fits: use a smaller kernel or another padding",
            )
        return Axis(length, taps, stride, dilation)
    if padding == "full":
        return Axis(length, taps, stride, dilation, reach, reach)
    before = (taps // 2) * dilation
    before, after = (reach - before, before) if flipped else (before, reach - before)
    return Axis(length, taps, stride, dilation, before, after)
