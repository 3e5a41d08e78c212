"""From answers about held-out pictures: a temperature, and when to answer `unknown`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from striate.data.split import sampled
from striate.evaluating import (
    Calibration,
    Familiar,
    Known,
    fit_familiar,
    fit_temperature,
    fit_threshold,
)
from striate.models.contract import ConvNet
from striate.pipeline.job import SIGNED, Job, Learned


@dataclass(frozen=True, slots=True)
class Rules:
    """What is done with a network's logits: divided by a temperature, then answered or not."""

    temperature: float = 1.0
    threshold: float = 0.0
    """The probability below which the answer is `unknown`."""
    familiar: Familiar | None = None
    """What the classes' pictures are like; None for a published network."""

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Rules:
        """As a model file keeps them; without any, every answer counts as it is."""
        familiar = record.get("familiar")
        return cls(
            float(record.get("temperature", 1.0)),
            float(record.get("threshold", 0.0)),
            Familiar.from_dict(familiar) if familiar else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """As a model file keeps them."""
        familiar = {"familiar": self.familiar.to_dict()} if self.familiar else {}
        return {"temperature": self.temperature, "threshold": self.threshold, **familiar}

    def judge(self, views: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """What a network gave for views of pictures, (B, K or K + 1) each: chances (B, K), known.

        Probabilities, in float64, and how familiar a picture is are averaged over the views. An
        answer counts where it is likely enough, and the picture familiar: (B,) bool.
        """
        logits = [one[:, :-1] if self.familiar else one for one in views]
        chances = torch.stack([(one.double() / self.temperature).softmax(1) for one in logits])
        chances = chances.mean(0)
        known = chances.amax(1) >= self.threshold
        if self.familiar:
            known &= torch.stack([one[:, -1] for one in views]).mean(0) >= self.familiar.floor
        return chances, known


def rules_for(job: Job, learned: Learned) -> tuple[Rules, Calibration]:
    """Temperature and thresholds, from pictures that the network did not learn from."""
    labels, logits = job.data.labels[learned.held_out.ids], learned.held_out.values
    fit = fit_temperature(logits, labels)
    best, taken = (logits / fit.temperature).softmax(1).max(1)
    threshold = fit_threshold(best, taken == labels)
    return Rules(fit.temperature, threshold, _familiar(job, learned)), fit


def _familiar(job: Job, learned: Learned) -> Familiar:
    """What the classes' pictures are like to the network."""
    seen = learned.signatures(sampled(job.cut.train, SIGNED))
    labels, classes = job.data.labels[seen.ids], len(job.data.classes)
    # A trunk that did not learn here is as good on the pictures of one part as on others.
    held_out = sampled(learned.held_out.ids, SIGNED)
    other = None if job.mode == "features" else learned.signatures(held_out).values
    return fit_familiar(seen.values, labels, classes, other)


def answering(net: nn.Module, rules: Rules) -> nn.Module:
    """The network as it answers: with the familiarity as a last column where the rules have one."""
    if rules.familiar is None:
        return net
    assert isinstance(net, ConvNet)  # no other gets a familiarity
    return Known(net, rules.familiar).eval()
