import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from striate.errors import ArgumentError
from striate.evaluating import class_report, most_confused, worst_errors
from striate.metrics import Tally

# Rows are labels: of ten cats seven are cats, two are dogs, one is a cow; no horse was shown.
CONFUSION = torch.tensor([[7, 2, 1, 0], [3, 5, 0, 0], [0, 0, 4, 0], [0, 0, 0, 0]]).double()
NAMES = ("cat", "dog", "cow", "horse")


def tally_of(confusion: Tensor) -> Tally:
    tally = Tally(len(confusion))
    pairs = [
        (given, taken)
        for given, row in enumerate(confusion.long().tolist())
        for taken, count in enumerate(row)
        for _ in range(count)
    ]
    labels, taken = torch.tensor(pairs).T
    tally.add(F.one_hot(taken, len(confusion)).double(), labels)
    return tally


def test_a_row_for_every_class() -> None:
    cat, dog, cow, horse = class_report(tally_of(CONFUSION), NAMES)
    assert (cat.name, cat.n, cat.precision, cat.recall) == ("cat", 10, 0.7, 0.7)
    assert cat.interval[0] < 0.7 < cat.interval[1]
    assert (cat.mistaken_for, dog.mistaken_for, cow.mistaken_for) == ("dog", "cat", "")
    assert cow.recall == 1
    assert cow.precision == 0.8
    assert (horse.n, horse.interval, horse.mistaken_for) == (0, (0.0, 1.0), "")


def test_the_names_are_as_many_as_the_classes() -> None:
    with pytest.raises(ArgumentError, match="classes: got 3, expected 4 names"):
        class_report(tally_of(CONFUSION), NAMES[:3])


def test_pairs_come_in_the_order_of_their_counts_and_only_mistakes() -> None:
    pairs = most_confused(CONFUSION)
    assert [tuple(pair) for pair in pairs] == [(1, 0, 3, 3 / 8), (0, 1, 2, 0.2), (0, 2, 1, 0.1)]
    assert most_confused(CONFUSION, top=1) == pairs[:1]
    assert most_confused(torch.eye(3)) == []


def test_the_worst_errors_are_those_that_gave_their_label_least() -> None:
    logits = torch.tensor([[2.0, 0, 0], [0, 5, 0], [0, 0, 1], [9, 0, 0], [0, 3, 0], [8, 0, 0]])
    labels = torch.tensor([0, 2, 0, -1, 1, 1])
    worst = worst_errors(logits, labels)
    assert [(one.index, one.given, one.taken) for one in worst] == [(5, 1, 0), (1, 2, 1), (2, 0, 2)]
    for one in worst:
        chances = logits[one.index].double().softmax(0)
        assert one.chance == pytest.approx(chances.max().item())
        assert one.loss == pytest.approx(-chances[one.given].log().item())
    assert worst_errors(logits, labels, top=2) == worst[:2]
    warm = worst_errors(logits, labels, temperature=4.0)
    assert [one.index for one in warm] == [5, 1, 2]
    assert warm[0].chance == pytest.approx((logits[5] / 4).softmax(0).max().item())


def test_logits_and_labels_must_belong_together() -> None:
    with pytest.raises(ArgumentError, match=r"logits and labels: .* expected \(N, K\) and \(N,\)"):
        worst_errors(torch.zeros(3, 2), torch.zeros(2, dtype=torch.int64))
