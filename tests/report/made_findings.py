"""Findings made by hand: random but plausible, of any size and with anything left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from striate.evaluating.calibrate import fit_temperature, reliability
from striate.evaluating.mislabels import Suspect
from striate.evaluating.reject import coverage_curve
from striate.metrics import score
from striate.preprocess import Preprocess
from striate.report import (
    Calibrated,
    Cost,
    Findings,
    Held,
    Model,
    Origin,
    Pictures,
)
from striate.training.log import Epoch


def findings(
    *,
    classes: int | Sequence[str] = 2,
    n: int = 60,
    side: int = 32,
    channels: int = 3,
    accuracy: float = 0.9,
    tested: bool = True,
    epochs: int = 5,
    empty: int | None = None,
    noise: bool = False,
    suspects: int = 3,
    **changed: Any,
) -> Findings:
    """`empty` is a class without held-out pictures; `noise` pictures compress worst."""
    generator = torch.Generator().manual_seed(0)
    names = tuple(f"class {i}" for i in range(classes)) if isinstance(classes, int) else (*classes,)
    held = _held(generator, len(names), n, accuracy, empty)
    scores = score(held.chances.double().clamp(min=1e-30).log(), held.labels)
    pictures = Pictures("photos/{:05d}.jpg".format, _pixels(side, channels, noise), _heat(side))
    made = Findings(
        data="made",
        classes=names,
        model=Model("efficientnet_lite0", {"classes": len(names)}, "features", "ImageNet weights"),
        preprocess=Preprocess((side, side), channels, (0.5,) * channels, (0.5,) * channels),
        held=held,
        val=scores,
        test=scores if tested else None,
        learnt=torch.full((len(names),), 4 * n // len(names)),
        pictures=pictures,
        cost=Cost(3_400_000, 384_000_000, 13_500_000, 4.2, {"openvino": 0.011, "torch": 0.034},
                  {"openvino": 190.0, "torch": 44.0}, "openvino", "2 cores"),
        origin=Origin("runs/made-1", "striate train made", 0, "ab" * 32, {"striate": "0.1.0"}),
        decisions=(f"{4 * n} pictures are few: the features of a trained net are taken.",),
        calibration=_calibration(held),
        history=_history(epochs),
        suspects=[Suspect(i, 0, 1, 0.99 - i / 1000, 0.01) for i in range(suspects)],
        augmented=pictures.pixels(torch.arange(12)).view(3, 4, channels, side, side),
        filters=torch.randn(32, channels, 3, 3, generator=generator),
        check=None,
    )  # fmt: skip
    return replace(made, **changed)


def _held(
    generator: torch.Generator, classes: int, n: int, accuracy: float, empty: int | None
) -> Held:
    labels = torch.randint(classes, (n,), generator=generator)
    if empty is not None:
        labels[labels == empty] = (empty + 1) % classes
    wrong = torch.randperm(n, generator=generator)[: round(n * (1 - accuracy))]
    said = labels.clone()
    said[wrong] = (labels[wrong] + 1 + (torch.arange(len(wrong)) % (classes - 1))) % classes
    logits = torch.randn(n, classes, generator=generator).abs().neg()
    logits[torch.arange(n), said] = 0.05 + 5 * torch.rand(n, generator=generator)
    return Held(torch.arange(n), labels, logits.softmax(1))


def _pixels(side: int, channels: int, noise: bool) -> Any:
    """Pictures by their indices: a slope with a disc in it, or noise."""
    line = torch.arange(side) / side

    def pixels(indices: Tensor) -> Tensor:
        if noise:
            generator = torch.Generator().manual_seed(int(indices[0]))
            size = (len(indices), channels, side, side)
            return torch.randint(256, size, generator=generator, dtype=torch.uint8)
        slope = line[:, None] * 0.5 + line * 0.2 + (indices % 7)[:, None, None] * 0.05
        disc = (line[:, None] - 0.5) ** 2 + (line - 0.5) ** 2 < 0.08
        grey = torch.where(disc, 0.9, slope).unsqueeze(1)
        tints = torch.tensor([1.0, 0.8, 0.5])[:channels].view(-1, 1, 1)
        return (255 * grey * tints).clamp(0, 255).to(torch.uint8)

    return pixels


def _heat(side: int) -> Any:
    def heat(indices: Tensor, classes: Tensor) -> Tensor:
        line = torch.linspace(-1, 1, side)
        bump = torch.exp(-4 * (line[:, None] ** 2 + (line - 0.3) ** 2))
        return bump.expand(len(indices), side, side)

    return heat


def _calibration(held: Held) -> Calibrated:
    confidence, said = held.chances.max(1)
    fit = fit_temperature(2 * held.logs, held.labels)
    curve = coverage_curve(confidence, said == held.labels)
    return Calibrated(fit, reliability(held.logs, held.labels), curve, 0.6)


def _history(epochs: int) -> list[Epoch]:
    return [
        Epoch(
            i, 10 * i, 1.5 / i + 0.1, 0.01 / i, 1.0, {"nll": 1.4 / i + 0.2, "accuracy": 1 - 0.5 / i}
        )
        for i in range(1, epochs + 1)
    ]
