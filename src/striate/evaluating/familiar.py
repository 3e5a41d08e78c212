"""When to answer `unknown` because a picture is like none of the classes.

A softmax says which class is likelier, given that it is one of them: noise gets 0.9 and more. The
features below the last layer say more. Those of a class's pictures lie in much the same direction,
and noise, blank pictures and pictures of other things lie elsewhere, whatever their length.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.evaluating.reject import floor_keeping

KEEP_KNOWN = 0.98
"""Of the held-out pictures, how many the floor of familiarity lets through."""


@dataclass(frozen=True, slots=True)
class Familiar:
    """How like the classes' pictures a picture is, from the features below the last layer.

    familiarity(f) = max_k cos(f, d_k), with `directions` d (K, F) those of the classes' mean
    features, in whole numbers from -127 to 127. What is below `floor` is like none of them.
    """

    directions: Tensor
    floor: float

    def score(self, features: Tensor) -> Tensor:
        """Features (B, F) -> familiarity (B,), -1 to 1."""
        known = F.normalize(self.directions.to(features), dim=1)
        return (F.normalize(features, dim=1) @ known.T).amax(1)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; a byte a number of the directions."""
        return {
            "floor": self.floor,
            "shape": list(self.directions.shape),
            "directions": base64.b64encode(
                self.directions.to(torch.int8).numpy().tobytes()
            ).decode(),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Familiar:
        """What `to_dict` gave, back."""
        try:
            rows, columns = record["shape"]
            packed = bytearray(base64.b64decode(record["directions"], validate=True))
            numbers = torch.frombuffer(packed, dtype=torch.int8).view(rows, columns)
            return cls(numbers.float(), float(record["floor"]))
        except (KeyError, TypeError, ValueError, RuntimeError, binascii.Error) as error:
            expected = "floor, shape and directions as Familiar.to_dict gives them"
            raise ArgumentError("familiar", dict(record), expected) from error


def fit_familiar(
    features: Tensor,
    labels: Tensor,
    classes: int,
    held_out: Tensor | None = None,
    *,
    keep: float = KEEP_KNOWN,
) -> Familiar:
    """Directions from features (N, F) with labels (N,), and a floor that keeps held-out pictures.

    `held_out` (M, F) are features of pictures of the same kind that the net did not learn from.
    Without them, as for a trunk that learnt nothing here, every picture is compared with the means
    of the others. At least the share `keep` of new pictures stays above the floor, on average; with
    fewer than 50 to go by, the least familiar one is the floor.
    """
    _check_features(features, labels)
    directions = _directions(features.detach().cpu(), labels.cpu(), classes)
    whole = Familiar(directions, -1.0)
    seen = whole.score(held_out) if held_out is not None else _left_out(features, labels, classes)
    floor = floor_keeping(seen, keep, lowest=1)
    return Familiar(directions, -1.0 if floor is None else floor)


class WithFamiliarity(nn.Module):
    """A last layer that also says how familiar its input is: (B, F) -> (B, K + 1).

    The logits, then the familiarity: one output, so that any engine and the ONNX file can give it.
    """

    def __init__(self, layer: nn.Linear, familiar: Familiar) -> None:
        super().__init__()
        self.layer = layer
        self.register_buffer("known", F.normalize(familiar.directions.to(layer.weight), dim=1))

    def forward(self, features: Tensor) -> Tensor:
        """(B, F) -> (B, K + 1)."""
        cosines = F.normalize(features, dim=1) @ self.get_buffer("known").T
        return torch.cat([self.layer(features), cosines.amax(1, keepdim=True)], dim=1)


def _directions(features: Tensor, labels: Tensor, classes: int) -> Tensor:
    """The mean features of the classes that occur, their largest number 127: (N, F) -> (K', F)."""
    known = labels >= 0
    sums = torch.zeros(classes, features.shape[1], dtype=torch.float64)
    sums.index_add_(0, labels[known], features[known].double())
    counts = labels[known].bincount(minlength=classes)
    there = counts > 0
    peaks = sums.abs().amax(1, keepdim=True).clamp(min=1e-30)
    return (sums / peaks * 127).round()[there].float()


def _left_out(features: Tensor, labels: Tensor, classes: int) -> Tensor:
    """The familiarity of every labelled picture with the classes' means without it: (N',)."""
    known = labels >= 0
    features, labels = features[known].double(), labels[known]
    counts = labels.bincount(minlength=classes).double()[:, None]
    sums = torch.zeros(classes, features.shape[1], dtype=torch.float64)
    sums.index_add_(0, labels, features)
    unit = F.normalize(features, dim=1)
    cosines = unit @ F.normalize(sums, dim=1).T
    own = (unit * F.normalize(sums[labels] - features, dim=1)).sum(1)
    alone = counts[labels, 0] < 2  # its class has no other picture to be like
    cosines[torch.arange(len(labels)), labels] = own.where(~alone, -1.0)
    cosines[:, counts[:, 0] == 0] = -1
    return cosines.amax(1)


def _check_features(features: Tensor, labels: Tensor) -> None:
    if features.ndim != 2 or labels.shape != features.shape[:1]:
        found = (tuple(features.shape), tuple(labels.shape))
        raise ArgumentError("features and labels", found, "(N, F) and (N,)")
    if not bool((labels >= 0).any()):
        raise ArgumentError("labels", len(labels), "at least one picture with a label")
