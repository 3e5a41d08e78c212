import math

import numpy as np
import pytest
import torch
from sklearn import metrics

from striate.errors import ArgumentError
from striate.metrics import Tally, calibration_error, score, wilson_interval


def test_scores_of_a_hand_worked_case() -> None:
    # Two classes; probabilities 3/4 : 1/4 each time, right twice, wrong once.
    logits = torch.tensor([[math.log(3.0), 0.0], [0.0, math.log(3.0)], [math.log(3.0), 0.0]])
    scores = score(logits, torch.tensor([0, 1, 1]))
    assert scores.n == 3
    assert scores.accuracy == pytest.approx(2 / 3)
    assert scores.nll == pytest.approx(-(2 * math.log(0.75) + math.log(0.25)) / 3)
    assert scores.ece == pytest.approx(0.75 - 2 / 3)


def test_calibration_error_is_zero_when_confidence_is_the_share_right() -> None:
    confidence = torch.full((4,), 0.75, dtype=torch.float64)
    right = torch.tensor([1.0, 1.0, 1.0, 0.0], dtype=torch.float64)
    assert calibration_error(confidence, right) == pytest.approx(0)


def test_calibration_errors_of_two_bins_do_not_cancel() -> None:
    confidence = torch.tensor([0.9, 0.1], dtype=torch.float64)
    right = torch.tensor([0.0, 1.0], dtype=torch.float64)  # 0.9 too sure, 0.9 too shy
    assert calibration_error(confidence, right) == pytest.approx(0.9)


def test_nothing_to_score_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="samples: got 0"):
        score(torch.zeros(0, 10), torch.zeros(0, dtype=torch.long))
    with pytest.raises(ArgumentError, match=r"logits: got \(3, 10\), expected \(2, 10\)"):
        score(torch.zeros(3, 10), torch.zeros(2, dtype=torch.long))


def drawn(n: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(n)
    logits = 2 * torch.randn(n, classes, generator=draw)
    return logits, torch.randint(classes, (n,), generator=draw)


def test_the_pieces_of_a_tally_add_up_to_the_whole() -> None:
    logits, labels = drawn(101, 7)
    whole = score(logits, labels)
    parts = [Tally(7), Tally(7)]
    for index, (some, right) in enumerate(zip(logits.split(9), labels.split(9), strict=True)):
        parts[index % 2].add(some, right)
    both = Tally(7)
    both.load(parts[0].vector() + parts[1].vector())
    together = both.scores().to_dict()
    assert together.pop("interval") == pytest.approx(whole.interval)
    assert together == pytest.approx({k: v for k, v in whole.to_dict().items() if k != "interval"})


def test_what_is_masked_is_not_there() -> None:
    logits, labels = drawn(40, 5)
    tally, mask = Tally(5), torch.arange(40) % 3 > 0
    tally.add(logits, labels, mask)
    assert tally.scores() == score(logits[mask], labels[mask])


def test_scores_are_those_of_scikit_learn() -> None:
    logits, labels = drawn(300, 6)
    chances, predicted = logits.double().softmax(1), logits.argmax(1)
    scores = score(logits, labels)
    assert scores.accuracy == pytest.approx(metrics.accuracy_score(labels, predicted))
    assert scores.macro_f1 == pytest.approx(metrics.f1_score(labels, predicted, average="macro"))
    assert scores.nll == pytest.approx(metrics.log_loss(labels, chances))
    top = metrics.top_k_accuracy_score(labels, chances, k=5)
    assert scores.top5 == pytest.approx(top)
    one_hot = torch.nn.functional.one_hot(labels, 6)
    assert scores.brier == pytest.approx(float((chances - one_hot).square().sum(1).mean()))
    tally = Tally(6)
    tally.add(logits, labels)
    table = metrics.precision_recall_fscore_support(labels, predicted)
    assert np.array(tally.per_class()) == pytest.approx(np.stack(table, 1))


def test_a_class_that_never_occurs_does_not_lower_the_mean() -> None:
    logits = torch.eye(4)[torch.tensor([0, 1, 0])] * 9
    scores = score(logits, torch.tensor([0, 1, 0]))
    assert (scores.accuracy, scores.macro_f1) == (1, 1)


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (50, 100, 0.4038, 0.5962)],
)
def test_wilson_s_interval_as_printed_in_tables(
    right: int, n: int, low: float, high: float
) -> None:
    assert wilson_interval(right, n) == pytest.approx((low, high), abs=5e-5)
