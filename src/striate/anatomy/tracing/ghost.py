"""A network's double without numbers: same modules, same shapes, no memory, nothing shared.

The double may be run, switched to eval and written to; the network it was made from never notices.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy

from striate.anatomy.nested import tensors
from striate.anatomy.tracing.calls import Shape
from striate.errors import StriateError


def ghost(net: nn.Module, mode: FakeTensorMode) -> nn.Module:
    """A copy of `net` in eval mode whose parameters and buffers are fakes of `mode`, on the CPU.

    Everything but the numbers is copied, so counters, caches and flags of the original stay as
    they are; tied weights stay tied.
    """
    # On the CPU whatever the real one's device: a fake device needs no memory, and a network that
    # lies on "meta" or on an accelerator meets its input on the same one.
    with mode:
        doubles = _doubles(net, "cpu")
    return _copied(net, doubles)


def settled(net: nn.Module, shapes: tuple[Shape, ...], dtype: torch.dtype) -> nn.Module:
    """`net` itself, or where it has lazy layers a double whose layers have learnt their sizes."""
    if not any(is_lazy(tensor) for tensor in _tensors(net)):
        return net
    double = _copied(net, _doubles(net, "meta"))
    # A layer that fails here fails again in the run that follows, which reports it.
    with torch.no_grad(), torch.device("meta"), contextlib.suppress(Exception):
        double(*(torch.empty((1, *shape), dtype=dtype) for shape in shapes))
    return double


def _doubles(net: nn.Module, device: str) -> dict[int, Any]:
    """The tensor that takes each tensor's place, by its id: what `deepcopy` calls a memo."""
    return {id(tensor): _empty(tensor, device) for tensor in _tensors(net)}


def _copied(net: nn.Module, doubles: dict[int, Any]) -> nn.Module:
    try:
        return copy.deepcopy(net, doubles).eval()
    except Exception as error:
        raise StriateError(
            f"the network can't be copied ({type(error).__name__}: {error})",
            where="net",
            remedy="Keep open files, locks and generators out of its modules",
        ) from error


def _empty(tensor: Tensor, device: str) -> Tensor:
    if isinstance(tensor, UninitializedParameter):
        return UninitializedParameter(device="meta")  # type: ignore[call-arg]
    if is_lazy(tensor):
        return UninitializedBuffer(device="meta")  # type: ignore[call-arg]
    empty = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(empty, requires_grad=tensor.requires_grad)
    return empty


def _tensors(net: nn.Module) -> Iterator[Tensor]:
    """Every tensor a module holds: registered, or kept as a plain attribute, also in a list."""
    for module in net.modules():
        yield from tensors(vars(module))
