"""The rate finder: it changes nothing, it is the same twice, and what it suggests trains."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import pytest
import torch
from small_run import conv_net, linear_net, loader, weights
from torch import Tensor, nn

from striate.data import Dataset, Split, load_source
from striate.data.loader import Loader
from striate.data.order import Order
from striate.data.split import split
from striate.data.stores import MemoryStore
from striate.errors import StriateError
from striate.models import create
from striate.training import Found, Loss, Recipe, Surroundings, find_rate, fit
from striate.training.finder import smoothed

RECIPE = Recipe(batch_size=5)


def found(net: nn.Module, recipe: Recipe = RECIPE) -> Found:
    return find_rate(net, loader(recipe, shuffle=True), recipe, loss=Loss(), classes=2)


def test_the_net_the_loader_and_the_random_numbers_stay_as_they_were() -> None:
    net, data = conv_net(), loader(RECIPE, shuffle=True)
    before, modes = weights(net), [layer.training for layer in net.modules()]
    next(iter(islice(data, 3, None)))
    place, numbers = data.state(), torch.get_rng_state()
    find_rate(net, data, RECIPE, loss=Loss(), classes=2)
    assert torch.equal(weights(net), before)
    assert [layer.training for layer in net.modules()] == modes
    assert all(parameter.grad is None for parameter in net.parameters())
    assert data.state() == place
    assert torch.equal(torch.get_rng_state(), numbers)


def test_the_same_seed_finds_the_same_and_another_one_does_not() -> None:
    net = conv_net()
    assert found(net) == found(net)
    assert found(net) != found(net, Recipe(batch_size=5, seed=1))


def test_the_rates_are_a_geometric_row_and_the_rule_is_kept() -> None:
    climb = found(linear_net())
    ratios = [b / a for a, b in zip(climb.rates, climb.rates[1:], strict=False)]
    assert climb.rates[0] == pytest.approx(1e-6)
    assert ratios == pytest.approx([ratios[0]] * len(ratios))
    lowest = climb.losses.index(min(climb.losses))
    assert climb.suggested == climb.rates[lowest] / 4


def test_smoothing_starts_unbiased() -> None:
    assert smoothed([2.0, 2.0, 2.0]) == pytest.approx((2.0, 2.0, 2.0))
    assert smoothed([1.0, 0.0]) == pytest.approx((1.0, 0.09 / 0.19))


class Fragile(nn.Module):
    """Gives no numbers once its weight has gone a way."""

    def __init__(self, start: float = 0.0) -> None:
        super().__init__()
        self.linear = linear_net()
        self.far = nn.Parameter(torch.tensor(start))

    def forward(self, images: Tensor) -> Tensor:
        """Logits, or what is none."""
        return self.linear(images) * (1 + self.far) + torch.where(
            self.far.abs() > 0.05, torch.nan, 0
        )


def test_a_loss_that_is_no_number_ends_the_climb_and_not_the_search() -> None:
    climb = found(Fragile())
    assert len(climb.rates) == len(climb.losses) < 30
    assert all(value == value for value in climb.losses)
    assert climb.suggested < climb.rates[-1]
    with pytest.raises(StriateError, match=r"first update of find_rate: .* is not finite"):
        found(Fragile(start=1.0))


def test_too_few_batches_and_nets_that_do_not_learn_are_refused() -> None:
    with pytest.raises(StriateError, match="train: got 3, expected at least 20 batches"):
        found(linear_net(), Recipe(batch_size=64))

    class Worse(Loss):
        """Rises whatever the network does."""

        calls = 0

        def __call__(self, logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
            self.calls += 1
            return logits.sum() * 0 + self.calls

    with pytest.raises(StriateError, match="no rate makes the loss smaller"):
        find_rate(linear_net(), loader(RECIPE, shuffle=True), RECIPE, loss=Worse(), classes=2)


@pytest.fixture(scope="module")
def digits() -> tuple[Dataset, Split]:
    data = load_source("sample")
    return data, split(data, seed=0)


def digit_loader(data: Dataset, part: Tensor, recipe: Recipe, *, shuffle: bool) -> Loader:
    def normalise(pixels: Tensor) -> Tensor:
        return (pixels.float() / 255 - 0.13) / 0.31

    order = Order(recipe.batch_size, recipe.seed, shuffle)
    return Loader(MemoryStore(data.pictures), data.labels, order, normalise=normalise, part=part)


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_the_suggested_rate_trains_and_30_times_it_does_not(
    digits: tuple[Dataset, Split], one_thread: None, optimiser: str
) -> None:
    """On the embedded digits: a rate from the climb beats its 30-fold and its 30th by far."""
    data, cut = digits
    recipe = Recipe(epochs=1, optimiser=optimiser)

    def net() -> nn.Module:
        torch.manual_seed(0)
        return create("lecture_net", classes=10, size=28, in_channels=1)

    def accuracy(rate: float) -> float:
        changed = recipe.with_settings({"peak_rate": rate})
        train = digit_loader(data, cut.train, changed, shuffle=True)
        val = digit_loader(data, cut.val, changed, shuffle=False)
        done = fit(net(), train, val, changed, loss=Loss(), classes=10, around=Surroundings())
        return float(done.history[-1].val["accuracy"])

    train = digit_loader(data, cut.train, recipe, shuffle=True)
    rate = find_rate(net(), train, recipe, loss=Loss(), classes=10).suggested
    good = accuracy(rate)
    assert good > 0.9
    assert accuracy(rate / 30) < good - 0.03
    assert _or_diverges(accuracy, 30 * rate) < 0.5


def _or_diverges(accuracy: Callable[[float], float], rate: float) -> float:
    try:
        return accuracy(rate)
    except StriateError:
        return 0.0
