"""Random numbers that depend on what is changed, never on who changes it or when.

A draw is a pure function of (seed, epoch, sample id, position of the operation), so that the number
of workers, the batch a sample happens to be in, the device and a resumed run cannot alter it.

The generator is Philox-4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel Random Numbers: As Easy as
1, 2, 3", SC 2011): a keyed bijection of a 128-bit counter that passes BigCrush, also on counters
that differ in one bit, which is how ours differ. The key is the seed; the counter's words are the
id (two words), the epoch, and the position beside a running block number, so different draws can
never share a counter. Cheaper hashes would need an argument for every way of mixing those five;
this needs none.

The few numbers a sample needs are drawn on the CPU, also for pictures on a GPU: they are the same
bits by construction, and nothing waits for the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from striate.errors import ArgumentError

Words = npt.NDArray[np.uint64]

_WORD = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIERS = np.array([[0xD2511F53], [0xCD9E8D57]], dtype=np.uint64)
_WEYL = np.array([[0x9E3779B9], [0xBB67AE85]], dtype=np.uint64)
_ROUNDS = 10
# A position and the blocks drawn for it share one word of the counter.
_BLOCK_BITS = 16


def philox(counter: Words, seed: int) -> Words:
    """Philox-4x32-10: counters `(4, N)` of 32-bit words, held in 64 bits, to random words `(4, N)`.

    The low half of `seed` is the key's first word.
    """
    key = np.array([[seed & 0xFFFFFFFF], [seed >> 32]], dtype=np.uint64)
    even, odd = counter[0::2], counter[1::2]
    for _ in range(_ROUNDS):
        product = even * _MULTIPLIERS
        even = (product >> _HALF)[::-1] ^ odd ^ key
        odd = (product & _WORD)[::-1]
        key = (key + _WEYL) & _WORD
    return np.stack((even[0], odd[0], even[1], odd[1]))


@dataclass(frozen=True)
class Stream:
    """The random numbers of the samples `ids` (B,) in one epoch of a run with this seed."""

    seed: int
    epoch: int
    ids: Tensor

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 1 << 64:
            raise ArgumentError("seed", self.seed, "a whole number from 0 to 2^64 - 1")
        if not 0 <= self.epoch < 1 << 32:
            raise ArgumentError("epoch", self.epoch, "a whole number from 0 to 2^32 - 1")
        if self.ids.ndim != 1 or self.ids.dtype != torch.int64:
            found = f"{self.ids.dtype} {tuple(self.ids.shape)}"
            raise ArgumentError("ids", found, "int64 (B,), one a sample")

    def __len__(self) -> int:
        return len(self.ids)

    def uniform(self, position: int, count: int) -> Tensor:
        """`count` numbers a sample, uniform in (0, 1), for one position: float64 (B, count)."""
        return self._draw([(position, count)])[0]

    def uniforms(self, counts: Sequence[int]) -> list[Tensor]:
        """`counts[p]` uniform numbers a sample for every position p, all in one go."""
        return self._draw(list(enumerate(counts)))

    def _draw(self, wanted: list[tuple[int, int]]) -> list[Tensor]:
        """Uniform numbers for pairs of (position, count): the middles of 2^32 equal steps."""
        blocks = [-(-count // 4) for _, count in wanted]
        last = [
            (position << _BLOCK_BITS) + block
            for (position, _), number in zip(wanted, blocks, strict=True)
            for block in range(number)
        ]
        ids = self.ids.cpu().numpy().astype(np.uint64)
        counter = np.empty((4, len(ids), len(last)), dtype=np.uint64)
        counter[0] = (ids & _WORD)[:, None]
        counter[1] = (ids >> _HALF)[:, None]
        counter[2] = self.epoch
        counter[3] = np.array(last, dtype=np.uint64)
        words = philox(counter.reshape(4, -1), self.seed).reshape(counter.shape)
        uniform = (words.transpose(1, 2, 0).astype(np.float64) + 0.5) * 2.0**-32
        parts = torch.from_numpy(uniform.reshape(len(ids), 4 * len(last))).split(
            [4 * number for number in blocks], dim=1
        )
        return [part[:, :count] for part, (_, count) in zip(parts, wanted, strict=True)]


def as_words(uniform: Tensor) -> Tensor:
    """The 32-bit words behind uniform numbers of a `Stream`, exactly: int64."""
    return (uniform * 2.0**32).to(torch.int64)
