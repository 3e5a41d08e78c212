"""Filters against scipy.ndimage, scipy.signal and OpenCV on one large image, taking turns.

    python bench/bench_filters.py --out filters.json [--megapixels 12] [--repeats 9]

Every rival computes the same zero-padded result from the same float32 (or uint8) image, with all
the threads it has; the results are compared before anything is timed. A row's floor is the larger
of two times: reading the image and writing the result once (bandwidth measured by copying the
image into fresh memory), and the fewest multiply-adds known for the row at the speed of a matrix
product measured in the same run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import scipy.ndimage
import scipy.signal
import torch

from striate.signal import correlate, separable
from timing import interleaved, machine

Image = np.ndarray
BORDER = cv2.BORDER_CONSTANT
# What two results may differ by, relative to the largest value: float32 sums in another order.
AGREE = 1e-5


@dataclass(frozen=True)
class Row:
    """One filter, and every rival's way to compute it."""

    name: str
    operations: float  # multiply-adds per pixel of the best known way
    runs: dict[str, Callable[[], Image]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--megapixels", type=float, default=12.0)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    height = round((options.megapixels * 1e6 * 3 / 4) ** 0.5)
    image = np.random.default_rng(0).random((height, height * 4 // 3), dtype=np.float32)
    peaks = {"gflops": matrix_speed(), "copy_seconds": copy_seconds(image)}
    rows = [measure(row, options.repeats, image.size, peaks) for row in cases(image)]
    report = {
        "title": f"Filters on a {options.megapixels:g} MP image",
        "about": "One zero-padded float32 result from a float32 (or uint8) image, every rival with"
        " all its threads; fresh memory for each result, for all. The floor is reading the image"
        " and writing the result once, or the fewest multiply-adds at the speed of a matrix"
        " product, whichever takes longer.",
        "machine": machine() | peaks,
        "shape": image.shape,
        "rows": rows,
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")


def cases(image: Image) -> list[Row]:
    """The rows of the benchmark."""
    pixels = (image * 255).astype(np.uint8)
    rows = [gaussian(f"gaussian sigma {sigma}", image, sigma) for sigma in (1, 5, 25)]
    rows += [sobel("sobel x", image), dense("dense 31x31", image)]
    rows += [gaussian("gaussian sigma 5, uint8", pixels, 5), sobel("sobel x, uint8", pixels)]
    return [*rows, dense("dense 31x31, uint8", pixels)]


def gaussian(name: str, image: Image, sigma: int) -> Row:
    """Radius 4 sigma for all. OpenCV gets uint8 converted: its own uint8 path rounds the result."""
    size = 8 * sigma + 1
    taps = np.exp(-0.5 * (np.arange(size) - size // 2) ** 2 / sigma**2)
    taps /= taps.sum()

    def ours() -> Image:
        return separable(image, taps, taps)

    def opencv() -> Image:
        source = image.astype(np.float32, copy=False)
        return cv2.GaussianBlur(source, (size, size), sigma, borderType=BORDER)

    def scipy_() -> Image:
        return scipy.ndimage.gaussian_filter(
            image, sigma, output=np.float32, mode="constant", truncate=4
        )

    return Row(name, 2 * size, {"striate": ours, "opencv": opencv, "scipy": scipy_})


def sobel(name: str, image: Image) -> Row:
    """The 3x3 derivative along rows."""
    kernel = np.outer([1, 2, 1], [-1, 0, 1])

    def opencv() -> Image:
        return cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=3, borderType=BORDER)

    def scipy_() -> Image:
        return scipy.ndimage.sobel(image, axis=1, output=np.float32, mode="constant")

    return Row(
        name, 5, {"striate": lambda: correlate(image, kernel), "opencv": opencv, "scipy": scipy_}
    )


def dense(name: str, image: Image) -> Row:
    """A kernel without structure. scipy.ndimage takes minutes; scipy.signal's FFT stands in."""
    kernel = np.random.default_rng(1).standard_normal((31, 31)).astype(np.float32)

    def opencv() -> Image:
        return cv2.filter2D(image, cv2.CV_32F, kernel, borderType=BORDER)

    def scipy_() -> Image:
        source = image.astype(np.float32, copy=False)
        return scipy.signal.fftconvolve(source, kernel[::-1, ::-1], mode="same")

    # Overlap-save in tiles of 192: two real transforms of 2.5 N log2 N and a product, per result.
    tile = 192**2
    operations = (5 * tile * np.log2(tile) + 3 * tile) / (192 - 30) ** 2 / 2
    runs = {"striate": lambda: correlate(image, kernel), "opencv": opencv, "scipy": scipy_}
    return Row(name, float(operations), runs)


def measure(row: Row, repeats: int, pixels: int, peaks: dict[str, float]) -> dict[str, object]:
    """The medians of a row, after all rivals have been seen to agree."""
    results = {name: run() for name, run in row.runs.items()}
    scale = np.abs(results["scipy"]).max()
    apart = {
        name: float(np.abs(result - results["scipy"]).max() / scale)
        for name, result in results.items()
    }
    if max(apart.values()) > AGREE:
        raise SystemExit(f"{row.name}: the results differ: {apart}")
    seconds = interleaved(row.runs, repeats)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    best = min(value for name, value in medians.items() if name != "striate")
    floor = max(peaks["copy_seconds"], 2 * row.operations * pixels / peaks["gflops"] / 1e9)
    print(f"{row.name:28}", *(f"{name} {s * 1e3:8.1f} ms" for name, s in medians.items()), end="  ")
    print(f"ratio {medians['striate'] / best:.2f}, floor x {medians['striate'] / floor:.1f}")
    return {
        "name": row.name,
        "seconds": medians,
        "fastest": {name: min(times) for name, times in seconds.items()},
        "ratio": medians["striate"] / best,
        "difference": apart,
        "floor": floor,
        "times_floor": medians["striate"] / floor,
        "notes": f"floor {1000 * floor:.1f} ms, {medians['striate'] / floor:.1f}x above it",
    }


def matrix_speed(size: int = 2048) -> float:
    """GFLOP/s of a float32 matrix product on all threads, the best of ten."""
    a = torch.rand(size, size)
    out = torch.empty_like(a)
    return 2 * size**3 / fastest(lambda: torch.mm(a, a, out=out)) / 1e9


def copy_seconds(image: Image) -> float:
    """Seconds to read the image and write as much into fresh memory, the best of ten."""
    source = torch.from_numpy(image)
    return fastest(lambda: torch.from_numpy(np.empty_like(image)).copy_(source))


def fastest(run: Callable[[], object]) -> float:
    times = []
    for _ in range(10):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main()
