"""The kernel bank: filters made by hand, before any are learned.

Every function returns a new float64 array. All are meant for **correlation** (`correlate`, OpenCV's
`filter2D`, a network's convolution layer): they are laid on the picture as printed. `sobel_x()` is
so positive where the picture grows brighter to the right. `convolve` turns a kernel round, which
changes the sign of the Sobel and Prewitt kernels, and nothing for those that are symmetric.

`KERNELS` holds them by the names of the command line (`sobel-x`); `kernel("gaussian:sigma=5")`
builds one from its text.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from striate.errors import ArgumentError, unknown_name

Kernel: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

# 1025 x 1025 taps are wider than most pictures; more is a slip of the finger, not a filter.
LARGEST = 1025


def identity(size: int = 3) -> Kernel:
    """(size, size): 1 in the centre, 0 elsewhere; the picture comes out as it went in."""
    kernel = np.zeros((_odd(size), size))
    kernel[size // 2, size // 2] = 1
    return kernel


def box(size: int = 3) -> Kernel:
    """(size, size): every weight 1/size^2; the mean of each window, a plain blur."""
    return np.full((_odd(size), size), 1 / size**2, dtype=np.float64)


def gaussian(sigma: float = 1.0, size: int | None = None) -> Kernel:
    """(size, size): exp(-(x^2 + y^2) / 2 sigma^2), scaled to sum to 1; a soft blur.

    Without a size the radius is 4 sigma rounded, as in `scipy.ndimage.gaussian_filter`.
    """
    bell = _bell(sigma, size)
    return np.outer(bell, bell)


def sharpen() -> Kernel:
    """(3, 3): the picture minus its 4-neighbour Laplacian; edges come out stronger."""
    return _table([0, -1, 0], [-1, 5, -1], [0, -1, 0])


def sobel_x() -> Kernel:
    """(3, 3): difference along x, smoothed along y by 1 2 1; finds vertical edges."""
    return _table([-1, 0, 1], [-2, 0, 2], [-1, 0, 1])


def sobel_y() -> Kernel:
    """(3, 3): difference along y (downwards), smoothed along x by 1 2 1; finds horizontal edges."""
    return _table([-1, -2, -1], [0, 0, 0], [1, 2, 1])


def prewitt_x() -> Kernel:
    """(3, 3): difference along x, averaged along y; finds vertical edges."""
    return _table([-1, 0, 1], [-1, 0, 1], [-1, 0, 1])


def prewitt_y() -> Kernel:
    """(3, 3): difference along y (downwards), averaged along x; finds horizontal edges."""
    return _table([-1, -1, -1], [0, 0, 0], [1, 1, 1])


def laplacian(neighbours: int = 4) -> Kernel:
    """(3, 3): the sum of the second differences over 4 or 8 neighbours; edges in every direction.

    4 is `scipy.ndimage.laplace` and `cv2.Laplacian(ksize=1)`. (`cv2.Laplacian(ksize=3)` is a third
    table: the diagonal neighbours alone, doubled.)
    """
    if neighbours == 4:
        return _table([0, 1, 0], [1, -4, 1], [0, 1, 0])
    if neighbours == 8:
        return _table([1, 1, 1], [1, -8, 1], [1, 1, 1])
    raise ArgumentError("neighbours", neighbours, "4 or 8")


def log(sigma: float = 1.0, size: int | None = None) -> Kernel:
    """(size, size): the Laplacian of a Gaussian, G'' G^T + G G''^T; edges and blobs of one scale.

    The second derivative is that of `scipy.ndimage.gaussian_laplace`, cut off at the same radius.
    Cut off and sampled, its weights miss a sum of 0 by a little; what is missing is spread evenly,
    so that a flat picture gives 0.
    """
    bell = _bell(sigma, size)
    if len(bell) < 3:
        culprit, value = ("sigma", sigma) if size is None else ("size", size)
        raise ArgumentError(culprit, value, "enough for 3 x 3 taps: sigma from 0.125, size from 3")
    x = _offsets(len(bell))
    second = bell * (x**2 / sigma**4 - 1 / sigma**2)
    kernel = np.outer(second, bell) + np.outer(bell, second)
    return np.asarray(kernel - kernel.mean(), dtype=np.float64)


def line_horizontal() -> Kernel:
    """(3, 3): bright lines one pixel wide that run left to right."""
    return _table([-1, -1, -1], [2, 2, 2], [-1, -1, -1])


def line_vertical() -> Kernel:
    """(3, 3): bright lines one pixel wide that run top to bottom."""
    return _table([-1, 2, -1], [-1, 2, -1], [-1, 2, -1])


def line_diagonal_down() -> Kernel:
    """(3, 3): bright lines one pixel wide that fall from top left to bottom right."""
    return _table([2, -1, -1], [-1, 2, -1], [-1, -1, 2])


def line_diagonal_up() -> Kernel:
    """(3, 3): bright lines one pixel wide that rise from bottom left to top right."""
    return _table([-1, -1, 2], [-1, 2, -1], [2, -1, -1])


def gabor(
    sigma: float = 4.0,
    theta: float = 0.0,
    wavelength: float = 8.0,
    gamma: float = 1.0,
    phase: float = 0.0,
    size: int | None = None,
) -> Kernel:
    """(height, width): a wave under a Gaussian; stripes of one direction and width.

    exp(-(u^2 + gamma^2 v^2) / 2 sigma^2) cos(2 pi u / wavelength + phase), with u = x cos theta +
    y sin theta and v = y cos theta - x sin theta. The wave runs along u: theta = 0 finds vertical
    stripes, 90 horizontal ones. Angles are in degrees. Without a size it reaches 3 sigma along
    both axes. Equal to `cv2.getGaborKernel`, which takes radians; not scaled to any sum.
    """
    for name, value in (("sigma", sigma), ("wavelength", wavelength), ("gamma", gamma)):
        _within_reason(name, value)
    angle, shift = (math.radians(_finite(n, v)) for n, v in (("theta", theta), ("phase", phase)))
    cos, sin = math.cos(angle), math.sin(angle)
    if size is None:
        height, width = (
            2 * round(3 * sigma * max(abs(along), abs(across) / gamma)) + 1
            for along, across in ((sin, cos), (cos, sin))
        )
    else:
        height = width = size
    # cv2 fills its table from the far corner: x and y are counted leftwards and upwards.
    culprit = "sigma" if size is None else "size"
    y, x = -_offsets(_odd(height, culprit))[:, None], -_offsets(_odd(width, culprit))[None, :]
    u, v = x * cos + y * sin, y * cos - x * sin
    bell = np.exp(-(u**2 + (gamma * v) ** 2) / (2 * sigma**2))
    return np.asarray(bell * np.cos(2 * math.pi * u / wavelength + shift), dtype=np.float64)


KERNELS: dict[str, Callable[..., Kernel]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        identity,
        box,
        gaussian,
        sharpen,
        sobel_x,
        sobel_y,
        prewitt_x,
        prewitt_y,
        laplacian,
        log,
        line_horizontal,
        line_vertical,
        line_diagonal_down,
        line_diagonal_up,
        gabor,
    )
}


def kernel(text: str) -> Kernel:
    """The kernel that a text such as `sobel-x` or `gabor:theta=45,wavelength=6` stands for."""
    name, _, rest = text.partition(":")
    name = name.strip().lower().replace("_", "-")
    if name not in KERNELS:
        raise unknown_name("kernel", name, KERNELS)
    parameters = inspect.signature(KERNELS[name]).parameters
    values: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in rest.split(","))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if key not in parameters:
            raise ArgumentError("kernel", text, f"{name} with {_takes(name)}")
        if not equals or key in values:
            raise ArgumentError("kernel", text, f"{key}=NUMBER, once")
        values[key] = _number(text, key, value, whole="int" in str(parameters[key].annotation))
    return KERNELS[name](**values)


def describe(name: str) -> tuple[dict[str, float | None], str]:
    """The parameters of a kernel with their defaults (None: worked out), and what it does."""
    function = KERNELS[name]
    defaults = {key: p.default for key, p in inspect.signature(function).parameters.items()}
    first_line = inspect.getdoc(function) or ""
    return defaults, first_line.splitlines()[0].partition(": ")[2]


def _takes(name: str) -> str:
    """Words for the parameters of a kernel: `sigma, size`."""
    return ", ".join(describe(name)[0]) or "no parameters"


def _number(text: str, key: str, value: str, *, whole: bool) -> float:
    try:
        return int(value) if whole else float(value)
    except ValueError as error:
        kind = "a whole number" if whole else "a number"
        raise ArgumentError("kernel", text, f"{key}={kind}") from error


def _table(*rows: list[int]) -> Kernel:
    return np.array(rows, dtype=np.float64)


def _offsets(size: int) -> Kernel:
    """(size,): how far each tap lies from the centre."""
    return np.arange(size, dtype=np.float64) - size // 2


def _bell(sigma: float, size: int | None) -> Kernel:
    """(size,): a sampled 1-D Gaussian that sums to 1."""
    _within_reason("sigma", sigma)
    count = 2 * int(4 * sigma + 0.5) + 1 if size is None else size
    x = _offsets(_odd(count, "size" if size is not None else "sigma"))
    bell = np.exp(-0.5 * (x / sigma) ** 2)
    return np.asarray(bell / bell.sum(), dtype=np.float64)


def _odd(size: int, culprit: str = "size") -> int:
    if isinstance(size, bool) or not isinstance(size, int) or size < 1 or size % 2 == 0:
        raise ArgumentError(
            "size", size, "an odd whole number from 1", remedy="An even kernel has no centre pixel"
        )
    if size > LARGEST:
        raise ArgumentError(
            culprit,
            f"a kernel of {size} x {size} taps",
            f"at most {LARGEST} x {LARGEST}",
            remedy="Shrink the picture first",
        )
    return size


def _finite(name: str, value: float) -> float:
    if not math.isfinite(value):
        raise ArgumentError(name, value, "a finite number")
    return value


def _within_reason(name: str, value: float) -> None:
    # A Gaussian of sigma 0.1 is 1e-22 one pixel away, one of 1e6 flat over the largest kernel:
    # numbers beyond change nothing but the overflow.
    if not 0.1 <= value <= 1_000_000:
        raise ArgumentError(name, value, "a number from 0.1 to 1000000")
