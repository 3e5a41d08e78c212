"""One error type for everything a person can mend.

An error says what is wrong, where, and how to mend it, in one line; the command line prints that
line and leaves with `exit_code`:

0 done, 1 failed, 2 wrong usage or input, 3 data problems under --strict,
4 a parity or accuracy gate failed, 130/143 interrupted (Ctrl-C, SIGTERM).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

FAILED = 1
WRONG_INPUT = 2
DATA_PROBLEMS = 3
GATE_FAILED = 4
INTERRUPTED = 130
TERMINATED = 143


def in_plain_sight(text: str) -> str:
    """The text as it may go to a terminal: nothing in it breaks the line or commands the terminal.

    File names may hold control characters and bytes that are no UTF-8; both are spelt out.
    """
    whole = printable(text)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in whole)


def printable(name: str) -> str:
    """The name with bytes that are no UTF-8 spelt out (`\\xff`), so that it can be stored."""
    return name.encode("utf-8", "surrogateescape").decode(errors="backslashreplace")


class StriateError(Exception):
    """Something a person can mend: what is wrong, where it is, and the remedy."""

    def __init__(
        self, what: str, *, where: str = "", remedy: str = "", exit_code: int = FAILED
    ) -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        self.exit_code = exit_code
        super().__init__(str(self))

    def __str__(self) -> str:
        line = f"{self.where}: {self.what}" if self.where else self.what
        return in_plain_sight(f"{line}. {self.remedy}" if self.remedy else line)


class ArgumentError(StriateError, ValueError):
    """A bad argument: which one, the value that came, and what was expected.

    Also a `ValueError`, because that is what Python code that calls a library catches.
    """

    def __init__(self, argument: str, value: object, expected: str, *, remedy: str = "") -> None:
        self.argument = argument
        self.value = value
        self.expected = expected
        super().__init__(
            f"got {_short(value)}, expected {expected}",
            where=argument,
            remedy=remedy,
            exit_code=WRONG_INPUT,
        )


def unknown_name(
    kind: str, name: str, choices: Iterable[str], *, otherwise: str = ""
) -> ArgumentError:
    """An `ArgumentError` for a name that does not exist, with the nearest ones that do.

    Where none is near it tells all of them, or what `otherwise` says instead.
    """
    known = sorted(choices)
    remedy = nearest(name, known) or otherwise or f"Known: {', '.join(known)}"
    article = "an" if kind[0] in "aeiou" else "a"
    return ArgumentError(kind, name, f"the name of {article} {kind}", remedy=remedy)


def nearest(name: str, choices: Iterable[str]) -> str:
    """`Did you mean resnet18 or resnet34?`, or nothing where no choice is near.

    At a cutoff below 0.6 four letters in two common places would do: bert is no unet.
    """
    known, word = sorted(choices), name.lower()
    begun = [choice for choice in known if word and choice.startswith(word)]
    near = difflib.get_close_matches(word, known, n=3, cutoff=0.6)
    near = list(dict.fromkeys([*begun[:1], *near, *begun]))[:3]  # what begins so, above all
    return f"Did you mean {' or '.join(near)}?" if near else ""


def _short(value: object, limit: int = 80) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."
