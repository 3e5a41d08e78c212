"""Checking a data set, beside ImageHash, and as it grows.

    python bench/bench_check.py --out check.json [--repeats 3]

The pictures are made: noise with the amplitudes of photographs. Among 10,000 there are 1,000 copies
(equal, re-encoded, halved, cropped by 5 %, mirrored). The peer is ImageHash's `phash` of 64 bits,
in two processes as ours, all pairs at most 8 bits apart; it is left out if not installed. It looks
at nothing but duplicates, and does not look for mirrored ones.

Then files to report for 1,000 to 100,000 pictures, each in a process of its own.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from striate.data import load_source
from striate.data.check import check
from timing import interleaved, machine

ORIGINALS, COPIES = 9_000, 200
HEIGHT, WIDTH = 96, 128
GROWTH = (1_000, 10_000, 100_000)
Pairs = set[tuple[int, int]]


def photo(generator: np.random.Generator) -> Image.Image:
    """Noise with amplitudes of 1/f, in three bands that share most of it."""
    across = np.fft.rfftfreq(WIDTH) * WIDTH
    frequency = np.hypot(np.fft.fftfreq(HEIGHT)[:, None] * HEIGHT, across)
    noise = generator.standard_normal((HEIGHT, WIDTH, 1))
    noise = noise + 0.4 * generator.standard_normal((HEIGHT, WIDTH, 3))
    spectrum = np.fft.rfft2(noise, axes=(0, 1)) / np.maximum(frequency, 1)[:, :, None] ** 1.3
    values = np.fft.irfft2(spectrum, (HEIGHT, WIDTH), axes=(0, 1))
    values = (values - values.mean(axis=(0, 1))) / values.std(axis=(0, 1))
    return Image.fromarray((128 + 52 * values).clip(0, 255).astype(np.uint8))


def cropped(image: Image.Image) -> Image.Image:
    return image.crop((2, 1, WIDTH - 4, HEIGHT - 4))


COPIED: dict[str, Callable[[Image.Image], Image.Image]] = {
    "equal": lambda image: image,
    "re-encoded": lambda image: image,
    "halved": lambda image: image.resize((WIDTH // 2, HEIGHT // 2)),
    "cropped 5 %": cropped,
    "mirrored": ImageOps.mirror,
}


def plant(folder: Path) -> list[tuple[str, int]]:
    """Write the pictures in the order of their names; the kind and the original of every copy."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    planted: list[tuple[str, int]] = []
    for number in range(ORIGINALS):
        photo(generator).save(folder / f"{number:05}.jpg", quality=92)
    for number in range(COPIES * len(COPIED)):
        kind = list(COPIED)[number % len(COPIED)]
        place = folder / f"{ORIGINALS + number:05}.jpg"
        if kind == "equal":
            place.write_bytes((folder / f"{number:05}.jpg").read_bytes())
        else:
            quality = 75 if kind == "re-encoded" else 90
            COPIED[kind](Image.open(folder / f"{number:05}.jpg")).save(place, quality=quality)
        planted.append((kind, number))
    return planted


def phash(path: Path) -> int:
    """ImageHash's 64 bits of a file."""
    import imagehash

    return int(str(imagehash.phash(Image.open(path))), 16)


def by_imagehash(folder: Path) -> Pairs:
    """The peer: hashes in two processes, then all pairs, in NumPy."""
    with ProcessPoolExecutor(2) as pool:
        hashes = list(pool.map(phash, sorted(folder.iterdir()), chunksize=200))
    bits = np.array(hashes, np.uint64)
    found: Pairs = set()
    for row in range(len(bits)):
        for other in np.flatnonzero(np.bitwise_count(bits[:row] ^ bits[row]) <= 8):
            found.add((int(other), row))
    return found


def by_striate(folder: Path) -> Pairs:
    """The whole check."""
    return set(check(load_source(folder)).pairs)


def told(found: Pairs, planted: list[tuple[str, int]]) -> str:
    """The share of each kind of copy that was found, and the pairs that are none."""
    expected = {(number, ORIGINALS + number) for _, number in planted}
    shares = []
    for kind in COPIED:
        pairs = [(number, ORIGINALS + number) for of, number in planted if of == kind]
        shares.append(f"{kind} {sum(pair in found for pair in pairs) / len(pairs):.1%}")
    return f"{', '.join(shares)}; {len(found - expected):,} wrong pairs"


def beside_peer(scratch: Path, repeats: int) -> dict[str, Any]:
    """10,000 files to a report, and to the peer's list of pairs."""
    planted = plant(scratch / "planted")
    cases: dict[str, Callable[[], Pairs]] = {"striate": lambda: by_striate(scratch / "planted")}
    if importlib.util.find_spec("imagehash"):
        cases["imagehash"] = lambda: by_imagehash(scratch / "planted")
    notes = [f"{name}: {told(run(), planted)}" for name, run in cases.items()]
    taken = interleaved({**cases}, repeats)
    seconds = {name: statistics.median(times) for name, times in taken.items()}
    ratio = seconds["striate"] / seconds.get("imagehash", seconds["striate"])
    name = f"{ORIGINALS + COPIES * len(COPIED):,} JPEGs of {WIDTH}x{HEIGHT}, files to report"
    return {"name": name, "seconds": seconds, "ratio": ratio, "notes": "; ".join(notes)}


def grow(folder: Path) -> dict[str, float]:
    """Check a folder: seconds in all and after the last picture, and memory taken beside torch."""
    dataset = load_source(folder)
    looked = [0.0]

    def step(done: int, of: int) -> None:
        looked[0] = time.perf_counter()

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    check(dataset, step=step)
    end = time.perf_counter()
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {"seconds": end - start, "search": end - looked[0], "mebibytes": memory}


def growth(scratch: Path, count: int) -> dict[str, Any]:
    """One size: smooth noise of 64 px, written, checked in a process of its own, and removed."""
    generator = np.random.default_rng(count)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        for number in range(count):
            coarse = Image.fromarray(generator.integers(0, 256, (12, 12, 3), np.uint8))
            coarse.resize((64, 64), Image.Resampling.BICUBIC).save(f"{folder}/{number:06}.jpg")
        words = [sys.executable, __file__, "--grow", folder]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout)
    notes = (
        f"{figures['seconds']:,.1f} s in all, of which {figures['search']:.1f} s compare all pairs;"
        f" {figures['mebibytes']:,.0f} MiB more, {1024 * figures['mebibytes'] / count:.1f} KiB each"
    )
    seconds = {"striate": 1000 * figures["seconds"] / count}
    name = f"{count:,} pictures, a 1,000 of them"
    return {"name": name, "seconds": seconds, "ratio": 1.0, "notes": notes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("check.json"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--grow", type=Path, help="check this folder, print JSON, leave")
    options = parser.parse_args()
    if options.grow:
        print(json.dumps(grow(options.grow)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        rows = [beside_peer(Path(scratch), options.repeats)]
        rows += [growth(Path(scratch), count) for count in GROWTH]
    report = {
        "title": "Checking a data set",
        "about": "From files to the report. The notes tell which share of the planted copies was"
        " found. The growth rows are ours alone: made pictures of 64 px, seconds a 1,000 pictures.",
        "machine": machine(),
        "rows": rows,
    }
    options.out.write_text(json.dumps(report, indent=1) + "\n")
    for row in rows:
        print(f"{row['name']}: {row['seconds']}; {row['notes']}")


if __name__ == "__main__":
    main()
