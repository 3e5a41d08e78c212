"""Keras' layers from their definitions, one number at a time, on `(H, W, C)` arrays."""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def border(size: int, reach: int, stride: int, padding: str) -> tuple[int, int]:
    """How many positions come out, and how many stand before the first (TensorFlow's rule)."""
    if padding == "valid":
        return (size - reach) // stride + 1, 0
    if padding == "causal":
        return (size - 1) // stride + 1, reach - 1
    places = math.ceil(size / stride)
    return places, max((places - 1) * stride + reach - size, 0) // 2


def windows(x: Array, kernel: tuple[int, int], stride: int, dilation: int, padding: str):  # type: ignore[no-untyped-def]
    """For every output place: (row, column) and the values, with their place in the window."""
    reach = [dilation * (k - 1) + 1 for k in kernel]
    rows, top = border(x.shape[0], reach[0], stride, padding)
    columns, left = border(x.shape[1], reach[1], stride, padding)
    for row in range(rows):
        for column in range(columns):
            inside = []
            for u in range(kernel[0]):
                for v in range(kernel[1]):
                    i = row * stride + u * dilation - top
                    j = column * stride + v * dilation - left
                    if 0 <= i < x.shape[0] and 0 <= j < x.shape[1]:
                        inside.append((u, v, x[i, j]))
            yield row, column, inside


def convolve(
    x: Array, weight: Array, bias: Array, stride: int, dilation: int, groups: int, padding: str
) -> Array:
    """weight `(kh, kw, C / groups, filters)`."""
    found = {}
    inputs, outputs = x.shape[2] // groups, weight.shape[3] // groups
    for row, column, inside in windows(x, weight.shape[:2], stride, dilation, padding):
        y = bias.copy()
        for u, v, pixel in inside:
            for group in range(groups):
                out = slice(group * outputs, (group + 1) * outputs)
                y[out] += pixel[group * inputs : (group + 1) * inputs] @ weight[u, v, :, out]
        found[row, column] = y
    return together(found)


def pool(x: Array, kernel: tuple[int, int], stride: int, padding: str, kind: str) -> Array:
    found = {}
    for row, column, inside in windows(x, kernel, stride, 1, padding):
        values = np.array([pixel for _, _, pixel in inside])
        found[row, column] = values.max(0) if kind == "max" else values.mean(0)
    return together(found)


def transposed(x: Array, weight: Array, stride: int, padding: str) -> Array:
    """weight `(kh, kw, filters, C)`: every pixel spreads, the gradient of a convolution.

    That convolution takes an image as large as the result to one as large as x.
    """
    kh, kw, filters, _ = weight.shape
    if padding == "same":
        size = [n * stride for n in x.shape[:2]]
        before = [border(n, k, stride, "same")[1] for n, k in zip(size, (kh, kw), strict=True)]
    else:
        pairs = zip(x.shape[:2], (kh, kw), strict=True)
        size, before = [n * stride + max(k - stride, 0) for n, k in pairs], [0, 0]
    y = np.zeros((*size, filters))
    for i, j, u, v in np.ndindex(*x.shape[:2], kh, kw):
        row, column = i * stride + u - before[0], j * stride + v - before[1]
        if 0 <= row < size[0] and 0 <= column < size[1]:
            y[row, column] += weight[u, v] @ x[i, j]
    return y


def together(found: dict[tuple[int, int], Array]) -> Array:
    rows, columns = max(found)
    return np.array([[found[i, j] for j in range(columns + 1)] for i in range(rows + 1)])
