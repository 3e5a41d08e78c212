"""Where pixels come from: memory, the mapped cache, or files decoded on the way.

All three give the same pixels for the same indices. A file that cannot be read keeps its place: its
pixels are zeros, it is not `readable`, and `excluded` names it with the reason.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from striate.data.caching.entry import Bad, Entry
from striate.data.dataset import Excluded, Files
from striate.data.rows import decoded, excluded
from striate.preprocess import Preprocess

_AHEAD = 2  # batches read while one is used


class Store(Protocol):
    """Pictures by index, uint8 `(B, C, H, W)` in channels-last memory."""

    excluded: list[Excluded]

    def __len__(self) -> int: ...

    def batches(self, wanted: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """For every tensor of indices `(B,)`: the pixels, and which are `readable` `(B,)`."""
        ...


class MemoryStore:
    """All pixels in one tensor `(N, C, H, W)`, on any device."""

    def __init__(self, pixels: Tensor, unreadable: Mapping[int, Excluded] | None = None) -> None:
        unreadable = unreadable or {}
        self.pixels = pixels.contiguous(memory_format=torch.channels_last)
        self._shape = self.pixels.permute(0, 2, 3, 1).shape[1:]
        self.excluded = list(unreadable.values())
        self._readable = _all_but(unreadable, len(pixels)).to(pixels.device)

    def __len__(self) -> int:
        return len(self.pixels)

    def batches(self, wanted: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """See `Store`."""
        rows = self.pixels.permute(0, 2, 3, 1).flatten(1)  # bytes that lie together, copied as one
        for ids in wanted:
            here = ids.to(rows.device)
            chosen = rows.index_select(0, here).view(-1, *self._shape)
            yield chosen.permute(0, 3, 1, 2), self._readable[here]


class ResizingStore:
    """Pictures that are pixels, `(N, C, H, W)`, brought to their size whenever they are asked for.

    So that a set which is small as it comes need not fit into memory at a network's size.
    """

    def __init__(self, pictures: Tensor, preprocess: Preprocess) -> None:
        self._pictures, self._preprocess = pictures, preprocess
        self.excluded: list[Excluded] = []

    def __len__(self) -> int:
        return len(self._pictures)

    def batches(self, wanted: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """See `Store`."""
        for ids in wanted:
            yield self._resized(ids), torch.ones(len(ids), dtype=torch.bool)

    def kept(self) -> MemoryStore:
        """All of them at their size, in memory."""
        return MemoryStore(self._resized(torch.arange(len(self))))

    def _resized(self, ids: Tensor) -> Tensor:
        record = self._preprocess
        pixels = torch.empty(len(ids), *record.size, record.channels, dtype=torch.uint8)
        for place, index in enumerate(ids.tolist()):
            bands = self._pictures[index].permute(1, 2, 0).numpy()
            picture = Image.fromarray(bands[..., 0] if bands.shape[-1] == 1 else bands)
            pixels[place] = record.pixels(picture).permute(1, 2, 0)
        return pixels.permute(0, 3, 1, 2)


class MappedStore:
    """Pixels in the mapped cache; a thread reads ahead while a batch is used."""

    def __init__(self, entry: Entry, files: Files) -> None:
        self._entry = entry
        self.excluded = [excluded(files, bad) for bad in entry.seal.bad]
        self._readable = _all_but((bad.index for bad in entry.seal.bad), len(files))

    def __len__(self) -> int:
        return len(self._readable)

    def batches(self, wanted: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """See `Store`."""
        remaining = iter(wanted)
        with ThreadPoolExecutor(1, thread_name_prefix="striate-read") as reader:
            ahead: deque[Future[tuple[Tensor, Tensor]]] = deque(
                reader.submit(self._read, ids) for ids in itertools.islice(remaining, _AHEAD)
            )
            while ahead:
                batch = ahead.popleft().result()
                ahead.extend(
                    reader.submit(self._read, ids) for ids in itertools.islice(remaining, 1)
                )
                yield batch

    def _read(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        rows = torch.from_numpy(self._entry.read(ids.numpy()))
        return rows.permute(0, 3, 1, 2), self._readable[ids]


class StreamingStore:
    """Files decoded every time they are asked for, by `workers` processes, in the order asked."""

    def __init__(self, files: Files, preprocess: Preprocess, workers: int) -> None:
        self._files, self._preprocess, self._workers = files, preprocess, workers
        self._named: set[int] = set()
        self.excluded: list[Excluded] = []

    def __len__(self) -> int:
        return len(self._files)

    def batches(self, wanted: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """See `Store`. `excluded` grows as files turn out to be unreadable."""
        remaining = iter(wanted)
        first = next(remaining, None)
        if first is None:
            return
        asked, told = itertools.tee(itertools.chain([first], remaining))
        indices = itertools.chain.from_iterable(ids.tolist() for ids in asked)
        ahead = max(1, _AHEAD * len(first))
        pictures = decoded(self._files, indices, self._preprocess, self._workers, ahead=ahead)
        with closing(pictures) as rows:
            for ids in told:
                yield self._batch(list(itertools.islice(rows, len(ids))))

    def _batch(self, rows: list[bytes | Bad]) -> tuple[Tensor, Tensor]:
        shape = (*self._preprocess.size, self._preprocess.channels)
        pixels = np.zeros((len(rows), *shape), dtype=np.uint8)
        readable = torch.ones(len(rows), dtype=torch.bool)
        for place, row in enumerate(rows):
            if isinstance(row, Bad):
                readable[place] = False
                self._name(row)
            else:
                pixels[place] = np.frombuffer(row, np.uint8).reshape(shape)
        return torch.from_numpy(pixels).permute(0, 3, 1, 2), readable

    def _name(self, bad: Bad) -> None:
        if bad.index not in self._named:
            self._named.add(bad.index)
            self.excluded.append(excluded(self._files, bad))


def _all_but(unreadable: Iterable[int], count: int) -> Tensor:
    """True for every readable picture `(N,)`."""
    readable = torch.ones(count, dtype=torch.bool)
    readable[list(unreadable)] = False
    return readable
