"""Augmentation beside kornia and a per-image Pillow pipeline, taking turns.

    python bench/bench_augment.py --out augment.json [--batch 128] [--repeats 9]

Every rival does the same kinds of change with the same limits, each with its own random numbers,
and all the threads the process may use: ours and kornia through torch, Pillow through a thread
pool (it releases the interpreter while it computes). Bytes come in and go out, as they lie in a
data set; kornia is given floats and returns floats, which is what it works on, so it is spared
both conversions. kornia is left out where it is not installed. The floor is reading the batch and
writing the result once.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageOps

from striate.data.augment import (
    POLICIES,
    Colour,
    Flip,
    Policy,
    RandomCrop,
    RandomResizedCrop,
    Rotate,
    Scale,
    Shear,
    Stream,
    Translate,
    apply,
)
from timing import interleaved, machine

BILINEAR = Image.Resampling.BILINEAR
PilStep = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True)
class Case:
    """One policy for all three, on pictures of one shape."""

    name: str
    shape: tuple[int, int, int]
    ours: Policy
    pillow: list[PilStep]
    kornia: Callable[[], list[torch.nn.Module]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    rows = [measure(case, options.batch, options.repeats) for case in cases()]
    report = {
        "title": f"Augmentation of batches of {options.batch}",
        "about": "The same kinds of change, each rival with its own random numbers and all the"
        " threads. Bytes in and out (kornia: floats in and out, conversions not counted); ours"
        " keeps pictures as a file's rows lie, channels last. The floor is reading the batch and"
        " writing the result once.",
        "machine": machine() | {"threads": torch.get_num_threads()},
        "rows": rows,
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")


def cases() -> list[Case]:
    """The rows of the benchmark."""
    digits, photo = (1, 28, 28), (3, 224, 224)
    return [
        Case(
            "digits, 28 px grey: turn, scale, shear, shift",
            digits,
            POLICIES["digits"],
            [affine(10, (0.9, 1.1), 10, 0.07)],
            lambda: [kornia_affine(10, (0.9, 1.1), 10, 0.07, "zeros")],
        ),
        Case(
            "32 px colour: crop with margin 4, mirror",
            (3, 32, 32),
            (RandomCrop(margin=4), Flip()),
            [margin_crop(4), mirror],
            lambda: kornia_named(
                ("RandomCrop", {"size": (32, 32), "padding": 4, "padding_mode": "reflect"}),
                ("RandomHorizontalFlip", {}),
            ),
        ),
        Case(
            "224 px colour: turn, scale, shear, shift",
            photo,
            tuple(
                step(*numbers, padding="zeros")
                for step, numbers in (
                    (Rotate, (10,)),
                    (Scale, (0.9, 1.1)),
                    (Shear, (5,)),
                    (Translate, (0.08, 0.08)),
                )
            ),
            [affine(10, (0.9, 1.1), 5, 0.08)],
            lambda: [kornia_affine(10, (0.9, 1.1), 5, 0.08, "zeros")],
        ),
        Case(
            "224 px colour: resized crop, mirror, brightness, contrast, saturation",
            photo,
            (RandomResizedCrop(area=(0.35, 1)), Flip(), Colour(0.3, 0.3, 0.3)),
            [resized_crop(0.35), mirror, jitter(0.3)],
            lambda: kornia_named(
                ("RandomResizedCrop", {"size": (224, 224), "scale": (0.35, 1.0)}),
                ("RandomHorizontalFlip", {}),
                ("ColorJiggle", {"brightness": 0.3, "contrast": 0.3, "saturation": 0.3}),
            ),
        ),
    ]


def measure(case: Case, batch: int, repeats: int) -> dict[str, object]:
    """The medians of one case."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randint(0, 256, (batch, *case.shape[1:], case.shape[0]), generator=generator)
    images = rows.to(torch.uint8).permute(0, 3, 1, 2)  # channels last, as decoders write them
    floats = images.float().div_(255).contiguous()
    stream = Stream(0, 0, torch.arange(batch))
    pool = ThreadPoolExecutor(torch.get_num_threads())
    arrays = list(images.permute(0, 2, 3, 1).numpy())
    if case.shape[0] == 1:
        arrays = [array[:, :, 0] for array in arrays]

    def pillow_one(array: np.ndarray) -> np.ndarray:
        picture = Image.fromarray(array)
        for step in case.pillow:
            picture = step(picture)
        return np.asarray(picture)

    runs: dict[str, Callable[[], object]] = {"striate": lambda: apply(case.ours, images, stream)}
    if find_spec("kornia"):
        steps = torch.nn.Sequential(*case.kornia())
        runs["kornia"] = lambda: steps(floats)
    runs["pillow"] = lambda: np.stack(list(pool.map(pillow_one, arrays)))
    medians = {name: statistics.median(times) for name, times in interleaved(runs, repeats).items()}
    work = {name: cpu_seconds(run) for name, run in runs.items()}
    copy = torch.empty_like(images)
    floor = fastest(lambda: copy.copy_(images))
    draws = fastest(lambda: stream.uniforms([step.draws for step in case.ours]))
    best = min(seconds for name, seconds in medians.items() if name != "striate")
    ours = medians["striate"]
    print(f"{case.name:70}", *(f"{n} {batch / s:9,.0f}/s" for n, s in medians.items()), end="  ")
    cpu = ", ".join(f"{name} {1e6 * s / batch:.0f}" for name, s in work.items())
    print(f"cpu us {cpu}; ratio {ours / best:.3f}, random numbers {draws / ours:.1%}")
    return {
        "name": case.name,
        "seconds": medians,
        "images_per_second": {name: batch / seconds for name, seconds in medians.items()},
        "cpu_seconds": work,
        "ratio": ours / best,
        "floor": floor,
        "random_numbers_share": draws / ours,
        "notes": f"{batch / ours:,.0f} images/s; floor {1000 * floor:.2f} ms, {ours / floor:.0f}x"
        f" above it; random numbers {draws / ours:.1%}; CPU time beside the best peer's "
        f"{work['striate'] / min(s for n, s in work.items() if n != 'striate'):.2f}",
    }


def affine(degrees: float, scale: tuple[float, float], shear: float, shift: float) -> PilStep:
    """One `Image.transform`, as careful pipelines do it."""

    def step(picture: Image.Image) -> Image.Image:
        angle, lean = (np.radians(random.uniform(-d, d)) for d in (degrees, shear))
        matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix = matrix @ np.array([[1, np.tan(lean)], [0, 1]]) / random.uniform(*scale)
        middle = np.array(picture.size) / 2
        offset = middle - matrix @ (
            middle + [random.uniform(-shift, shift) * s for s in picture.size]
        )
        (a, b), (c, d) = matrix
        row = (a, b, offset[0], c, d, offset[1])
        return picture.transform(picture.size, Image.Transform.AFFINE, row, BILINEAR)

    return step


def margin_crop(margin: int) -> PilStep:
    """Pad with mirrored pixels (NumPy: Pillow cannot), cut."""

    def step(picture: Image.Image) -> Image.Image:
        around = ((margin, margin), (margin, margin), (0, 0))
        padded = np.pad(np.asarray(picture), around, mode="reflect")
        y, x = (random.randint(0, 2 * margin) for _ in range(2))
        return Image.fromarray(padded[y : y + picture.height, x : x + picture.width])

    return step


def resized_crop(smallest: float) -> PilStep:
    def step(picture: Image.Image) -> Image.Image:
        area = random.uniform(smallest, 1) * picture.width * picture.height
        aspect = np.exp(random.uniform(np.log(3 / 4), np.log(4 / 3)))
        width = min(round((area * aspect) ** 0.5), picture.width)
        height = min(round((area / aspect) ** 0.5), picture.height)
        x, y = random.randint(0, picture.width - width), random.randint(0, picture.height - height)
        return picture.resize(picture.size, BILINEAR, (x, y, x + width, y + height))

    return step


def mirror(picture: Image.Image) -> Image.Image:
    return ImageOps.mirror(picture) if random.random() < 0.5 else picture


def jitter(reach: float) -> PilStep:
    def step(picture: Image.Image) -> Image.Image:
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            picture = enhance(picture).enhance(random.uniform(1 - reach, 1 + reach))
        return picture

    return step


def kornia_named(*steps: tuple[str, dict[str, object]]) -> list[torch.nn.Module]:
    import kornia.augmentation

    return [getattr(kornia.augmentation, name)(**settings) for name, settings in steps]


def kornia_affine(
    degrees: float, scale: tuple[float, float], shear: float, shift: float, padding: str
) -> torch.nn.Module:
    settings = {
        "degrees": degrees,
        "translate": (shift, shift),
        "scale": scale,
        "shear": shear,
        "padding_mode": padding,
        "p": 1.0,
    }
    return kornia_named(("RandomAffine", settings))[0]


def cpu_seconds(run: Callable[[], object]) -> float:
    """What all threads together computed, the median of five: steady on a busy machine."""
    times = []
    for _ in range(5):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return statistics.median(times)


def fastest(run: Callable[[], object]) -> float:
    times = []
    for _ in range(10):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main()
