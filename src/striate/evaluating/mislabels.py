"""Labels that are probably wrong, by confident learning.

Northcutt, Jiang, Chuang: "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 2021.
The idea: a class's threshold is how sure the model usually is of it. Where it is at least that sure
of another class than the label, the label is in doubt.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from striate.errors import ArgumentError


@dataclass(frozen=True, slots=True)
class Suspect:
    """A picture whose label is in doubt: its index, its label, the likelier class and its chance.

    `own_chance` is what the label got.
    """

    index: int
    given: int
    likely: int
    chance: float
    own_chance: float


@dataclass(frozen=True, slots=True)
class Mislabels:
    """The suspects, the most doubtful first, and the confident joint they are counted from."""

    suspects: list[Suspect]
    joint: Tensor
    """(K, K): the labelled pictures, by label (row) and by the class they confidently are."""

    @property
    def share(self) -> float:
        """The share of wrong labels that the joint estimates."""
        total = self.joint.sum().item()
        return 1 - self.joint.diagonal().sum().item() / total if total else 0.0


def find_mislabels(probabilities: Tensor, labels: Tensor) -> Mislabels:
    """Suspects among labels (N,), by what models that never saw these pictures think of them.

    `probabilities` (N, K) must be out of fold: every row from a model that had not learnt from it,
    since a model that has will repeat the wrong label. A label of -1 is none. A picture is suspect
    if the class it confidently is, and the likeliest one, is not its label; they are ranked by
    p(label) - p(likely class).
    """
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1]:
        found = (tuple(probabilities.shape), tuple(labels.shape))
        raise ArgumentError("probabilities and labels", found, "(N, K) and (N,)")
    known = (labels >= 0).nonzero().squeeze(1)
    chances, given = probabilities[known].detach().double().cpu(), labels[known].cpu()
    if not bool(((chances >= 0) & (chances <= 1)).all()):
        raise ArgumentError("probabilities", "values outside 0..1", "probabilities, not logits")
    confident, likely = _confidently(chances, given)
    joint = _joint(confident, given, chances.shape[1])
    own = chances.gather(1, given[:, None]).squeeze(1)
    best = chances.gather(1, likely[:, None]).squeeze(1)
    doubtful = ((confident >= 0) & (confident == likely) & (likely != given)).nonzero().squeeze(1)
    order = doubtful[(own - best)[doubtful].sort(stable=True).indices]
    columns = (known[order.to(known.device)], given[order], likely[order], best[order], own[order])
    suspects = [Suspect(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]
    return Mislabels(suspects, joint)


def _confidently(chances: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
    """The class that each picture confidently is, -1 where it is none, and the likeliest one.

    t_j = mean of p_j over the pictures labelled j; of the classes with p_j >= t_j the likeliest. A
    class that labels no picture has no threshold, and nothing is it confidently.
    """
    classes = chances.shape[1]
    sums = torch.zeros(classes, dtype=torch.float64)
    sums.index_add_(0, given, chances.gather(1, given[:, None]).squeeze(1))
    counts = given.bincount(minlength=classes)
    thresholds = torch.where(counts > 0, sums / counts.clamp(min=1), torch.inf)
    above = chances.where(chances >= thresholds, -1.0)
    best, confident = above.max(1)
    return confident.where(best >= 0, -1), chances.argmax(1)


def _joint(confident: Tensor, given: Tensor, classes: int) -> Tensor:
    """Counts (K, K) by label and by confident class, each row brought to its label's pictures."""
    sure = confident >= 0
    cells = given[sure] * classes + confident[sure]
    counts = cells.bincount(minlength=classes**2).view(classes, classes).double()
    rows = counts.sum(1, keepdim=True)
    counts = torch.where(rows > 0, counts, torch.eye(classes, dtype=torch.float64))
    there = given.bincount(minlength=classes).double()[:, None]
    return counts / counts.sum(1, keepdim=True) * there
