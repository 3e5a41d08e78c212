"""Ctrl-C and SIGTERM as a wish: the run ends its update, saves, and leaves."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from striate.errors import INTERRUPTED, TERMINATED, StriateError

_CODES = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}
SIGNALS = tuple(_CODES)
"""What is taken as a wish."""


class Wish:
    """`signal` is what was asked for, or None."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None


def granted(asked: signal.Signals, remedy: str) -> StriateError:
    """How the command ends when the wish is granted."""
    return StriateError("interrupted", remedy=remedy, exit_code=_CODES[asked])


@contextlib.contextmanager
def wishes() -> Iterator[Wish]:
    """Turn the first signal into a wish; a second one ends the process as it always would.

    Outside the main thread, where Python takes no signals, nothing changes; and a signal that is
    ignored, as Ctrl-C is by a shell's background job, stays so.
    """
    wish = Wish()
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    found = {number: signal.getsignal(number) for number in SIGNALS}
    before = {n: handler for n, handler in found.items() if handler not in (signal.SIG_IGN, None)}

    def note(number: int, frame: FrameType | None) -> None:
        wish.signal = signal.Signals(number)
        for name, handler in before.items():
            signal.signal(name, handler)

    for number in before:
        signal.signal(number, note)
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
