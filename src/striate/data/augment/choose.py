"""A few operations out of many, chosen anew for every sample."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from striate.data.augment.op import Fused, Geometric, Operation, Shape, Stage, Step
from striate.data.augment.resample import affine, compose
from striate.errors import ArgumentError


@dataclass(frozen=True)
class Choose(Operation):
    """Apply `count` different ones of `steps` to each sample: first those that move pixels.

    RandAugment (Cubuk and others, 2019) draws with replacement and in any order; without, what
    moves a sample's pixels is one resampling, and a step runs once over those that drew it.
    """

    steps: tuple[Step, ...]
    count: int = 2

    def __post_init__(self) -> None:
        if not 1 <= self.count <= len(self.steps):
            raise ArgumentError("count", self.count, f"from 1 to {len(self.steps)}, the steps")
        paddings = {step.padding for step in self.steps if isinstance(step, Geometric)}
        if len(paddings) > 1:
            raise ArgumentError("steps", sorted(paddings), "one padding for all")

    @property
    def draws(self) -> int:
        """One a step for the choice, and what the steps draw."""
        return len(self.steps) + sum(step.draws for step in self.steps)

    def stages(self, uniform: Tensor, shape: Shape) -> list[Stage]:
        """One resampling of all that moves pixels, then every other step, each on its samples."""
        choice, rest = uniform[:, : len(self.steps)], uniform[:, len(self.steps) :]
        # Sorting random numbers makes a random order of the steps.
        chosen = choice.argsort(dim=1) < self.count
        one = torch.ones(len(uniform), dtype=torch.float64)
        stay = affine(one, 0 * one, 0 * one, 0 * one, one, 0 * one)
        moving, total, padding = torch.zeros(len(uniform), dtype=torch.bool), stay, ""
        others = []
        parts = rest.split([step.draws for step in self.steps], dim=1)
        for step, wanted, part in zip(self.steps, chosen.unbind(1), parts, strict=True):
            plan = step.plan(part, shape)
            if not isinstance(step, Geometric):
                others.append(Stage(step, plan, wanted))
                continue
            if step.becomes(shape) != shape:
                raise ArgumentError("steps", step, "operations that keep the picture's size")
            moving, padding = moving | wanted, step.padding
            total = compose(total, torch.where(wanted[:, None], plan, stay))
        return [Stage(Fused(shape, padding), total, moving), *others] if padding else others
