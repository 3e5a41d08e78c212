"""Numbers that a network makes while it runs, from nothing it has learned and nothing it is given.

A band of ones or a window's weights, written out in `forward`: what is multiplied by them is
summed, averaged or compared, which costs no multiply-add of a weight.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

# Operations whose numbers have nothing to do with the tensor they are given.
_FRESH = ("new_", "lift_fresh")


def fresh(name: str) -> bool:
    """Operation `name` takes only shape, type and device from the tensor it is given."""
    return name.startswith(_FRESH) or name.endswith("_like")


class Constants:
    """Which tensors hold such numbers. Told of every operation, in order."""

    def __init__(self) -> None:
        # By storage, so that views belong to it; kept alive, so that no other takes its number.
        self._storages: dict[int, torch.UntypedStorage] = {}

    def note(self, name: str, inputs: Sequence[Tensor], made: Sequence[Tensor]) -> None:
        """What operation `name` made of `inputs` is constant if they are; writing can end it."""
        constant = fresh(name) or all(x in self for x in inputs)
        for tensor in made:
            storage = tensor.untyped_storage()
            if constant:
                self._storages[storage._cdata] = storage
            else:
                self._storages.pop(storage._cdata, None)

    def __contains__(self, x: Tensor) -> bool:
        return x.untyped_storage()._cdata in self._storages
