"""Ants and bees: `striate train`, from a fresh process to the report, beside the usual loop.

    python bench/bench_transfer.py --out transfer.json [--data-dir FOLDER] [--repeats 3]
        [--epochs 25] [--loops frozen,whole]

FOLDER holds `train/` and `val/` with a folder a class (`STRIATE_DATA/hymenoptera_data` by default).
The loop is written by hand in plain torch and Pillow, on the same trunk with the same weights:
batches of 4, SGD of 0.001 and momentum 0.9, a tenth of it after every 7 epochs, random crops and
mirror images, the best epoch on `val` kept; once with a frozen trunk, once with all of it learning.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader

from striate.metrics import wilson_interval
from striate.models import create
from timing import machine

NETWORK = "efficientnet_lite0"
SIDE = 224
MEAN = STD = 0.5  # as these weights were trained


class Folder(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """Pictures in a folder a class, decoded each time they are asked for."""

    def __init__(self, folder: Path, *, augment: bool) -> None:
        classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
        self.files = [
            (path, label)
            for label, name in enumerate(classes)
            for path in sorted((folder / name).iterdir())
            if path.suffix.lower() in (".jpg", ".jpeg", ".png")
        ]
        self.augment = augment

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        path, label = self.files[index]
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        picture = random_resized_crop(picture) if self.augment else middle(picture)
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
        return (pixels - MEAN) / STD, label


def random_resized_crop(picture: Image.Image) -> Image.Image:
    """8 to 100 % of the area at 3:4 to 4:3, half of them mirrored, as torchvision draws them."""
    width, height = picture.size
    box = (0, 0, width, height)
    for _ in range(10):
        area = width * height * random.uniform(0.08, 1.0)
        aspect = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            left, top = random.randint(0, width - w), random.randint(0, height - h)
            box = (left, top, left + w, top + h)
            break
    cut = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box)
    return cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else cut


def middle(picture: Image.Image) -> Image.Image:
    """The shorter side to 256, then the middle 224."""
    scale = 256 / min(picture.size)
    size = (round(picture.width * scale), round(picture.height * scale))
    large = picture.resize(size, Image.Resampling.BILINEAR)
    left, top = (large.width - SIDE) // 2, (large.height - SIDE) // 2
    return large.crop((left, top, left + SIDE, top + SIDE))


def tutorial(folder: Path, epochs: int, *, frozen: bool) -> tuple[int, int]:
    """The loop; right ones of the validation part by the best epoch, and how many there are."""
    torch.manual_seed(0)
    random.seed(0)
    parts = {name: Folder(folder / name, augment=name == "train") for name in ("train", "val")}
    loaders = {
        name: DataLoader(part, batch_size=4, shuffle=True, num_workers=len(os.sched_getaffinity(0)))
        for name, part in parts.items()
    }
    net: Any = create(NETWORK, pretrained=True)
    for parameter in net.parameters():
        parameter.requires_grad_(not frozen)
    net.classifier[1] = nn.Linear(net.num_features, 2)
    learning = net.classifier[1].parameters() if frozen else net.parameters()
    optimiser = torch.optim.SGD(learning, 0.001, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=7, gamma=0.1)
    best, weights = 0, copy.deepcopy(net.state_dict())
    for epoch in range(epochs):
        right = {"train": 0, "val": 0}
        for phase, loader in loaders.items():
            net.train(phase == "train")
            for images, labels in loader:
                optimiser.zero_grad()
                with torch.set_grad_enabled(phase == "train"):
                    logits = net(images)
                    loss = F.cross_entropy(logits, labels)
                    if phase == "train":
                        loss.backward()
                        optimiser.step()
                right[phase] += int((logits.argmax(1) == labels).sum())
        schedule.step()
        if right["val"] > best:
            best, weights = right["val"], copy.deepcopy(net.state_dict())
        print(f"  epoch {epoch + 1}: {right['val']} of {len(parts['val'])}", file=sys.stderr)
    net.load_state_dict(weights)
    return best, len(parts["val"])


def command(folder: Path, seed: int) -> tuple[float, int, int, str]:
    """Seconds of `striate train` as a user starts it; right ones and number of val; its mode."""
    with tempfile.TemporaryDirectory() as scratch:
        words = ["train", str(folder), "--out", f"{scratch}/run", "--seed", str(seed), "--json"]
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "striate", *words, "--quiet"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        seconds = time.perf_counter() - began
        assert (Path(scratch) / "run" / "config.json").exists()
    found = json.loads(done.stdout)
    held = found["test"]  # the official `val`, by which features mode chooses nothing
    return seconds, round(held["accuracy"] * held["n"]), held["n"], found["mode"]


def described(right: int, n: int) -> str:
    low, high = wilson_interval(right, n)
    return f"{right} of {n} right, {right / n:.1%} ({low:.1%} to {high:.1%})"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    home = Path(os.environ.get("STRIATE_DATA", "data"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, default=home / "hymenoptera_data")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--loops", default="frozen,whole")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    # The command is short: it runs before, between and after the loops, which are long.
    ours = [command(options.data_dir, 0)]
    rows = []
    for name in options.loops.split(","):
        print(f"the loop, {name}", file=sys.stderr)
        began = time.perf_counter()
        right, n = tutorial(options.data_dir, options.epochs, frozen=name == "frozen")
        seconds = time.perf_counter() - began
        ours.append(command(options.data_dir, len(ours)))
        rows.append((name, seconds, right, n))
    ours += [command(options.data_dir, seed) for seed in range(len(ours), options.repeats)]
    median = statistics.median(run[0] for run in ours)
    runs = "; ".join(f"{s:.1f} s, {described(right, n)}" for s, right, n, _ in ours)
    report = {
        "title": "Ants and bees: from a folder to a judged classifier",
        "about": "striate train in a fresh process to its finished run folder,"
        f" beside {options.epochs} epochs of the usual loop (batches of 4, SGD, crops and mirror"
        f" images, start of the process not counted), both on {NETWORK} with the same published"
        " weights.",
        "machine": machine(),
        "rows": [
            {
                "name": f"the loop with {'a frozen trunk' if name == 'frozen' else 'all learning'}",
                "seconds": {"striate": median, "the loop": seconds},
                "ratio": median / seconds,
                "notes": f"{seconds / median:.0f} times as fast. striate ({ours[0][3]}; seeds"
                f" 0..{len(ours) - 1}): {runs}. The loop's best epoch: {described(right, n)}",
            }
            for name, seconds, right, n in rows
        ],
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")
    for row in report["rows"]:  # type: ignore[attr-defined]
        print(json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
