"""From JPEG files to float batches, beside a torch DataLoader with Pillow, taking turns.

    python bench/bench_loading.py --out loading.json [--data-dir FOLDER] [--repeats 5]

FOLDER holds photographs in folders per class (`STRIATE_DATA/ants-bees/train` by default; without
it, 240 made ones). Epoch 1 starts from nothing, the start of workers included; epoch 2 is the next.
The peer is the pipeline as it is usually written: a Dataset that opens a file with Pillow, resizes,
crops, flips and normalises it, in two worker processes; written by hand, because torchvision has
no build for every torch. Its batches are compared with ours before anything is timed.

Then the mapped cache by itself: seconds and memory a picture from 1,000 to 100,000 pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from striate.data.augment import Flip, Policy, RandomResizedCrop
from striate.data.cache import cached
from striate.data.dataset import Files
from striate.data.loader import Loader
from striate.data.opening import open_store
from striate.data.order import Order
from striate.data.stores import MappedStore, MemoryStore, Store
from striate.preprocess import Preprocess
from timing import interleaved, machine

SIDE, BATCH, WORKERS = 224, 32, 2
APART = 16  # of 255, on average: what a fraction of a pixel is worth in grainy pictures
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PREPROCESS = Preprocess((SIDE, SIDE), 3, MEAN, STD, fit="crop", crop_share=0.875)
POLICIES = {
    "resize, crop, flip": (Flip(),),
    "random resized crop, flip": (RandomResizedCrop(area=(0.35, 1.0)), Flip()),
}


class Photos(Dataset[tuple[Tensor, int]]):
    """The usual dataset: one picture at a time, all of it in Python and Pillow."""

    def __init__(self, files: Files, crop: str) -> None:
        self.paths = [files.path(index) for index in range(len(files))]
        self.random_crop = crop.startswith("random")
        self.mean = torch.tensor(MEAN).view(3, 1, 1)
        self.std = torch.tensor(STD).view(3, 1, 1)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = Image.open(self.paths[index]).convert("RGB")
        image = random_resized_crop(image) if self.random_crop else resize_and_crop(image)
        if random.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
        return pixels.float().div(255).sub(self.mean).div(self.std), 0


def resize_and_crop(image: Image.Image) -> Image.Image:
    """The shorter side to 256, then the middle 224."""
    scale = round(SIDE / 0.875) / min(image.size)
    width, height = (round(side * scale) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = (width - SIDE) // 2, (height - SIDE) // 2
    return image.crop((left, top, left + SIDE, top + SIDE))


def random_resized_crop(image: Image.Image) -> Image.Image:
    """A part of 35 to 100 % of the area, its proportions between 3:4 and 4:3, to 224."""
    area = image.width * image.height
    for _ in range(10):
        part, ratio = area * random.uniform(0.35, 1), np.exp(random.uniform(-0.288, 0.288))
        width, height = round((part * ratio) ** 0.5), round((part / ratio) ** 0.5)
        if width <= image.width and height <= image.height:
            left = random.randint(0, image.width - width)
            top = random.randint(0, image.height - height)
            box = (left, top, left + width, top + height)
            return image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box)
    return resize_and_crop(image)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("loading.json"))
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--grow", type=int, help="measure this many pictures, print JSON, leave")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["XDG_CACHE_HOME"] = scratch
        if options.grow:
            print(json.dumps(grow(options.grow)))
            return
        files = photographs(options.data_dir, Path(scratch))
        rows = [row for name in POLICIES for row in epochs(files, "", name, options.repeats)]
        large = make(Path(scratch) / "large", 24, (4000, 3000))
        rows += epochs(large, "12 MP, ", next(iter(POLICIES)), options.repeats)
        rows += [growth(count) for count in (1_000, 10_000, 100_000)]
    report = {
        "title": f"From {len(files)} JPEGs to float batches of {SIDE} px",
        "about": f"Whole epochs in batches of {BATCH}, {WORKERS} worker processes on both sides."
        " Epoch 1 begins with files, and with the start of the workers; in epoch 2 ours has the"
        " decoded pixels. In memory: the few pictures of this set; mapped: through the cache on the"
        " disk, whose files the system still holds in memory. The growth rows are ours alone, made"
        " pictures of 64 px from the mapped cache: seconds a 1,000 pictures.",
        "machine": machine(),
        "rows": rows,
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")


def photographs(folder: Path | None, scratch: Path) -> Files:
    """The photographs of a folder, or as many made ones of the same size."""
    if folder is None and "STRIATE_DATA" in os.environ:
        folder = Path(os.environ["STRIATE_DATA"]) / "ants-bees" / "train"
    if folder is None or not folder.is_dir():
        return make(scratch / "small", 240, (500, 375))
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".jpg")
    return Files(folder, tuple(str(path.relative_to(folder)) for path in found))


def make(folder: Path, count: int, size: tuple[int, int]) -> Files:
    """JPEGs of coloured clouds with grain, which compress about as photographs do."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(count):
        clouds = Image.fromarray(rng.integers(0, 256, (25, 33, 3), dtype=np.uint8))
        smooth = np.asarray(clouds.resize(size, Image.Resampling.BICUBIC), dtype=np.int16)
        grain = rng.integers(-12, 13, smooth.shape, dtype=np.int16)
        image = Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8))
        image.save(folder / f"{index:03d}.jpg", quality=85)
    return Files(folder, tuple(sorted(path.name for path in folder.iterdir())))


def epochs(files: Files, what: str, name: str, repeats: int) -> list[dict[str, object]]:
    """The rows of one way to crop: epoch 1 and epoch 2 of both pipelines."""
    peer = DataLoader(Photos(files, name), BATCH, shuffle=True, num_workers=WORKERS)
    agree(files)
    memory = ours(files, name)
    mapped = ours(files, name, keep=True)
    first = interleaved(
        {"striate": lambda: drain(ours(files, name)), "torch + Pillow": lambda: drain(peer)},
        repeats,
    )
    second = interleaved(
        {
            "striate": lambda: drain(memory),
            "torch + Pillow": lambda: drain(peer),
            "striate, mapped": lambda: drain(mapped),
        },
        repeats,
    )
    return [
        result(f"{what}{name}: epoch 1", first),
        result(f"{what}{name}: epoch 2", second),
    ]


def ours(files: Files, name: str, *, keep: bool = False) -> Loader:
    """Our pipeline, its pixels in memory; or mapped, if they are to be kept on the disk."""
    options = {"workers": WORKERS, "report": quiet, "say": quiet}
    store: Store = open_store(files, PREPROCESS, **options)
    if keep:  # by way of memory, for so few pictures are not kept otherwise
        pixels, _ = next(store.batches([torch.arange(len(files))]))
        raw = [one.tobytes() for one in pixels.permute(0, 2, 3, 1).contiguous().numpy()]
        store = MappedStore(
            cached(files, PREPROCESS, lambda start: iter(raw[start:]), quiet), files
        )
    return loader(store, torch.zeros(len(files), dtype=torch.long), POLICIES[name])


def loader(store: Store, labels: Tensor, policy: Policy) -> Loader:
    """Shuffled batches, normalised."""
    return Loader(store, labels, Order(BATCH), normalise=PREPROCESS.normalise, policy=policy)


def quiet(*words: object) -> None:
    """For progress and talk."""


def drain(batches: object) -> None:
    for _ in batches:  # type: ignore[attr-defined]
        pass


def agree(files: Files) -> None:
    """Both pipelines see the same pictures: cut a fraction of a pixel apart, and no more."""
    few = files.subset(torch.arange(0, len(files), 20))
    store = open_store(few, PREPROCESS, workers=0, report=quiet, say=quiet)
    own, _ = next(store.batches([torch.arange(len(few))]))
    for index in range(len(few)):
        image = resize_and_crop(Image.open(few.path(index)).convert("RGB"))
        usual = torch.from_numpy(np.array(image)).permute(2, 0, 1).float()
        if (own[index] - usual).abs().mean() > APART:
            raise SystemExit(f"{few.path(index)}: the pipelines see different pictures")


def result(name: str, seconds: dict[str, list[float]]) -> dict[str, object]:
    """A row: medians, and our time over the peer's."""
    medians = {who: statistics.median(times) for who, times in seconds.items()}
    ratio = medians["striate"] / medians["torch + Pillow"]
    print(f"{name:40}", *(f"{who} {s * 1e3:8.1f} ms" for who, s in medians.items()), end="  ")
    print(f"{1 / ratio:.1f}x as fast")
    return {
        "name": name,
        "seconds": medians,
        "fastest": {who: min(times) for who, times in seconds.items()},
        "ratio": ratio,
        "notes": f"{1 / ratio:.1f}x as fast",
    }


def growth(count: int) -> dict[str, object]:
    """A row: build and read a mapped cache of that many pictures, in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--grow", str(count)], check=True, stdout=subprocess.PIPE
    )
    facts = json.loads(done.stdout)
    notes = (
        f"building {facts['build'] * 1e6 / count:.0f}, an epoch {facts['epoch'] * 1e6 / count:.0f}"
        f" microseconds a picture; {facts['memory'] / 1e6:.0f} MB more memory of its own"
    )
    print(f"{count:,} pictures: {notes}")
    return {
        "name": f"mapped cache of {count:,} pictures of 64 px: an epoch, for 1,000 of them",
        "seconds": {"striate": facts["epoch"] * 1000 / count},
        "ratio": 1.0,
        "notes": notes,
    } | facts


def grow(count: int) -> dict[str, float]:
    """Seconds and anonymous memory (the page cache is the system's) of building and one epoch."""
    preprocess = Preprocess((64, 64), 3, MEAN, STD)
    pictures = [np.random.default_rng(k).bytes(64 * 64 * 3) for k in range(16)]
    files = Files(Path("/"), tuple(f"{index}" for index in range(count)))
    labels = torch.zeros(count, dtype=torch.long)
    drain(
        loader(MemoryStore(torch.zeros(64, 3, 64, 64, dtype=torch.uint8)), labels[:64], (Flip(),))
    )
    before, begun = own_memory(), time.perf_counter()
    entry = cached(
        files, preprocess, lambda start: (pictures[k % 16] for k in range(start, count)), quiet
    )
    build, begun = time.perf_counter() - begun, time.perf_counter()
    most = 0
    for step, _ in enumerate(loader(MappedStore(entry, files), labels, (Flip(),))):
        most = max(most, own_memory()) if step % 30 == 0 else most
    return {"build": build, "epoch": time.perf_counter() - begun, "memory": most - before}


def own_memory() -> int:
    """Bytes of memory that no file backs (Linux)."""
    status = Path("/proc/self/status").read_text()
    return next(1024 * int(x.split()[1]) for x in status.splitlines() if x.startswith("RssAnon"))


if __name__ == "__main__":
    main()
