"""Runs that are killed, signalled and started twice."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

from ground import Outcome, digest, ended, kill, moments, striate, uninterrupted, words_for


def kills(source: Path, folder: Path, count: int, seed: int = 0) -> Outcome:
    """SIGKILL at random moments; what is resumed ends with the bits of the uninterrupted run."""
    outcome = Outcome("SIGKILL at random moments, then --resume: bit-identical in the end")
    expected, seconds = uninterrupted(source, folder)
    moment, runs = moments(seed, 0.7 * seconds), 0
    while outcome.cases < count:
        runs += 1
        run, log = folder / f"killed-{runs}", folder / f"killed-{runs}.log"
        while True:
            pid = striate(words_for(source, run), log)
            if outcome.cases >= count or (code := ended(pid, moment())) is not None:
                code = ended(pid, 600) if outcome.cases >= count else code
                break
            kill(pid)
            outcome.cases += 1
        outcome.check(code == 0, f"run {runs} ended with {code}: {log.read_text()[-300:]}")
        outcome.check(code != 0 or digest(run) == expected, f"run {runs} has other bits")
    outcome.notes.append(f"{runs} runs of {seconds:.1f} s")
    return outcome


def signals(source: Path, folder: Path, count: int, seed: int = 1) -> Outcome:
    """Ctrl-C and SIGTERM at random moments, every fifth time twice."""
    outcome = Outcome("SIGINT/SIGTERM at random moments: left in 10 s by 130/143, resumable")
    expected, seconds = uninterrupted(source, folder)
    moment, numbers, runs, slowest, twice = (
        moments(seed, 0.7 * seconds),
        random.Random(seed),
        0,
        0.0,
        0,
    )
    while outcome.cases < count:
        runs += 1
        run, log = folder / f"signalled-{runs}", folder / f"signalled-{runs}.log"
        log.touch()
        code = None
        while code != 0:
            pid = striate(words_for(source, run), log)
            if outcome.cases >= count:
                code = ended(pid, 600)
                break
            if (code := ended(pid, moment())) is not None:
                break
            number = numbers.choice([signal.SIGINT, signal.SIGTERM])
            began = time.monotonic()
            os.kill(pid, number)
            if outcome.cases % 5 == 4:
                time.sleep(0.003)
                twice += 1
                os.kill(pid, number)
            code = ended(pid, 20)
            slowest = max(slowest, time.monotonic() - began)
            outcome.cases += 1
            fine = code in (0, 128 + number, -number)  # the last before the command has begun
            outcome.check(fine, f"signal {number} gave {code}: {log.read_text()[-300:]}")
        outcome.check(code == 0, f"run {runs} ended with {code}: {log.read_text()[-300:]}")
        outcome.check(code != 0 or digest(run) == expected, f"run {runs} has other bits")
    outcome.check(slowest <= 10, f"the slowest took {slowest:.1f} s")
    outcome.notes.append(
        f"{runs} runs, the slowest left in {slowest:.2f} s, {twice} signalled twice"
    )
    return outcome


def crowds(source: Path, folder: Path, count: int) -> Outcome:
    """Many starts in one folder: one wins; and a killed holder holds it no more."""
    outcome = Outcome(f"{count} starts at once in one folder, new and resumed: exactly one wins")
    run = folder / "crowded"
    log = folder / "crowd.log"
    words = ["train", str(source), "--out", str(run), "--epochs", "2", "--quiet"]
    pids = [striate(words, log) for _ in range(count)]
    codes = [ended(pid, 300) for pid in pids]
    outcome.cases += count
    outcome.check(sorted(codes, key=str) == [0] + [2] * (count - 1), f"--out gave {codes}")
    again = ["train", "--resume", str(run), "--epochs", "100000", "--quiet"]
    pids = [striate(again, log) for _ in range(count)]
    deadline = time.monotonic() + 120
    codes = [ended(pid, 0) for pid in pids]
    while codes.count(None) > 1 and time.monotonic() < deadline:
        codes = [c if c is not None else ended(p, 0) for c, p in zip(codes, pids, strict=True)]
        time.sleep(0.05)
    outcome.cases += count
    fine = codes.count(None) == 1 and codes.count(2) == count - 1
    outcome.check(fine, f"--resume gave {codes}")
    for code, pid in zip(codes, pids, strict=True):
        if code is None:
            kill(pid)
    lines = [line for line in log.read_text().splitlines() if line.startswith("striate:")]
    clear = [line for line in lines if "another process" in line or "already there" in line]
    outcome.check(len(clear) == len(lines) == 2 * count - 2, f"{len(lines)} lines: {lines[:3]}")
    epochs = len((run / "metrics.jsonl").read_text().splitlines()) + 1
    plan = json.loads((run / "config.json").read_text())["recipe"]["epochs"]
    outcome.check(plan == 100000, f"the plan says {plan} epochs")
    pid = striate([*again[:3], "--budget", f"{epochs}s", "--quiet"], log)
    code = ended(pid, 120)
    outcome.check(code == 0, f"after kill -9 of the holder: {code} {log.read_text()[-300:]}")
    return outcome
