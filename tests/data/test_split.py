import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from striate.data import Dataset, Provenance, Split, groups_by, stratified_split
from striate.data.split import _cut_groups, _cut_singles, split
from striate.errors import ArgumentError, StriateError

LABELS = torch.arange(10).repeat(50)
SHARES = st.floats(0, 0.45)


def dataset(labels: list[int] | Tensor, **parts: list[int]) -> Dataset:
    labels = torch.as_tensor(labels, dtype=torch.int64)
    classes = tuple(str(c) for c in range(int(labels.max()) + 1)) if len(labels) else ()
    pictures = torch.zeros(len(labels), 1, 1, 1, dtype=torch.uint8)
    official = {part: torch.tensor(indices, dtype=torch.int64) for part, indices in parts.items()}
    return Dataset("made", pictures, labels, classes, Provenance("made", "made"), official)


def together(cut: Split) -> list[int]:
    return torch.cat([cut.train, cut.val, cut.test]).sort().values.tolist()


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**40),
    classes=st.integers(1, 5),
    each=st.integers(1, 40),
    val=SHARES,
    test=SHARES,
)
def test_a_split_is_a_partition(
    seed: int, classes: int, each: int, val: float, test: float
) -> None:
    labels = torch.arange(classes).repeat(each)
    cut = stratified_split(labels, val=val, test=test, seed=seed)
    assert together(cut) == list(range(len(labels)))
    assert (labels[cut.train].bincount(minlength=classes) > 0).all()


def test_every_class_gets_its_share() -> None:
    cut = stratified_split(LABELS, val=0.1, test=0.2, seed=3)
    assert (LABELS[cut.test].bincount() == 10).all()
    assert (LABELS[cut.val].bincount() == 5).all()


def test_the_seed_decides() -> None:
    assert torch.equal(stratified_split(LABELS, seed=1).test, stratified_split(LABELS, seed=1).test)
    assert not torch.equal(
        stratified_split(LABELS, seed=1).test, stratified_split(LABELS, seed=2).test
    )


@pytest.mark.parametrize("groups", [[], [(0, 10), (7, 17), (17, 27)]])
def test_the_test_part_does_not_depend_on_the_validation_share(groups: list[object]) -> None:
    data = dataset(LABELS)
    small, large = (split(data, val=share, groups=groups) for share in (0.1, 0.3))  # type: ignore[arg-type]
    assert torch.equal(small.test, large.test)


@pytest.mark.parametrize(("val", "test"), [(0.5, 0.5), (-0.1, 0.2), (0.2, -0.1), (float("nan"), 0)])
def test_impossible_shares_are_refused(val: float, test: float) -> None:
    with pytest.raises(ArgumentError, match="together below 1"):
        stratified_split(LABELS, val=val, test=test)
    with pytest.raises(ArgumentError, match="together below 1"):
        split(dataset(LABELS), val=val, test=test)


@st.composite
def grouped(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, int]]]:
    """Labels, some of them unknown, and pairs."""
    labels = draw(
        st.lists(st.integers(-1, 3), min_size=1, max_size=60).filter(lambda x: max(x) >= 0)
    )
    index = st.integers(0, len(labels) - 1)
    return labels, draw(st.lists(st.tuples(index, index), max_size=40))


@settings(deadline=None)
@given(data=grouped(), seed=st.integers(0, 100), val=SHARES, test=SHARES)
def test_no_group_is_in_two_parts_and_every_class_is_trained(
    data: tuple[list[int], list[tuple[int, int]]], seed: int, val: float, test: float
) -> None:
    labels, pairs = data
    made = dataset(labels)
    cut = split(made, val=val, test=test, seed=seed, groups=pairs)
    assert together(cut) == [index for index, label in enumerate(labels) if label >= 0]
    part = {i: name for name in ("train", "val", "test") for i in getattr(cut, name).tolist()}
    for one, other in pairs:
        if one in part and other in part:
            assert part[one] == part[other]
    assert set(made.labels[cut.train].tolist()) == set(labels) - {-1}
    again = split(made, val=val, test=test, seed=seed, groups=iter(pairs))
    assert torch.equal(cut.test, again.test)


@settings(deadline=None)
@given(
    labels=st.lists(st.integers(0, 4), min_size=2, max_size=80),
    seed=st.integers(0, 100),
    val=SHARES,
    test=SHARES,
)
def test_samples_alone_are_cut_as_groups_of_one(
    labels: list[int], seed: int, val: float, test: float
) -> None:
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    of = torch.tensor(labels)
    fast = _cut_singles(of, order, val=val, test=test)
    roots = torch.arange(len(labels))
    slow = _cut_groups(of, order, roots, val=val, test=test)
    assert torch.equal(fast.test, slow.test)
    assert torch.equal(fast.val, slow.val)


@pytest.mark.parametrize("seed", range(5))
def test_shares_hold_with_groups_of_mixed_sizes(seed: int) -> None:
    """Bursts of 1 to 12 pictures, 2,000 a class: within 1 % of the class of what was asked for."""
    sizes = [1 + (7 * k) % 12 for k in range(600)]
    starts = torch.tensor([0, *sizes]).cumsum(0).tolist()
    labels = torch.cat([torch.full((size,), k % 2) for k, size in enumerate(sizes)])
    pairs = [(a, i) for a, b in itertools.pairwise(starts) for i in range(a + 1, b)]
    cut = split(dataset(labels), val=0.1, test=0.2, seed=seed, groups=pairs)
    counts = labels.bincount().double()
    assert (labels[cut.test].bincount() / counts - 0.2).abs().max() < 0.01
    assert (labels[cut.val].bincount() / counts - 0.1).abs().max() < 0.01
    # Large bursts are as likely in test as small ones: their mean size is that of all.
    of_test = set(cut.test.tolist())
    mean = [size for start, size in zip(starts, sizes, strict=False) if start in of_test]
    assert 5.5 < sum(mean) / len(mean) < 7.5


def test_one_great_group_stays_in_train() -> None:
    cut = split(dataset([0] * 90 + [0] * 10), test=0.2, val=0, groups=[(0, i) for i in range(90)])
    assert len(cut.test) == 10 - 1 or len(cut.test) == 10
    assert set(range(90)) <= set(cut.train.tolist())


@pytest.mark.parametrize("groups", [[], [(3, 4)]])
def test_a_class_of_one_is_trained_on_whatever_the_shares(groups: list[tuple[int, int]]) -> None:
    cut = split(dataset([0, 1, 1, 2, 2, 2]), val=0.05, test=0.9, groups=groups)
    assert cut.train.tolist()[:1] == [0]
    assert together(cut) == list(range(6))
    assert len(cut.test) >= 2


def test_official_parts_are_kept() -> None:
    data = dataset([0, 1] * 6, train=[0, 1, 2, 3, 4, 5], val=[6, 7], test=[8, 9, 10, 11])
    cut = split(data, val=0.4, test=0.4)
    assert cut.train.tolist() == [0, 1, 2, 3, 4, 5]
    assert cut.val.tolist() == [6, 7]
    assert cut.test.tolist() == [8, 9, 10, 11]


@pytest.mark.parametrize(("given_", "missing"), [("test", "val"), ("val", "test")])
def test_a_missing_part_is_cut_out_of_train(given_: str, missing: str) -> None:
    data = dataset(LABELS, train=list(range(400)), **{given_: list(range(400, 500))})
    cut = split(data, val=0.1, test=0.1)
    assert getattr(cut, given_).tolist() == list(range(400, 500))
    made = getattr(cut, missing)
    assert (LABELS[made].bincount() == 4).all()
    assert made.max() < 400
    assert together(cut) == list(range(500))


def test_a_part_without_labels_is_no_part() -> None:
    data = dataset([0, 1] * 20 + [-1] * 9, train=list(range(40)), test=list(range(40, 49)))
    cut = split(data, val=0.1, test=0.2)
    assert len(cut.test) == 8
    assert together(cut) == list(range(40))


def test_samples_in_no_part_count_as_train() -> None:
    cut = split(dataset([0, 1, 0, 1, 0, 1], test=[4, 5], val=[3]))
    assert cut.train.tolist() == [0, 1, 2]


def test_pictures_without_classes_cannot_be_cut() -> None:
    with pytest.raises(StriateError, match="made: none of its 3 pictures has a class"):
        split(dataset([-1, -1, -1]))


def test_a_lone_test_part_is_refused() -> None:
    with pytest.raises(StriateError, match="every labelled picture is in test, and none is left"):
        split(dataset([0, 1, -1], test=[0, 1]))


def test_pairs_must_be_samples() -> None:
    with pytest.raises(ArgumentError, match=r"got \(0, 3\), expected indices from 0 to 2"):
        split(dataset([0, 0, 1]), groups=[(0, 3)])


def test_groups_come_from_names() -> None:
    names = ["a/p1_x.jpg", "a/p2_x.jpg", "b/p1_y.jpg", "b/none.jpg", "c/p1_z.jpg", "d/none.jpg"]
    assert groups_by(names, r"(p\d+)_") == [(0, 2), (2, 4)]
    assert groups_by(names, r"p\d+") == [(0, 2), (2, 4)]


@pytest.mark.parametrize(
    ("pattern", "message"), [("(", "regular expression"), ("zzz", "the first is 'a.jpg'")]
)
def test_a_useless_pattern_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        groups_by(["a.jpg"], pattern)
