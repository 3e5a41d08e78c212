"""One process beside two on the cores of this machine, by the command that people type.

    python bench/bench_scaling.py --out scaling.json

Trains on the embedded digits with a batch of the same size: one process on one core, one process
on all of them, and `--nproc 2`. Also says how far the losses of one and of two processes part.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from timing import machine

CASES = {"lecture_net": (4, ["--recipe", "mnist_fast"]), "resnet20": (1, ["--model", "resnet20"])}
"""Networks, their epochs, and how they are asked for: `mnist_fast` has no dropout to differ in."""
BATCH = 128
WAYS: dict[str, tuple[list[str], dict[str, str]]] = {
    "two processes": (["--nproc", "2"], {}),
    "one process": ([], {}),
    "one process, one core": ([], {"OMP_NUM_THREADS": "1"}),
}


def train(folder: Path, model: str, words: list[str], extra: dict[str, str]) -> dict[str, Any]:
    """Seconds of training, and the epochs' losses."""
    epochs, network = CASES[model]
    striate = [sys.executable, "-m", "striate", "train", "sample", *network, *words]
    settings = [f"batch_size={BATCH}", "peak_rate=0.001", "precision=float32"]
    flags = [f"--epochs={epochs}", *(f"--set={setting}" for setting in settings)]
    done = subprocess.run(
        [*striate, *flags, "--out", folder, "--json", "--quiet"],
        capture_output=True, text=True, check=True, env={**os.environ, **extra},
    )  # fmt: skip
    rows = (folder / "metrics.jsonl").read_text().splitlines()
    return {
        "seconds": json.loads(done.stdout)["seconds"],
        "losses": [json.loads(line)["loss"] for line in rows],
    }


def case(model: str, turns: int, scratch: Path) -> dict[str, Any]:
    """A row: seconds of each way, which take turns."""
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for turn in range(turns):
        for number, (way, (words, extra)) in enumerate(WAYS.items()):
            folder = scratch / f"{model}-{turn}-{number}"
            runs[way].append(train(folder, model, words, extra))
    seconds = {
        way: statistics.median(run["seconds"] for run in found) for way, found in runs.items()
    }
    two, one = (runs[way][0]["losses"] for way in ("two processes", "one process"))
    apart = max(abs(a - b) / b for a, b in zip(two, one, strict=True))
    alone = seconds["one process, one core"]
    return {
        "name": f"{model}, {CASES[model][0]} epochs of 3,500 digits, batch {BATCH}",
        "seconds": seconds,
        "ratio": seconds["two processes"] / seconds["one process"],
        "notes": f"against one core: two processes {alone / seconds['two processes']:.2f}x, "
        f"two threads {alone / seconds['one process']:.2f}x; losses part by {apart:.1e}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("scaling.json"))
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        rows = [case(model, options.turns, Path(scratch)) for model in CASES]
    report = {
        "title": "Two processes on one machine",
        "about": "`striate train sample` in float32, seconds of training without the start of the "
        "processes. The ratio is two processes to one with as many threads as there are cores.",
        "machine": machine(),
        "rows": rows,
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")
    for row in rows:
        print(json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
