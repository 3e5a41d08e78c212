"""Saves that are killed at every system call, or run out of disk."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from ground import Outcome, ended, fork, kill

from striate.errors import StriateError
from striate.training import Checkpoints, Snapshot

CALLS = (
    "mkdir,mkdirat,openat,write,pwrite64,fsync,fdatasync,close,rename,renameat,renameat2,unlink,"
    "unlinkat,rmdir,chmod,fchmod,fchmodat,lseek,ftruncate"
)
SIZE = 50_000


def snapshot(step: int) -> Snapshot:
    values = torch.arange(SIZE // 4, dtype=torch.float32) + step
    return Snapshot(step, {"net.weight": values}, {"step": step, "note": "a" * 100})


def keeper(folder: Path) -> Checkpoints:
    return Checkpoints(folder, lambda line: None)


def whole(folder: Path, steps: set[int]) -> bool:
    """Whether the newest snapshot there is one of these, to the bit."""
    found = keeper(folder).newest()
    if found is None:
        return 0 in steps
    same = torch.equal(found.tensors["net.weight"], snapshot(found.step).tensors["net.weight"])
    return same and found.step in steps


def stray(folder: Path) -> list[str]:
    names = [path.name for path in folder.rglob("*")]
    return [name for name in names if name.startswith(".")]


def _first(folder: Path) -> Callable[[], None]:
    return lambda: keeper(folder / "last").save(snapshot(1))


def _third(folder: Path) -> Callable[[], None]:
    for step in (1, 2):
        keeper(folder / "last").save(snapshot(step))
    return lambda: keeper(folder / "last").save(snapshot(3))


def _same_step(folder: Path) -> Callable[[], None]:
    keeper(folder / "last").save(snapshot(3))
    return lambda: keeper(folder / "last").save(snapshot(3))


def _after_damage(folder: Path) -> Callable[[], None]:
    for step in (3, 4):
        keeper(folder / "last").save(snapshot(step))
    (folder / "last" / "step-000000004" / "state.json").write_text("{")

    def save() -> None:
        checkpoints = keeper(folder / "last")
        checkpoints.newest()
        checkpoints.save(snapshot(4))

    return save


SCENES: dict[str, tuple[Callable[[Path], Callable[[], None]], set[int]]] = {
    "the first save": (_first, {0, 1}),
    "a save that drops an older one": (_third, {2, 3}),
    "a second save of one step": (_same_step, {3}),
    "a save after damage": (_after_damage, {3, 4}),
}


def traced(task: Callable[[], object], log: Path, *options: str) -> tuple[int | None, str]:
    """Do `task` in a process under strace: its exit code and the trace."""
    out = log.with_suffix(".trace")

    def stopped() -> None:
        os.kill(os.getpid(), signal.SIGSTOP)
        task()

    pid = fork(stopped, log)
    os.waitpid(pid, os.WUNTRACED)
    command = ["strace", "-f", "-y", "-o", str(out), "-e", f"trace={CALLS}", *options]
    tracer = subprocess.Popen([*command, "-p", str(pid)], stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    tracer.stderr.readline()  # "attached"
    os.kill(pid, signal.SIGCONT)
    code = ended(pid, 30)
    if code is None:
        code = kill(pid)
    tracer.wait()
    return code, out.read_text()


def calls_of(trace: str) -> list[str]:
    return re.findall(r"^\d+ +(\w+)\(", trace, re.M)


def syscalls(source: Path, folder: Path, count: int) -> Outcome:
    """SIGKILL at every call that a save makes to the system, in four situations."""
    outcome = Outcome("SIGKILL at every system call of a save: a whole checkpoint always loads")
    keeper(folder / "warm").save(snapshot(1))  # what is imported late is imported now
    for scene, (prepare, allowed) in SCENES.items():
        place = folder / scene / "0"
        place.mkdir(parents=True)
        code, trace = traced(prepare(place), folder / "log")
        outcome.check(code == 0, f"{scene}: {code} {(folder / 'log').read_text()[-300:]}")
        totals = Counter(calls_of(trace))
        outcome.notes.append(f"{scene}: {totals.total()}")
        for call, times in totals.items():
            for number in range(1, times + 1):
                if outcome.cases >= count:
                    return outcome
                place = folder / scene / f"{call}-{number}"
                place.mkdir()
                inject = f"inject={call}:signal=KILL:when={number}"
                code, _ = traced(prepare(place), folder / "log", "-e", inject)
                if code == 0:  # fewer calls this time: one of the interpreter's own
                    continue
                outcome.cases += 1
                outcome.check(code == -signal.SIGKILL, f"{scene}, {call} {number}: code {code}")
                try:
                    fine = whole(place / "last", allowed)
                    keeper(place / "last").save(snapshot(9))
                    fine &= whole(place / "last", {9}) and not stray(place)
                except StriateError as error:
                    outcome.failures.append(f"{scene}, {call} {number}: {error}")
                    continue
                outcome.check(fine, f"{scene}, {call} {number}: not whole, or something is left")
    return outcome


def order(source: Path, folder: Path, count: int) -> Outcome:
    """What a loss of power needs: each file flushed, named, its folder flushed, then pruning."""
    outcome = Outcome("saves whose calls come in the order that a loss of power needs")
    last = folder / "run" / "last"
    last.parent.mkdir()

    def task() -> None:
        for step in range(1, count + 1):
            keeper(last).save(snapshot(step))

    code, trace = traced(task, folder / "log")
    outcome.check(code == 0, f"code {code}")
    dirty: set[str] = set()
    names: set[str] = set()
    for line in trace.splitlines():
        if not (found := re.match(r"\d+ +(\w+)\((.*)\) += (-?\d+)", line)) or found[3] == "-1":
            continue
        call, paths = found[1], re.findall(r'["<](/[^">]*)[">]', found[2])
        if call in ("write", "pwrite64") and paths:
            dirty.add(paths[0])
        elif call in ("fsync", "fdatasync"):
            dirty.discard(paths[0])
            names = {name for name in names if os.path.dirname(name) != paths[0]}
        elif call == "rename":
            outcome.check(paths[0] not in dirty, f"renamed before it was flushed: {paths[0]}")
            inside = [name for name in names if name.startswith(paths[0] + "/")]
            outcome.check(not inside, f"named before its names were flushed: {inside}")
            names.add(paths[1])
            outcome.cases += "/step-" in paths[1] and ".making-" not in paths[1]
        elif call in ("unlink", "unlinkat") and "/step-" in line:
            outcome.check(not names, f"an older one went before the newer was flushed: {line}")
    return outcome


@contextlib.contextmanager
def _tmpfs(place: Path, size: int) -> Iterator[None]:
    libc = ctypes.CDLL(None, use_errno=True)
    data = f"size={size}".encode()
    if libc.mount(b"tmpfs", os.fsencode(place), b"tmpfs", 0, data):
        raise OSError(ctypes.get_errno(), "tmpfs")
    try:
        yield
    finally:
        libc.umount2(os.fsencode(place), 0)


def _fails_well(outcome: Outcome, what: str, place: Path, code: int | None, said: str) -> None:
    """A save that cannot be: one clear line, the old one whole, nothing left."""
    outcome.cases += 1
    outcome.check(code == 1 and "cannot write" in said, f"{what}: code {code}, {said[-200:]}")
    outcome.check(whole(place / "last", {2}), f"{what}: the old checkpoint is not whole")
    outcome.check(not stray(place), f"{what}: {stray(place)} is left")


def _tried(folder: Path) -> Callable[[], None]:
    def save() -> None:
        try:
            keeper(folder / "last").save(snapshot(3))
        except StriateError as error:
            print(error)
            raise SystemExit(error.exit_code) from error

    return save


def full(source: Path, folder: Path, count: int) -> Outcome:
    """Disks of many sizes, failing writes and flushes, and a limit on the size of files."""
    outcome = Outcome(
        "saves on a full disk: the old checkpoint whole, one clear line, nothing left"
    )
    third = count // 3
    for part in range(third):
        place, log = folder / f"tmpfs-{part}", folder / f"tmpfs-{part}.log"
        place.mkdir()
        pages = 2 * (-(-SIZE // 4096) + 3) + 1 + part * (SIZE // 4096) // third
        with _tmpfs(place, 4096 * pages):
            _third(place)
            code = ended(fork(_tried(place), log), 30)
            _fails_well(outcome, f"{pages} pages", place, code, log.read_text())
    cases = [
        (c, e, n)
        for n in range(1, 4)
        for c in ("write", "fsync")
        for e in ("ENOSPC", "EIO", "EDQUOT")
    ]
    for index in range(third):
        call, error, number = cases[index % len(cases)]
        place, log = folder / f"inject-{index}", folder / f"inject-{index}.log"
        place.mkdir()
        _third(place)
        # The line that the process prints is a write too, so the failure comes once.
        inject = f"inject={call}:error={error}:when={number}"
        code, _ = traced(_tried(place), log, "-e", inject)
        _fails_well(outcome, inject, place, code, log.read_text())
    for index in range(count - 2 * third):
        place, log = folder / f"limit-{index}", folder / f"limit-{index}.log"
        place.mkdir()
        _third(place)
        code = ended(fork(_limited(_tried(place), 2000 + index * (SIZE - 2000) // third), log), 30)
        _fails_well(outcome, f"limit {index}", place, code, log.read_text())
    return outcome


def _limited(task: Callable[[], None], size: int) -> Callable[[], None]:
    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        task()

    return limited
