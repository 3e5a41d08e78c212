"""What convolution promises and correlation does not, as residuals one can read.

Prints the largest difference between the two sides of each law, for random signals; a law holds
when only rounding is left. Run: python examples/convolution_properties.py
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from striate.signal import convolve, correlate, kernels

ROUNDING = 1e-12


def residuals(seed: int = 0) -> dict[str, tuple[float, bool]]:
    """Each law with its residual and whether it has to hold."""
    random = np.random.default_rng(seed)
    image, other = random.normal(size=(2, 32, 40))
    f, g = random.normal(size=(2, 5, 5))

    def full(operation: Callable[..., np.ndarray], a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return operation(a, b, padding="full")

    def gap(left: np.ndarray, right: np.ndarray) -> float:
        return float(np.abs(left - right).max())

    laws: dict[str, tuple[float, bool]] = {}
    for operation in (convolve, correlate):
        name = operation.__name__
        scaled = operation(2 * image - 3 * other, f)
        laws[f"{name} is linear"] = (
            gap(scaled, 2 * operation(image, f) - 3 * operation(other, f)),
            True,
        )
        shifted = operation(np.roll(image, (3, -7), (0, 1)), f, padding="wrap")
        laws[f"{name} is shift-equivariant"] = (
            gap(shifted, np.roll(operation(image, f, padding="wrap"), (3, -7), (0, 1))),
            True,
        )
        holds = operation is convolve
        laws[f"{name} commutes"] = (gap(full(operation, f, g), full(operation, g, f)), holds)
        twice = full(operation, full(operation, image, f), g)
        laws[f"{name} associates"] = (
            gap(twice, full(operation, image, full(operation, f, g))),
            holds,
        )
    blur, edges = kernels.gaussian(1), kernels.laplacian()
    twice = full(convolve, full(convolve, image, blur), edges)
    laws["LoG = L * G convolved beforehand"] = (
        gap(twice, full(convolve, image, full(convolve, blur, edges))),
        True,
    )
    laws["both agree on a symmetric kernel"] = (
        gap(convolve(image, blur), correlate(image, blur)),
        True,
    )
    return laws


if __name__ == "__main__":
    for law, (residual, holds) in residuals().items():
        verdict = "holds" if residual < ROUNDING else "does not hold"
        print(f"{law:<36} {residual:8.1e}  {verdict}")
        assert (residual < ROUNDING) == holds, law
