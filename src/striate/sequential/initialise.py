"""Keras' initialisers by their names; by default weights are `glorot_uniform`, biases zero.

Variance v = s / n with s = 2 for `he`, else 1, and n the fan-in, for `glorot` the mean of fan-in
and fan-out. Uniform: U(-a, a), a = sqrt(3 v). Normal: cut off at two deviations, and of variance v.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from striate.errors import ArgumentError, unknown_name

_SCALED = {
    f"{rule}_{shape}": (rule, shape)
    for rule in ("glorot", "he", "lecun")
    for shape in ("normal", "uniform")
}
NAMES = (*_SCALED, "ones", "zeros", "uniform")
_CUT = 0.87962566103423978
"""The standard deviation of a normal of deviation 1 that is cut off at 2."""


def fill(weight: Tensor, name: str, fan_in: int, fan_out: int) -> None:
    """Draw `weight` anew, in place, by the initialiser `name`."""
    if not isinstance(name, str):
        raise ArgumentError("initializer", name, "the name of an initialiser")
    if name not in NAMES:
        raise unknown_name("initializer", name, NAMES)
    if name in ("zeros", "ones"):
        nn.init.constant_(weight, name == "ones")
    elif name == "uniform":
        nn.init.uniform_(weight, -0.05, 0.05)
    else:
        rule, shape = _SCALED[name]
        fan = (fan_in + fan_out) / 2 if rule == "glorot" else fan_in
        deviation = math.sqrt((2 if rule == "he" else 1) / fan)
        if shape == "uniform":
            bound = math.sqrt(3) * deviation
            nn.init.uniform_(weight, -bound, bound)
        else:
            wide = deviation / _CUT
            nn.init.trunc_normal_(weight, 0, wide, -2 * wide, 2 * wide)
