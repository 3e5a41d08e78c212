"""Local receptive fields without weight sharing: a convolution with kernels of its own everywhere.

B batch, C channels in, O channels out, (H, W) size in, (H', W') size out, (U, V) kernel.

How it is computed. Unfolding the input whole, as `F.unfold` does, copies it U*V times and then once
more to please the matrix product. Here only the columns are unfolded, into (W', B, H, V, C): V
copies. In that layout the U rows that an output row reads lie side by side, so (W', B, U*V*C) for
each output row is a view, and one batched product with that row's weights (W', U*V*C, O) does it.
The backward pass unfolds anew, which is cheap, and keeps nothing but the input.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.layers import arguments


class LocalConv2d(nn.Module):
    """(B, C, H, W) -> (B, O, H', W'), n' = (n + 2 padding - kernel) // stride + 1.

    y[o, h, w] = bias[o, h, w]
               + sum over u, v, c of x[c, h*stride + u - padding, w*stride + v - padding]
                                     * weight[h, w, u, v, c, o], with zeros outside.

    weight: (H', W', U, V, C, O), bias: (O, H', W'), both uniform within 1 / sqrt(C*U*V) at first.
    `size` is the (H, W) of the input: the number of weights depends on it, and no other size fits.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int | tuple[int, int],
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.in_channels = arguments.whole("in_channels", in_channels)
        self.out_channels = arguments.whole("out_channels", out_channels)
        self.size = arguments.pair("size", size)
        self.kernel_size = arguments.pair("kernel_size", kernel_size)
        self.stride = arguments.pair("stride", stride)
        self.padding = arguments.pair("padding", padding, 0)
        rows, columns = (
            _places(*axis)
            for axis in zip(self.size, self.kernel_size, self.stride, self.padding, strict=True)
        )
        shape = (rows, columns, *self.kernel_size, in_channels, out_channels)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(out_channels, rows, columns)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights and biases anew."""
        _reset(self.weight, self.bias, self.in_channels * math.prod(self.kernel_size))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, O, H', W')."""
        _expect(x, (self.in_channels, *self.size))
        rows, columns = self.padding
        x = F.pad(x, (columns, columns, rows, rows)) if rows or columns else x
        return _apply(x, self.weight, self.bias, self.stride)

    def extra_repr(self) -> str:
        """The arguments, as `print(net)` shows them."""
        return _facts(self)


class LocalConv1d(nn.Module):
    """(B, C, L) -> (B, O, L'), L' = (L + 2 padding - kernel) // stride + 1.

    y[o, t] = bias[o, t] + sum over v, c of x[c, t*stride + v - padding] * weight[t, v, c, o],
    with zeros outside.

    weight: (L', V, C, O), bias: (O, L'), both uniform within 1 / sqrt(C*V) at first.
    `size` is the length L of the input: no other fits.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.in_channels = arguments.whole("in_channels", in_channels)
        self.out_channels = arguments.whole("out_channels", out_channels)
        self.size = arguments.whole("size", size)
        self.kernel_size = arguments.whole("kernel_size", kernel_size)
        self.stride = arguments.whole("stride", stride)
        self.padding = arguments.whole("padding", padding, 0)
        places = _places(size, kernel_size, stride, padding)
        self.weight = nn.Parameter(torch.empty(places, kernel_size, in_channels, out_channels))
        self.bias = nn.Parameter(torch.empty(out_channels, places)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights and biases anew."""
        _reset(self.weight, self.bias, self.in_channels * self.kernel_size)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L) -> (B, O, L')."""
        _expect(x, (self.in_channels, self.size))
        x = F.pad(x, (self.padding, self.padding)) if self.padding else x
        image = x.unsqueeze(2)  # (B, C, 1, L)
        weight = self.weight.unsqueeze(1).unsqueeze(0)  # (1, L', 1, V, C, O)
        bias = None if self.bias is None else self.bias.unsqueeze(1)  # (O, 1, L')
        return _apply(image, weight, bias, (1, self.stride)).squeeze(2)

    def extra_repr(self) -> str:
        """The arguments, as `print(net)` shows them."""
        return _facts(self)


def _places(size: int, kernel: int, stride: int, padding: int) -> int:
    """Output units along one axis."""
    if kernel > size + 2 * padding:
        raise ArgumentError("kernel_size", kernel, f"at most the padded size {size} + 2*{padding}")
    return (size + 2 * padding - kernel) // stride + 1


def _reset(weight: Tensor, bias: Tensor | None, inputs: int) -> None:
    bound = 1 / math.sqrt(inputs)
    for parameter in (weight,) if bias is None else (weight, bias):
        nn.init.uniform_(parameter, -bound, bound)


def _expect(x: Tensor, shape: tuple[int, ...]) -> None:
    if tuple(x.shape[1:]) != shape:
        expected = f"(batch, {', '.join(map(str, shape))}), the size this layer was made for"
        raise ArgumentError("x", tuple(x.shape), expected)


def _facts(layer: LocalConv1d | LocalConv2d) -> str:
    return (
        f"{layer.in_channels}, {layer.out_channels}, size={layer.size}, "
        f"kernel_size={layer.kernel_size}, stride={layer.stride}, padding={layer.padding}, "
        f"bias={layer.bias is not None}"
    )


def _apply(x: Tensor, weight: Tensor, bias: Tensor | None, stride: tuple[int, int]) -> Tensor:
    device = x.device.type
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        # torch knows which of its own products run in low precision, not that this is one.
        dtype = torch.get_autocast_dtype(device)
        x, weight = x.to(dtype), weight.to(dtype)
        bias = None if bias is None else bias.to(dtype)
    y: Tensor = local_product(x, weight, list(stride))
    return y if bias is None else y + bias


# --- The three products, as operators of torch: so compilers, fake tensors and autograd know them.


@torch.library.custom_op("striate::local_product", mutates_args=())
def local_product(x: Tensor, weight: Tensor, stride: list[int]) -> Tensor:
    """y[o, h, w] = sum of x[c, h*s + u, w*s + v] * weight[h, w, u, v, c, o]: (B, O, H', W')."""
    rows, columns, _, _, _, channels = weight.shape
    unfolded = _unfold_columns(x, weight.shape, stride)
    y = x.new_empty(rows, columns, x.shape[0], channels)
    for row in range(rows):
        view = _row_view(unfolded, weight.shape, row * stride[0])
        torch.bmm(view, _row_weight(weight, row), out=y[row])
    return y.permute(2, 3, 0, 1).contiguous(memory_format=_format(x))


@torch.library.custom_op("striate::local_grad_input", mutates_args=())
def local_grad_input(
    grad: Tensor, weight: Tensor, stride: list[int], height: int, width: int
) -> Tensor:
    """The gradient of `local_product` with respect to x (B, C, H, W), from that of y."""
    rows, columns, _, taps, channels, _ = weight.shape
    batch = grad.shape[0]
    grad = grad.permute(2, 3, 0, 1).contiguous()  # (H', W', B, O)
    unfolded = grad.new_zeros(columns, batch, height, taps, channels)
    for row in range(rows):
        view = _row_view(unfolded, weight.shape, row * stride[0])
        view.baddbmm_(grad[row], _row_weight(weight, row).transpose(1, 2))
    x = grad.new_zeros(batch, height, width, channels)
    reach = (columns - 1) * stride[1] + 1
    for tap in range(taps):
        x[:, :, tap : tap + reach : stride[1]] += unfolded[:, :, :, tap].permute(1, 2, 0, 3)
    return x.permute(0, 3, 1, 2)


@torch.library.custom_op("striate::local_grad_weight", mutates_args=())
def local_grad_weight(grad: Tensor, x: Tensor, stride: list[int], kernel: list[int]) -> Tensor:
    """The gradient of `local_product` with respect to weight (H', W', U, V, C, O), from y's."""
    _, outputs, rows, columns = grad.shape
    shape = torch.Size((rows, columns, *kernel, x.shape[1], outputs))
    grad = grad.permute(2, 3, 0, 1).contiguous()  # (H', W', B, O)
    unfolded = _unfold_columns(x, shape, stride)
    weight = grad.new_empty(shape)
    for row in range(rows):
        view = _row_view(unfolded, shape, row * stride[0])
        torch.bmm(view.transpose(1, 2), grad[row], out=_row_weight(weight, row))
    return weight


def _unfold_columns(x: Tensor, shape: torch.Size, stride: list[int]) -> Tensor:
    """(B, C, H, W) -> (W', B, H, V, C), a copy."""
    taps, columns = shape[3], shape[1]
    pixels = x.permute(0, 2, 3, 1).contiguous()  # V*C neighbours lie side by side
    windows = pixels.unfold(2, taps, stride[1])[:, :, :columns]  # (B, H, W', C, V)
    return windows.permute(2, 0, 1, 4, 3).contiguous()


def _row_view(unfolded: Tensor, shape: torch.Size, first: int) -> Tensor:
    """(W', B, H, V, C) -> (W', B, U*V*C): the U rows from `first` on, not copied."""
    return unfolded[:, :, first : first + shape[2]].flatten(2)


def _row_weight(weight: Tensor, row: int) -> Tensor:
    """(H', W', U, V, C, O) -> (W', U*V*C, O), not copied."""
    return weight[row].flatten(1, 3)


def _format(x: Tensor) -> torch.memory_format:
    """The layout of the result: that of the input."""
    last = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
    return torch.channels_last if last else torch.contiguous_format


@local_product.register_fake
def _(x: Tensor, weight: Tensor, stride: list[int]) -> Tensor:
    shape = (x.shape[0], weight.shape[5], weight.shape[0], weight.shape[1])
    return x.new_empty(shape).contiguous(memory_format=_format(x))


@local_grad_input.register_fake
def _(grad: Tensor, weight: Tensor, stride: list[int], height: int, width: int) -> Tensor:
    return grad.new_empty(grad.shape[0], height, width, weight.shape[4]).permute(0, 3, 1, 2)


@local_grad_weight.register_fake
def _(grad: Tensor, x: Tensor, stride: list[int], kernel: list[int]) -> Tensor:
    _, outputs, rows, columns = grad.shape
    return grad.new_empty(rows, columns, *kernel, x.shape[1], outputs)


# y is linear in x and in weight, so each gradient of each product is again one of the three.


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    first, second, ctx.stride = inputs[:3]
    ctx.save_for_backward(first, second)


def _product_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    x, weight = ctx.saved_tensors
    need_x, need_weight = ctx.needs_input_grad[:2]
    return (
        local_grad_input(grad, weight, ctx.stride, *x.shape[2:]) if need_x else None,
        local_grad_weight(grad, x, ctx.stride, list(weight.shape[2:4])) if need_weight else None,
        None,
    )


def _grad_input_backward(ctx: Any, second: Tensor) -> tuple[Tensor | None, ...]:
    grad, weight = ctx.saved_tensors
    kernel = list(weight.shape[2:4])
    by_grad = local_product(second, weight, ctx.stride)
    by_weight = local_grad_weight(grad, second, ctx.stride, kernel)
    return by_grad, by_weight, None, None, None


def _grad_weight_backward(ctx: Any, second: Tensor) -> tuple[Tensor | None, ...]:
    grad, x = ctx.saved_tensors
    by_grad = local_product(x, second, ctx.stride)
    by_x = local_grad_input(grad, second, ctx.stride, *x.shape[2:])
    return by_grad, by_x, None, None


local_product.register_autograd(_product_backward, setup_context=_keep)
local_grad_input.register_autograd(_grad_input_backward, setup_context=_keep)
local_grad_weight.register_autograd(_grad_weight_backward, setup_context=_keep)
