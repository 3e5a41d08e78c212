"""The loss beside torch's, and what weights, focus and masks do to it."""

import pytest
import torch
import torch.nn.functional as F

from striate.errors import ArgumentError
from striate.training import Loss, balancing_weights

DRAW = torch.Generator().manual_seed(0)
LOGITS = torch.randn(9, 4, generator=DRAW, dtype=torch.float64)
LABELS = torch.randint(4, (9,), generator=DRAW)
ALL = torch.ones(9, dtype=torch.bool)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_whole_labels_and_the_same_as_targets_agree_with_torch(smoothing: float) -> None:
    wanted = F.cross_entropy(LOGITS, LABELS, reduction="sum", label_smoothing=smoothing)
    loss = Loss(smoothing=smoothing)
    torch.testing.assert_close(loss(LOGITS, LABELS, ALL), wanted)
    torch.testing.assert_close(loss(LOGITS, F.one_hot(LABELS, 4).double(), ALL), wanted)


def test_mixed_targets_mix_the_losses() -> None:
    targets = 0.3 * F.one_hot(LABELS, 4).double() + 0.7 * F.one_hot(LABELS.roll(1), 4).double()
    whole = [Loss()(LOGITS, labels, ALL) for labels in (LABELS, LABELS.roll(1))]
    torch.testing.assert_close(Loss()(LOGITS, targets, ALL), 0.3 * whole[0] + 0.7 * whole[1])


def test_what_is_masked_costs_nothing_even_where_it_is_no_number() -> None:
    mask = torch.arange(9) < 5
    spoilt = LOGITS.clone()
    spoilt[5:] = float("nan")
    torch.testing.assert_close(
        Loss()(spoilt, LABELS, mask), Loss()(LOGITS[:5], LABELS[:5], ALL[:5])
    )


def test_class_weights_are_torch_s() -> None:
    weights = torch.tensor([0.5, 1.0, 2.0, 4.0], dtype=torch.float64)
    wanted = F.cross_entropy(LOGITS, LABELS, weights, reduction="sum")
    torch.testing.assert_close(Loss(weights=weights)(LOGITS, LABELS, ALL), wanted)


def test_focus_lets_what_is_right_count_less() -> None:
    chances = LOGITS.softmax(1).gather(1, LABELS[:, None])[:, 0]
    wanted = -((1 - chances) ** 2 * chances.log()).sum()
    torch.testing.assert_close(Loss(focus=2)(LOGITS, LABELS, ALL), wanted)


def test_balancing_gives_every_class_the_same_sum() -> None:
    labels = torch.tensor([0] * 6 + [1] * 3 + [3])
    weights = balancing_weights(labels, 4)
    sums = torch.zeros(4).index_add_(0, labels, weights[labels])
    assert sums[[0, 1, 3]].tolist() == pytest.approx([10 / 3] * 3)
    assert weights[labels].mean() == pytest.approx(1)
    with pytest.raises(ArgumentError, match="labels: got 3, expected below 3"):
        balancing_weights(labels, 3)
