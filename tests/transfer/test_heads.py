"""Class means and the hidden layer: simple heads beside the solved one."""

from __future__ import annotations

import pytest
import torch
from small_features import blobs

from striate.transfer import mlp, nearest_mean, solve_logistic

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_nearest_mean_wins() -> None:
    features, labels = blobs(60, 30, 3, gap=3.0)
    head = nearest_mean(features, labels, 3)
    means = torch.stack([features[labels == k].mean(0) for k in range(3)])
    fresh, _ = blobs(200, 30, 3, seed=1, gap=3.0)
    expected = torch.cdist(fresh.double(), means.double()).argmin(1)
    assert torch.equal(head.layer(fresh.double()).argmax(1), expected)


def test_its_probabilities_are_as_sure_as_they_may_be() -> None:
    features, labels = blobs(200, 30, 3)
    head = nearest_mean(features, labels, 3)
    losses = dict(head.path)
    nll = float(-head.log_probs.gather(1, labels[:, None]).mean())
    assert nll == pytest.approx(min(losses.values()))
    assert nll < 1.0986  # of one who knows nothing


def test_one_picture_a_class_is_enough_for_means() -> None:
    features = torch.eye(4)
    head = nearest_mean(features, torch.arange(4), 5)
    answers = head.layer(features.double())
    assert answers.argmax(1).tolist() == [0, 1, 2, 3]
    assert head.log_probs.isfinite().all()


def test_a_hidden_layer_learns_what_no_plane_divides() -> None:
    draw = torch.Generator().manual_seed(0)
    features = torch.randn(400, 2, generator=draw) * 5 + 100
    labels = ((features[:, 0] > 100) ^ (features[:, 1] > 100)).long()
    hidden = mlp(features, labels, 2, epochs=60, folds=2)
    flat = solve_logistic(features, labels, 2)

    def accuracy(log_probs: torch.Tensor) -> float:
        return float((log_probs.argmax(1) == labels).double().mean())

    assert accuracy(hidden.log_probs) > 0.9 > 0.7 > accuracy(flat.log_probs)
    assert accuracy(hidden.layer(features.double())) > 0.9
    losses = dict(hidden.path)
    assert losses[hidden.strength] == min(losses.values())


def test_a_hidden_layer_is_the_same_each_time_and_leaves_the_caller_s_numbers() -> None:
    features, labels = blobs(60, 10, 2)
    torch.manual_seed(5)
    one = mlp(features, labels, 2, epochs=2)
    drawn = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(1))
    other = mlp(torch.stack((features, features), 1), labels, 2, epochs=2)
    assert torch.equal(one.log_probs, mlp(features, labels, 2, epochs=2).log_probs)
    assert other.log_probs.shape == one.log_probs.shape
