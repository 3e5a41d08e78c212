"""Clocks for code that may run on another device than the one that starts it."""

from __future__ import annotations

import time
from typing import Any, Protocol

import torch
from torch import nn

_PROBES, _PROBE_ROUNDS = 50, 9


class Clock(Protocol):
    """Marks moments; two marks give seconds once the device has settled."""

    def mark(self) -> Any:
        """A moment, as the device will come to it."""

    def settle(self) -> None:
        """Wait until the device has passed every mark made so far."""

    def seconds(self, start: Any, end: Any) -> float:
        """The time between two marks that the device has passed."""


class HostClock:
    """Work that is done when the call returns: the CPU."""

    def mark(self) -> float:
        """Seconds on the monotonic clock."""
        return time.perf_counter()

    def settle(self) -> None:
        """Nothing to wait for."""

    def seconds(self, start: float, end: float) -> float:
        """Plain difference."""
        return end - start


class DeviceClock:
    """Work that is queued: marks are events in the device's own queue.

    An event is passed when the work queued before it is done, so a layer's time is the device's,
    and the queue need not be drained after every layer, which would slow small layers down.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def mark(self) -> torch.Event:
        """An event in the current stream."""
        event = torch.Event(self.device, enable_timing=True)
        event.record()
        return event

    def settle(self) -> None:
        """Wait for the whole queue."""
        torch.accelerator.synchronize(self.device)

    def seconds(self, start: torch.Event, end: torch.Event) -> float:
        """Events tell milliseconds."""
        return float(start.elapsed_time(end)) / 1e3


def clock_for(device: torch.device) -> Clock:
    """The clock that can time work on this device."""
    return HostClock() if device.type == "cpu" else DeviceClock(device)


class Probes:
    """A row of modules that do nothing: what hooks cost, they cost here too.

    `plain` is the time of one call without hooks, in seconds.
    """

    def __init__(self) -> None:
        self.net = nn.Sequential(*[nn.Identity() for _ in range(_PROBES)])
        self.count = _PROBES
        self.rounds = _PROBE_ROUNDS
        self.x = torch.zeros(1)
        self.plain = min(self._once() for _ in range(_PROBE_ROUNDS)) / _PROBES

    def _once(self) -> float:
        start = time.perf_counter()
        self.net(self.x)
        return time.perf_counter() - start
