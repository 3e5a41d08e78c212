"""What the tests of the whole zoo share: every name, its inputs, and how heavy it is."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from striate.models import Entry, create, entry, list_models
from striate.models.contract import ConvNet

ALL = [entry(name) for name in list_models()]

# Images of another size are refused or mean something else: their papers fix it.
FIXED_SIZE = {
    "alphago_policy",
    "autoencoder",
    "lecture_net",
    "lenet5",
    "lenet5_modern",
    "neocognitron",
    "vqa",
}


def is_light(found: Entry) -> bool:
    """Cheap enough to be run, forward and backward, each time the tests run."""
    return found.macs < 2e9 and found.params < 2e7


def marked(entries: list[Entry]) -> list[object]:
    """As parameters of a test: the heavy ones are slow."""
    return [
        pytest.param(e, id=e.name, marks=() if is_light(e) else pytest.mark.slow) for e in entries
    ]


def classifiers() -> list[Entry]:
    """All but detection, whose answers are boxes, and which has tests of its own."""
    return [e for e in ALL if e.task != "detection"]


def inputs(found: Entry, batch: int, *, more: int = 0, seed: int = 0) -> tuple[Tensor, ...]:
    """Random inputs for a batch; images, signals and clips `more` larger along their positions."""
    draw = torch.Generator().manual_seed(seed)
    made = []
    for shape in found.inputs:
        sizes = _grown(shape, more)
        if found.tokens:
            made.append(torch.randint(1, found.tokens, (batch, *sizes), generator=draw))
        else:
            made.append(torch.randn(batch, *sizes, generator=draw))
    return tuple(made)


def _grown(shape: tuple[int, ...], more: int) -> tuple[int, ...]:
    """A clip (frames, channels, height, width) has more frames too; channels stay."""
    if more == 0:
        return shape
    if len(shape) == 4:
        return (shape[0] + more, *_grown(shape[1:], more))
    spatial = 2 if len(shape) == 3 else 1
    return (*shape[:-spatial], *(size + more for size in shape[-spatial:]))


@functools.lru_cache(maxsize=1)
def evaluated(name: str) -> ConvNet:
    """One network in evaluation, kept while its tests run one after another."""
    torch.manual_seed(0)
    with torch.inference_mode(False):  # whichever test asks first, its weights are ordinary ones
        return create(name).eval()


def on_meta(build: Callable[[], ConvNet]) -> ConvNet:
    """Built without memory."""
    with torch.device("meta"):
        return build()
