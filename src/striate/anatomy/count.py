"""Multiply-adds, counted while a network answers; a trace tells more, and takes two seconds."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from striate.anatomy.nested import tensors
from striate.anatomy.tracing import ops


@torch.no_grad()
def multiply_adds(net: nn.Module, images: Tensor) -> int:
    """What `net` multiplies and adds for `images` (B, C, H, W), as `summary` counts it for them."""
    with _Counter() as counter:
        net(images)
    total: int = counter.total
    return total


class _Counter(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing here is compiled, and to guard against it torch would import its compiler."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        self.total += ops.macs(func.overloadpacket.__name__, args, list(tensors(output)))
        return output
