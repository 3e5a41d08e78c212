"""Recurrent layers, traced over one time step and then stretched to all of them.

Every step does the same work on the same shapes, so a thousand cost as little to trace as one.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


def one_step(module: nn.RNNBase, args: tuple[Any, ...]) -> tuple[tuple[Any, ...], int]:
    """The same arguments with the first time step only, and how many steps there were.

    1 where there is nothing to shorten: a packed sequence, or a shape the layer will refuse.
    """
    x = args[0] if args else None
    if not isinstance(x, Tensor) or x.ndim not in (2, 3):
        return args, 1
    time = _time(module, x)
    return (x.narrow(time, 0, 1), *args[1:]), x.shape[time]


def all_steps(module: nn.RNNBase, output: tuple[Tensor, Any], steps: int) -> tuple[Tensor, Any]:
    """(outputs, state) of one step as they are after `steps`."""
    y, last = output
    return y.repeat_interleave(steps, _time(module, y)), last


def _time(module: nn.RNNBase, x: Tensor) -> int:
    return 1 if module.batch_first and x.ndim == 3 else 0
