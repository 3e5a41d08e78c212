"""Layers that torch has too, or nearly: ours against torch's, both memory orders.

    python bench/bench_layers.py --out FILE.json

"strips" is the way to pad without a copy that was tried and left: convolve with zeros, then once
more along each border. It stays here, so that the choice can be measured again.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.layers import LocalResponseNorm, PaddedConv2d, SumPool2d
from timing import interleaved, machine

Layer = Callable[[Tensor], Tensor]
ORDERS = {"NCHW": torch.contiguous_format, "NHWC": torch.channels_last}
IMAGES = {
    "8x64x112x112": (8, 64, 112, 112),
    "32x128x28x28": (32, 128, 28, 28),
    "1x3x1024x1024": (1, 3, 1024, 1024),
}
MAPS = {"32x96x55x55": (32, 96, 55, 55), "32x256x27x27": (32, 256, 27, 27)}


def strips(conv: PaddedConv2d) -> Layer:
    """A 3x3 convolution of the inside, and of four strips three pixels wide along the borders."""

    def joined(x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        first, second = x.narrow(axis, 0, 2), x.narrow(axis, x.shape[axis] - 2, 2)
        before, after = first.narrow(axis, 0, 1), second.narrow(axis, 1, 1)
        if conv.mode == "wrap":
            before, after = after, before
        return torch.cat([before, first], axis), torch.cat([second, after], axis)

    def run(x: Tensor) -> Tensor:
        y = F.conv2d(x, conv.weight, conv.bias, padding=1)
        mode = "circular" if conv.mode == "wrap" else conv.mode
        for axis, widths in ((2, (1, 1, 0, 0)), (3, (0, 0, 1, 1))):
            for place, strip in zip((0, x.shape[axis] - 1), joined(x, axis), strict=True):
                line = F.conv2d(F.pad(strip, widths, mode=mode), conv.weight, conv.bias)
                y.narrow(axis, place, 1).copy_(line)
        return y

    return run


def padding_case(mode: str, shape: tuple[int, ...]) -> dict[str, Layer]:
    channels = shape[1]
    outputs = max(channels, 8)
    ours = PaddedConv2d(channels, outputs, 3, mode=mode)
    padding = "circular" if mode == "wrap" else mode
    theirs = nn.Conv2d(channels, outputs, 3, padding=1, padding_mode=padding)
    theirs.load_state_dict(ours.state_dict())
    return {"ours": ours, "torch": theirs, "strips": strips(ours)}


def cases() -> dict[str, tuple[tuple[int, ...], dict[str, Layer]]]:
    """Name -> the input's shape, and the rivals."""
    found: dict[str, tuple[tuple[int, ...], dict[str, Layer]]] = {}
    for mode in ("wrap", "replicate"):
        for name, shape in IMAGES.items():
            found[f"conv 3x3, {mode}, {name}"] = shape, padding_case(mode, shape)
    for name, shape in MAPS.items():
        response = {"ours": LocalResponseNorm(), "torch": nn.LocalResponseNorm(5, 5e-4, 0.75, 2.0)}
        found[f"response norm, {name}"] = shape, response
    found["sum pool 2x2, 32x64x56x56"] = (
        (32, 64, 56, 56),
        {"ours": SumPool2d(2), "torch": lambda x: 4 * F.avg_pool2d(x, 2)},
    )
    return found


def forward(layer: Layer, x: Tensor) -> Callable[[], Tensor]:
    def run() -> Tensor:
        with torch.no_grad():
            return layer(x)

    return run


def training(layer: Layer, x: Tensor, grad: Tensor) -> Callable[[], Tensor]:
    def run() -> Tensor:
        leaf = x.detach().requires_grad_()
        layer(leaf).backward(grad)
        return leaf.grad

    return run


def measured(
    name: str, runs: dict[str, Callable[[], Tensor]], repeats: int, tolerance: float
) -> dict[str, object]:
    results = {title: run() for title, run in runs.items()}
    for other in results.values():
        torch.testing.assert_close(results["ours"], other, rtol=tolerance, atol=tolerance)
    taken = interleaved(runs, repeats)
    pairs = zip(taken["ours"], taken["torch"], strict=True)
    return {
        "name": name,
        "seconds": {title: statistics.median(times) for title, times in taken.items()},
        "ratio": statistics.median(mine / theirs for mine, theirs in pairs),
    }


def rows(repeats: int) -> list[dict[str, object]]:
    found = []
    for name, (shape, layers) in cases().items():
        for order, memory_format in ORDERS.items():
            torch.manual_seed(0)
            x = torch.randn(shape).to(memory_format=memory_format)
            grad = torch.randn_like(next(iter(layers.values()))(x))
            passes = {
                "forward": {title: forward(layer, x) for title, layer in layers.items()},
                "training": {title: training(layer, x, grad) for title, layer in layers.items()},
            }
            for kind, runs in passes.items():
                found.append(measured(f"{name}, {order}, {kind}", runs, repeats, 1e-3))
                print(f"{found[-1]['name']}: ratio {found[-1]['ratio']:.2f}", flush=True)
    return found


def main() -> None:
    """Measure all cases and write them to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    report = {
        "title": "Layers beside torch's own",
        "about": "float32; training is forward and backward. The ratio is ours over torch's."
        " Strips pad without copying the image, and were left for what this table shows.",
        "machine": machine(),
        "rows": rows(options.repeats),
    }
    options.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
