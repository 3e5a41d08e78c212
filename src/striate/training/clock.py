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
        self.seconds = 0.0
        """Seconds of training so far, over all its parts, when the loop last looked.

        A number that stands, so that several processes can go by that of one of them.
        """
        self.reserve = 0.0
        """Seconds for what comes after the last update."""
        self._now = now
        self._start = now()

    def read(self) -> float:
        """Seconds of training by this process's own watch."""
        return self._now() - self._start

    def resume(self, seconds: float) -> None:
        """Count the seconds of the run before this process."""
        self.seconds = seconds
        self._start = self._now() - seconds

    @property
    def out_of_time(self) -> bool:
        """Whether the budget is used up."""
        return bool(self.budget) and self.seconds >= self.budget - self.reserve

    def progress(self, step: int) -> float:
        """The share of the run that is done before update `step`, counted from 0."""
        by_updates = step / self.updates
        if not self.budget:
            return by_updates
        available = max(self.budget - self.reserve, 1e-9)
        return min(1.0, max(by_updates, self.seconds / available))
