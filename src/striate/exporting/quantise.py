"""A model in whole numbers of 8 bits: a quarter of the size, and somewhat other answers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from striate.errors import ArgumentError
from striate.exporting.conversion import PIXELS
from striate.exporting.packages import require

_BATCH = 8
# With what comes behind a convolution: a scale that has to hold what is then cut off is too coarse.
_KINDS = ["Conv", "Gemm", "MatMul", "Relu", "Clip"]


def quantise(file: Path, out: Path, pixels: Sequence[Tensor]) -> None:
    """Write the ONNX model `file` with 8-bit weights, a scale a channel, and 8-bit maps.

    The scales of the maps are those that `pixels`, uint8 `(C, H, W)` each, come to in the network:
    give some hundred pictures like those it was trained on. Sums stay 32-bit, and so does all that
    is not a convolution, a matrix product or a cut behind one.
    """
    require("onnx")
    tools = require("onnxruntime.quantization")
    if not pixels:
        raise ArgumentError("pixels", 0, "at least one picture to find the scales by")
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)  # it advises to optimise the graph, which ours is
    try:
        tools.quantize_static(
            file,
            out,
            _Reader(pixels),
            quant_format=tools.QuantFormat.QDQ,
            op_types_to_quantize=_KINDS,
            per_channel=True,
            activation_type=tools.QuantType.QUInt8,
            weight_type=tools.QuantType.QInt8,
        )
    finally:
        logging.root.setLevel(level)


class _Reader:
    """Batches of pixels as the calibration asks for them, one after the other, then None."""

    def __init__(self, pixels: Sequence[Tensor]) -> None:
        self._left = iter(range(0, len(pixels), _BATCH))
        self._pixels = pixels

    def get_next(self) -> dict[str, Any] | None:
        start = next(self._left, None)
        if start is None:
            return None
        some = self._pixels[start : start + _BATCH]
        return {PIXELS: np.stack([one.permute(1, 2, 0).numpy() for one in some])}
