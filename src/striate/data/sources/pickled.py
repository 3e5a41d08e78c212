"""A reader of the pickles of CIFAR's "python version" that cannot run anything.

A pickle is a program for a machine with a stack. This machine knows only the instructions that
build numbers, texts, lists, tuples and dicts; a call is kept as a note of what was to be called,
and nothing is ever imported or called. The one thing such a note may stand for is an array of
unsigned bytes.
"""

from __future__ import annotations

import pickletools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from striate.data.sources.known import unusable

_LARGEST = 512 << 20  # bytes; CIFAR-100's training file has 155 million
_LONGEST = 5_000_000  # instructions; it has 350,000
_NUMBERS_AND_TEXTS = {
    *("BINBYTES", "BINBYTES8", "BININT", "BININT1", "BININT2", "BINSTRING", "BINUNICODE"),
    *("BYTEARRAY8", "LONG1", "SHORT_BINBYTES", "SHORT_BINSTRING", "SHORT_BINUNICODE"),
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_MARK = object()


@dataclass(frozen=True, slots=True)
class _Global:
    """The name of something in a module."""

    module: str
    name: str


_ARRAYS = {
    _Global("numpy.core.multiarray", "_reconstruct"),
    _Global("numpy._core.multiarray", "_reconstruct"),
}
_BUFFERS = {
    _Global("numpy.core.numeric", "_frombuffer"),
    _Global("numpy._core.numeric", "_frombuffer"),
}
_DTYPE, _ENCODE = _Global("numpy", "dtype"), _Global("_codecs", "encode")
_CALLS = {*_ARRAYS, *_BUFFERS, _DTYPE, _ENCODE}


@dataclass(slots=True)
class _Call:
    """What a pickle would have called, with what, and the state it would have set."""

    what: _Global
    arguments: Any
    state: Any = None


class _RefusedError(Exception):
    """An instruction, or a use of one, that no CIFAR file has."""


def read_pickle(path: Path) -> dict[str, Any]:
    """The dict in a pickle: texts as `str`, arrays of unsigned bytes, numbers and lists of them."""
    try:
        if path.stat().st_size > _LARGEST:
            raise _RefusedError(f"it is larger than {_LARGEST >> 20} MiB")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pickletools warns of odd escapes in texts
            value = _Machine().run(path.read_bytes())
        if not isinstance(value, dict):
            raise _RefusedError("it holds no dict")
        return {_text(key): _item(item) for key, item in value.items()}
    except OSError as error:
        raise unusable(path, f"cannot be read ({error.strerror})") from error
    # pickletools and the stack say these of damaged pickles.
    except (_RefusedError, ValueError, IndexError, KeyError, TypeError) as error:
        reason = str(error) or type(error).__name__
        raise unusable(path, f"is no CIFAR file, and nothing in it was run: {reason}") from error


class _Machine:
    """The stack, and what the pickle has put aside by number."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, program: bytes) -> Any:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(program)):
            if count > _LONGEST:
                raise _RefusedError(f"it has more than {_LONGEST:,} instructions")
            if opcode.name == "STOP":
                return self.stack.pop()
            self.step(opcode.name, argument)
        raise _RefusedError("it has no end")

    def step(self, name: str, argument: Any) -> None:
        if name in _NUMBERS_AND_TEXTS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _STEPS:
            _STEPS[name](self)
        elif name == "GLOBAL":
            self.stack.append(_Global(*argument.split(" ", 1)))
        elif name in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = self.stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[argument])
        elif name not in ("PROTO", "FRAME"):
            raise _RefusedError(f"it has the instruction {name}")

    def pop(self, count: int) -> list[Any]:
        """The last values of the stack, in their order."""
        values = self.stack[-count:]
        if len(values) < count or any(value is _MARK for value in values):
            raise _RefusedError("it takes more from its stack than lies there")
        del self.stack[-count:]
        return values

    def pop_to_mark(self) -> list[Any]:
        """The values above the last mark, which goes with them."""
        place = len(self.stack) - 1
        while self.stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise _RefusedError("it takes more from its stack than lies there")
        values = self.stack[place + 1 :]
        del self.stack[place:]
        return values

    def tuple_of(self, count: int) -> None:
        self.stack.append(tuple(self.pop(count)))

    def append(self, values: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise _RefusedError("it appends to what is no list")
        self.stack[-1].extend(values)

    def set_items(self, values: list[Any]) -> None:
        if not isinstance(self.stack[-1], dict):
            raise _RefusedError("it sets items of what is no dict")
        # Tuples of tuples take seconds to hash, or to print: nothing unknown is hashed or printed.
        if not all(isinstance(key, str | bytes) for key in values[::2]):
            raise _RefusedError("it has a key that is no text")
        self.stack[-1].update(zip(values[::2], values[1::2], strict=True))

    def call(self) -> None:
        what, arguments = self.pop(2)
        if not isinstance(what, _Global):
            raise _RefusedError("it would call what is no function")
        if what not in _CALLS:
            raise _RefusedError(f"it would call {f'{what.module}.{what.name}'!r:.80}")
        self.stack.append(_Call(what, arguments))

    def set_state(self) -> None:
        target, state = self.pop(2)
        if not isinstance(target, _Call):
            raise _RefusedError("it sets the state of what is no array")
        target.state = state
        self.stack.append(target)

    def global_of_stack(self) -> None:
        module, name = self.pop(2)
        if not (isinstance(module, str) and isinstance(name, str)):
            raise _RefusedError("it names a function by what is no text")
        self.stack.append(_Global(module, name))

    def memoize(self) -> None:
        self.memo[len(self.memo)] = self.stack[-1]


_STEPS: dict[str, Callable[[_Machine], None]] = {
    "MARK": lambda machine: machine.stack.append(_MARK),
    "EMPTY_LIST": lambda machine: machine.stack.append([]),
    "EMPTY_DICT": lambda machine: machine.stack.append({}),
    "TUPLE": lambda machine: machine.stack.append(tuple(machine.pop_to_mark())),
    "TUPLE1": lambda machine: machine.tuple_of(1),
    "TUPLE2": lambda machine: machine.tuple_of(2),
    "TUPLE3": lambda machine: machine.tuple_of(3),
    "APPEND": lambda machine: machine.append(machine.pop(1)),
    "APPENDS": lambda machine: machine.append(machine.pop_to_mark()),
    "SETITEM": lambda machine: machine.set_items(machine.pop(2)),
    "SETITEMS": lambda machine: machine.set_items(machine.pop_to_mark()),
    "REDUCE": _Machine.call,
    "BUILD": _Machine.set_state,
    "STACK_GLOBAL": _Machine.global_of_stack,
    "MEMOIZE": _Machine.memoize,
}


def _item(value: Any) -> Any:
    """A value of the dict: an array where the pickle would have made one."""
    if not isinstance(value, _Call):
        return value
    order: Any
    if value.what in _ARRAYS:
        _, shape, kind, by_columns, data = value.state
        order = "F" if by_columns else "C"
    elif value.what in _BUFFERS:
        data, kind, shape, order = value.arguments
    else:
        raise _RefusedError(f"it holds a {value.what.name}")
    if not (isinstance(kind, _Call) and kind.what == _DTYPE and kind.arguments[0] == "u1"):
        raise _RefusedError("it holds an array of something else than unsigned bytes")
    return np.frombuffer(_bytes(data), np.uint8).reshape(shape, order=order)


def _bytes(data: Any) -> bytes:
    """Bytes as Python 3 writes them, as Python 2 did (a text), or in the detour between them."""
    if isinstance(data, _Call) and data.what == _ENCODE:
        data = data.arguments[0]
    if isinstance(data, str):
        return data.encode("latin-1")
    if not isinstance(data, bytes | bytearray):
        raise _RefusedError("it holds an array without bytes")
    return bytes(data)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
