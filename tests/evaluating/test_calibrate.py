"""One temperature: the best there is, never a worse one, and safe on very few pictures."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from torch import Tensor

from striate.errors import ArgumentError
from striate.evaluating import fit_temperature, reliability
from striate.metrics import score


def overconfident(
    n: int, temperature: float, classes: int = 5, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Logits (n, classes) whose softmax at this temperature is the truth, labels drawn from it."""
    draw = torch.Generator().manual_seed(seed)
    honest = 2 * torch.randn(n, classes, generator=draw, dtype=torch.float64)
    labels = torch.multinomial(honest.softmax(1), 1, generator=draw).squeeze(1)
    return honest * temperature, labels


def smoothed_nll(logits: Tensor, labels: Tensor, temperature: float) -> float:
    """As the docstring says, written out: each label might be its likeliest rival instead."""
    targets = torch.zeros_like(logits)
    for row, target, label in zip(logits.tolist(), targets, labels.tolist(), strict=True):
        rival = max((value, place) for place, value in enumerate(row) if place != label)[1]
        target[rival] = 1 / (len(labels) + 2)
        target[label] = 1 - target[rival]
    return -(targets * (logits / temperature).log_softmax(1)).sum(1).mean().item()


@pytest.mark.parametrize("truth", [0.25, 1.7, 6.0])
def test_it_finds_the_temperature_that_the_labels_were_drawn_at(truth: float) -> None:
    found = fit_temperature(*overconfident(20_000, truth))
    assert found.temperature == pytest.approx(truth, rel=0.05)
    assert found.nll_after < found.nll_before
    assert found.ece_after < 0.015 < 0.05 < found.ece_before
    assert found.nll_expected == pytest.approx(found.nll_after, abs=1e-3)


@pytest.mark.parametrize("scale", [0.05, 3.0, 30.0])
@pytest.mark.parametrize("n", [12, 300])
def test_it_is_the_minimum_that_a_general_solver_finds(scale: float, n: int) -> None:
    logits, labels = overconfident(n, scale, seed=n)
    best = minimize_scalar(
        lambda b: smoothed_nll(logits, labels, math.exp(-b)), bounds=(-4.6, 4.6), method="bounded",
        options={"xatol": 1e-10},
    )  # fmt: skip
    found = fit_temperature(logits, labels)
    assert found.temperature == pytest.approx(math.exp(-best.x), rel=1e-4)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 25), st.integers(2, 6), st.integers(0, 2**31), st.floats(1e-3, 1e3),
    st.floats(0, 1),
)  # fmt: skip
def test_the_likelihood_never_gets_worse(
    n: int, classes: int, seed: int, scale: float, noise: float
) -> None:
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, classes, generator=draw) * scale
    labels = logits.argmax(1).where(
        torch.rand(n, generator=draw) >= noise, torch.randint(classes, (n,), generator=draw)
    )
    found = fit_temperature(logits, labels)
    assert 0.01 <= found.temperature <= 100
    assert found.nll_after <= found.nll_before + 1e-12
    assert found.nll_expected <= found.nll_before + 1e-12
    plain = F.cross_entropy(logits.double() / found.temperature, labels).item()
    assert found.nll_after == pytest.approx(plain, abs=1e-12)


def test_without_a_mistake_to_learn_from_it_does_not_become_certain() -> None:
    """Ten pictures, all right: the plain likelihood is best at temperature 0."""
    labels = torch.arange(10) % 3
    logits = F.one_hot(labels, 3).double()
    found = fit_temperature(logits, labels)
    assert 0.2 < found.temperature < 1
    sure = (logits / found.temperature).softmax(1).amax(1)
    assert sure.max() < 0.95


def test_what_does_not_help_is_left_alone() -> None:
    logits = torch.tensor([[40.0, 0.0], [0.0, 40.0], [40.0, 0.0]])
    found = fit_temperature(logits, torch.tensor([0, 1, 0]))
    assert found.temperature == 1
    assert found.nll_after == found.nll_before == found.nll_expected


def test_a_net_worse_than_chance_becomes_modest() -> None:
    logits = 5 * F.one_hot(torch.arange(30) % 3, 3).double()
    found = fit_temperature(logits, (torch.arange(30) + 1) % 3)
    assert found.temperature == pytest.approx(100)


def test_pictures_without_a_label_count_nowhere() -> None:
    logits, labels = overconfident(100, 3.0)
    more = torch.cat([logits, 1000 * torch.randn(7, 5)])
    marked = torch.cat([labels, torch.full((7,), -1)])
    assert fit_temperature(more, marked) == fit_temperature(logits, labels)
    assert reliability(more, marked) == reliability(logits, labels)


@pytest.mark.parametrize(("n", "classes"), [(1, 2), (2, 3), (10, 10), (5, 1)])
def test_very_few_pictures_and_a_single_class(n: int, classes: int) -> None:
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(n, classes, generator=draw)
    found = fit_temperature(logits, torch.zeros(n, dtype=torch.int64))
    assert math.isfinite(found.temperature)
    assert found.n == n


def test_the_record_is_plain_json_values() -> None:
    record = fit_temperature(*overconfident(50, 2.0)).to_dict()
    assert set(map(type, record.values())) == {float, int}


def test_the_bins_of_the_curve_add_up_to_the_calibration_error() -> None:
    logits, labels = overconfident(3000, 2.5)
    bins = reliability(logits, labels)
    assert sum(one.n for one in bins) == 3000
    ece = sum(one.n * abs(one.confidence - one.accuracy) for one in bins) / 3000
    assert ece == pytest.approx(score(logits, labels).ece, abs=1e-12)
    for one in bins:
        assert one.low < one.confidence <= one.high + 1e-12
        assert one.interval[0] <= one.accuracy <= one.interval[1]
    warm = reliability(logits, labels, temperature=2.5)
    assert sum(one.n * abs(one.confidence - one.accuracy) for one in warm) / 3000 < ece / 3


@pytest.mark.parametrize(
    ("logits", "labels", "said"),
    [
        (torch.zeros(3, 2), torch.zeros(4, dtype=torch.int64), r"expected \(N, K\) and \(N,\)"),
        (torch.zeros(3), torch.zeros(3, dtype=torch.int64), r"expected \(N, K\) and \(N,\)"),
        (torch.zeros(3, 2), torch.full((3,), -1), "at least one picture with a label"),
        (torch.zeros(3, 2), torch.full((3,), 2), "from -1 to 1"),
        (torch.full((3, 2), math.nan), torch.zeros(3, dtype=torch.int64), "finite numbers"),
    ],
)
def test_what_it_cannot_use_is_told(logits: Tensor, labels: Tensor, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        fit_temperature(logits, labels)
    with pytest.raises(ArgumentError, match=said):
        reliability(logits, labels)
