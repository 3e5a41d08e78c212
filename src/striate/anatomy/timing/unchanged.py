"""Run a net without leaving a trace in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from striate.errors import ArgumentError


@contextlib.contextmanager
def unchanged(net: nn.Module) -> Iterator[None]:
    """Put back, whatever happens: buffers, gradients, training flags, torch's random streams.

    Gradients are set aside (`.grad` is None inside), so a backward pass starts from nothing.
    """
    _refuse_lazy(net)
    flags = [(module, module.training) for module in net.modules()]
    buffers = [(module._buffers, dict(module._buffers)) for module in net.modules()]
    contents = [{name: _copy(tensor) for name, tensor in own.items()} for _, own in buffers]
    gradients = [(parameter, parameter.grad) for parameter in net.parameters()]
    for parameter in net.parameters():
        parameter.grad = None
    tensors = [*net.parameters(), *net.buffers()]
    devices = sorted({t.device.index for t in tensors if t.device.type == "cuda"})
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        for module, training in flags:
            module.training = training
        for (place, own), content in zip(buffers, contents, strict=True):
            _restore(place, own, content)
        for parameter, gradient in gradients:
            parameter.grad = gradient


def _copy(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.detach().clone()


def _restore(
    place: dict[str, Tensor | None],
    own: dict[str, Tensor | None],
    content: dict[str, Tensor | None],
) -> None:
    place.clear()
    place.update(own)  # the very tensors that were there, whatever forward() put in their place
    with torch.no_grad():
        for name, tensor in own.items():
            before = content[name]
            if tensor is not None and before is not None:
                tensor.copy_(before)


def _refuse_lazy(net: nn.Module) -> None:
    for name, parameter in net.named_parameters():
        if nn.parameter.is_lazy(parameter):
            raise ArgumentError(
                "net",
                f"a lazy parameter {name}",
                "a net whose parameters have shapes",
                remedy="Call it once on an example input first",
            )
