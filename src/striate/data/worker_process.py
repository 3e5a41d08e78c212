"""The child's side of `Workers`: a light process that answers until its input ends.

Messages either way are a head and a pickle. Only the two ends of one program speak here; nothing
that a file says is ever unpickled. Pixels, as `bytes`, travel as they are: pickling copies them.
"""

from __future__ import annotations

import os
import pickle
import signal
import struct
import sys
from collections.abc import Callable
from typing import IO, Any

from striate.data.kinds import Unreadable

BOOT = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from striate.data.worker_process import main; main()"
)
MAX_MEMORY = 4 * 2**30
"""A worker's address space; the largest allowed picture needs a small part of it."""

_HEAD = struct.Struct("<Q?")
"""How many bytes follow, and whether they are themselves the good result."""


def frame(message: object) -> bytes:
    """One message as it goes through a pipe."""
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _HEAD.pack(len(content), False) + content


def write(file: IO[bytes], content: bytes) -> None:
    """Write all of it; an unbuffered pipe takes only what it can hold."""
    unsent = memoryview(content)
    while unsent:
        unsent = unsent[file.write(unsent) :]


def receive(file: IO[bytes]) -> Any:
    """Read one message; `EOFError` where the other end is gone, even in the middle of one."""
    head = file.read(_HEAD.size)
    if len(head) == _HEAD.size:
        length, plain = _HEAD.unpack(head)
        content = file.read(length)
        if len(content) == length:
            return (True, content) if plain else pickle.loads(content)
    raise EOFError


def main() -> None:
    """Take the task, then sources, until the parent closes the pipe or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a C library prints must not come between the messages
    _limit()
    requests = sys.stdin.buffer
    try:
        task, seconds = _greeting(requests, replies)
        while True:
            _reply(replies, *_answer(task, receive(requests), seconds))
    except (EOFError, BrokenPipeError):
        return


def _greeting(requests: IO[bytes], replies: IO[bytes]) -> tuple[Callable[[Any], Any], float]:
    content, seconds = receive(requests)
    try:
        task = pickle.loads(content)
    except Exception as error:  # the task's module does not import here: the parent says so
        write(replies, frame(f"{type(error).__name__}: {error}"))
        raise EOFError from error
    write(replies, frame(None))
    return task, seconds


def _answer(task: Callable[[Any], Any], source: Any, seconds: float) -> tuple[bool, Any]:
    """Whether it went well, and the result or the error."""
    _alarm(seconds)
    try:
        return True, task(source)
    except Unreadable as error:
        return True, error
    except MemoryError:
        return True, Unreadable("decoder-crashed", "the decoder ran out of memory")
    except Exception as error:  # the caller's to see, in the parent
        return False, _picklable(error)
    finally:
        _alarm(0)


def _reply(replies: IO[bytes], well: bool, result: object) -> None:
    if well and type(result) is bytes:
        write(replies, _HEAD.pack(len(result), True))
        write(replies, result)
    else:
        write(replies, frame((well, result)))


def _picklable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # an exception class may do anything when it is rebuilt
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _alarm(seconds: float) -> None:
    """End this process in so many seconds, even in the middle of a C function; 0 calls it off."""
    if sys.platform == "win32":
        import faulthandler

        faulthandler.cancel_dump_traceback_later()
        if seconds:
            faulthandler.dump_traceback_later(seconds, exit=True)
    else:
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _limit() -> None:
    """No more memory than a picture can need, and no core files beside the user's data."""
    if sys.platform == "linux":
        import resource

        for kind, limit in ((resource.RLIMIT_AS, MAX_MEMORY), (resource.RLIMIT_CORE, 0)):
            _, hard = resource.getrlimit(kind)
            unlimited = hard == resource.RLIM_INFINITY
            resource.setrlimit(kind, (limit if unlimited else min(limit, hard), hard))
