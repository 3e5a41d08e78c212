"""Worker processes that may die: a crash or a stall costs one source, the rest goes on.

A C decoder must be assumed to crash on some file. So it runs in a child that holds nothing else:
a bare Python that imports the task's module and no torch (0.1 s), speaks through two pipes, and is
replaced when it dies. `multiprocessing` would import the caller's main script again in each.
"""

from __future__ import annotations

import contextlib
import pickle
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Generic, TypeVar

from striate.data.kinds import Unreadable
from striate.data.worker import Died, Worker
from striate.data.worker_process import frame
from striate.errors import ArgumentError, StriateError

S = TypeVar("S")
T = TypeVar("T")

_SMALL = 16_000
"""Bytes of a request that may be sent after another: a pipe takes them, so nobody blocks."""


class Workers(Generic[S, T]):
    """`count` processes that apply `task` to sources; with 0, the caller does it itself.

    `task` is a function of a module, or a `functools.partial` of one. A source on which it takes
    longer than `seconds`, or dies, gives an `Unreadable`; an error of the task's own is raised to
    the caller. The processes start with the `with` block and end with it.
    """

    def __init__(self, task: Callable[[S], T], *, count: int, seconds: float = 10) -> None:
        if count < 0:
            raise ArgumentError("count", count, "0 or more processes")
        if not seconds > 0:
            raise ArgumentError("seconds", seconds, "more than 0")
        self._task = task
        self._seconds = seconds
        self._pickled = _pickled(task) if count else b""
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open = False
        self._workers: list[Worker] = []
        self._threads = [
            threading.Thread(target=self._serve, name=f"striate-worker-{number}", daemon=True)
            for number in range(count)
        ]

    def __enter__(self) -> Workers[S, T]:
        self._open = True
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._open = False
            for worker in self._workers:
                worker.kill()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def map(self, sources: Iterable[S], *, ahead: int = 64) -> Generator[T | Unreadable]:
        """The result of each source, in order; `ahead` of them may be under way or waiting."""
        if ahead < 1:
            raise ArgumentError("ahead", ahead, "at least 1")
        if not self._open:
            raise StriateError("Workers work inside their `with` block only")
        return self._spread(sources, ahead) if self._threads else self._alone(sources)

    def _alone(self, sources: Iterable[S]) -> Generator[T | Unreadable]:
        for source in sources:
            try:
                result: T | Unreadable = self._task(source)
            except Unreadable as error:
                result = error
            yield result

    def _spread(self, sources: Iterable[S], ahead: int) -> Generator[T | Unreadable]:
        waiting: deque[_Job] = deque()
        try:
            for source in sources:
                waiting.append(_Job(frame(source)))
                self._jobs.put(waiting[-1])
                if len(waiting) == ahead:
                    yield waiting.popleft().future.result()
            while waiting:
                yield waiting.popleft().future.result()
        finally:
            for job in waiting:
                job.future.cancel()

    def _serve(self) -> None:
        """A thread's work: give one process jobs, and start another where it dies."""
        try:
            with _Line(self._start) as line:
                while line.fill(self._jobs):
                    line.answer()
        except _ClosedError:
            return
        except Exception as error:  # processes do not start here: every caller learns it
            while (job := self._jobs.get()) is not None:
                if job.future.set_running_or_notify_cancel():
                    job.future.set_exception(error)

    def _start(self) -> Worker:
        with self._lock:
            if not self._open:
                raise _ClosedError
            worker = Worker(self._seconds)
            self._workers = [*(other for other in self._workers if other.alive), worker]
        try:
            worker.greet(self._pickled)
        except StriateError:
            worker.close()
            raise
        return worker


@dataclass(frozen=True, slots=True)
class _Job:
    """A framed source, and the place of its result."""

    message: bytes
    future: Future[Any] = field(default_factory=Future)


class _ClosedError(Exception):
    """The `with` block has ended."""


class _Line:
    """One process and the jobs given to it: up to two, so that it need not wait for the next."""

    def __init__(self, start: Callable[[], Worker]) -> None:
        self._start = start
        self._worker = start()
        self._given: deque[_Job] = deque()
        self._held: _Job | None = None
        self._ended = False

    def fill(self, jobs: queue.SimpleQueue[_Job | None]) -> bool:
        """Give the process what it may have; False where there is no more."""
        while len(self._given) < 2 and (job := self._held or self._next(jobs)) is not None:
            self._held = None
            if self._given and len(job.message) > _SMALL:
                # It would block here while the process blocks on its answer: one after the other.
                self._held = job
                break
            if job.future.set_running_or_notify_cancel():
                self._give(job)
        return bool(self._given)

    def answer(self) -> None:
        """Wait for the oldest job's result; if the process dies of it, that is the result."""
        try:
            well, result = self._worker.answer()
        except Died as death:
            self._given.popleft().future.set_result(death.finding)
            self._restart()
            return
        future = self._given.popleft().future
        if well:
            future.set_result(result)
        else:
            future.set_exception(result)

    def __enter__(self) -> _Line:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process, and tell whoever still waits for one of its jobs what of."""
        self._worker.close()
        if isinstance(error, _ClosedError):
            error = StriateError("the decode workers have ended")
        if self._held and self._held.future.set_running_or_notify_cancel():
            self._given.append(self._held)
        for job in self._given:
            job.future.set_exception(error)

    def _next(self, jobs: queue.SimpleQueue[_Job | None]) -> _Job | None:
        if self._ended:
            return None
        try:
            job = jobs.get(block=not self._given)
        except queue.Empty:
            return None
        self._ended = job is None
        return job

    def _give(self, job: _Job) -> None:
        self._given.append(job)
        try:
            self._worker.ask(job.message)
        except Died:
            # Dead before it had anything to do: not this job's doing. Where it had an earlier one,
            # `answer` will find out, and this one goes to the next process.
            if len(self._given) == 1:
                self._restart()

    def _restart(self) -> None:
        """Another process, with the jobs that the dead one had not begun."""
        self._worker.close()
        self._worker = self._start()
        for job in self._given:
            with contextlib.suppress(Died):  # `answer` finds out
                self._worker.ask(job.message)


def _pickled(task: Callable[..., object]) -> bytes:
    """The task by its name; a process cannot import what a script or a notebook defines."""
    expected = "a function of a module that can be imported, or a partial of one"
    try:
        content = pickle.dumps(task)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ArgumentError("task", task, expected) from error
    if b"__main__" in content:
        raise ArgumentError("task", task, expected, remedy="Move it into a file of its own")
    return content
