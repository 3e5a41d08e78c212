"""Learning-rate schedules: pure functions of progress, from 0 (start) to 1 (done)."""

from __future__ import annotations

import math


def one_cycle(progress: float, *, warmup: float = 0.25, floor: float = 0.02) -> float:
    """The share of the peak rate: a line up from `floor`, then half a cosine down to `floor`."""
    if progress < warmup:
        return floor + (1 - floor) * progress / warmup
    descent = (progress - warmup) / (1 - warmup)
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(descent, 1.0)))
