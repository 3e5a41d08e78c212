"""All pairs of packed hashes that differ in few bits: exclusive or, and counting, in blocks."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

_ROWS, _COLUMNS = 32, 4096  # a block and its scratch stay in a core's own cache


def close_pairs(
    queries: NDArray[np.uint64], owners: NDArray[np.int64], hashes: NDArray[np.uint64], limit: int
) -> NDArray[np.int32]:
    """`(P, 2)`: rows of `queries` (2, M) and columns of `hashes` (2, N) at most `limit` bits apart.

    `owners` (M,), rising, says whose hash a query is; only columns before the owner are paired.
    """

    def search(start: int) -> list[NDArray[np.int32]]:
        rows = queries[:, start : start + _ROWS, None]
        last = int(owners[start : start + _ROWS][-1])
        # One scratch for all columns: making new ones takes longer than the counting.
        shape = (rows.shape[1], min(_COLUMNS, hashes.shape[1]))
        words, counts, more = np.empty(shape, np.uint64), *np.empty((2, *shape), np.uint8)
        found = []
        for column in range(0, last, _COLUMNS):
            part = hashes[:, None, column : column + _COLUMNS]
            width = part.shape[2]
            word, count, other = words[:, :width], counts[:, :width], more[:, :width]
            np.bitwise_count(np.bitwise_xor(rows[0], part[0], out=word), out=count)
            np.bitwise_count(np.bitwise_xor(rows[1], part[1], out=word), out=other)
            near = np.add(count, other, out=count) <= limit
            if near.any():
                pairs = np.argwhere(near) + np.array([start, column])
                pairs = pairs[pairs[:, 1] < owners[pairs[:, 0]]]
                found.append(pairs.astype(np.int32))
        return found

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        starts = range(0, len(owners), _ROWS)
        blocks = [pairs for found in pool.map(search, starts) for pairs in found]
    return np.concatenate(blocks) if blocks else np.empty((0, 2), np.int32)
