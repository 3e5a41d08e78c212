"""Run a method over planes of samples, in frames that stay in the cache.

A frame is a run of rows with the padding they need, converted to the computing type: the only copy
of the signal that is made, and the only place where padding exists.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from striate.signal.pad import gather, source_indices
from striate.signal.passes import Method
from striate.signal.plan import Task, build, cheapest

# Samples in a frame: 2 MiB of float32. Larger ones fall out of a core's caches, smaller ones spend
# their time on the overlap of frames and on calls into torch (2**18 to 2**20 measured).
FRAME = 2**19

# Bytes; glibc keeps a freed block up to this size for the next frame once it has seen one freed.
# Without it every frame's results are fresh pages from the system, which costs more than filtering.
KEPT_BY_MALLOC = 31 * 2**20

# torch has one number of threads for the whole process: one caller at a time may change it.
_THREADS = threading.Lock()


def run(planes: torch.Tensor, task: Task, padding: str, method: str = "") -> torch.Tensor:
    """Correlate planes (P, H, W) with the task's kernel -> (P, h, w) of the task's type.

    `method` names one of `plan.build`'s; the cheapest by default.
    """
    chosen = build(method or cheapest(task), task)
    out = _empty((len(planes), task.down.results, task.across.results), task.dtype)
    torch.empty(KEPT_BY_MALLOC, dtype=torch.uint8)
    together, rows = _frame_size(task, chosen)
    width = max(chosen.width, task.across.length + task.across.before + task.across.after)
    places = iter(
        [
            (slice(plane, plane + together), slice(first, first + rows))
            for plane in range(0, len(planes), together)
            for first in range(0, task.down.results, rows)
        ]
    )
    turn = threading.Lock()

    def work(_: object = None) -> None:
        store = torch.zeros(together * task.down.span(rows) * width, dtype=task.dtype)
        while True:
            with turn:
                place = next(places, None)
            if place is None:
                return
            part = out[place]
            some, span = planes[place[0]], task.down.span(part.shape[1])
            frame = store[: len(some) * span * width].view(len(some), span, width)
            _fill(frame, some, place[1].start * task.down.stride - task.down.before, task, padding)
            _compute(frame, part, chosen, task)

    if together < len(planes) or rows < task.down.results:
        _on_every_core(work)
    else:
        work()
    return out


def _on_every_core(work: Callable[[object], None]) -> None:
    """Run `work` in as many Python threads as torch has, each computing with one.

    torch would share out every single operation and wait for the slowest thread each time; on a
    busy machine that waits for a time slice per operation (measured: 30x slower). Threads that
    own whole frames wait once, at the end.
    """

    def alone(number: int) -> None:
        torch.set_num_threads(1)  # the calling thread's, and MKL's, which is shared
        with torch.no_grad():
            work(number)

    with _THREADS:
        threads = torch.get_num_threads()
        if threads == 1:
            # Setting 1 here would be for good where this thread first met torch during another's
            # turn: it keeps that turn's 1, and would hand it on to the process.
            work(None)
            return
        try:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(alone, range(threads)))
        finally:
            torch.set_num_threads(threads)


def _compute(frame: torch.Tensor, part: torch.Tensor, method: Method, task: Task) -> None:
    method(frame, part)
    # After one NaN or infinity the plain sums mend the frame: they reach no further than a window.
    if method.mixes and not math.isfinite(part.sum().item()):
        build("shifts", task)(frame, part)


def _fill(frame: torch.Tensor, planes: torch.Tensor, top: int, task: Task, padding: str) -> None:
    """Rows `top ...` of the extended planes into the frame; columns past the padding stay 0."""
    height, left = planes.shape[1], task.across.before
    right = left + planes.shape[2]
    low = min(max(-top, 0), frame.shape[1])
    high = max(min(height - top, frame.shape[1]), low)
    frame[:, low:high, left:right].copy_(planes[:, top + low : top + high])
    for start, stop in ((0, low), (high, frame.shape[1])):
        if stop > start:
            rows = source_indices(top + start, stop - start, height, padding)
            frame[:, start:stop, left:right] = gather(planes, 1, rows)
    if padding in ("zeros", "full", "valid"):
        return
    body = frame[:, :, left:right]
    width = planes.shape[2]
    frame[:, :, :left] = gather(body, 2, source_indices(-left, left, width, padding))
    after = task.across.after
    frame[:, :, right : right + after] = gather(
        body, 2, source_indices(width, after, width, padding)
    )


def _frame_size(task: Task, method: Method) -> tuple[int, int]:
    """How many planes, and how many rows of results, share one frame."""
    down = task.down
    whole = down.span(down.results) * method.width
    if whole <= FRAME:
        return min(task.planes, FRAME // whole), down.results
    # Rows of overlap are computed twice: keep them below the half of a frame.
    rows = max(FRAME // method.width, 2 * down.reach, 1)
    return 1, min(max(1, (rows - down.reach) // down.stride), down.results)


def _empty(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """Fresh memory from NumPy, which asks for huge pages: 10x fewer page faults than torch's."""
    return torch.from_numpy(np.empty(shape, np.float32 if dtype == torch.float32 else np.float64))
