"""Tasks for worker processes, in a module that imports little, as those of a decoder do."""

import os
import signal
import sys
import time
from pathlib import Path

from striate.data.kinds import Unreadable


def same(source: object) -> object:
    return source


def modules(source: object) -> list[str]:
    return sorted(sys.modules)


def process(source: object) -> int:
    time.sleep(0.002)  # long enough for every process to get its share
    return os.getpid()


def large(source: int) -> bytes:
    return bytes([source % 256]) * 3_000_000


def refused(source: int) -> int:
    if source % 2:
        raise Unreadable("damaged", "is odd", where=str(source), remedy="Make it even")
    return source


def wrong(source: int) -> int:
    raise LookupError(f"a mistake in the task at {source}")


class Awkward(Exception):  # noqa: N818
    """An exception that cannot be rebuilt from its message."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def awkward(source: int) -> int:
    raise Awkward("a", "b")


class Unloadable:
    """A result that travels, and that nothing can be made of on arrival."""

    def __reduce__(self) -> object:
        return int, ("no number",)


def unloadable(source: int) -> Unloadable:
    return Unloadable()


def noisy(source: int) -> int:
    os.write(1, b"what a C library prints")
    print("and what Python prints", flush=True)
    return source


def dangerous(source: tuple[int, str]) -> int:
    """Do to the process what the second word says."""
    number, fate = source
    if fate == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif fate == "abort":
        os.abort()
    elif fate == "exit":
        os._exit(3)
    elif fate == "stall":
        time.sleep(60)
    elif fate == "memory":
        bytearray(6 * 2**30)
    return number


def slowly(folder: Path) -> None:
    (folder / f"{os.getpid()}").touch()
    time.sleep(60)
