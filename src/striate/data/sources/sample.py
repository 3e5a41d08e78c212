"""The digits that ship inside the package: 5,000 of MNIST's training set, 500 a class."""

from __future__ import annotations

from pathlib import Path

import torch

from striate.data.dataset import Dataset, Provenance
from striate.data.sources.idx import read_idx

SAMPLE = Path(__file__).parents[1] / "sample"


def sample() -> Dataset:
    """The embedded digits: pictures `(5000, 1, 28, 28)`, no official parts."""
    images = torch.from_numpy(read_idx(SAMPLE / "images-idx3-ubyte.gz").copy())
    labels = torch.from_numpy(read_idx(SAMPLE / "labels-idx1-ubyte.gz").astype("int64"))
    origin = Provenance("sample", "idx", licence="CC BY-SA 3.0")
    return Dataset("sample", images.unsqueeze(1), labels, tuple("0123456789"), origin)
