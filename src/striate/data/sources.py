"""Where data comes from, by name. So far: the digits that ship inside the package."""

from __future__ import annotations

from pathlib import Path

import torch

from striate.data.dataset import Dataset, Provenance
from striate.data.idx import read_idx
from striate.errors import WRONG_INPUT, StriateError

SAMPLE = Path(__file__).parent / "sample"


def load_source(source: str) -> Dataset:
    """The data set behind a name: `sample` is 5,000 real MNIST digits, 500 a class."""
    if source == "sample":
        return _sample()
    raise StriateError(
        "this version trains on the embedded digits only",
        where=source,
        remedy="Use `striate train` or `striate train sample`",
        exit_code=WRONG_INPUT,
    )


def _sample() -> Dataset:
    images = torch.from_numpy(read_idx(SAMPLE / "images-idx3-ubyte.gz").copy())
    labels = torch.from_numpy(read_idx(SAMPLE / "labels-idx1-ubyte.gz").astype("int64"))
    origin = Provenance("sample", "idx", licence="CC BY-SA 3.0")
    return Dataset("sample", images.unsqueeze(1), labels, tuple("0123456789"), origin)
