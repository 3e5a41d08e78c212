"""The solved head is the minimum, its strength is cross-validated, and copies stay together."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from small_features import blobs
from torch import Tensor

from striate.errors import ArgumentError
from striate.transfer import folds_of, solve_logistic
from striate.transfer import logistic as module

pytestmark = pytest.mark.usefixtures("one_thread")


def oracle(
    features: Tensor, labels: Tensor, strength: float, weights: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """scikit-learn's weights (K, F) and biases (K,); for two classes it has one row, w1 - w0."""
    two = int(labels.max()) == 1
    each = None if weights is None else weights[labels].double().numpy()
    fitted = LogisticRegression(
        # With two rows w and -w the penalty is twice (w / 2)^2 a number: half of one row's.
        C=(2 if two else 1) / strength, solver="newton-cholesky", tol=1e-12, max_iter=1_000
    ).fit(features.double().numpy(), labels.numpy(), each)  # fmt: skip
    weight, bias = torch.from_numpy(fitted.coef_), torch.from_numpy(fitted.intercept_)
    if two:
        weight, bias = torch.cat((-weight, weight)) / 2, torch.cat((-bias, bias)) / 2
    return weight, bias - bias.mean()


@pytest.mark.parametrize(
    ("num", "width", "classes"), [(60, 200, 2), (60, 200, 3), (300, 20, 2), (300, 20, 4)]
)
def test_it_is_what_scikit_learn_finds(num: int, width: int, classes: int) -> None:
    """With fewer samples than features, and with more."""
    features, labels = blobs(num, width, classes)
    weights = torch.linspace(0.5, 2, classes)
    for each in (None, weights):
        head = solve_logistic(features, labels, classes, weights=each, strength=5.0)
        weight, bias = oracle(features, labels, 5.0, each)
        torch.testing.assert_close(head.layer.weight, weight, atol=1e-6, rtol=0)
        torch.testing.assert_close(head.layer.bias, bias, atol=1e-6, rtol=0)


def test_held_out_log_probs_are_those_of_heads_that_never_saw_the_sample() -> None:
    features, labels = blobs(90, 30, 3)
    folds = folds_of(labels, 3)
    head = solve_logistic(features, labels, 3, folds=folds, strength=2.0)
    for number in range(3):
        here = folds == number
        weight, bias = oracle(features[~here], labels[~here], 2.0)
        expected = (features[here].double() @ weight.T + bias).log_softmax(1)
        torch.testing.assert_close(head.log_probs[here], expected, atol=0.03, rtol=0)
    assert head.log_probs.logsumexp(1).abs().max() < 1e-9


def test_the_strength_is_the_best_of_those_tried() -> None:
    features, labels = blobs(200, 60, 3)
    head = solve_logistic(features, labels, 3)
    losses = dict(head.path)
    assert losses[head.strength] < min(losses.values()) + 1e-3  # the others are compared roughly
    assert min(losses) < head.strength < max(losses)
    nll = -head.log_probs.gather(1, labels[:, None]).mean()
    assert nll == pytest.approx(losses[head.strength])
    for factor in (10, 0.1):
        other = solve_logistic(features, labels, 3, strength=head.strength * factor)
        assert other.path[0][1] > losses[head.strength]


def test_many_numbers_are_compared_in_float32_and_solved_in_float64(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features, labels = blobs(200, 60, 3)
    exact = solve_logistic(features, labels, 3)
    monkeypatch.setattr(module, "_MANY", 0)
    monkeypatch.setattr(module, "_ROOM", 1)  # and fold by fold
    rough = solve_logistic(features, labels, 3)
    assert rough.strength == pytest.approx(exact.strength)
    torch.testing.assert_close(rough.layer.weight, exact.layer.weight, atol=1e-6, rtol=0)
    torch.testing.assert_close(rough.log_probs, exact.log_probs, atol=0.05, rtol=0)


def test_views_of_a_picture_count_as_one_sample() -> None:
    features, labels = blobs(80, 30, 2)
    one = solve_logistic(features, labels, 2, strength=3.0)
    twice = solve_logistic(torch.stack((features, features), 1), labels, 2, strength=3.0)
    torch.testing.assert_close(one.layer.weight, twice.layer.weight, atol=1e-6, rtol=0)
    torch.testing.assert_close(one.log_probs, twice.log_probs, atol=0.02, rtol=0)
    other = torch.stack((features, features + torch.randn(80, 30)), 1)
    noisy = solve_logistic(other, labels, 2, strength=3.0)
    assert noisy.log_probs.shape == (80, 2)
    assert not torch.allclose(noisy.layer.weight, one.layer.weight, atol=1e-3)


def test_copies_must_stay_together_or_the_loss_is_too_good() -> None:
    """Noise, each sample twice: only a fold that parts copies finds anything in it."""
    draw = torch.Generator().manual_seed(0)
    features = torch.randn(60, 300, generator=draw).repeat(2, 1)
    labels = torch.randint(2, (60,), generator=draw).repeat(2)
    pairs = [(index, index + 60) for index in range(60)]
    apart = solve_logistic(features, labels, 2)
    together = solve_logistic(features, labels, 2, folds=folds_of(labels, 5, groups=pairs))

    def accuracy(log_probs: Tensor) -> float:
        return float((log_probs.argmax(1) == labels).double().mean())

    assert accuracy(apart.log_probs) > 0.8
    assert accuracy(together.log_probs) < 0.65


def test_a_class_with_one_sample_and_a_class_with_none() -> None:
    features, labels = blobs(40, 20, 2)
    labels = labels.clone()
    labels[7] = 2
    head = solve_logistic(features, labels, 4)
    assert head.log_probs.isfinite().all()
    assert head.log_probs[7, 2] < -2  # no other sample shows it
    answers = head.layer(features.double())
    assert not (answers.argmax(1) == 3).any()
    assert answers.isfinite().all()
    assert float(answers.detach().softmax(1)[:, 3].max()) < 0.05


def test_features_that_say_nothing() -> None:
    """Equal numbers everywhere: the classes' shares are all there is."""
    head = solve_logistic(torch.ones(30, 5), torch.arange(30) % 3 // 2, 2)
    chances = head.layer(torch.ones(1, 5).double()).softmax(1)[0]
    assert chances.tolist() == pytest.approx([2 / 3, 1 / 3], abs=1e-6)


def test_it_says_what_it_chose() -> None:
    said: list[str] = []
    solve_logistic(*blobs(40, 10, 2), 2, strength=1.5, say=said.append)
    assert said[0].startswith("last layer solved; strength 1.5 by cross-validation, loss 0.")


def test_what_cannot_be_learnt_from_is_refused() -> None:
    features, labels = blobs(10, 4, 2)
    with pytest.raises(ArgumentError, match=r"features: got .* expected .10, F"):
        solve_logistic(features[:5], labels, 2)
    with pytest.raises(ArgumentError, match="features: got 'NaN or infinity'"):
        solve_logistic(features.log(), labels, 2)
    with pytest.raises(ArgumentError, match=r"labels: got .0, 1., expected classes from 0 to 0"):
        solve_logistic(features, labels, 1)
    with pytest.raises(ArgumentError, match=r"labels: got .-1, 1.,"):
        solve_logistic(features, labels.where(labels > 0, -1), 2)


def test_log_probs_do_not_depend_on_the_scale_or_place_of_features() -> None:
    features, labels = blobs(60, 20, 2)
    one = solve_logistic(features, labels, 2)
    other = solve_logistic(features.double() * 1000 - 5e4, labels, 2)
    assert other.strength == pytest.approx(one.strength * 1e6, rel=1e-4)
    np.testing.assert_allclose(other.log_probs, one.log_probs, atol=1e-3)
