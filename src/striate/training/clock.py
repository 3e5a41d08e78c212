"""How far a run is: by updates, or by seconds where there is a budget."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """Progress from 0 to 1, the larger of updates done and seconds used.

    The last evaluation belongs to the budget: its time, as measured so far, is set aside.
    """

    def __init__(
        self, updates: int, budget: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.updates, self.budget = updates, budget
        self.spent = 0.0
        """Seconds of this run before it was resumed."""
        self.reserve = 0.0
        """Seconds for what comes after the last update."""
        self._now = now
        self._start = now()

    @property
    def seconds(self) -> float:
        """Seconds of training so far, over all its parts."""
        return self.spent + self._now() - self._start

    def progress(self, step: int) -> float:
        """The share of the run that is done before update `step`, counted from 0."""
        by_updates = step / self.updates
        if not self.budget:
            return by_updates
        available = max(self.budget - self.reserve, 1e-9)
        return min(1.0, max(by_updates, self.seconds / available))
