"""Files of a run that are damaged after they were written."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

from faults import keeper
from ground import Outcome, ended, striate, words_for

from striate.errors import StriateError
from striate.exporting import load_model


def corruptions(source: Path, folder: Path, count: int) -> Outcome:
    """Bits flipped, ends cut off, blocks swapped or zeroed, in every file of a run."""
    outcome = Outcome("flipped bits, cut ends, swapped and zeroed blocks: all found")
    run, numbers = folder / "run", random.Random(0)
    log = folder / "log"
    code = ended(striate([*words_for(source, run), "--epochs", "1"], log), 300)
    outcome.check(code == 0, log.read_text())
    (newest,) = (run / "last").iterdir()
    files = [*sorted(newest.iterdir()), run / "model.safetensors", run / "config.json"]
    began = time.monotonic()
    kinds = ["cut"] * (count * 10 // 111) + ["block"] * (count // 111)
    kinds += ["flip"] * (count - len(kinds))
    found: Counter[str] = Counter()
    for index, kind in enumerate(kinds):
        path = files[index % len(files)]
        intact = path.read_bytes()
        path.write_bytes(_damaged(intact, kind, numbers))
        outcome.cases += 1
        try:
            load_model(run) if path.parent == run else keeper(run / "last").newest()
            outcome.failures.append(f"{kind} in {path.name} was not found")
        except StriateError as error:
            named = path.name in str(error) or path.parent == newest
            outcome.check(named, f"{kind} in {path.name}: {error}")
            found[kind] += 1
        path.write_bytes(intact)
    outcome.notes += [f"{n:,} {kind}" for kind, n in found.items()]
    outcome.notes.append(f"{1000 * (time.monotonic() - began) / max(1, count):.1f} ms each")
    load_model(run)
    outcome.check(keeper(run / "last").newest() is not None, "the intact one does not load")
    return outcome


def _damaged(intact: bytes, kind: str, numbers: random.Random) -> bytes:
    """Other bytes than before, in any case."""
    changed = bytearray(intact)
    while bytes(changed) == intact:
        if kind == "cut":
            return intact[: numbers.randrange(len(intact))]
        if kind == "flip":
            changed[numbers.randrange(len(intact))] ^= 1 << numbers.randrange(8)
            continue
        size = min(512, len(intact) // 3)
        a, b = sorted(numbers.sample(range(len(intact) // size), 2))
        one, other = slice(a * size, (a + 1) * size), slice(b * size, (b + 1) * size)
        changed[one], changed[other] = (
            (changed[other], changed[one]) if a % 2 else (bytes(size), changed[other])
        )
    return bytes(changed)
