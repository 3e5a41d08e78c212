"""What may come in as a signal, and how the result goes out as the same kind.

NumPy arrays and torch tensors are read without a copy; a PIL image becomes its bands. Computation
happens in float32 or float64 (`compute_dtype`).
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from PIL import Image

from striate.errors import ArgumentError

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Signal = TypeVar("Signal", bound=Array | torch.Tensor | Image.Image)
KernelLike: TypeAlias = ArrayLike | torch.Tensor

# PIL modes whose numbers are intensities, so that weighted sums of them mean something.
# Left out: "P" (palette indices), "1" (bits), "HSV" (hue is an angle), "LAB" (signed, wrapped).
IMAGE_MODES = ("L", "LA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "I", "I;16", "F")

# torch moves the bits of these, but does not index them.
SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}

# Integers up to 16 bits are exact in float32; wider ones need float64.
_NARROW = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.uint16, torch.float16)


def compute_dtype(dtype: torch.dtype) -> torch.dtype:
    """The float type a signal of this type is computed in, and comes out as."""
    if dtype in (*_NARROW, torch.bfloat16, torch.float32):
        return torch.float32
    return torch.float64


def read(signal: object) -> torch.Tensor:
    """The signal as a tensor that shares its memory where it can; bands of an image come first."""
    if isinstance(signal, torch.Tensor):
        tensor = signal
    elif isinstance(signal, Image.Image):
        tensor = _read_image(signal)
    elif isinstance(signal, np.ndarray):
        tensor = _read_array(signal)
    else:
        raise ArgumentError(
            "signal",
            signal,
            "a NumPy array, a torch tensor or a PIL image",
            remedy="Wrap numbers with numpy.asarray(...)",
        )
    if tensor.is_complex():
        raise ArgumentError("signal", tensor.dtype, "real numbers", remedy="Filter .real and .imag")
    if tensor.ndim == 0 or tensor.numel() == 0:
        raise ArgumentError("signal", tuple(tensor.shape), "at least one axis and one sample")
    return tensor


def write(result: torch.Tensor, like: Signal) -> Signal:
    """A result tensor as the kind that `like` is; images are rounded and clipped to their mode."""
    if isinstance(like, torch.Tensor):
        return cast(Signal, result)
    if isinstance(like, np.ndarray):
        return cast(Signal, result.numpy())
    return cast(Signal, _write_image(result, like))


def spatial_axes(
    tensor: torch.Tensor, count: int, axes: int | Sequence[int] | None, signal: object
) -> tuple[int, ...]:
    """`count` distinct non-negative axes: those asked for, or else the last ones."""
    if count > tensor.ndim:
        raise ArgumentError(
            "signal", tuple(tensor.shape), f"at least {count} axes for {count} spatial axes"
        )
    if axes is None:
        return tuple(range(tensor.ndim - count, tensor.ndim))
    if isinstance(signal, Image.Image):
        raise ArgumentError("axes", axes, "None for an image: its axes are known")
    wanted = whole_numbers(axes, count)
    if len(wanted) != count or not all(-tensor.ndim <= a < tensor.ndim for a in wanted):
        raise ArgumentError(
            "axes", axes, f"{count} axis numbers from {-tensor.ndim} to {tensor.ndim - 1}"
        )
    positive = tuple(axis % tensor.ndim for axis in wanted)
    if len(set(positive)) != count:
        raise ArgumentError("axes", axes, f"{count} different axes")
    return positive


def whole_numbers(value: Any, count: int) -> tuple[int, ...]:
    """One whole number `count` times, or several as they are; none where any is something else."""
    try:
        values = list(value) if isinstance(value, Iterable) else [value] * count
        if any(isinstance(one, bool) for one in values):
            return ()
        return tuple(operator.index(one) for one in values)
    except TypeError:  # a float, a word
        return ()


def read_kernel(kernel: object, name: str = "kernel") -> torch.Tensor:
    """The kernel as a float64 tensor; it keeps its graph where it is a tensor that needs one."""
    tensor = kernel if isinstance(kernel, torch.Tensor) else _kernel_array(kernel, name)
    if tensor.is_complex():
        raise ArgumentError(name, tensor.dtype, "real numbers")
    if tensor.ndim not in (1, 2) or tensor.numel() == 0:
        raise ArgumentError(
            name, tuple(tensor.shape), "1 or 2 axes (as many as are filtered), none of them empty"
        )
    if not bool(torch.isfinite(tensor.detach()).all()):
        raise ArgumentError(name, kernel, "finite numbers, no NaN or infinity")
    return tensor.to(torch.float64)


def _kernel_array(kernel: object, name: str) -> torch.Tensor:
    try:
        array = np.asarray(kernel)
    except ValueError as error:
        raise ArgumentError(name, kernel, "rows of equal length") from error
    if array.dtype.kind not in "biuf":
        raise ArgumentError(name, kernel, "real numbers")
    return torch.from_numpy(array.astype(np.float64))


def _read_array(array: Array) -> torch.Tensor:
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise ArgumentError(
            "signal", array.dtype, "bool, integer, float16, float32 or float64 numbers"
        )
    if not array.dtype.isnative or any(stride < 0 for stride in array.strides):
        # torch knows neither foreign byte order nor backward views
        array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    if not array.flags.writeable:
        array = _as_if_writeable(array)
    return torch.from_numpy(array)


def _as_if_writeable(array: Array) -> Array:
    """The same memory without its read-only mark.

    torch warns of that mark, and silencing a warning is not safe among threads. Nothing here writes
    to its input.
    """
    layout = array.__array_interface__
    memory: Any = SimpleNamespace(
        __array_interface__={**layout, "data": (layout["data"][0], False)},
        owner=array,  # kept alive as long as the view
    )
    return np.asarray(memory)


def _read_image(image: Image.Image) -> torch.Tensor:
    if image.mode not in IMAGE_MODES:
        raise ArgumentError(
            "signal",
            f"PIL image of mode {image.mode}",
            f"one whose numbers are intensities: {', '.join(IMAGE_MODES)}",
            remedy="Convert it first, e.g. image.convert('L') or image.convert('RGB')",
        )
    array = np.asarray(image)
    if array.size == 0:
        raise ArgumentError("signal", f"PIL image of size {image.size}", "at least one pixel")
    return _read_array(array if array.ndim == 2 else np.moveaxis(array, -1, 0))


def _write_image(result: torch.Tensor, like: Image.Image) -> Image.Image:
    pixels = np.asarray(like).dtype
    if pixels.kind in "iu":
        limits = np.iinfo(pixels)
        # NaN has no integer; an image of integers can't have brought one in.
        result = result.to(torch.float64).round().clamp(limits.min, limits.max)
    array = result.numpy().astype(pixels)
    if array.ndim == 2:
        return Image.fromarray(array)
    return Image.merge(like.mode, [Image.fromarray(band) for band in array])
