"""Runs in several processes that are killed, stopped and orphaned; and equal seeds."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from ground import RUN, Outcome, digest

_TWO = [*RUN, "--epochs", "40", "--nproc", "2"]
_HUNG = 75.0  # seconds: a minute of patience, and what it takes to start again


def _start(words: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        command = [sys.executable, "-m", "striate", *words]
        return subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)


def _children(parent: int) -> list[int]:
    """The processes whose parent this is, the first rank first."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent and fields[0] != "Z":
                found.append(int(entry.name))
    return sorted(found)


def _alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


def _wide_listeners(pids: set[int]) -> list[str]:
    """Listening sockets of these processes that others than this machine can reach."""
    shown = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
    lines = [line for line in shown.splitlines() if any(f"pid={pid}," in line for pid in pids)]
    return [line for line in lines if not re.search(r"\s(127\.[\d.]+|\[::1\]):\d+\s", line)]


def teams(source: Path, folder: Path, count: int, seed: int = 2) -> Outcome:
    """Rank 0, rank 1, both, the parent killed; one stopped: the end is that of a quiet run."""
    outcome = Outcome("two processes, killed, stopped, orphaned: the bits of an undisturbed run")
    whole, numbers = folder / "whole", random.Random(seed)
    began = time.monotonic()
    quiet = _start(["train", str(source), "--out", str(whole), *_TWO], folder / "whole.log")
    outcome.check(quiet.wait() == 0, (folder / "whole.log").read_text()[-500:])
    expected, seconds = digest(whole), time.monotonic() - began
    outcome.notes.append(f"a run takes {seconds:.1f} s")
    for case in range(count):
        kind = ["first", "second", "both", "parent", "stopped"][
            case % 5 if case % 15 == 4 else case % 4
        ]
        run, log = folder / f"run-{case}", folder / f"run-{case}.log"
        began = time.monotonic()
        parent = _start(["train", str(source), "--out", str(run), *_TWO], log)
        seen: set[int] = set()
        while not (run / "last").exists() and parent.poll() is None:
            time.sleep(0.02)
        seen |= set(children := _children(parent.pid))
        outcome.check(not (wide := _wide_listeners(seen | {parent.pid})), f"listens: {wide}")
        time.sleep(numbers.uniform(0, 0.4 * seconds))
        _disturb(kind, parent, children)
        while parent.poll() is None:
            seen |= set(_children(parent.pid))
            time.sleep(0.05)
        outcome.cases += 1
        if kind == "parent":
            while _alive(seen) and time.monotonic() - began < 90:
                time.sleep(0.05)
            outcome.check(not _alive(seen), f"case {case}: orphans")
            again = _start(["train", "--resume", str(run), "--nproc", "2", "--quiet"], log)
            outcome.check(again.wait() == 0, f"case {case}, {kind}: {log.read_text()[-500:]}")
        else:
            fine = parent.returncode == 0 and (len(seen) > 2 or "Going on" not in log.read_text())
            outcome.check(
                fine, f"case {case}, {kind}: {parent.returncode} {log.read_text()[-500:]}"
            )
            outcome.check(not _alive(seen), f"case {case}: orphans")
        took = time.monotonic() - began
        limit = 3 * seconds + (_HUNG if kind == "stopped" else 30)
        outcome.check(took < limit, f"case {case}, {kind}: took {took:.0f} s")
        outcome.notes.append(f"{kind} {took:.0f} s")
        fine = (run / "metrics.jsonl").exists() and digest(run) == expected
        outcome.check(fine, f"case {case}, {kind}: other bits")
    return outcome


def _disturb(kind: str, parent: subprocess.Popen[bytes], children: list[int]) -> None:
    pids = {"first": children[:1], "second": children[1:], "both": children}.get(kind, [])
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # its team ended it just now
            os.kill(pid, signal.SIGKILL)
    if kind == "parent":
        parent.kill()
    if kind == "stopped":
        os.kill(children[-1], signal.SIGSTOP)


_SEEDED = """
import os, sys
from striate.pipeline import work
workers, source, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
plain = work.open_store
work.open_store = lambda *a, **k: plain(*a, **{**k, "workers": workers})
if __name__ == "__main__":
    from striate.cli.main import main
    main(["train", source, "--out", out, *sys.argv[4:]])
"""


def seeds(source: Path, folder: Path, count: int) -> Outcome:
    """Fresh processes, other hash seeds, 0, 1 and 2 workers: always the same bits."""
    outcome = Outcome("one seed in fresh processes, 0/1/2 workers, other PYTHONHASHSEEDs")
    script, found = folder / "seeded.py", set()
    script.write_text(_SEEDED)
    for case in range(count):
        run = folder / f"seed-{case}"
        done = subprocess.run(
            [sys.executable, str(script), str(case % 3), str(source), str(run), *RUN],
            env={**os.environ, "PYTHONHASHSEED": str(case)},
            capture_output=True, text=True,
        )  # fmt: skip
        outcome.cases += 1
        outcome.check(done.returncode == 0, done.stderr[-500:])
        if done.returncode == 0:
            found.add(digest(run))
    outcome.check(len(found) == 1, f"{len(found)} different results")
    return outcome
