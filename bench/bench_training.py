"""Training the lectures' net on MNIST beside Keras and torch by hand, taking turns.

    python bench/bench_training.py --out training.json [--data-dir MNIST]
        [--keras-python PYTHON] [--repeats 5] [--seeds 5]

MNIST holds the four official files (`STRIATE_DATA/mnist` by default). PYTHON is an interpreter with
Keras, TensorFlow, JAX and torch; without one the Keras rows are left out. Then the time from raw
arrays to 99.0 % on the test set, with the recipe `mnist_fast`, beside the lectures' 15 epochs on
the fastest Keras backend, which take 15 of its measured epochs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from striate.data import load_source
from striate.data.loader import Loader
from striate.data.order import Order
from striate.data.stores import MemoryStore
from striate.models import create
from striate.preprocess import Preprocess
from striate.recipes import setup
from striate.training import Loss, Surroundings, evaluate, fit
from timing import machine

PICTURES = 12_800
EPOCHS = 15
GOAL = 0.99
# Forward, gradients of weights and of inputs, but not of the pictures; two operations each.
OPERATIONS = 2 * (3 * 2_440_960 - 194_688)


class Peer:
    """A process that trains when it is told to."""

    def __init__(self, python: str, kind: str, folder: Path, **environment: str) -> None:
        script = Path(__file__).with_name("training_peer.py")
        self.process = subprocess.Popen(
            [python, script, kind, folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        )  # fmt: skip

    def ask(self, line: str) -> float:
        """Its answer to one line."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        for answer in self.process.stdout:
            if answer.startswith("answer "):
                return float(answer.split()[1])
        raise SystemExit(f"{self.process.args} died")

    def close(self) -> None:
        """Let it end."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def throughput(folder: Path, keras_python: str | None, repeats: int) -> dict[str, float]:
    """Median seconds of one epoch of 12,800 pictures for every peer, which take turns."""
    peers = {
        "striate": Peer(sys.executable, "striate", folder),
        "striate, float32": Peer(sys.executable, "striate-float32", folder),
        "torch, NCHW": Peer(sys.executable, "nchw", folder),
        "torch, channels last": Peer(sys.executable, "nhwc", folder),
    }
    if keras_python:
        for backend in ("tensorflow", "torch", "jax"):
            peer = Peer(keras_python, "keras", folder, KERAS_BACKEND=backend)
            peers[f"Keras on {backend}"] = peer
    seconds: dict[str, list[float]] = {name: [] for name in peers}
    for turn in range(repeats + 1):
        for name, peer in peers.items():
            taken = peer.ask(str(PICTURES))
            if turn:  # the first one builds and compiles
                seconds[name].append(taken)
    for peer in peers.values():
        peer.close()
    return {name: statistics.median(found) for name, found in seconds.items()}


def matrix_peak(kind: torch.dtype) -> float:
    """Operations a second of the largest of some products of square matrices."""
    one, other = (torch.randn(2048, 2048).to(kind) for _ in range(2))
    best = 0.0
    for _ in range(20):
        start = time.perf_counter()
        one @ other
        best = max(best, 2 * 2048**3 / (time.perf_counter() - start))
    return best


def time_to_goal(images: torch.Tensor, labels: torch.Tensor, seed: int) -> tuple[float, float]:
    """Seconds of `mnist_fast` from uint8 arrays on, its last evaluation included; test accuracy."""
    named = setup("mnist_fast")
    recipe = named.recipe.with_settings({"seed": seed})
    start = time.perf_counter()
    normalise = Preprocess((28, 28), 1, (0.1307,), (0.3081,)).normalise
    store = MemoryStore(images)
    train, test = torch.arange(60_000), torch.arange(60_000, 70_000)
    torch.manual_seed(seed)
    net = create(named.model, classes=10, in_channels=1, **named.options)
    net.to(memory_format=torch.channels_last)
    parts = [
        Loader(store, labels, order, normalise=normalise, part=part)
        for order, part in (
            (Order(recipe.batch_size, seed), train),
            (Order(1000, shuffle=False), test),
        )
    ]
    loss = Loss(smoothing=recipe.label_smoothing)
    training = fit(net, *parts, recipe, loss=loss, classes=10, around=Surroundings())
    taken = time.perf_counter() - start
    assert evaluate(net, parts[1], 10).scores().accuracy == training.history[-1].val["accuracy"]
    return taken, training.history[-1].val["accuracy"]


def race(
    images: torch.Tensor, labels: torch.Tensor, seeds: int, seconds: dict[str, float]
) -> dict[str, object]:
    """The time to the goal over some seeds, beside the lectures' epochs at Keras' best speed."""
    runs = [time_to_goal(images, labels, seed) for seed in range(seeds)]
    accuracies = [accuracy for _, accuracy in runs]
    reached = sum(accuracy >= GOAL for accuracy in accuracies)
    row: dict[str, object] = {
        "name": "time to 99.0 % test",
        "notes": f"{seeds} seeds of the recipe mnist_fast; accuracy "
        f"{statistics.mean(accuracies):.2%} ± {statistics.stdev(accuracies):.2%}, {reached} of "
        f"{seeds} reach 99.0 %; Keras: {EPOCHS} epochs of the lectures' recipe at the speed above",
    }
    ours = statistics.median(taken for taken, _ in runs)
    keras = [name for name in seconds if name.startswith("Keras")]
    if not keras:
        return {**row, "seconds": {"striate": ours}, "ratio": 1.0}
    best = min(keras, key=seconds.__getitem__)
    theirs = EPOCHS * 60_000 / PICTURES * seconds[best]
    return {**row, "seconds": {"striate": ours, best: theirs}, "ratio": ours / theirs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("training.json"))
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--keras-python", default=os.environ.get("KERAS_PYTHON"))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    folder = options.data_dir or Path(os.environ.get("STRIATE_DATA", ".")) / "mnist"
    data = load_source(folder)
    assert isinstance(data.pictures, torch.Tensor)
    order = torch.cat([data.parts["train"], data.parts["test"]])
    images, labels = data.pictures[order], data.labels[order]
    with tempfile.TemporaryDirectory() as scratch:
        for name, array in (
            ("x", images[:60_000, 0]), ("y", labels[:60_000]),
            ("tx", images[60_000:, 0]), ("ty", labels[60_000:]),
        ):  # fmt: skip
            np.save(Path(scratch) / f"{name}.npy", array.numpy().astype(np.uint8))
        seconds = throughput(Path(scratch), options.keras_python, options.repeats)
    best = min(taken for name, taken in seconds.items() if not name.startswith("striate"))
    peaks = {kind: matrix_peak(kind) for kind in (torch.bfloat16, torch.float32)}
    share = {
        name: OPERATIONS * PICTURES / seconds[name] / peaks[kind]
        for name, kind in (("striate", torch.bfloat16), ("striate, float32", torch.float32))
    }
    shown = ", ".join(f"{name} {PICTURES / taken:,.0f}" for name, taken in seconds.items())
    rows = [
        {
            "name": f"{PICTURES:,} pictures, batch 128",
            "seconds": seconds,
            "ratio": seconds["striate"] / best,
            "notes": f"pictures a second: {shown}; {share['striate']:.0%} of the "
            f"{peaks[torch.bfloat16] / 1e9:.0f} GFLOP/s of matrix products in bfloat16, "
            f"{share['striate, float32']:.0%} of the {peaks[torch.float32] / 1e9:.0f} in float32",
        }
    ]
    rows.append(race(images, labels, options.seeds, seconds))
    report = {
        "title": "Training the lectures' net on MNIST",
        "about": "Two convolutions, 34,826 parameters, Adam, dropout 1/2, batches of 128, shuffled;"
        " every framework with all its threads, in processes that take turns; Striate with bfloat16"
        " where the processor multiplies in it, the others in float32.",
        "machine": machine(),
        "rows": rows,
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")
    for row in rows:
        print(json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
