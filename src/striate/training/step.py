"""One update: forward, backward, watch, clip, step, average. Precision is decided here only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.data.augment import CutMix, MixUp, Stream
from striate.data.loader import Batch
from striate.training.dist import Team
from striate.training.ema import Average
from striate.training.freezing import Frozen, freeze, thawed
from striate.training.loss import Loss
from striate.training.optim import optimiser_for
from striate.training.recipe import Recipe
from striate.training.watch import check_finite


def precision_of(recipe: Recipe, kind: str) -> str:
    """The recipe's precision, decided for a kind of device: float32 or bfloat16."""
    if recipe.precision != "auto":
        return recipe.precision
    if kind == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:  # without these instructions a convolution in bfloat16 takes up to a hundred times longer
        fast = torch.cpu._is_avx512_bf16_supported()
    return "bfloat16" if fast else "float32"


class Stepper:
    """A network that learns by a recipe; `average` is its moving average, if there is one."""

    def __init__(
        self, net: nn.Module, recipe: Recipe, loss: Loss, classes: int, team: Team
    ) -> None:
        self.net = net
        self.recipe = recipe
        self.classes = classes
        self.team = team
        self.loss = loss
        if recipe.sync_batch_norm:
            team.share_batch_norm(net)
        self.optimiser = optimiser_for(net, recipe)
        self._low = precision_of(recipe, next(net.parameters()).device.type) == "bfloat16"
        self.average = Average(net, recipe.average) if recipe.average else None
        self._compiled = torch.compile(net) if recipe.compile else net
        self._frozen, self._below = Frozen((), ()), ""
        self.thaw(0.0)
        self._run = self._wrapped()

    @property
    def best_known(self) -> nn.Module:
        """The network to evaluate and to keep."""
        return self.average.net if self.average else self.net

    def thaw(self, progress: float) -> None:
        """Freeze what the recipe freezes at this share of the run, from 0 to 1, and no more."""
        below = self.recipe.frozen
        if self.recipe.thaw:
            below = thawed(self.net, below, min(1.0, progress / self.recipe.thaw))
        if below != self._below:
            self.release()
            self._frozen, self._below = freeze(self.net, below), below
            self._run = self._wrapped()  # what shares gradients looks once at what learns

    def release(self) -> None:
        """Leave the network as free as it came."""
        self._frozen.release()
        self._frozen, self._below = Frozen((), ()), ""

    def _wrapped(self) -> Callable[[Tensor], Tensor]:
        return self.team.wrapped(self._compiled)  # type: ignore[arg-type]

    def update(self, batch: Batch, step: int, epoch: int, rate: float, count: int) -> float:
        """Learn from a batch that has `count` samples over all processes; returns its mean loss.

        The random numbers of dropout and its like are a pure function of (seed, step, rank).
        """
        self.net.train()
        # Its own random numbers a step: nothing to save, and nothing that a resume can change.
        seed = (self.recipe.seed * 1_000_003 + step) * 1_009 + self.team.rank
        # `torch.manual_seed` does the same for every kind of device, in 0.6 ms.
        torch.default_generator.manual_seed(seed)
        if batch.images.is_cuda:
            torch.cuda.manual_seed(seed)
        self.optimiser.zero_grad(set_to_none=True)
        images, labels = self._mixed(_filled(batch), epoch)
        total = 0.0
        parts = [t.chunk(self.recipe.accumulate) for t in (images, labels, batch.mask)]
        for piece in zip(*parts, strict=True):
            # Processes give the mean of their gradients, so each multiplies by their number.
            loss = self.sum_of_losses(*piece) * (self.team.size / max(1, count))
            loss.backward()
            total += loss.item()
        # The mean of the processes' parts: what one process alone would find.
        mean = float(self.team.total(torch.tensor(total, dtype=torch.float64))) / self.team.size
        self._apply(mean, rate, images)
        return mean

    def sum_of_losses(self, images: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """The loss of every sample that counts, summed, in float32."""
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self._low):
            logits = self._run(images)
        return self.loss(logits.float(), labels, mask)

    def _mixed(self, batch: Batch, epoch: int) -> tuple[Tensor, Tensor]:
        if self.recipe.mix == "none":
            return batch.images, batch.labels
        mix = MixUp() if self.recipe.mix == "mixup" else CutMix()
        targets = F.one_hot(batch.labels, self.classes).float()
        return mix(batch.images, targets, Stream(self.recipe.seed, epoch, batch.ids))

    def _apply(self, loss: float, rate: float, images: Tensor) -> None:
        learning = [p for p in self.net.parameters() if p.grad is not None]
        norm = nn.utils.get_total_norm([p.grad for p in learning if p.grad is not None])
        check_finite(self.net, loss, norm, images)
        if self.recipe.clip:
            nn.utils.clip_grads_with_norm_(learning, self.recipe.clip, norm)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["scale"]
        self.optimiser.step()
        if self.average:
            self.average.follow(self.net)


def _filled(batch: Batch) -> Batch:
    """Samples of the batch instead of those that do not count.

    A picture that cannot be read is black: batch norm would measure it, and a mixture with it would
    teach black as its class. Copies of samples that count do neither.
    """
    real = batch.mask.nonzero().flatten()
    if len(real) in (0, len(batch.mask)):
        return batch
    gaps = ~batch.mask
    copied = real[torch.arange(int(gaps.sum()), device=real.device) % len(real)]
    images, labels = batch.images.clone(), batch.labels.clone()  # keeps the memory's format
    images[gaps], labels[gaps] = images[copied], labels[copied]
    return replace(batch, images=images, labels=labels)
