"""Learning-rate schedules: pure functions of progress, from 0 (start) to 1 (done).

Progress is steps over steps or seconds over a budget, so that a run that must end at a given moment
ends annealed at that moment.
"""

from __future__ import annotations

import math
from collections.abc import Callable


def one_cycle(progress: float, *, floor: float = 0.02) -> float:
    """The share of the peak rate: half a cosine down to `floor`."""
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def linear(progress: float) -> float:
    """A line down to 0."""
    return 1 - progress


def cosine(progress: float) -> float:
    """Half a cosine down to 0."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def step(progress: float) -> float:
    """A tenth after half of the way, a hundredth after three quarters."""
    return 0.1 ** ((progress >= 0.5) + (progress >= 0.75))


def constant(progress: float) -> float:
    """Always the same."""
    return 1.0


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "cosine": cosine,
    "linear": linear,
    "one_cycle": one_cycle,
    "step": step,
}


def share_of_peak(name: str, progress: float, warmup: float) -> float:
    """The share of the peak rate at `progress`: a line up during `warmup`, then the schedule.

    The line starts at 1/50 of the peak, and the schedule fills what is left after it.
    """
    if progress < warmup:
        return 0.02 + 0.98 * progress / warmup
    return SCHEDULES[name](min(1.0, (progress - warmup) / (1 - warmup)))
