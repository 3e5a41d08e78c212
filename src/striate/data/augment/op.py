"""What an operation is, and how a policy of them runs over a batch.

A policy is a tuple of operations. Each first decides, for the whole batch at once, what it will do
to every sample (its plan, a row a sample), and then changes pixels. The batch goes through all
operations in pieces that fit the cache, a thread a core: pixels are read from memory once and
written once, however long the policy. Neighbouring geometric operations become one resampling.
"""

from __future__ import annotations

import functools
import itertools
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from striate.data.augment.resample import compose, resample
from striate.data.augment.stream import Stream
from striate.errors import ArgumentError

# Numbers in a piece: as float32 two megabytes. Smaller ones would fit a core's own cache better,
# but then calling the operations costs as much as it saves.
PIECE = 480_000
# A batch of fewer numbers is not shared out among threads.
SMALL = 30_000


class Shape(NamedTuple):
    """Channels and size of the pictures of a batch."""

    channels: int
    height: int
    width: int


class Operation(ABC):
    """Part of a policy; also callable by itself on images and a stream."""

    @property
    @abstractmethod
    def draws(self) -> int:
        """How many uniform numbers a sample needs."""

    @abstractmethod
    def stages(self, uniform: Tensor, shape: Shape) -> list[Stage]:
        """What is to be done to each sample, from uniform numbers (B, draws)."""

    def __call__(self, images: Tensor, stream: Stream) -> Tensor:
        """This operation as a policy of one."""
        return apply((self,), images, stream)


class Step(Operation):
    """An operation that does one thing to every sample."""

    @abstractmethod
    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """What to do to each sample: uniform (B, draws) to float64 (B, ...), on the CPU."""

    @abstractmethod
    def change(self, pixels: Tensor, plan: Tensor, white: float) -> Tensor:
        """Do it. `pixels` (B, C, H, W) run from 0 to `white`, may be overwritten, stay in range."""

    def stages(self, uniform: Tensor, shape: Shape) -> list[Stage]:
        """The one thing, for all."""
        return [Stage(self, self.plan(uniform, shape))]


class Geometric(Step):
    """An operation that moves pixels: a matrix from places in the result to places before it.

    The matrices are rows `a b x c d y` for `(X, Y) -> (aX + bY + x, cX + dY + y)`, in pixels
    counted from the middle of the picture, X to the right and Y down.
    """

    padding: str

    @abstractmethod
    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """The matrices: float64 (B, 6)."""

    def becomes(self, shape: Shape) -> Shape:
        """The shape of the result."""
        return shape

    @property
    def fuses(self) -> bool:
        """Whether it is best resampled together with its neighbours."""
        return True

    def change(self, pixels: Tensor, plan: Tensor, white: float) -> Tensor:
        """Resample by the matrices."""
        size = self.becomes(Shape(*pixels.shape[1:]))
        return resample(pixels, plan, (size.height, size.width), self.padding)


@dataclass(frozen=True)
class Fused:
    """Geometric neighbours as one resampling."""

    shape: Shape
    padding: str

    def change(self, pixels: Tensor, plan: Tensor, white: float) -> Tensor:
        """Resample by the composed matrices."""
        return resample(pixels, plan, (self.shape.height, self.shape.width), self.padding)


class Stage(NamedTuple):
    """A change of pixels with its plan, a row a sample, and which samples it is for (all: None)."""

    step: Step | Fused
    plan: Tensor
    chosen: Tensor | None = None

    def run(self, pixels: Tensor, piece: slice, white: float) -> Tensor:
        """The samples of a piece, changed where chosen."""
        plan = self.plan[piece]
        if self.chosen is None:
            return self.step.change(pixels, plan, white)
        rows = self.chosen[piece].nonzero().squeeze(1)
        if len(rows) == len(pixels):
            return self.step.change(pixels, plan, white)
        if len(rows):
            pixels, here = as_floats(pixels), rows.to(pixels.device)
            pixels[here] = self.step.change(pixels[here], plan[rows], white)
        return pixels


Policy = tuple[Operation, ...]


def apply(policy: Sequence[Operation], images: Tensor, stream: Stream) -> Tensor:
    """Run a policy over images (B, C, H, W), uint8 or floats from 0 to 1; the result is as they.

    What happens to a sample depends on the stream's seed, epoch and its own id alone. The input is
    left as it is.
    """
    _check(images, stream)
    shape = Shape(*images.shape[1:])
    stages, shape = _stages(policy, stream, shape)
    if not stages:
        return images.clone()
    out = torch.empty(
        (len(images), *shape),
        dtype=images.dtype,
        device=images.device,
        memory_format=_layout(stages, images),
    )
    pieces = _pieces(images)
    work = iter(pieces)  # shared: every thread takes the next piece until none is left

    def run() -> None:
        with torch.inference_mode():
            for piece in work:
                _run(stages, images, out, piece)

    threads = min(torch.get_num_threads(), len(pieces))
    if images.device.type == "cpu" and threads > 1:
        pool = _threads(os.getpid(), torch.get_num_threads())
        for done in [pool.submit(run) for _ in range(threads)]:
            done.result()
    else:
        run()
    return out


def _layout(stages: Sequence[Stage], images: Tensor) -> torch.memory_format:
    """As the images, where pixels are only moved as they are; plane by plane where reckoned with.

    Mirroring and passing on channels-last pictures of 224 px takes half the time so.
    """
    moved = all(isinstance(stage.step, Geometric) and not stage.step.fuses for stage in stages)
    if moved and images.is_contiguous(memory_format=torch.channels_last):
        return torch.channels_last
    return torch.contiguous_format


def _run(stages: Sequence[Stage], images: Tensor, out: Tensor, piece: slice) -> None:
    white = 255.0 if images.dtype == torch.uint8 else 1.0
    pixels = images[piece].clone()
    for stage in stages:
        pixels = stage.run(pixels, piece, white)
    if images.dtype == torch.uint8 and pixels.dtype != torch.uint8:
        # float to uint8 in one step is several times slower: torch has no vector code for it
        pixels = pixels.round_().to(torch.int16)
    out[piece].copy_(pixels)


def _stages(policy: Sequence[Operation], stream: Stream, shape: Shape) -> tuple[list[Stage], Shape]:
    uniforms = iter(stream.uniforms([step.draws for step in policy]))
    stages: list[Stage] = []
    for moving, group in itertools.groupby(policy, _movement):
        if moving is None:
            for step in group:
                stages += step.stages(next(uniforms), shape)
            continue
        steps = [step for step in group if isinstance(step, Geometric)]
        plans = []
        for step in steps:
            plans.append(step.plan(next(uniforms), shape))
            shape = step.becomes(shape)
        if any(step.fuses for step in steps):
            stages.append(Stage(Fused(shape, moving), functools.reduce(compose, plans)))
        else:
            stages += [Stage(step, plan) for step, plan in zip(steps, plans, strict=True)]
    return stages, shape


def _movement(step: Operation) -> str | None:
    """Neighbours for which this is the same padding are resampled together."""
    return step.padding if isinstance(step, Geometric) else None


def _pieces(images: Tensor) -> list[slice]:
    """A GPU takes the batch whole; a core as many pictures at once as its cache holds."""
    count, numbers = len(images), max(1, images.shape[1:].numel())
    if images.device.type == "cpu":
        share = -(-count // torch.get_num_threads()) if count * numbers > SMALL else count
        step = max(1, min(share, PIECE // numbers))
    else:
        step = max(1, count)
    return [slice(start, start + step) for start in range(0, count, step)]


@functools.lru_cache(maxsize=1)
def _threads(process: int, count: int) -> ThreadPoolExecutor:
    """Threads that keep to one core each: a piece is too small to be shared among cores.

    One pool a process, because a forked child has none of its parent's threads.
    """
    pool = ThreadPoolExecutor(count, "augment", initializer=torch.set_num_threads, initargs=(1,))
    barrier = threading.Barrier(count)
    list(pool.map(lambda _: barrier.wait(), range(count)))
    # What a thread sets for itself is also what new threads start with: put that right.
    torch.set_num_threads(count)
    return pool


def _check(images: Tensor, stream: Stream) -> None:
    if images.ndim != 4 or not (images.dtype == torch.uint8 or images.is_floating_point()):
        found = f"{images.dtype} {tuple(images.shape)}"
        raise ArgumentError("images", found, "uint8 or floats (B, C, H, W)")
    if len(images) != len(stream):
        raise ArgumentError("stream", f"{len(stream)} ids", f"{len(images)}, one a picture")


def as_floats(pixels: Tensor) -> Tensor:
    """Pixels in a type to reckon in, plane by plane: float32, or float64 where they are that."""
    wide = torch.float64 if pixels.dtype == torch.float64 else torch.float32
    return pixels.to(wide, memory_format=torch.contiguous_format)


def beside(plan: Tensor, pixels: Tensor) -> Tensor:
    """A plan, or a part of it, in the pixels' type and on their device."""
    return plan.to(pixels.device, pixels.dtype)
