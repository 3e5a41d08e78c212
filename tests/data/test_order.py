"""Batches as a pure function of seed, epoch and position; every sample once over all ranks."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.data.order import Order, sample_order
from striate.errors import ArgumentError


def test_an_epoch_sees_every_sample_once_in_an_order_of_its_own() -> None:
    orders = [sample_order(50, seed, epoch) for seed in (0, 1) for epoch in (0, 1)]
    for order in orders:
        assert torch.equal(order.sort().values, torch.arange(50))
    assert len({tuple(order.tolist()) for order in orders}) == 4


@settings(deadline=None, max_examples=60)
@given(
    num_samples=st.integers(1, 40),
    batch_size=st.integers(1, 12),
    ranks=st.integers(1, 5),
    shuffle=st.booleans(),
)
def test_over_all_ranks_every_sample_counts_once_and_all_make_the_same_steps(
    num_samples: int, batch_size: int, ranks: int, shuffle: bool
) -> None:
    counted, steps, sizes = [], set(), set()
    for rank in range(ranks):
        order = Order(batch_size, seed=3, shuffle=shuffle, rank=rank, ranks=ranks)
        batches = list(order.batches(num_samples, epoch=2))
        steps.add(len(batches))
        sizes |= {len(places) for places, _ in batches}
        for places, mask in batches:
            assert len(mask) == len(places)
            counted += places[mask].tolist()
            assert set(places.tolist()) <= set(range(num_samples))
    assert sorted(counted) == list(range(num_samples))
    assert len(steps) == 1
    assert len(sizes) == 1
    assert sizes.pop() <= batch_size


def test_two_ranks_see_what_one_sees_with_batches_twice_as_large() -> None:
    one = [places[mask] for places, mask in Order(8).batches(37, epoch=1)]
    halves = [list(Order(4, rank=rank, ranks=2).batches(37, epoch=1)) for rank in (0, 1)]
    for whole, *two in zip(one, *halves, strict=True):
        both = torch.cat([places[mask] for places, mask in two])
        assert torch.equal(both.sort().values, whole.sort().values)


def test_from_any_position_the_rest_is_the_same() -> None:
    order = Order(8, seed=5)
    whole = list(order.batches(50, epoch=4))
    for done in range(len(whole) + 1):
        rest = list(order.batches(50, epoch=4, position=done * 8))
        assert [p.tolist() for p, _ in rest] == [p.tolist() for p, _ in whole[done:]]


def test_the_last_batch_is_filled_up_with_its_own_samples() -> None:
    *_, (places, mask) = Order(8, shuffle=False).batches(19, epoch=0)
    assert places.tolist() == [16, 17, 18, 16, 17, 18, 16, 17]
    assert mask.tolist() == [True] * 3 + [False] * 5


def test_few_samples_make_small_batches() -> None:
    ((places, mask),) = Order(64).batches(10, epoch=0)
    assert mask.tolist() == [True] * 10
    assert len(places) == 10


def test_no_samples_make_no_batches() -> None:
    assert list(Order(4).batches(0, epoch=0)) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 0}, "batch_size: got 0"),
        ({"seed": -1}, "seed: got -1"),
        ({"seed": 2**31}, "from 0 to 2,147,483,647"),
        ({"rank": 2, "ranks": 2}, "rank: got 2, expected 0 to 1"),
        ({"rank": -1}, "rank: got -1"),
    ],
)
def test_an_impossible_order_is_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        replace(Order(4), **change)
