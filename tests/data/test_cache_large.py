"""200,000 pictures take the memory of 2,000 and an index: 13 bytes each."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from striate.data.cache import cached
from striate.data.caching import build as building
from striate.data.caching.entry import Bad
from striate.data.dataset import Files
from striate.data.order import Order
from striate.data.stores import MappedStore
from striate.preprocess import Preprocess

SMALL = Preprocess((8, 8), 3, (0.5,) * 3, (0.5,) * 3)
ROW = 8 * 8 * 3
INDEX = 4 + 1 + 8  # bytes a picture: its CRC, whether it was compared, its place in the order


def peak_of(root: Path, count: int) -> int:
    """Bytes allocated at most while `count` pictures are built and read in random order."""
    files = Files(root, tuple(f"{index}.jpg" for index in range(count)))  # need not be there

    def rows(start: int) -> Iterator[bytes | Bad]:
        for index in range(start, count):
            yield index.to_bytes(ROW, "little")

    tracemalloc.start()
    store = MappedStore(cached(files, SMALL, rows, lambda line: None), files)
    order = [places for places, _ in Order(2000).batches(count, epoch=0)]
    for places, (pixels, _) in zip(order, store.batches(order), strict=True):
        rows_read = pixels.permute(0, 2, 3, 1).reshape(-1, ROW)
        assert torch.equal(rows_read[:, 2].long(), places >> 16)
        assert torch.equal(rows_read[:, 0].long(), places & 255)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_is_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("STRIATE_CACHE_GB", raising=False)
    monkeypatch.setattr(building, "SHARD_BYTES", 8 << 20)
    few, many = peak_of(tmp_path / "few", 2_000), peak_of(tmp_path / "many", 200_000)
    assert many - few < INDEX * 198_000  # the pixels themselves would be 35 MB
    assert len(list(tmp_path.glob("striate/pixels/*/*.pixels"))) == 1 + 5
