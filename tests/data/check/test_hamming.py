import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.data.check.hamming import close_pairs


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32), st.integers(1, 150), st.integers(0, 128))
def test_pairs_are_those_of_a_plain_double_loop(seed: int, num: int, limit: int) -> None:
    generator = np.random.default_rng(seed)
    hashes = generator.integers(0, 2**64, (2, num), np.uint64)
    hashes[:, num // 2 :] ^= hashes[:, : num - num // 2] & np.uint64(0xFFFF)
    owners = np.sort(generator.integers(0, num, num + 10))
    queries = hashes[:, owners] ^ np.uint64(5)
    found = {tuple(pair) for pair in close_pairs(queries, owners, hashes, limit).tolist()}
    expected = set()
    for row, owner in enumerate(owners):
        for column in range(owner):
            differing = sum(
                (int(queries[word, row]) ^ int(hashes[word, column])).bit_count() for word in (0, 1)
            )
            if differing <= limit:
                expected.add((row, column))
    assert found == expected


@pytest.mark.parametrize("num", [4095, 4096, 4097, 4098])
def test_the_edge_of_a_block_loses_no_pair(num: int) -> None:
    hashes = np.random.default_rng(0).integers(0, 2**64, (2, num), np.uint64)
    hashes[:, [0, -2]] = hashes[:, [-1]]
    found = close_pairs(hashes, np.arange(num), hashes, 3)
    assert sorted(found.tolist()) == [[num - 2, 0], [num - 1, 0], [num - 1, num - 2]]
