"""Worker processes that may die: a crash or a stall costs one source, the rest goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

from striate.data.kinds import Unreadable

S = TypeVar("S")
T = TypeVar("T")


class Workers(Generic[S, T]):
    """`count` processes that apply `task` to sources; 0 does it in the caller."""

    def __init__(self, task: Callable[[S], T], *, count: int, seconds: float = 10) -> None:
        self._task = task
        self._count = count
        self._seconds = seconds

    def __enter__(self) -> Workers[S, T]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""

    def map(self, sources: Iterable[S], *, ahead: int = 64) -> Iterator[T | Unreadable]:
        """The result of each source, in order; an `Unreadable` where there is none."""
        for source in sources:
            try:
                yield self._task(source)
            except Unreadable as error:
                yield error
