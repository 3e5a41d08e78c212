import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.data import stratified_split
from striate.errors import ArgumentError

LABELS = torch.arange(10).repeat(50)


@given(
    seed=st.integers(0, 2**40),
    classes=st.integers(1, 5),
    each=st.integers(1, 40),
    val=st.floats(0, 0.4),
    test=st.floats(0, 0.4),
)
def test_a_split_is_a_partition(
    seed: int, classes: int, each: int, val: float, test: float
) -> None:
    labels = torch.arange(classes).repeat(each)
    split = stratified_split(labels, val=val, test=test, seed=seed)
    together = torch.cat([split.train, split.val, split.test])
    assert torch.equal(together.sort().values, torch.arange(len(labels)))


def test_every_class_gets_its_share() -> None:
    split = stratified_split(LABELS, val=0.1, test=0.2, seed=3)
    assert (LABELS[split.test].bincount() == 10).all()
    assert (LABELS[split.val].bincount() == 5).all()


def test_the_seed_decides() -> None:
    assert torch.equal(stratified_split(LABELS, seed=1).test, stratified_split(LABELS, seed=1).test)
    assert not torch.equal(
        stratified_split(LABELS, seed=1).test, stratified_split(LABELS, seed=2).test
    )


def test_the_test_part_does_not_depend_on_the_validation_share() -> None:
    small, large = (stratified_split(LABELS, val=share) for share in (0.1, 0.3))
    assert torch.equal(small.test, large.test)


@pytest.mark.parametrize(("val", "test"), [(0.5, 0.5), (-0.1, 0.2), (0.2, -0.1)])
def test_impossible_shares_are_refused(val: float, test: float) -> None:
    with pytest.raises(ArgumentError, match="together below 1"):
        stratified_split(LABELS, val=val, test=test)
