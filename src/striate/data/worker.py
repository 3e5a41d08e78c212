"""One worker process, seen from its parent: start it, ask it, notice that it died."""

from __future__ import annotations

import contextlib
import pickle
import signal
import subprocess
import sys
from typing import IO, Any

from striate.data.kinds import Unreadable
from striate.data.worker_process import BOOT, frame, receive, write
from striate.errors import StriateError

_PIPE = 2**20
"""Bytes that a pipe may hold, so that a worker goes on while its parent is busy (Linux)."""


class Died(Exception):  # noqa: N818  # news of a process, for its owner to act on
    """The process ended; `finding` says what of."""

    def __init__(self, finding: Unreadable) -> None:
        super().__init__(finding.reason)
        self.finding = finding


class Worker:
    """A child that knows one task. One thread asks it; any may kill it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        try:
            # Isolated: the parent's own module path comes first thing through the pipe.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", BOOT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise _no_start(error.strerror or str(error)) from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests: IO[bytes] = self._process.stdin
        self._replies: IO[bytes] = self._process.stdout
        _widen(self._replies)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def greet(self, task: bytes) -> None:
        """Hand over the module path and the pickled task; the process is ready afterwards."""
        try:
            self.ask(pickle.dumps(sys.path) + frame((task, self._seconds)))
            error = self.answer()
        except Died as death:
            raise _no_start(str(death)) from death
        if error is not None:
            raise _no_start(error)

    def ask(self, message: bytes) -> None:
        """Send a framed request."""
        try:
            write(self._requests, message)
            self._requests.flush()
        except OSError as error:  # nobody reads any more
            raise Died(self._finding()) from error

    def answer(self) -> Any:
        """Wait for the answer to the oldest request."""
        try:
            return receive(self._replies)
        except EOFError as error:
            raise Died(self._finding()) from error

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def close(self) -> None:
        """End the process and give back what it held: no zombie, no open pipe."""
        self._process.kill()
        for pipe in (self._requests, self._replies):
            with contextlib.suppress(OSError):  # a request that never got through
                pipe.close()
        self._process.wait()

    def _finding(self) -> Unreadable:
        # Its pipe is closed, so it is on its way out, unless a task closed the pipe itself.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(self._seconds)
        self._process.kill()
        code = self._process.wait()
        if code == (1 if sys.platform == "win32" else -signal.SIGALRM):
            return Unreadable("decoder-stalled", f"the decoder took over {self._seconds:g} s")
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        return Unreadable("decoder-crashed", f"the decoder died of it ({how})")


def _widen(pipe: IO[bytes]) -> None:
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):  # over this user's allowance for pipes: slower, no more
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)


def _no_start(why: str) -> StriateError:
    return StriateError(f"decode workers do not start ({why})", remedy="Use 0 workers")
