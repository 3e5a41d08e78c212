"""A data set and a network so small that whole runs take a moment."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from striate.data.augment import Policy
from striate.data.loader import Loader
from striate.data.order import Order
from striate.data.stores import MemoryStore
from striate.training import Loss, Recipe, Surroundings, fit
from striate.training.state import Training

NUM_SAMPLES = 150


def as_floats(batch: Tensor) -> Tensor:
    return batch.float() / 255


def stripes() -> tuple[Tensor, Tensor]:
    """Two classes a linear net can tell apart: bright top, bright bottom; with noise."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 100, (NUM_SAMPLES, 1, 4, 4), generator=generator, dtype=torch.uint8)
    labels = torch.arange(NUM_SAMPLES) % 2
    for index, label in enumerate(labels):
        images[index, 0, 2 * int(label) : 2 * int(label) + 2] += 100
    return images, labels


def loader(recipe: Recipe, *, shuffle: bool, policy: Policy = (), flipped: bool = False) -> Loader:
    images, labels = stripes()
    labels = 1 - labels if flipped else labels
    order = Order(recipe.batch_size, recipe.seed, shuffle)
    return Loader(MemoryStore(images), labels, order, normalise=as_floats, policy=policy)


def linear_net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 2))


def conv_net() -> nn.Module:
    """With what makes a resume hard: batch statistics, dropout, filters in channels-last memory."""
    torch.manual_seed(0)
    layers = (nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.3))
    net = nn.Sequential(*layers, nn.Conv2d(8, 4, 3), nn.Flatten(), nn.Linear(16, 2))
    return net.to(memory_format=torch.channels_last)


def run(
    net: nn.Module, recipe: Recipe, around: Surroundings | None = None, policy: Policy = ()
) -> Training:
    return fit(
        net,
        loader(recipe, shuffle=True, policy=policy),
        loader(recipe, shuffle=False),
        recipe,
        loss=Loss(smoothing=recipe.label_smoothing, focus=recipe.focus),
        classes=2,
        around=around or Surroundings(),
    )


def weights(net: nn.Module) -> Tensor:
    return torch.cat([value.double().flatten() for value in net.state_dict().values()])
