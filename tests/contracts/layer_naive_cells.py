"""The naive loops of `layer_naive.py`, continued: signals, and the cells of 1980 and 1998."""

import math
from itertools import product
from typing import Any

import numpy as np
from layer_naive import Array, array, correlate, each, sigmoid, windows


def causal_conv1d(layer: Any, x: Array) -> Array:
    weight, bias, dilation = array(layer.weight), array(layer.bias), layer.dilation[0]
    outputs, inputs, kernel = weight.shape
    y = np.zeros((len(x), outputs, x.shape[2]))
    for b, o, t in product(range(len(x)), range(outputs), range(x.shape[2])):
        y[b, o, t] = bias[o]
        for i, u in product(range(inputs), range(kernel)):
            when = t - dilation * (kernel - 1 - u)
            y[b, o, t] += weight[o, i, u] * x[b, i, when] if when >= 0 else 0
    return y


def gated_residual(layer: Any, x: Array) -> tuple[Array, Array]:
    convolved, channels = causal_conv1d(layer.conv, x), x.shape[1]
    z = each(convolved[:, :channels], math.tanh) * sigmoid(convolved[:, channels:])

    def mixed(mix: Any) -> Array:
        return np.einsum("oi,bil->bol", array(mix.weight)[..., 0], z) + array(mix.bias)[:, None]

    return x + mixed(layer.residual), mixed(layer.skip)


def falling(size: int, decay: float) -> Array:
    middle = (size - 1) / 2
    distance = [[math.hypot(u - middle, v - middle) for v in range(size)] for u in range(size)]
    return decay ** np.array(distance)


def s_cell(layer: Any, x: Array) -> Array:
    a, b, r = array(layer.a), array(layer.b), layer.r
    c = falling(a.shape[-1], 0.9)
    c = c / (c.sum() * x.shape[1])
    size, patches = windows(x, a.shape[2:], padding=(layer.padding, layer.padding))
    y = np.zeros((len(x), len(a), *size))
    for h, w, patch in patches:
        for n, k in product(range(len(x)), range(len(a))):
            excitation = sum((a[k] * patch[n]).ravel())
            v = math.sqrt(sum((c * patch[n] ** 2).ravel()))
            match = (1 + excitation) / (1 + r / (1 + r) * b[k] * v) - 1
            y[n, k, h, w] = r * max(match, 0)
    return y


def c_cell(layer: Any, x: Array) -> Array:
    d = falling(layer.d.shape[-1], 0.9)
    size, patches = windows(x, d.shape, (layer.stride,) * 2, (layer.padding,) * 2)
    y = np.zeros((*x.shape[:2], *size))
    for h, w, patch in patches:
        for n in range(len(x)):
            blurred = [sum((d * plane).ravel()) for plane in patch[n]]
            lateral = sum(blurred) / len(blurred)
            for k, excitation in enumerate(blurred):
                active = max((1 + excitation) / (1 + lateral) - 1, 0)
                y[n, k, h, w] = active / (layer.alpha + active)
    return y


def table_conv2d(layer: Any, x: Array) -> Array:
    weight, bias, next_kernel = array(layer.weight), array(layer.bias), 0
    maps = []
    for o, row in enumerate(layer.table):
        total: Any = bias[o]
        for i in row:
            total = total + correlate(x[:, i : i + 1], weight[next_kernel][None, None], None)
            next_kernel += 1
        maps.append(total)
    return np.concatenate(maps, 1)


def subsampling(layer: Any, x: Array) -> Array:
    size, patches = windows(x, (layer.size, layer.size), (layer.size, layer.size))
    y = np.zeros((*x.shape[:2], *size))
    for h, w, patch in patches:
        y[:, :, h, w] = patch.sum((2, 3)) * array(layer.coefficient) + array(layer.bias)
    return y


def euclidean_rbf(layer: Any, x: Array) -> Array:
    centres = array(layer.centres)
    return np.array([[sum((sample - centre) ** 2) for centre in centres] for sample in x])


def local_conv2d(layer: Any, x: Array) -> Array:
    weight, bias = array(layer.weight), array(layer.bias)
    size, patches = windows(x, layer.kernel_size, layer.stride, layer.padding)
    y = np.zeros((len(x), weight.shape[-1], *size))
    for h, w, patch in patches:
        for n, o in product(range(len(x)), range(weight.shape[-1])):
            own = weight[h, w, :, :, :, o].transpose(2, 0, 1)
            y[n, o, h, w] = sum((own * patch[n]).ravel()) + bias[o, h, w]
    return y


def local_conv1d(layer: Any, x: Array) -> Array:
    weight, bias = array(layer.weight), array(layer.bias)
    padded = np.pad(x, ((0, 0), (0, 0), (layer.padding, layer.padding)))
    y = np.zeros((len(x), weight.shape[-1], weight.shape[0]))
    for n, o, t in product(range(len(x)), range(weight.shape[-1]), range(weight.shape[0])):
        seen = padded[n, :, t * layer.stride : t * layer.stride + layer.kernel_size]
        y[n, o, t] = sum((seen * weight[t, :, :, o].T).ravel()) + bias[o, t]
    return y
