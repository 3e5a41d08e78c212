"""Numbers that are no numbers are stopped before they reach the weights, and traced to a layer."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from striate.errors import StriateError


class NonFiniteError(ArithmeticError):
    """A loss or a gradient is infinite or no number: in which layer, for which of the batch."""

    def __init__(self, what: str, samples: list[int]) -> None:
        super().__init__(what)
        self.what = what
        self.samples = samples
        """Places in the batch; all of them where it cannot be told."""


def check_finite(net: nn.Module, loss: float, norm: Tensor, images: Tensor) -> None:
    """Raise unless the loss and the gradient's norm are finite; called before every update."""
    if math.isfinite(loss) and bool(norm.isfinite()):
        return
    bad = ~images.flatten(1).isfinite().all(1)
    if bad.any():
        raise NonFiniteError("the pictures hold values that are no numbers", _places(bad))
    layer, bad = _first_bad_layer(net, images)
    if layer:
        raise NonFiniteError(f"layer {layer} gives values that are no numbers", _places(bad))
    everyone = list(range(len(images)))
    for name, parameter in reversed(list(net.named_parameters())):
        if parameter.grad is not None and not parameter.grad.isfinite().all():
            raise NonFiniteError(f"the gradient of {name} is not finite", everyone)
    raise NonFiniteError(f"the loss is {loss}, the gradient's norm {norm.item():g}", everyone)


def check_weights(step: int, tensors: Mapping[str, Tensor]) -> None:
    """Raise unless every number is finite; called before weights are evaluated or saved."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise StriateError(
                f"step {step}: {name} holds values that are no numbers",
                remedy="Nothing of it was saved; the last checkpoint is whole. Lower peak_rate",
            )


@torch.no_grad()
def _first_bad_layer(net: nn.Module, images: Tensor) -> tuple[str, Tensor]:
    """The first layer, as they are called, whose output is not finite, and for which samples."""
    found: list[tuple[str, Tensor]] = []
    handles: list[RemovableHandle] = []
    for name, layer in net.named_modules():
        if next(layer.children(), None) is None:

            def look(_: nn.Module, __: object, output: object, name: str = name) -> None:
                if isinstance(output, Tensor) and not found and not output.isfinite().all():
                    found.append((name, ~output.flatten(1).isfinite().all(1)))

            handles.append(layer.register_forward_hook(look))
    try:
        net(images)
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found else ("", torch.zeros(len(images), dtype=torch.bool))


def _places(bad: Tensor) -> list[int]:
    return [int(place) for place in bad.nonzero().flatten().tolist()]
