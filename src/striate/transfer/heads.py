"""Last layers made from features in one go, and judged by what they say of samples they never saw.

Features are (N, F), or (N, V, F) for V views of each picture, of which the first is the picture as
it is. The views of one picture share its weight and its fold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.training.dist import own_random_numbers
from striate.transfer.folds import folds_of

_BATCH = 64
_RATE = 1e-3
_DECAY = 1e-2


@dataclass(frozen=True, slots=True)
class Head:
    """A last layer, features (N, F) -> logits (N, K) in float64, and how it was found."""

    layer: nn.Module
    log_probs: Tensor
    """(N, K) float64: each sample's log probabilities by a head that was made without its fold."""
    strength: float
    """What was chosen by them: a penalty, a temperature, a number of epochs."""
    path: tuple[tuple[float, float], ...] = ()
    """Each strength that was tried, with its cross-validated negative log likelihood."""


def nearest_mean(
    features: Tensor, labels: Tensor, classes: int, *, folds: int | Tensor = 5
) -> Head:
    """The class whose mean is nearest: logits -|x - m_k|^2 / 2 t, without |x|^2 a linear layer.

    The temperature t, which no two classes differ in, is the one with the smallest cross-validated
    loss. It needs no more than one sample a class.
    """
    views = checked(features, labels, classes).double().cpu()
    labels = labels.cpu()
    folds = folds_of(labels, folds) if isinstance(folds, int) else folds
    pictures = views.mean(1)
    logits = torch.empty(len(labels), classes, dtype=torch.float64)
    for number in range(int(folds.max()) + 1):
        here = folds == number
        logits[here] = _by_means(pictures[~here], labels[~here], classes)(views[here, 0])
    layer = _by_means(pictures, labels, classes)
    path = [(t, _nll(logits / t, labels)) for t in _temperatures(logits)]
    temperature = min(path, key=lambda one: one[1])[0]
    layer = linear(layer.weight / temperature, layer.bias / temperature)
    return Head(layer, (logits / temperature).log_softmax(1), temperature, tuple(path))


def _by_means(pictures: Tensor, labels: Tensor, classes: int) -> nn.Linear:
    """-|x - m_k|^2 / 2 without |x|^2 / 2, which all classes share."""
    sums = torch.zeros(classes, pictures.shape[1], dtype=torch.float64)
    counts = counts_of(labels, classes)
    means = sums.index_add_(0, labels, pictures) / counts.clamp(min=1)[:, None]
    centre = pictures.mean(0)
    bias = -(means - centre).square().sum(1) / 2 - (means - centre) @ centre
    lowest = -4 * (pictures - centre).square().sum(1).max()
    return linear(means - centre, torch.where(counts > 0, bias, lowest))


def _temperatures(logits: Tensor) -> list[float]:
    """From a thousandth of the logits' spread to ten times as much."""
    spread = float(logits.std(1).mean()) or 1.0
    return [spread * 10 ** (power / 10) for power in range(-30, 11)]


def _nll(logits: Tensor, labels: Tensor) -> float:
    return float(F.cross_entropy(logits, labels))


def mlp(
    features: Tensor,
    labels: Tensor,
    classes: int,
    *,
    hidden: int = 256,
    epochs: int = 20,
    folds: int | Tensor = 5,
    seed: int = 0,
) -> Head:
    """One hidden layer: linear, ReLU, half of it dropped, linear; trained by AdamW.

    How many epochs, at most `epochs`, is what was best for samples of other folds.
    """
    views = checked(features, labels, classes).float().cpu()
    labels = labels.cpu()
    folds = folds_of(labels, folds) if isinstance(folds, int) else folds
    said = torch.empty(epochs, len(labels), classes, dtype=torch.float64)
    with own_random_numbers():
        for number in range(int(folds.max()) + 1):
            here = folds == number
            layers = _layers(views[~here], hidden, classes, seed)
            for epoch in _epochs(layers, views[~here], labels[~here], epochs):
                with torch.inference_mode():
                    said[epoch, here] = layers(views[here, 0]).double().log_softmax(1)
        path = tuple((epoch + 1.0, _nll(said[epoch], labels)) for epoch in range(epochs))
        best = min(path, key=lambda one: one[1])[0]
        layers = _layers(views, hidden, classes, seed)
        for _ in _epochs(layers, views, labels, round(best)):
            pass
    return Head(layers.double().requires_grad_(False), said[round(best) - 1], best, path)


def _layers(views: Tensor, hidden: int, classes: int, seed: int) -> nn.Sequential:
    """The layers before training; the first one takes the features' mean and scale away."""
    torch.manual_seed(seed)
    first = nn.Linear(views.shape[2], hidden)
    rows = views.flatten(0, 1)
    with torch.no_grad():
        first.weight.div_((rows - rows.mean(0)).square().mean().sqrt().clamp(min=1e-12))
        first.bias.sub_(first.weight @ rows.mean(0))
    return nn.Sequential(first, nn.ReLU(), nn.Dropout(0.5), nn.Linear(hidden, classes))


def _epochs(layers: nn.Sequential, views: Tensor, labels: Tensor, count: int) -> Iterator[int]:
    """Train for `count` epochs, each picture by one of its views; after each, in eval mode, stop
    for the caller."""
    optimiser = torch.optim.AdamW(layers.parameters(), _RATE, weight_decay=_DECAY)
    for epoch in range(count):
        layers.train()
        order = torch.randperm(len(labels))
        shown = torch.randint(views.shape[1], (len(labels),))
        for batch in order.split(_BATCH):
            optimiser.zero_grad()
            F.cross_entropy(layers(views[batch, shown[batch]]), labels[batch]).backward()
            optimiser.step()
        layers.eval()
        yield epoch


def linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    """A layer of these numbers: weight (K, F), bias (K,)."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype, device=weight.device)
    layer.weight, layer.bias = nn.Parameter(weight), nn.Parameter(bias)
    return layer.requires_grad_(False)


def checked(features: Tensor, labels: Tensor, classes: int) -> Tensor:
    """The features as (N, V, F), if they and the labels can be learnt from."""
    if features.ndim not in (2, 3) or len(features) != len(labels) or not len(labels):
        expected = f"({len(labels)}, F) or ({len(labels)}, V, F), a row a label, at least one"
        raise ArgumentError("features", tuple(features.shape), expected)
    if not features.isfinite().all():
        raise ArgumentError("features", "NaN or infinity", "finite numbers")
    if int(labels.min()) < 0 or int(labels.max()) >= classes:
        found = (int(labels.min()), int(labels.max()))
        raise ArgumentError("labels", found, f"classes from 0 to {classes - 1}")
    return features if features.ndim == 3 else features[:, None]


def counts_of(labels: Tensor, classes: int) -> Tensor:
    """(N,) -> (K,): how many samples each class has."""
    return labels.bincount(minlength=classes)
