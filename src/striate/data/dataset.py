"""A labelled set of pictures in memory, and how it is cut into train, validation and test."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from striate.errors import ArgumentError


@dataclass(frozen=True, slots=True)
class Dataset:
    """Pictures `(N, C, H, W)` uint8, labels `(N,)` int64, class names in label order."""

    name: str
    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Tensor) -> Dataset:
        """The samples at `indices`, in that order."""
        return replace(self, images=self.images[indices], labels=self.labels[indices])


@dataclass(frozen=True, slots=True)
class Split:
    """Indices into one data set; no index is in two parts."""

    train: Tensor
    val: Tensor
    test: Tensor


def stratified_split(
    labels: Tensor, *, val: float = 0.1, test: float = 0.2, seed: int = 0
) -> Split:
    """Cut every class by the same shares; the cut is a pure function of the labels and the seed.

    The test part is drawn first and does not depend on the size of the validation part.
    """
    if val < 0 or test < 0 or val + test >= 1:
        raise ArgumentError("val and test", (val, test), "shares of 0 or more, together below 1")
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    parts: dict[str, list[Tensor]] = {"train": [], "val": [], "test": []}
    for label in labels.unique():
        members = order[labels[order] == label]
        num_test, num_val = round(len(members) * test), round(len(members) * val)
        parts["test"].append(members[:num_test])
        parts["val"].append(members[num_test : num_test + num_val])
        parts["train"].append(members[num_test + num_val :])
    return Split(**{name: torch.cat(part).sort().values for name, part in parts.items()})
