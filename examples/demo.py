"""The main job on the embedded digits: train, judge, report; then ask about a digit it never saw.

`make demo` runs this. Both steps are the commands that a person would type.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from PIL import Image

from striate.data import load_source, stratified_split

STRIATE = [sys.executable, "-m", "striate"]


def main() -> None:
    """Train, show one held-out digit to the run, check that it is as good as promised."""
    trained = subprocess.run([*STRIATE, "train", "--json"], stdout=subprocess.PIPE, check=True)
    run = json.loads(trained.stdout)
    picture = Path(run["run"]).with_suffix(".png")  # beside the run, to be asked about again
    label = save_held_out_digit(picture)
    print(f"\nA held-out picture of a {label}:", flush=True)
    subprocess.run([*STRIATE, "predict", run["run"], str(picture)], check=True)
    print(
        f"\nTest accuracy {run['test']['accuracy']:.1%} on {run['test']['n']:,} held-out digits, "
        f"{run['seconds']:.0f} s of training."
    )
    print(f"Try next: .venv/bin/striate predict {run['run']} {picture}")
    print("          (your own digits: white ink on black, centred, one to a picture)")
    print("          .venv/bin/striate filter docs/img/photo.jpg sobel-x --side-by-side")
    print("          .venv/bin/striate --help")
    print(f"The report, for your browser: {(Path(run['run']) / 'report.html').resolve()}")
    assert run["test"]["accuracy"] >= 0.97, "below the promised 97 %"


def save_held_out_digit(path: Path) -> str:
    """Write one digit of the test part (of seed 0, the default) and return its label."""
    data = load_source("sample")
    index = stratified_split(data.labels, seed=0).test[-1]
    Image.fromarray(data.pictures[index, 0].numpy()).save(path)
    return data.classes[data.labels[index]]


if __name__ == "__main__":
    main()
