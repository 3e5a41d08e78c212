"""Builds in processes of their own, for `test_cache_killed.py`: run as a script, it judges itself.

    python cache_rounds.py together FOLDER     four processes want the same entry at once
    python cache_rounds.py killed FOLDER N     N builds, killed at random moments; then a whole one

The script imports everything once and forks, so that a round takes milliseconds. It leaves with an
assertion's traceback if a round went wrong.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from striate.data.cache import cached
from striate.data.caching import build as building
from striate.data.caching.entry import Bad, Entry, open_entry
from striate.data.caching.evict import pixel_folder
from striate.data.caching.key import entry_key
from striate.data.dataset import Files
from striate.preprocess import Preprocess

TINY = Preprocess((4, 4), 3, (0.5,) * 3, (0.5,) * 3)
ROW, COUNT, BAD = 48, 120, 13


def picture(index: int) -> bytes:
    return np.random.default_rng(index).integers(0, 256, ROW, dtype=np.uint8).tobytes()


EXPECTED = np.stack(
    [
        np.frombuffer(bytes(ROW) if index == BAD else picture(index), np.uint8)
        for index in range(COUNT)
    ]
)


def rows(start: int) -> Iterator[bytes | Bad]:
    made = os.open(Path(os.environ["MADE"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for index in range(start, COUNT):
        os.write(made, b"%d\n" % index)
        yield Bad(index, "empty", "no bytes") if index == BAD else picture(index)
    os.close(made)


def whole(entry: Entry) -> bool:
    pixels = entry.read(np.arange(COUNT)).reshape(COUNT, ROW)
    return np.array_equal(pixels, EXPECTED) and [bad.index for bad in entry.seal.bad] == [BAD]


def start_build(files: Files) -> int:
    """A child that builds, or waits for who builds, and checks what it gets."""
    if child := os.fork():
        return child
    code = 1
    try:
        code = 0 if whole(cached(files, TINY, rows, lambda line: None)) else 1
    finally:
        os._exit(code)


def together(files: Files) -> None:
    children = [start_build(files) for _ in range(4)]
    assert all(os.waitpid(child, 0)[1] == 0 for child in children)
    made = Path(os.environ["MADE"]).read_text().splitlines()
    assert made == [str(index) for index in range(COUNT)], "more than one process has decoded"


def killed(files: Files, rounds: int) -> None:
    folder = pixel_folder() / entry_key(files, TINY)
    begun = time.perf_counter()
    assert os.waitpid(start_build(files), 0)[1] == 0
    seconds = time.perf_counter() - begun
    outcomes = {"unfinished": 0, "whole": 0}
    wipe(folder)
    for number in range(rounds):
        child = start_build(files)
        time.sleep(random.Random(number).uniform(0, 1) * seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        entry = open_entry(folder)
        assert entry is None or whole(entry), f"round {number}: looks valid and is not"
        outcomes["whole" if entry else "unfinished"] += 1
        if entry:  # else the next goes on with what this one left
            entry.close()
            wipe(folder)
    assert os.waitpid(start_build(files), 0)[1] == 0
    left = sorted(path.name for path in folder.parent.iterdir())
    assert left == [folder.name], left
    print(outcomes)
    assert min(outcomes.values()) > rounds / 10, outcomes


def wipe(folder: Path) -> None:
    for path in sorted(folder.parent.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def main(what: str, root: Path, rounds: int = 0) -> None:
    os.environ["XDG_CACHE_HOME"], os.environ["MADE"] = str(root / "home"), str(root / "made")
    os.environ.pop("STRIATE_CACHE_GB", None)
    building.SHARD_BYTES = 16 * ROW
    (root / "data").mkdir()
    names = tuple(f"{index:04d}" for index in range(COUNT))
    for name in names:
        (root / "data" / name).write_text(name)
    files = Files(root / "data", names)
    together(files) if what == "together" else killed(files, rounds)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *(int(word) for word in sys.argv[3:]))
