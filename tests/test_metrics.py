import math

import pytest
import torch

from striate.errors import ArgumentError
from striate.metrics import calibration_error, score


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
    with pytest.raises(ArgumentError, match="one row for each"):
        score(torch.zeros(0, 10), torch.zeros(0, dtype=torch.long))
    with pytest.raises(ArgumentError, match="one row for each"):
        score(torch.zeros(3, 10), torch.zeros(2, dtype=torch.long))
