"""What the rules read: a traced net as a graph, and the windows that slide in each layer."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

import torch
from torch import Tensor, nn

from striate.anatomy.trace import Call, Trace, trace

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
MAX_POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
AVERAGE_POOLS = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
SLIDING = (*CONVOLUTIONS, *MAX_POOLS, *AVERAGE_POOLS)
DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)

# Parts of class and function names, because a trace meets both spellings.
_ENLARGING = ("upsampl", "pixelshuffle", "pixel_shuffle", "unpool", "grid_sample")


@dataclass(frozen=True, slots=True)
class Window:
    """One axis of a sliding window: input and output size, kernel, stride, padding, dilation."""

    size: int
    out: int
    kernel: int
    stride: int
    before: int
    after: int
    dilation: int

    @property
    def span(self) -> int:
        """Pixels from the first to the last tap: d(k - 1) + 1."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def unseen(self) -> int:
        """Pixels at the far border that lie past the last window."""
        return max(0, self.size + self.before - (self.out - 1) * self.stride - self.span)

    @property
    def live(self) -> int:
        """Taps that meet at least one pixel; the others only ever meet padding."""
        return sum(
            any(
                0 <= place * self.stride - self.before + tap * self.dilation < self.size
                for place in range(self.out)
            )
            for tap in range(self.kernel)
        )


def windows(call: Call) -> tuple[Window, ...]:
    """The windows of a convolution or pooling layer, one an axis; () for any other call."""
    module = call.module
    if not isinstance(module, SLIDING):
        return ()
    kind = next(kind for kind in type(module).__mro__ if kind in SLIDING)  # a subclass has any name
    axes = int(kind.__name__[-2])
    kernel, stride = _each(module.kernel_size, axes), _each(module.stride, axes)
    pooled_flat = isinstance(module, AVERAGE_POOLS)
    dilation = (1,) * axes if pooled_flat else _each(module.dilation, axes)
    sizes, outs = call.inputs[0][-axes:], call.outputs[0][-axes:]
    pads = _pads(module.padding, kernel, dilation)
    return tuple(
        Window(n, out, k, s, before, after, d)
        for n, out, k, s, (before, after), d in zip(
            sizes, outs, kernel, stride, pads, dilation, strict=True
        )
    )


def _each(value: object, axes: int) -> tuple[int, ...]:
    if isinstance(value, int):
        return (value,) * axes
    assert isinstance(value, tuple | list)
    return tuple(value) if len(value) == axes else tuple(value) * axes


def _pads(
    padding: object, kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> list[tuple[int, int]]:
    if padding == "same":
        totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return [(total // 2, total - total // 2) for total in totals]
    if padding == "valid":
        return [(0, 0)] * len(kernel)
    return [(p, p) for p in _each(padding, len(kernel))]


@dataclass(frozen=True)
class Plan:
    """A traced net, seen as a graph: which call feeds which, and which make the output."""

    net: nn.Module
    trace: Trace
    loss: str | None

    @cached_property
    def consumers(self) -> dict[int, list[int]]:
        """For each call (and -1, the input): the calls that read its output."""
        readers: dict[int, list[int]] = {index: [] for index in range(-1, len(self.trace.calls))}
        for call in self.trace.calls:
            for source in dict.fromkeys(call.sources):
                readers[source].append(call.index)
        return readers

    @cached_property
    def finals(self) -> list[Call]:
        """The calls that make the net's output: nobody reads them, and the sizes agree."""
        if self.trace.failure:
            return []
        sizes = {prod(shape) for shape in shapes(self.trace.output)}
        return [
            call
            for call in self.trace.calls
            if not self.consumers[call.index]
            and any(prod(shape) in sizes for shape in call.outputs)
        ]

    @cached_property
    def upsamples(self) -> bool:
        """Whether some layer enlarges its map: an encoder-decoder, a generator, a U-Net."""
        return any(
            isinstance(call.module, TRANSPOSED)
            or any(part in call.type.lower() for part in _ENLARGING)
            for call in self.trace.calls
        )

    def source(self, call: Call) -> Call | None:
        """The one call that feeds this one; None at the input or at a join."""
        if len(call.sources) != 1 or call.sources[0] < 0:
            return None
        return self.trace.calls[call.sources[0]]

    def alone(self, call: Call) -> bool:
        """Whether exactly one call reads this one's output."""
        return len(self.consumers[call.index]) == 1

    @cached_property
    def _behind(self) -> list[set[int]]:
        behind: list[set[int]] = []
        for call in self.trace.calls:  # in order, so every source is known already
            earlier = [behind[index] for index in call.sources if index >= 0]
            behind.append(set(call.sources).union(*earlier))
        return behind

    def ancestors(self, call: Call) -> set[int]:
        """Every call whose output reaches this one (and -1 where the input does)."""
        return self._behind[call.index]

    def after(self, call: Call) -> list[Call]:
        """Every call that this one's output reaches."""
        return [later for later in self.trace.calls if call.index in self.ancestors(later)]

    def follows_convolution(self, call: Call) -> bool:
        """Whether some convolution comes before it on a way from the input."""
        before = (self.trace.calls[index] for index in self.ancestors(call) if index >= 0)
        return any(isinstance(earlier.module, CONVOLUTIONS) for earlier in before)

    @property
    def picture(self) -> tuple[int, ...]:
        """The input's spatial size, () for a net with several inputs or none."""
        return tuple(size for size in self.trace.input_shape[1:] if isinstance(size, int))

    @property
    def channels(self) -> int:
        """The input's channels (1 for a net with several inputs)."""
        first = self.trace.input_shape[0]
        return first if isinstance(first, int) else 1

    def resized(self, sizes: tuple[int, ...]) -> Trace:
        """The same net traced on a picture of other sizes."""
        if sizes not in self._resized:
            self._resized[sizes] = trace(self.net, (self.channels, *sizes))
        return self._resized[sizes]

    @cached_property
    def _resized(self) -> dict[tuple[int, ...], Trace]:
        return {}  # several rules ask for the same sizes

    @cached_property
    def runs(self) -> bool:
        """Whether a copy of the net takes one blank sample; the only place where lint computes."""
        try:
            with torch.no_grad():
                copy.deepcopy(self.net).cpu().eval()(*self.blank(1))
        except Exception:  # the stranger's net fails on numbers too: then its failure is real
            return False
        return True

    @property
    def samples(self) -> tuple[tuple[int, ...], ...]:
        """The shape of one sample for each input."""
        shape = self.trace.input_shape
        several = tuple(one for one in shape if isinstance(one, tuple))
        return several or (tuple(one for one in shape if isinstance(one, int)),)

    @property
    def dtype(self) -> torch.dtype:
        """The input's: whole numbers where the net begins with an embedding."""
        calls = self.trace.calls
        if calls and isinstance(calls[0].module, nn.Embedding | nn.EmbeddingBag):
            return torch.int64
        floats = (p.dtype for p in self.net.parameters() if p.dtype.is_floating_point)
        return next(floats, torch.get_default_dtype())

    def blank(self, count: int) -> list[Tensor]:
        """A batch of zeros for each input."""
        return [torch.zeros((count, *shape), dtype=self.dtype) for shape in self.samples]

    def convolutions(self) -> Iterator[Call]:
        """Every first call of a convolution, in the order they run."""
        for call in self.trace.calls:
            if isinstance(call.module, CONVOLUTIONS) and not call.shared:
                yield call


def shapes(output: object) -> Iterator[tuple[int, ...]]:
    """The plain shapes inside a nested output of tuples, lists and dicts."""
    if isinstance(output, dict):
        for part in output.values():
            yield from shapes(part)
    elif isinstance(output, tuple | list):
        if output and all(isinstance(size, int) for size in output):
            yield tuple(output)
        else:
            for part in output:
                yield from shapes(part)
