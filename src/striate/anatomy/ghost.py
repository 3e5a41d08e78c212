"""A network's double without numbers: same modules, same shapes, no memory, nothing shared.

The double may be run, switched to eval and written to; the network it was made from never notices.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.parameter import UninitializedTensorMixin

from striate.errors import StriateError


def ghost(net: nn.Module, mode: FakeTensorMode) -> nn.Module:
    """A copy of `net` in eval mode whose parameters and buffers are fakes of `mode`, on the CPU.

    Everything but the numbers is copied, so counters, caches and flags of the original stay as
    they are; tied weights stay tied.
    """
    doubles: dict[int, Any] = {}
    with mode:
        for tensor in _tensors(net):
            if not isinstance(tensor, UninitializedTensorMixin) and id(tensor) not in doubles:
                doubles[id(tensor)] = _fake(tensor)
    try:
        return copy.deepcopy(net, doubles).eval()
    except Exception as error:
        raise StriateError(
            f"the network can't be copied ({type(error).__name__}: {error})",
            where="net",
            remedy="Keep open files, locks and generators out of its modules",
        ) from error


def _fake(tensor: Tensor) -> Tensor:
    # On the CPU whatever the real one's device: a fake device needs no memory, and a network that
    # lies on "meta" or on an accelerator meets its input on the same one.
    fake = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="cpu")
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(fake, requires_grad=tensor.requires_grad)
    return fake


def _tensors(net: nn.Module) -> Iterator[Tensor]:
    """Every tensor a module holds: registered, or kept as a plain attribute, also in a list."""
    for module in net.modules():
        for value in vars(module).values():
            yield from _inside(value)


def _inside(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        yield from (item for item in value if isinstance(item, Tensor))
    elif isinstance(value, dict):
        yield from (item for item in value.values() if isinstance(item, Tensor))
