"""Several processes that do one job on one machine: started, watched, ended, started again.

They find each other by a file, of which every attempt has its own, and listen on loopback only. The
parent does not load torch; it waits. When a child dies or gives up, the others end too, and all are
started again, which goes on from the last checkpoint.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

from striate.errors import FAILED, StriateError

RANK, SIZE, LOCAL_SIZE = "RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"
RESTARTS = "TORCHELASTIC_RESTART_COUNT"
"""Environment: how often a launcher has started all processes again. The name is torchrun's."""
STORE = "STRIATE_STORE"
"""Environment: the file by which the processes of one machine find each other."""
LOST = 75
"""How a process ends that lost another one. It may try again: sysexits' EX_TEMPFAIL."""

_ATTEMPTS = 4
_GRACE = 10.0  # seconds for the others to end by themselves, which lets them say why
_PATIENCE = 60.0  # seconds, as the sums of all processes have
_POLL = 0.05
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def launch(words: Sequence[str], count: int, say: Callable[[str], None]) -> int:
    """Run `striate WORDS` as `count` processes; the exit code is theirs.

    The first talks and prints; what another says is heard only if it alone knows what went wrong.
    """
    with _listening() as asked:
        for attempt in range(_ATTEMPTS):
            with tempfile.TemporaryDirectory(prefix="striate-") as folder:
                codes = _attempt(words, count, attempt, Path(folder), asked)
            if asked and any(codes):
                return 128 + asked[0]
            if 0 <= (code := _verdict(codes)) != LOST:
                return code
            if attempt + 1 < _ATTEMPTS:
                say(f"{_obituary(codes)}. Going on from the last checkpoint ({attempt + 1} of 3)")
    raise StriateError(
        f"{_obituary(codes)}, for the fourth time",
        remedy="The last checkpoint stands. Is the memory enough? Try fewer processes",
        exit_code=FAILED,
    )


def end_with_parent() -> None:
    """In a child: when the parent is gone, by whatever death, save and leave; or just leave."""

    def watch() -> None:
        # The parent holds the other end and never writes: the end of the file is the parent's.
        os.read(0, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_GRACE)
        os._exit(LOST)  # the main thread may wait for one that is gone

    threading.Thread(target=watch, daemon=True).start()


def _attempt(
    words: Sequence[str], count: int, attempt: int, folder: Path, asked: list[int]
) -> list[int]:
    """The exit codes, of which negative ones are signals."""
    with contextlib.ExitStack() as stack:
        logs = [stack.enter_context((folder / f"{rank}").open("w+b")) for rank in range(count)]
        children: list[subprocess.Popen[bytes]] = []
        stack.callback(_end, children)
        for rank, log in enumerate(logs):
            environment = {
                **os.environ, RANK: str(rank), SIZE: str(count), LOCAL_SIZE: str(count),
                RESTARTS: str(attempt), STORE: str(folder / "store"), "LOCAL_RANK": str(rank),
            }  # fmt: skip
            children.append(
                subprocess.Popen(
                    [sys.executable, "-m", "striate", *words],
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=None if rank == 0 else log,
                    stderr=None if rank == 0 else log,
                    # Ctrl-C in a terminal reaches the parent alone, which passes it on once.
                    start_new_session=True,
                )
            )
        _watch(children, asked)
        codes = [child.wait() for child in children]
        _pass_on(codes, logs)
        return codes


def _watch(children: Sequence[subprocess.Popen[bytes]], asked: list[int]) -> None:
    """Until all have ended; soon after one has failed, and at once at the second signal.

    The first saves and reports when the others have left, and takes the time that this takes.
    """
    passed_on, deadline = 0, float("inf")
    # All are asked each time: `any` would stop at the first that lives.
    while None in [child.poll() for child in children]:
        if len(asked) > passed_on:
            passed_on = len(asked)
            for child in children:
                child.send_signal(signal.SIGKILL if passed_on > 1 else asked[0])
        codes = [child.returncode for child in children]
        if any(codes):
            deadline = min(deadline, time.monotonic() + _GRACE)
        elif codes[0] == 0:  # the others have nothing left to do, or hang
            deadline = min(deadline, time.monotonic() + _PATIENCE)
        if time.monotonic() > deadline:
            _end(children)
        time.sleep(_POLL)


def _end(children: Sequence[subprocess.Popen[bytes]]) -> None:
    """Whatever is left of them ends now, and is waited for."""
    for child in children:
        child.kill()  # nothing happens to one that has ended
    for child in children:
        child.wait()
        if child.stdin:
            child.stdin.close()


def _verdict(codes: Sequence[int]) -> int:
    """What all of them come to: an error that one of them could name, else lost, else done."""
    named = [code for code in codes if code > 0 and code != LOST]
    return named[0] if named else LOST if any(codes) else 0


def _obituary(codes: Sequence[int]) -> str:
    # Who was killed is the cause; who lost another is not. The parent's own kills come later.
    first = min(range(len(codes)), key=lambda rank: (codes[rank] >= 0, rank))
    if codes[first] < 0:
        return f"Process {first} of {len(codes)} ended by {signal.Signals(-codes[first]).name}"
    return f"The {len(codes)} processes lost each other"


def _pass_on(codes: Sequence[int], logs: Sequence[object]) -> None:
    """Let the one be heard that alone knows what went wrong."""
    if codes[0] not in (0, LOST) and codes[0] > 0:
        return
    for code, log in zip(codes, logs, strict=True):
        if code > 0 and code != LOST:
            name = log.name  # type: ignore[attr-defined]
            print(Path(name).read_text(errors="replace").rstrip(), file=sys.stderr)
            return


@contextlib.contextmanager
def _listening() -> Iterator[list[int]]:
    """The signals that came so far; they do nothing by themselves meanwhile."""
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in _SIGNALS} if main else {}
    heard = {n: handler for n, handler in before.items() if handler is not signal.SIG_IGN}
    for number in heard:
        signal.signal(number, note)
    try:
        yield asked
    finally:
        for number, handler in heard.items():
            signal.signal(number, handler)
