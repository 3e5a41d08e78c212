"""What every network of the zoo offers, whatever its family."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from torch import Tensor, nn

from striate.errors import ArgumentError


class Stage(NamedTuple):
    """One stage of a network: the parameters that belong to it, and the map it leaves."""

    parts: tuple[str, ...]
    """The modules it owns, as prefixes of parameter names: `("conv1", "bn1")`."""
    channels: int
    """The map's axis 1; for the head, the classes."""
    stride: int
    """Input positions from one position of the map to the next; 0 where it has no positions."""

    def under(self, prefix: str) -> Stage:
        """The same stage of a network that has this one as its module `prefix`."""
        return self._replace(parts=tuple(f"{prefix}.{part}" for part in self.parts))


class WithAux(NamedTuple):
    """What a network with auxiliary classifiers answers while it trains."""

    logits: Tensor
    aux: tuple[Tensor, ...]


class ConvNet(nn.Module):
    """A network in stages: `forward(x)` to logits, `features(x)` to the named maps on the way.

    A family gives `stages`, in order and ending with `"head"`; `features`, whose keys are the
    other stages; `forward`; and `heads`, the final layers, which `reset_head` renews: linear ones
    or convolutions, the main one first. Each has one output a class, unless the family has a
    `reset_head` of its own (the points of a board share one output, a detector's boxes take four a
    class). Every parameter belongs to exactly one stage, and every buffer is in the state dict.
    """

    stages: dict[str, Stage]
    heads: tuple[str, ...]
    features: Callable[..., dict[str, Tensor]]

    @property
    def last_layer(self) -> nn.Module:
        """The final layer: features in, classes out."""
        return self.get_submodule(self.heads[0])

    @property
    def num_features(self) -> int:
        """How many numbers the final layer makes its answer from."""
        return _width(self.last_layer)

    def look_at(self, pictures: Iterator[Tensor]) -> None:
        """Before training from scratch, take from batches (B, C, H, W) what does not learn.

        Most architectures take nothing.
        """

    def reset_head(self, classes: int) -> None:
        """New final layers for `classes` classes, on the old ones' device and in their dtype."""
        check_classes(classes)
        for name in self.heads:
            self.set_submodule(name, _resized(self.get_submodule(name), classes))
        self.stages["head"] = self.stages["head"]._replace(channels=classes)


class Trunk(nn.Sequential):
    """A sequence cut into named pieces: x -> {name: the map after that piece}.

    The modules are numbered through, as in any `nn.Sequential`, so the state dict does not show
    the cuts: torchvision's `features.0`, `features.1`, ... stay what they are.
    """

    def __init__(self, pieces: Mapping[str, Sequence[nn.Module]]) -> None:
        super().__init__(*itertools.chain.from_iterable(pieces.values()))
        ends = list(itertools.accumulate(len(modules) for modules in pieces.values()))
        starts = [0, *ends[:-1]]
        self.pieces = dict(zip(pieces, map(range, starts, ends), strict=True))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Any map -> the map after each piece, by name, in order."""
        maps = {}
        for name, piece in self.pieces.items():
            for index in piece:
                x = self[index](x)
            maps[name] = x
        return maps

    def stages_under(self, prefix: str, ends: Iterable[tuple[int, int]]) -> dict[str, Stage]:
        """The pieces as stages of a network that has this trunk as its module `prefix`.

        `ends` are the channels and the stride of the map after each piece, in order.
        """
        return {
            name: Stage(tuple(map(str, piece)), channels, stride).under(prefix)
            for (name, piece), (channels, stride) in zip(self.pieces.items(), ends, strict=True)
        }


def last(maps: Mapping[str, Tensor]) -> Tensor:
    """The deepest of the named maps."""
    return list(maps.values())[-1]


def check_classes(classes: int) -> int:
    """`classes` if it can be a number of classes."""
    if not isinstance(classes, int) or isinstance(classes, bool) or classes < 1:
        raise ArgumentError("classes", classes, "a whole number of at least 1")
    return classes


def _width(layer: nn.Module) -> int:
    if isinstance(layer, nn.Linear):
        return layer.in_features
    if isinstance(layer, (nn.Conv1d, nn.Conv2d)):
        return layer.in_channels
    raise TypeError(f"a head is a linear layer or a convolution, not {type(layer).__name__}")


def _resized(layer: nn.Module, classes: int) -> nn.Module:
    """A fresh layer like `layer`, but for `classes` outputs; torch's own initialisation."""
    new: nn.Module
    weight = next(layer.parameters())
    if isinstance(layer, nn.Linear):
        new = nn.Linear(layer.in_features, classes, bias=layer.bias is not None)
    elif isinstance(layer, (nn.Conv1d, nn.Conv2d)):
        new = type(layer)(
            layer.in_channels,
            classes,
            layer.kernel_size,  # type: ignore[arg-type]  # a pair for Conv2d, one number for Conv1d
            stride=layer.stride,  # type: ignore[arg-type]
            padding=layer.padding,  # type: ignore[arg-type]
            bias=layer.bias is not None,
        )
    else:
        raise TypeError(f"a head is a linear layer or a convolution, not {type(layer).__name__}")
    return new.to(device=weight.device, dtype=weight.dtype)
