"""Decode every file of a folder in worker processes, and say how it went: a test of survival.

    python bench/campaign_pictures.py FOLDER [--out result.json]

Made for collections of broken pictures, such as the `Tests/images` folder in Pillow's source
distribution. Every file must end in pixels or in a named refusal: no traceback, no process that
dies unhandled, no file over a second (the 99th percentile), no worker over 1 GB.
"""

from __future__ import annotations

import argparse
import collections
import functools
import json
import resource
import statistics
import time
from pathlib import Path

from striate.data.kinds import KINDS, Unreadable
from striate.data.oddities import oddities_of
from striate.data.pixels import raw_of
from striate.data.workers import Workers
from striate.preprocess import Preprocess
from timing import machine

RECORD = Preprocess((224, 224), 3, (0.5,) * 3, (0.5,) * 3, fit="crop")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    paths = sorted(path for path in options.folder.rglob("*") if path.is_file())
    seconds, kinds = [], collections.Counter()
    with Workers(functools.partial(raw_of, preprocess=RECORD), count=1) as workers:
        list(workers.map([paths[0]]))  # the process has started and imported
        before = time.perf_counter()
        for path, result in zip(paths, workers.map(paths, ahead=1), strict=True):
            seconds.append(time.perf_counter() - before)
            kind = result.kind if isinstance(result, Unreadable) else "decoded"
            kinds[kind] += 1
            if kind.startswith("decoder-") or seconds[-1] > 1:
                print(f"{path}: {kind}, {seconds[-1]:.2f} s")
            before = time.perf_counter()
    with Workers(oddities_of, count=1) as workers:
        odd = collections.Counter(
            word for words in workers.map(paths) if isinstance(words, tuple) for word in words
        )
    assert set(kinds) <= {"decoded", *KINDS}
    report = {
        "files": len(paths),
        "kinds": dict(kinds.most_common()),
        "odd": dict(odd.most_common()),
        "seconds": {
            "median": statistics.median(seconds),
            "p99": statistics.quantiles(seconds, n=100)[98],
            "most": max(seconds),
        },
        "worker_bytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
        "machine": machine(),
    }
    print(json.dumps(report, indent=2))
    if options.out is not None:
        options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
