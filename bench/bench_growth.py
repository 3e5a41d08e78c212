"""How the cost of training grows: with the data, with the batch, with the depth.

    python bench/bench_growth.py --out growth.json

Made pictures, since only their number and size matter here. Every case is a process of its own, so
that its peak memory is its own; cases of a kind take turns, and the median of the turns counts.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from striate.data.loader import Loader
from striate.data.order import Order
from striate.data.stores import MemoryStore
from striate.models import create, entry
from striate.preprocess import Preprocess
from striate.training import Loss, Recipe, Surroundings, fit
from timing import machine

DATA = [("lecture_net", count, 128) for count in (6_000, 60_000, 600_000)]
BATCH = [("lecture_net", 12_288, batch) for batch in (32, 64, 128, 256, 512, 1024)]
DEPTH = [(f"resnet{depth}", 1_280, 128) for depth in (20, 32, 44, 56, 110)]
MEGABYTE = 2**20


def one(name: str, count: int, batch: int) -> dict[str, float]:
    """Seconds of a pass over `count` pictures after a short first one, and megabytes beyond them.

    The memory before training, which holds Python, torch and the pictures, is not counted.
    """
    channels, side, _ = entry(name).inputs[0]
    pictures = torch.randint(0, 256, (count, channels, side, side), dtype=torch.uint8)
    labels = torch.randint(0, 10, (count,))
    normalise = Preprocess((side, side), channels, (0.5,) * channels, (0.25,) * channels).normalise
    before = _peak()
    net = create(name, classes=10, in_channels=channels)
    net.to(memory_format=torch.channels_last)
    recipe = Recipe(epochs=1, batch_size=batch, peak_rate=1e-3, precision="auto")
    seconds = 0.0
    for part in (torch.arange(min(count, 4 * batch)), torch.arange(count)):
        order = Order(batch)
        train = Loader(MemoryStore(pictures), labels, order, normalise=normalise, part=part)
        start = time.perf_counter()
        fit(net, train, None, recipe, loss=Loss(), classes=10, around=Surroundings())
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "megabytes": (_peak() - before) / MEGABYTE}


def _peak() -> int:
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 1024 * kilobytes


def measured(cases: list[tuple[str, int, int]], turns: int) -> list[dict[str, Any]]:
    """A row a case: microseconds a picture beside those of the first case, and memory."""
    found: list[list[dict[str, float]]] = [[] for _ in cases]
    for _ in range(turns):
        for case, results in zip(cases, found, strict=True):
            words = [sys.executable, __file__, "--one", *map(str, case)]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            results.append(json.loads(done.stdout))
    rows: list[dict[str, Any]] = []
    for (name, count, batch), results in zip(cases, found, strict=True):
        each = statistics.median(result["seconds"] for result in results) / count
        megabytes = statistics.median(result["megabytes"] for result in results)
        first = rows[0]["seconds"]["striate"] / 1000 if rows else each
        rows.append(
            {
                "name": f"{name}, {count:,} pictures, batch {batch}",
                "seconds": {"striate": 1000 * each},
                "ratio": each / first,
                "notes": f"{each * 1e6:,.0f} µs a picture; {megabytes:,.0f} MB beyond the data",
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("growth.json"))
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--one", nargs=3, metavar=("NET", "PICTURES", "BATCH"))
    options = parser.parse_args()
    if options.one:
        name, count, batch = options.one
        print(json.dumps(one(name, int(count), int(batch))))
        return
    report: dict[str, Any] = {
        "title": "How the cost of training grows",
        "about": "One pass by `training.fit` on all threads, milliseconds for 1,000 pictures. The "
        "ratio is to the first row of the same kind: more data, larger batches, deeper nets.",
        "machine": machine(),
        "rows": [row for cases in (DATA, BATCH, DEPTH) for row in measured(cases, options.turns)],
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")
    for row in report["rows"]:
        print(row["name"], row["notes"], f"{row['ratio']:.2f}")


if __name__ == "__main__":
    main()
