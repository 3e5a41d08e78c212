"""The lectures' first net in one framework, as a process that trains when it is told to.

    python bench/training_peer.py KIND FOLDER

KIND is keras (with KERAS_BACKEND in the environment), nchw or nhwc (torch by hand, the second with
channels-last memory and the fused optimiser), striate or striate-float32. FOLDER holds MNIST as
x.npy, y.npy (uint8) and tx.npy, ty.npy. Each line of stdin is a number of pictures to train on, or
`test`; the answer is the seconds it took, or the share right. Runs where only one of the frameworks
is installed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

BATCH = 128


class Keras:
    """`fit` as in the listing."""

    def __init__(self, x: Any, y: Any) -> None:
        import keras
        from keras import layers

        self.x, self.y = x[..., None].astype("float32") / 255, keras.utils.to_categorical(y, 10)
        self.model = keras.Sequential(
            [
                keras.Input(shape=(28, 28, 1)),
                layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
                layers.MaxPooling2D(pool_size=(2, 2)),
                layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
                layers.MaxPooling2D(pool_size=(2, 2)),
                layers.Flatten(),
                layers.Dropout(0.5),
                layers.Dense(10, activation="softmax"),
            ]
        )
        self.model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])

    def train(self, count: int) -> None:
        """One epoch of `count` pictures."""
        self.model.fit(self.x[:count], self.y[:count], batch_size=BATCH, epochs=1, verbose=0)

    def right(self, x: Any, y: Any) -> float:
        """The share of test pictures that are right."""
        chances = self.model.predict(x[..., None].astype("float32") / 255, verbose=0)
        return float((chances.argmax(1) == y).mean())


class Torch:
    """The loop as it is usually written: shuffled indices, a batch, a step."""

    def __init__(self, x: Any, y: Any, *, channels_last: bool) -> None:
        import torch
        from torch import nn

        torch.manual_seed(0)
        self.net = nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10),
        )  # fmt: skip
        self.x = torch.from_numpy(x).float().div(255)[:, None]
        self.y = torch.from_numpy(y).long()
        if channels_last:
            self.net = self.net.to(memory_format=torch.channels_last)
            self.x = self.x.contiguous(memory_format=torch.channels_last)
        fused = True if channels_last else None
        self.optimiser = torch.optim.Adam(self.net.parameters(), fused=fused)

    def train(self, count: int) -> None:
        """One epoch of `count` pictures."""
        import torch
        import torch.nn.functional as F

        self.net.train()
        for chosen in torch.randperm(count).split(BATCH):
            self.optimiser.zero_grad()
            F.cross_entropy(self.net(self.x[chosen]), self.y[chosen]).backward()
            self.optimiser.step()

    def right(self, x: Any, y: Any) -> float:
        """The share of test pictures that are right."""
        import torch

        self.net.eval()
        with torch.inference_mode():
            pieces = torch.from_numpy(x).float().div(255)[:, None].split(1000)
            found = torch.cat([self.net(piece) for piece in pieces]).argmax(1)
        return float((found.numpy() == y).mean())


class Striate:
    """`training.fit` on the net of the registry; an epoch of it, without an evaluation set."""

    def __init__(self, x: Any, y: Any, precision: str) -> None:
        import torch

        from striate.models import create

        self.precision = precision

        torch.manual_seed(0)
        self.net = create("lecture_net", classes=10, in_channels=1)
        self.net.to(memory_format=torch.channels_last)
        self.x, self.y = torch.from_numpy(x)[:, None], torch.from_numpy(y).long()

    def train(self, count: int) -> None:
        """One epoch of `count` pictures, and the evaluation of one batch, which `fit` wants."""
        import torch

        from striate.data.loader import Loader
        from striate.data.order import Order
        from striate.data.stores import MemoryStore
        from striate.preprocess import Preprocess
        from striate.training import Loss, Recipe, Surroundings, fit

        recipe = Recipe(
            epochs=1, batch_size=BATCH, peak_rate=1e-3, schedule="constant", warmup=0,
            precision=self.precision,
        )  # fmt: skip
        normalise = Preprocess((28, 28), 1, (0.1307,), (0.3081,)).normalise
        store = MemoryStore(self.x[:count])
        train = Loader(store, self.y[:count], Order(BATCH), normalise=normalise)
        few = Loader(
            store, self.y[:count], Order(BATCH, shuffle=False),
            normalise=normalise, part=torch.arange(BATCH),
        )  # fmt: skip
        fit(self.net, train, few, recipe, loss=Loss(), classes=10, around=Surroundings())

    def right(self, x: Any, y: Any) -> float:
        """The share of test pictures that are right."""
        import torch

        self.net.eval()
        with torch.inference_mode():
            images = torch.from_numpy(x)[:, None].float().div(255).sub(0.1307).div(0.3081)
            found = torch.cat([self.net(piece) for piece in images.split(1000)]).argmax(1)
        return float((found.numpy() == y).mean())


def main(kind: str, folder: Path) -> None:
    """Answer lines until there are none."""
    x, y, tx, ty = (np.load(folder / f"{name}.npy") for name in ("x", "y", "tx", "ty"))
    peer: Keras | Torch | Striate
    if kind == "keras":
        peer = Keras(x, y)
    elif kind.startswith("striate"):
        peer = Striate(x, y, "float32" if kind == "striate-float32" else "auto")
    else:
        peer = Torch(x, y, channels_last=kind == "nhwc")
    for line in sys.stdin:
        start = time.perf_counter()
        if line.strip() == "test":
            print("answer", peer.right(tx, ty), flush=True)
        else:
            peer.train(int(line))
            print("answer", time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
