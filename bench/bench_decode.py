"""From JPEG files to 224 px pixels: draft decoding and worker processes beside plain Pillow.

    python bench/bench_decode.py --out decode.json [--data-dir FOLDER] [--repeats 5]

FOLDER holds photographs (`STRIATE_DATA/ants-bees` by default; without either, pictures of about
their size are made). The peer opens, converts, resizes and cuts as the usual pipelines do, all in
one process; ours also checks limits and formats. Workers are timed from nothing: their start is in.
"""

from __future__ import annotations

import argparse
import functools
import io
import json
import os
import statistics
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageFilter

from striate.data.decode import decode
from striate.data.kinds import Unreadable
from striate.data.pixels import raw_of
from striate.data.workers import Workers
from striate.preprocess import Preprocess
from timing import interleaved, machine

RECORD = Preprocess((224, 224), 3, (0.5,) * 3, (0.25,) * 3, fit="crop")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with TemporaryDirectory() as temporary:
        large = Path(temporary) / "large.jpg"
        large.write_bytes(photograph(4_000, 3_000, 0))
        files = photographs(options.data_dir, Path(temporary))
        rows = [draft(large, options.repeats)]
        rows += [folder(files, count, options.repeats) for count in (0, 1, 2)]
    report = {
        "title": "From JPEG files to 224 px pixels",
        "about": "A file to uint8 224x224, middle cut. Pillow: open, convert, resize the shorter"
        " side, cut; full decoding, one process. Worker rows include starting the processes.",
        "machine": machine(),
        "rows": rows,
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")


def draft(path: Path, repeats: int) -> dict[str, object]:
    """One 12 MP file."""
    full = np.frombuffer(RECORD.raw(decode(path)), np.uint8)
    apart = np.abs(np.frombuffer(raw_of(path, RECORD), np.uint8).astype(int) - full)
    note = (
        f"decoded at a quarter; {apart.mean():.2f} of 255 off a full decoding, most {apart.max()}"
    )
    return row(
        "one file of 12 MP", lambda: raw_of(path, RECORD), lambda: pillow(path), repeats, note
    )


def folder(files: list[Path], count: int, repeats: int) -> dict[str, object]:
    """All files through `count` workers."""

    def ours() -> None:
        with Workers(functools.partial(raw_of, preprocess=RECORD), count=count) as workers:
            assert not any(isinstance(result, Unreadable) for result in workers.map(files))

    def theirs() -> None:
        for path in files:
            pillow(path)

    return row(f"{len(files)} photographs, {count} workers", ours, theirs, repeats, "")


def row(
    name: str, ours: Callable[[], object], theirs: Callable[[], object], repeats: int, note: str
) -> dict[str, object]:
    """Medians of both, and their ratio."""
    seconds = interleaved({"striate": ours, "pillow": theirs}, repeats)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    ratio = medians["striate"] / medians["pillow"]
    return {"name": name, "seconds": medians, "ratio": ratio, "notes": note}


def pillow(path: Path) -> bytes:
    """The usual pipeline."""
    image = Image.open(path).convert("RGB")
    scale = 224 / min(image.size)
    size = round(image.width * scale), round(image.height * scale)
    image = image.resize(size, Image.Resampling.BILINEAR)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    return image.crop((left, top, left + 224, top + 224)).tobytes()


def photographs(folder: Path | None, temporary: Path) -> list[Path]:
    """The user's, or made ones."""
    if folder is None and "STRIATE_DATA" in os.environ:
        folder = Path(os.environ["STRIATE_DATA"]) / "ants-bees"
    if folder is not None:
        return sorted(folder.rglob("*.jpg"))
    files = [temporary / f"{number:03}.jpg" for number in range(200)]
    for number, path in enumerate(files):
        path.write_bytes(photograph(500, 375, number))
    return files


def photograph(width: int, height: int, seed: int) -> bytes:
    """Something with the detail of a photograph: noise at several scales."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for coarse in (4, 32, 256):
        noise = random.integers(0, 256, (height // coarse + 2, width // coarse + 2, 3), np.uint8)
        total += np.asarray(Image.fromarray(noise).resize((width, height), Image.BICUBIC)) / 3
    image = Image.fromarray(total.astype(np.uint8)).filter(ImageFilter.GaussianBlur(1))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()


if __name__ == "__main__":
    main()
