"""`striate train SOURCE` with no other word: what it decides, how long it takes, how good it is.

    python bench/bench_main_job.py --out main_job.json SOURCE...

Every source is trained on in a fresh process, which is timed from its start to its end: check,
decision, training, calibration, report and model file. A folder `few` is made of a source named
`few:FOLDER`: 40 of its pictures, of three classes, ten to one. No peer is run; those of the two
modes have benches of their own.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from timing import machine

COUNTS = (33, 4, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("main_job.json"))
    parser.add_argument("sources", nargs="*", default=["sample"])
    options = parser.parse_args()
    rows = [measured(source) for source in options.sources]
    result = {
        "title": "The main job",
        "about": "`striate train SOURCE` with no other word, in a fresh process, from its start to "
        "its end: seconds, and accuracy on held-out pictures with its 95 % interval.",
        "machine": machine(),
        "rows": rows,
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n")


def measured(source: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        where = few(Path(source[4:]), Path(scratch)) if source.startswith("few:") else source
        command = [sys.executable, "-m", "striate", "train", str(where), "--json", "--quiet"]
        began = time.perf_counter()
        done = subprocess.run(
            [*command, "--out", f"{scratch}/run"], capture_output=True, text=True, check=True
        )
        seconds = time.perf_counter() - began
        config = json.loads(Path(scratch, "run", "config.json").read_text())
        size = Path(scratch, "run", "report.html").stat().st_size
    run = json.loads(done.stdout)
    test = run["test"]
    low, high = test["interval"]
    name = f"{config['data']['name']}: {sum(config['data']['samples'].values()):,} pictures"
    row = {
        "name": name,
        "seconds": {"striate": round(seconds, 1)},
        "notes": f"{run['mode']}, {run['model']}; {test['accuracy']:.1%} of {test['n']:,} "
        f"({low:.1%} to {high:.1%}), validation {run['val']['accuracy']:.1%}",
        "report_bytes": size,
        "why": config["why"],
    }
    print(json.dumps(row), flush=True)
    return row


def few(folder: Path, scratch: Path) -> Path:
    """Forty pictures of the first three classes of a folder."""
    classes = sorted(path for path in folder.iterdir() if path.is_dir())[:3]
    for source, count in zip(classes, COUNTS, strict=True):
        target = scratch / "few" / source.name
        target.mkdir(parents=True)
        for picture in sorted(source.iterdir())[:count]:
            shutil.copy(picture, target)
    return scratch / "few"


if __name__ == "__main__":
    main()
