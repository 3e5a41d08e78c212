"""What an aten operation costs and what people call it.

Multiply-adds are counted where torch does the work, so functional calls, custom layers and
recurrent parts need no rule of their own. A product of the data with numbers made on the spot, a
sum over a window say, is like a pooling and counts as none (`constants`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from torch import Tensor

# Operations that only look at, move or make numbers: no row of their own in a table.
QUIET = frozenset(
    {"alias", "as_strided", "clone", "contiguous", "copy_", "detach", "device", "diagonal"}
    | {"arange", "empty", "eye", "fill_", "full", "linspace", "ones", "rand", "randn", "zero_"}
    | {"empty_like", "empty_strided", "full_like", "ones_like", "zeros", "zeros_like"}
    | {"new_empty", "new_full", "new_ones", "new_zeros", "scalar_tensor", "sym_size", "_to_copy"}
    | {"expand", "permute", "reshape", "_reshape_alias", "select", "slice", "split", "t"}
    | {"split_with_sizes", "squeeze", "transpose", "unbind", "unsqueeze", "view", "_unsafe_view"}
    | {"lift_fresh", "lift_fresh_copy"}
)

# The names people know, where aten has another.
_LABELS = {
    "_local_scalar_dense": "item",
    "nonzero": "mask",
    "addmm": "linear",
    "mm": "linear",
    "bmm": "matmul",
    "baddbmm": "matmul",
    "convolution": "conv",
    "max_pool2d_with_indices": "max_pool2d",
    "max_pool3d_with_indices": "max_pool3d",
    "native_batch_norm": "batch_norm",
    "native_group_norm": "group_norm",
    "native_layer_norm": "layer_norm",
    "constant_pad_nd": "pad",
    "mkldnn_rnn_layer": "rnn",
    "native_dropout": "dropout",
    "local_product": "local",
}


def label(name: str) -> str:
    """The everyday name of an aten operation: `addmm` is linear, `_softmax` is softmax."""
    if name in _LABELS:
        return _LABELS[name]
    if name.startswith("_scaled_dot_product"):
        return "attention"
    return name.strip("_")


def macs(name: str, args: Sequence[Any], outputs: Sequence[Tensor]) -> int:
    """Multiply-adds of one operation; biases, norms, activations and pools count as none."""
    if name.startswith("_scaled_dot_product"):
        name = "_scaled_dot_product"
    count = _COUNTS.get(name)
    return count(args, outputs) if count else 0


def factors(name: str, args: Sequence[Any]) -> tuple[Any, ...]:
    """The two that an operation of `macs` multiplies; a bias is none."""
    first = 1 if name.startswith("add") or name == "baddbmm" else 0
    return tuple(args[first : first + 2])


def _convolution(args: Sequence[Any], outputs: Sequence[Tensor]) -> int:
    # Forward, each output unit reads one kernel; transposed, each input unit writes one.
    x, weight, transposed = args[0], args[1], args[6]
    units = x.numel() if transposed else outputs[0].numel()
    return int(units * prod(weight.shape[1:]))


def _product(first: int) -> Callable[[Sequence[Any], Sequence[Tensor]], int]:
    """(..., K) @ (K, ...): each output number sums K products."""

    def count(args: Sequence[Any], outputs: Sequence[Tensor]) -> int:
        return int(outputs[0].numel() * args[first].shape[-1])

    return count


def _attention(args: Sequence[Any], outputs: Sequence[Tensor]) -> int:
    query, key, value = args[:3]  # (B, heads, L, E), (B, heads, S, E), (B, heads, S, V)
    return int(prod(query.shape[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1]))


def _recurrent(args: Sequence[Any], outputs: Sequence[Tensor]) -> int:
    x, weight_in, weight_hidden = args[:3]  # (T, B, features), one layer in one direction
    return int(x.shape[0] * x.shape[1] * (weight_in.numel() + weight_hidden.numel()))


def _local(args: Sequence[Any], outputs: Sequence[Tensor]) -> int:
    return int(args[0].shape[0] * args[1].numel())  # nothing is shared: each weight is used once


_COUNTS: dict[str, Callable[[Sequence[Any], Sequence[Tensor]], int]] = {
    "convolution": _convolution,
    "mm": _product(0),
    "bmm": _product(0),
    "mv": _product(0),
    "dot": _product(0),
    "linear": _product(0),
    "matmul": _product(0),
    "addmm": _product(1),
    "addmv": _product(1),
    "addbmm": _product(1),
    "baddbmm": _product(1),
    "_scaled_dot_product": _attention,
    "mkldnn_rnn_layer": _recurrent,
    "local_product": _local,  # our own operator: local receptive fields
}
