"""Every layer once more, as the formula reads: plain loops over positions, in float64.

Nothing here calls torch's operators: a layer's parameters are read as arrays, and the sums are
written out. (B, C, H, W) everywhere; a signal (B, C, L) is an image of one row.
"""

import math
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]


def array(tensor: Any) -> Array:
    return tensor.detach().double().numpy()  # type: ignore[no-any-return]


def source(index: int, size: int, mode: str) -> int | None:
    """Which pixel stands at `index`, of a line of `size` continued by `mode`; None is zero."""
    if 0 <= index < size:
        return index
    if mode == "zeros":
        return None
    if mode == "replicate":
        return 0 if index < 0 else size - 1
    if mode == "wrap":
        return index % size
    return source(-index if index < 0 else 2 * (size - 1) - index, size, mode)  # reflect


def places(size: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> int:
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def windows(
    x: Array,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    mode: str = "zeros",
) -> tuple[tuple[int, int], Iterator[tuple[int, int, Array]]]:
    """The output's size, and (h, w, the (B, C, k, k) patch seen there)."""
    height, width = x.shape[2:]
    size = tuple(
        places(*axis) for axis in zip(x.shape[2:], kernel, stride, padding, dilation, strict=True)
    )

    def patches() -> Iterator[tuple[int, int, Array]]:
        for h, w in product(range(size[0]), range(size[1])):
            patch = np.zeros((*x.shape[:2], *kernel))
            for u, v in product(range(kernel[0]), range(kernel[1])):
                row = source(h * stride[0] + u * dilation[0] - padding[0], height, mode)
                column = source(w * stride[1] + v * dilation[1] - padding[1], width, mode)
                if row is not None and column is not None:
                    patch[:, :, u, v] = x[:, :, row, column]
            yield h, w, patch

    return (size[0], size[1]), patches()


def correlate(x: Array, weight: Array, bias: Array | None, groups: int = 1, **how: Any) -> Array:
    size, patches = windows(x, weight.shape[2:], **how)
    y = np.zeros((x.shape[0], weight.shape[0], *size))
    fed, made = weight.shape[1], weight.shape[0] // groups
    for h, w, patch in patches:
        for b, o in product(range(len(x)), range(len(weight))):
            seen = patch[b, (o // made) * fed : (o // made + 1) * fed]
            y[b, o, h, w] = sum((seen * weight[o]).ravel()) + (0 if bias is None else bias[o])
    return y


def conv2d(layer: Any, x: Array, mode: str = "zeros", padding: Any = None) -> Array:
    return correlate(
        x,
        array(layer.weight),
        None if layer.bias is None else array(layer.bias),
        layer.groups,
        stride=layer.stride,
        padding=layer.padding if padding is None else padding,
        dilation=layer.dilation,
        mode=mode,
    )


def padded_conv2d(layer: Any, x: Array) -> Array:
    reach = [d * (k - 1) // 2 for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
    return conv2d(layer, x, layer.mode, tuple(reach))


def same_pad_conv2d(layer: Any, x: Array) -> Array:
    """TensorFlow's two cases: what lies behind the last full stride decides the padding."""
    around = []
    for n, k, s, d in zip(
        x.shape[2:], layer.kernel_size, layer.stride, layer.dilation, strict=True
    ):
        missing = max(d * (k - 1) + 1 - (n % s or s), 0)
        around.append((missing // 2, missing - missing // 2))
    return conv2d(layer, np.pad(x, ((0, 0), (0, 0), *around)), padding=(0, 0))


def batch_norm(layer: Any, x: Array) -> Array:
    y = np.empty_like(x)
    mean, variance = array(layer.running_mean), array(layer.running_var)
    weight, bias = array(layer.weight), array(layer.bias)
    for c in range(x.shape[1]):
        y[:, c] = (x[:, c] - mean[c]) / math.sqrt(variance[c] + layer.eps) * weight[c] + bias[c]
    return y


def relu(x: Array) -> Array:
    return np.where(x > 0, x, 0.0)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def each(x: Array, change: Callable[[float], float]) -> Array:
    return np.array([change(value) for value in x.ravel()]).reshape(x.shape)


def conv_norm_act(layer: Any, x: Array) -> Array:
    return relu(batch_norm(layer[1], conv2d(layer[0], x)))


def depthwise_separable(layer: Any, x: Array) -> Array:
    return conv_norm_act(layer[1], conv_norm_act(layer[0], x))


def bare_separable(layer: Any, x: Array) -> Array:
    return conv2d(layer[1][0], conv2d(layer[0][0], x))


def projection(layer: Any, x: Array) -> Array:
    return batch_norm(layer[1], conv2d(layer[0], x))


def residual(layer: Any, x: Array) -> Array:
    return relu(conv_norm_act(layer.branch, x) + projection(layer.shortcut, x))


def inverted_residual(layer: Any, x: Array) -> Array:
    expand, depthwise, attention, project = layer.block
    inner = conv_norm_act(depthwise, conv_norm_act(expand, x))
    return x + projection(project, squeeze_excite(attention, inner))


def zero_pad_shortcut(layer: Any, x: Array) -> Array:
    b, i, h, w = x.shape
    y = np.zeros((b, 6, -(-h // 2), -(-w // 2)))
    for c, row, column in product(range(i), range(0, h, 2), range(0, w, 2)):
        y[:, c + (6 - i) // 2, row // 2, column // 2] = x[:, c, row, column]
    return y


def sum_pool(layer: Any, x: Array) -> Array:
    size, patches = windows(x, layer.kernel_size, layer.stride, layer.padding)
    y = np.zeros((*x.shape[:2], *size))
    for h, w, patch in patches:
        for u, v in product(*map(range, layer.kernel_size)):
            y[:, :, h, w] += patch[:, :, u, v]
    return y


def sum_pool_1d(layer: Any, x: Array) -> Array:
    padded = np.pad(x, ((0, 0), (0, 0), (layer.padding, layer.padding)))
    starts = range(0, padded.shape[2] - layer.kernel_size + 1, layer.stride)
    sums = [sum(padded[..., s + u] for u in range(layer.kernel_size)) for s in starts]
    return np.stack(sums, -1)


def global_average(layer: Any, x: Array) -> Array:
    count = math.prod(x.shape[2:])
    return np.array([[sum(chart.ravel()) / count for chart in sample] for sample in x])


def global_max(layer: Any, x: Array) -> Array:
    return np.array([[max(chart.ravel()) for chart in sample] for sample in x])


def local_response_norm(layer: Any, x: Array) -> Array:
    y = np.empty_like(x)
    reach, channels = layer.size // 2, x.shape[1]
    for c in range(channels):
        near = range(max(0, c - reach), min(channels - 1, c + reach) + 1)
        energy = sum(x[:, j] ** 2 for j in near)
        y[:, c] = x[:, c] / (layer.k + layer.alpha * energy) ** layer.beta
    return y


def layer_norm_2d(layer: Any, x: Array) -> Array:
    y = np.empty_like(x)
    weight, bias = array(layer.weight), array(layer.bias)
    for b, h, w in product(range(len(x)), range(x.shape[2]), range(x.shape[3])):
        pixel = x[b, :, h, w]
        mean = sum(pixel) / len(pixel)
        variance = sum((pixel - mean) ** 2) / len(pixel)
        y[b, :, h, w] = weight * (pixel - mean) / math.sqrt(variance + layer.eps) + bias
    return y


def frozen_batch_norm(layer: Any, x: Array) -> Array:
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        deviation = math.sqrt(layer.running_var[c].item() + layer.eps)
        standard = (x[:, c] - layer.running_mean[c].item()) / deviation
        y[:, c] = layer.weight[c].item() * standard + layer.bias[c].item()
    return y


def scaled_tanh(layer: Any, x: Array) -> Array:
    return each(x, lambda value: 1.7159 * math.tanh(2 / 3 * value))


def squeeze_excite(layer: Any, x: Array) -> Array:
    means = global_average(layer, x)[:, :, None, None]
    return x * sigmoid(conv2d(layer.fc2, relu(conv2d(layer.fc1, means))))


def identity(layer: Any, x: Array) -> Array:
    return x


def dense_layer(layer: Any, x: Array) -> Array:
    squeezed = conv2d(layer.conv1, relu(batch_norm(layer.norm1, x)))
    return conv2d(layer.conv2, relu(batch_norm(layer.norm2, squeezed)))


def dense_layer_plain(layer: Any, x: Array) -> Array:
    return conv2d(layer.conv1, relu(batch_norm(layer.norm1, x)))


def dense_block(layer: Any, x: Array) -> Array:
    first = np.concatenate([x, dense_layer(layer["layer1"], x)], 1)
    return np.concatenate([first, dense_layer_plain(layer["layer2"], first)], 1)


def transition(layer: Any, x: Array) -> Array:
    y = conv2d(layer.conv, relu(batch_norm(layer.norm, x)))
    rows, columns = y.shape[2] // 2 * 2, y.shape[3] // 2 * 2
    quarters = [y[:, :, u:rows:2, v:columns:2] for u, v in product(range(2), range(2))]
    return sum(quarters) / 4  # type: ignore[return-value]


def inception(layer: Any, x: Array) -> Array:
    return np.concatenate([conv_norm_act(layer["1x1"], x), conv_norm_act(layer["3x3"], x)], 1)


def numbered_inception(layer: Any, x: Array) -> Array:
    two = conv_norm_act(layer["two_1"], x)
    forks = [conv_norm_act(layer[name], two) for name in ("two_2a", "two_2b")]
    return np.concatenate([conv_norm_act(layer["one"], x), *forks], 1)
