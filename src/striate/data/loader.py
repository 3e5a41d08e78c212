"""From stored pixels to batches that a network takes: look up, augment, normalise, done."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from striate.data.augment import Policy, Stream, apply
from striate.data.order import Order
from striate.data.stores import Store
from striate.errors import ArgumentError


@dataclass(frozen=True, slots=True)
class Batch:
    """What a network is given: images `(B, C, H, W)` float32 in channels-last memory.

    `ids` `(B,)` are the samples' indices in their data set. Where `mask` `(B,)` is False the sample
    does not count: it fills up the last batch, or its file cannot be read.
    """

    images: Tensor
    labels: Tensor
    mask: Tensor
    ids: Tensor


class Loader:
    """Batches of the samples `part` of a store (all, by default), epoch after epoch.

    One pass `for batch in loader` is what is left of the present epoch; then the next one begins.
    `state()` is exact at any moment: a loader that gets it by `load_state` goes on with the very
    batch that would have come. What a batch holds depends on the order's seed, the epoch and the
    samples alone: not on the kind of store, its workers, or earlier interruptions.
    """

    def __init__(
        self,
        store: Store,
        labels: Tensor,
        order: Order,
        *,
        normalise: Callable[[Tensor], Tensor],
        policy: Policy = (),
        part: Tensor | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        if len(labels) != len(store):
            raise ArgumentError("labels", len(labels), f"{len(store)}, one a picture")
        self.store, self.order = store, order
        self._labels, self._normalise, self._policy = labels, normalise, policy
        self._part = torch.arange(len(store)) if part is None else part
        self._device = torch.device(device)
        self._epoch, self._position = 0, 0

    def __len__(self) -> int:
        """The number of batches of a whole epoch."""
        return -(-len(self._part) // self.order.step(len(self._part)))

    def __iter__(self) -> Iterator[Batch]:
        epoch, count = self._epoch, len(self._part)
        chosen, told = itertools.tee(self.order.batches(count, epoch, self._position))
        stored = self.store.batches(self._part[places] for places, _ in chosen)
        for (places, mask), (pixels, readable) in zip(told, stored, strict=True):
            # Before the batch is given away: whoever asks for the state has it, and wants the next.
            self._position = min(count, self._position + self.order.step(count))
            yield self._batch(self._part[places], mask, pixels, readable, epoch)
        self._epoch, self._position = epoch + 1, 0

    def state(self) -> dict[str, int]:
        """Where the loader stands, in plain numbers: samples all ranks have had in this epoch."""
        return {
            "epoch": self._epoch,
            "position": self._position,
            "seed": self.order.seed,
            "samples": len(self._part),
        }

    def load_state(self, state: Mapping[str, int]) -> None:
        """Go on where `state()` was taken; batch size and number of ranks may be others."""
        for name, own in (("seed", self.order.seed), ("samples", len(self._part))):
            if state[name] != own:
                raise ArgumentError(name, state[name], f"{own}, as in this loader's order")
        self._epoch, self._position = state["epoch"], state["position"]

    def _batch(
        self, ids: Tensor, mask: Tensor, pixels: Tensor, readable: Tensor, epoch: int
    ) -> Batch:
        images = self._to_device(pixels)
        if self._policy:
            images = apply(self._policy, images, Stream(self.order.seed, epoch, ids))
        images = self._normalise(images).contiguous(memory_format=torch.channels_last)
        counts = self._to_device(mask) & self._to_device(readable)
        labels = self._to_device(self._labels[ids])
        return Batch(images, labels, counts, self._to_device(ids))

    def _to_device(self, tensor: Tensor) -> Tensor:
        """Where the network is; from pinned memory to a GPU, so that the copy waits for nothing."""
        if self._device.type == "cuda" and tensor.device.type == "cpu":
            tensor = tensor.pin_memory()
        return tensor.to(self._device, non_blocking=True)
