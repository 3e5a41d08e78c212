"""TensorFlow's padding "same", for windows of any number of axes."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import unknown_name
from striate.sequential.base import Shape

PADDINGS = ("same", "valid")


def check_padding(name: str, choices: tuple[str, ...] = PADDINGS) -> str:
    """The padding's name in small letters, if it is one."""
    if name.lower() not in choices:
        raise unknown_name("padding", name, choices)
    return name.lower()


class SamePad(nn.Module):
    """(B, C, ...) -> the same with a border, so that n becomes ceil(n / stride) positions.

    Along an axis p = max((ceil(n / s) - 1) s + r - n, 0) values are added for a window that reaches
    over r: p // 2 before and the rest behind.
    """

    def __init__(self, reach: Shape, stride: Shape, value: float = 0.0) -> None:
        super().__init__()
        self.reach, self.stride, self.value = reach, stride, value

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ...) -> (B, C, ...)."""
        border: list[int] = []
        axes = zip(x.shape[2:], self.reach, self.stride, strict=True)
        for size, reach, stride in reversed(list(axes)):
            missing = max((-(-size // stride) - 1) * stride + reach - size, 0)
            border += [missing // 2, missing - missing // 2]
        return F.pad(x, border, value=self.value) if any(border) else x

    def extra_repr(self) -> str:
        """The arguments, as `print(net)` shows them."""
        return f"reach={self.reach}, stride={self.stride}, value={self.value}"


class Crop(nn.Module):
    """(B, C, ...) -> (B, C, ...): `stride` positions out of each one of the input's, from `start`.

    What padding "same" leaves of a transposed convolution.
    """

    def __init__(self, start: Shape, size: Shape) -> None:
        super().__init__()
        self.start, self.size = start, size

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ...) -> (B, C, *size)."""
        for axis, (start, size) in enumerate(zip(self.start, self.size, strict=True), 2):
            x = x.narrow(axis, start, size)
        return x

    def extra_repr(self) -> str:
        """The arguments, as `print(net)` shows them."""
        return f"start={self.start}, size={self.size}"
