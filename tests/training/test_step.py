"""One update, and what pictures without pixels must not do to it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from striate.data.loader import Batch
from striate.errors import ArgumentError
from striate.training import Loss, Recipe
from striate.training.dist import ALONE, device
from striate.training.step import Stepper, precision_of


class Notes(nn.Module):
    """A network that keeps what it was given; every logit is learned alone."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(3))
        self.seen = torch.empty(0)

    def forward(self, images: Tensor) -> Tensor:
        """The same logits for every image."""
        self.seen = images.detach().clone()
        return self.logits.expand(len(images), 3)


class Targets(Loss):
    """Keeps the labels, too."""

    def __call__(self, logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """As `Loss`."""
        self.seen = labels.clone()
        return super().__call__(logits, labels, mask)


def batch() -> Batch:
    """Six samples; the picture of sample 2 has no pixels, its class is 2 as that of no other."""
    images = torch.arange(1.0, 7.0).view(6, 1, 1, 1).expand(6, 1, 4, 4).clone()
    images[2] = 0
    labels = torch.tensor([0, 1, 2, 0, 1, 0])
    return Batch(images, labels, torch.arange(6) != 2, torch.arange(6))


@pytest.mark.parametrize("mix", ["none", "mixup", "cutmix"])
def test_a_picture_without_pixels_is_neither_shown_nor_mixed_in(mix: str) -> None:
    net, loss = Notes(), Targets()
    stepper = Stepper(net, Recipe(mix=mix), loss, 3, ALONE)
    stepper.update(batch(), 0, 0, 0.1, 5)
    assert net.seen.min() >= 1
    targets = loss.seen
    taught = targets if mix == "none" else targets[:, 2]
    assert not (taught == 2).any() if mix == "none" else float(taught.sum()) == 0


def test_a_batch_of_nothing_readable_changes_nothing() -> None:
    one = batch()
    none = Batch(
        torch.zeros_like(one.images), one.labels, torch.zeros(6, dtype=torch.bool), one.ids
    )
    net = Notes()
    assert Stepper(net, Recipe(mix="mixup"), Loss(), 3, ALONE).update(none, 0, 0, 0.1, 0) == 0


@pytest.mark.parametrize(
    ("asked", "fast", "found"),
    [
        ("auto", True, "bfloat16"),
        ("auto", False, "float32"),
        ("float32", True, "float32"),
        ("bfloat16", False, "bfloat16"),
    ],
)
def test_auto_is_bfloat16_where_the_processor_multiplies_in_it(
    monkeypatch: pytest.MonkeyPatch, asked: str, fast: bool, found: str
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: fast)
    assert precision_of(Recipe(precision=asked), "cpu") == found


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_convolutions_multiply_in_the_precision_and_the_loss_does_not(precision: str) -> None:
    class Conv(Notes):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 3, 4)

        def forward(self, images: Tensor) -> Tensor:
            self.seen = self.conv(images)
            return self.seen.flatten(1)

    class Kept(Loss):
        def __call__(self, logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
            self.seen = logits
            return super().__call__(logits, labels, mask)

    net, loss = Conv(), Kept()
    Stepper(net, Recipe(precision=precision), loss, 3, ALONE).update(batch(), 0, 0, 0.1, 5)
    assert net.seen.dtype == getattr(torch, precision)
    assert loss.seen.dtype == torch.float32
    assert net.conv.weight.dtype == net.conv.weight.grad.dtype == torch.float32


def test_random_numbers_of_a_step_are_its_own() -> None:
    """Dropout's zeros depend on seed and step, not on what was drawn before."""

    class Noisy(Notes):
        def forward(self, images: Tensor) -> Tensor:
            self.drawn = torch.rand(3)
            return super().forward(images)

    def drawn(step: int, seed: int) -> list[float]:
        net = Noisy()
        Stepper(net, Recipe(seed=seed), Loss(), 3, ALONE).update(batch(), step, 0, 0.1, 5)
        return net.drawn.tolist()

    torch.rand(7)
    assert drawn(4, 1) == drawn(4, 1)
    assert drawn(4, 1) != drawn(5, 1) != drawn(5, 2)


def test_every_process_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device() == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    found = []
    for rank in ("0", "1"):
        monkeypatch.setenv("LOCAL_RANK", rank)
        found.append(str(device()))
    assert found == ["cuda:0", "cuda:1"]
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(ArgumentError, match="nproc: got 3, expected at most 2: a GPU for each"):
        device()
