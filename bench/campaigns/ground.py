"""What the campaigns stand on: pictures, a small run with everything that makes resuming hard."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.torch import load_file

RUN = [
    "--epochs", "10", "--set", "batch_size=16", "--set", "policy=light", "--set", "mix=mixup",
    "--set", "average=0.9", "--set", "optimiser=adamw", "--set", "patience=30", "--quiet",
]  # fmt: skip
"""Augmentation, mixing, a moving average, the best epoch: all of it must come back."""


@dataclass
class Outcome:
    """How many cases a campaign tried, and what went wrong."""

    name: str
    cases: int = 0
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def check(self, right: bool, what: str) -> None:
        """Note `what` unless it is right."""
        if not right:
            self.failures.append(what)


def pictures(folder: Path, each: int = 40) -> Path:
    """Three classes of `each` noisy 28 x 28 pictures that can be told apart."""
    numbers = np.random.default_rng(0)
    for kind in range(3):
        (folder / f"class-{kind}").mkdir(parents=True)
        for index in range(each):
            pixels = numbers.integers(0, 120, (28, 28), dtype=np.uint8)
            pixels[9 * kind : 9 * kind + 9] += 100
            Image.fromarray(pixels).save(folder / f"class-{kind}" / f"{index:03}.png")
    return folder


def fork(task: Callable[[], object], log: Path) -> int:
    """A process that does `task` and ends with its exit code; torch is loaded already."""
    held = (signal.SIGINT, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_BLOCK, held)  # a signal must not reach the copy's parent half
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, held)
        return pid
    code = 1
    try:
        os.setsid()
        out = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, held)
        code = _code_of(task)
    except KeyboardInterrupt:  # the second, while the first was being told
        code = 130
    except SystemExit:
        code = 143
    finally:
        try:  # the second may come here: a child that unwound further would clear the campaign away
            signal.pthread_sigmask(signal.SIG_BLOCK, held)
            with contextlib.suppress(OSError):  # on the disk that a campaign has made full
                sys.stdout.flush()
                sys.stderr.flush()
        finally:
            os._exit(code)


def _code_of(task: Callable[[], object]) -> int:
    try:
        task()
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 1
    except KeyboardInterrupt:
        return 130
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def striate(words: list[str], log: Path) -> int:
    """`striate WORDS` as a process of its own."""
    from striate.cli.main import main

    return fork(lambda: main(words), log)


def ended(pid: int, seconds: float) -> int | None:
    """The exit code, negative for a signal; None if it still runs after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.005)


def kill(pid: int) -> int | None:
    os.kill(pid, signal.SIGKILL)
    return ended(pid, 30)


def words_for(source: Path, run: Path) -> list[str]:
    """The command that starts a run, or goes on with it if it is there."""
    if run.exists():
        return ["train", "--resume", str(run), "--quiet"]
    return ["train", str(source), "--out", str(run), *RUN]


def digest(run: Path) -> str:
    """SHA-256 of all tensors of the model and of the newest snapshot, and of the history."""
    sha = hashlib.sha256((run / "metrics.jsonl").read_bytes())
    newest = sorted((run / "last").iterdir())[-1]
    for path in (run / "model.safetensors", newest / "state.safetensors"):
        for name, tensor in sorted(load_file(path).items()):
            sha.update(name.encode() + tensor.numpy().tobytes())
    return sha.hexdigest()


def uninterrupted(source: Path, folder: Path) -> tuple[str, float]:
    """The digest of a run that nothing disturbed, and its seconds."""
    began = time.monotonic()
    code = ended(striate(words_for(source, folder / "whole"), folder / "whole.log"), 600)
    if code != 0:
        raise SystemExit((folder / "whole.log").read_text())
    return digest(folder / "whole"), time.monotonic() - began


def moments(seed: int, longest: float) -> Callable[[], float]:
    numbers = random.Random(seed)
    return lambda: numbers.uniform(0, longest)
