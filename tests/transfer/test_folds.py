"""Folds: even in every class, and no group in two of them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.errors import ArgumentError
from striate.transfer import folds_of


@settings(deadline=None, max_examples=50)
@given(
    classes=st.lists(st.integers(0, 3), min_size=10, max_size=60),
    count=st.integers(2, 6),
    seed=st.integers(0, 5),
)
def test_every_class_is_spread_evenly(classes: list[int], count: int, seed: int) -> None:
    labels = torch.tensor(classes)
    folds = folds_of(labels, count, seed=seed)
    for name in labels.unique():
        sizes = folds[labels == name].bincount(minlength=count)
        assert sizes.max() - sizes.min() <= 1
    sizes = folds.bincount(minlength=count)
    assert sizes.max() - sizes.min() <= 4


@settings(deadline=None, max_examples=50)
@given(pairs=st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=20))
def test_groups_are_never_parted(pairs: list[tuple[int, int]]) -> None:
    folds = folds_of(torch.arange(30) % 3, 5, groups=pairs)
    assert all(folds[one] == folds[other] for one, other in pairs)


def test_the_seed_decides() -> None:
    labels = torch.arange(50) % 2
    assert torch.equal(folds_of(labels, seed=1), folds_of(labels, seed=1))
    assert not torch.equal(folds_of(labels, seed=1), folds_of(labels, seed=2))


def test_few_samples_make_few_folds() -> None:
    assert folds_of(torch.tensor([0, 1, 0]), 5).sort().values.tolist() == [0, 1, 2]
    with pytest.raises(ArgumentError, match="two samples at least that are no copies"):
        folds_of(torch.tensor([0, 1]), groups=[(0, 1)])
    with pytest.raises(ArgumentError, match="folds: got 1, expected at least 2"):
        folds_of(torch.tensor([0, 1]), 1)
