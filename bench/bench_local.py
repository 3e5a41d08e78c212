"""Local receptive fields: our layer against unfold + bmm, with a plain convolution beside them.

    python bench/bench_local.py --out FILE.json

One training step each (forward and backward, gradients of input and weights). Extra memory is the
most that was alive at once beyond what stood before the step, from torch's own profiler; it counts
the results (output, gradients) as well as the scratch.
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
from torch.profiler import ProfilerActivity, profile

from striate.layers import LocalConv2d
from timing import interleaved, machine

CASES = {
    "28x28x32 to 32, 5x5, batch 128": (128, 32, 32, 28, 5, 1),
    "28x28x1 to 1, 5x5, batch 128": (128, 1, 1, 28, 5, 1),
    "28x28x3 to 5, 5x5, batch 128": (128, 3, 5, 28, 5, 1),
    "32x32x64 to 64, 3x3 stride 2, batch 32": (32, 64, 64, 32, 3, 2),
}
Step = Callable[[], tuple[Tensor, ...]]


class UnfoldLocal2d(nn.Module):
    """The usual way: unfold the input whole, then one product a place."""

    def __init__(self, ours: LocalConv2d) -> None:
        super().__init__()
        self.kernel, self.stride, self.places = ours.kernel_size, ours.stride, ours.weight.shape[:2]
        weight = ours.weight.detach().permute(0, 1, 4, 2, 3, 5)  # (H', W', C, U, V, O)
        self.weight = nn.Parameter(weight.flatten(2, 4).flatten(0, 1).clone())
        self.bias = nn.Parameter(ours.bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, O, H', W')."""
        unfolded = F.unfold(x, self.kernel, stride=self.stride)  # (B, C*U*V, H'*W')
        y = torch.bmm(unfolded.permute(2, 0, 1), self.weight)  # (H'*W', B, O)
        return y.permute(1, 2, 0).unflatten(2, self.places) + self.bias


def training_step(layer: nn.Module, x: Tensor, grad: Tensor) -> Step:
    """One forward and backward pass: output, gradient of x, of the bias."""

    def step() -> tuple[Tensor, ...]:
        leaf = x.detach().requires_grad_()
        layer.zero_grad()
        y = layer(leaf)
        y.backward(grad)
        return y.detach(), leaf.grad, layer.bias.grad

    return step


def peak_mebibytes(step: Step) -> float:
    """The most memory alive at once in a step, beyond what stood before."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        step()
    alive = peak = 0
    for event in record.profiler.kineto_results.events():
        if event.name() == "[memory]":
            alive += event.nbytes()
            peak = max(peak, alive)
    return peak / 2**20


def measured(name: str, repeats: int) -> dict[str, object]:
    batch, channels, outputs, size, kernel, stride = CASES[name]
    torch.manual_seed(0)
    ours = LocalConv2d(channels, outputs, size, kernel, stride)
    plain = nn.Conv2d(channels, outputs, kernel, stride)
    x = torch.randn(batch, channels, size, size)
    grad = torch.randn_like(ours(x))
    layers = {"ours": ours, "unfold + bmm": UnfoldLocal2d(ours), "plain conv2d": plain}
    steps = {title: training_step(layer, x, grad) for title, layer in layers.items()}
    for one, other in zip(steps["ours"](), steps["unfold + bmm"](), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)
    taken = interleaved(steps, repeats)
    pairs = zip(taken["ours"], taken["unfold + bmm"], strict=True)
    memory = {title: round(peak_mebibytes(step), 1) for title, step in steps.items()}
    notes = ", ".join(f"{title} {mebibytes:,.0f}" for title, mebibytes in memory.items())
    return {
        "name": name,
        "seconds": {title: statistics.median(times) for title, times in taken.items()},
        "ratio": statistics.median(mine / theirs for mine, theirs in pairs),
        "peak_extra_mebibytes": memory,
        "notes": f"peak extra MiB: {notes}",
    }


def main() -> None:
    """Measure all cases and write them to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    report = {
        "title": "Local receptive fields, one training step",
        "about": "Kernels of their own at every place, forward and backward, float32. The ratio is"
        " ours over unfold + bmm; the plain convolution shares its weights and is no rival, but"
        " shows what the sharing saves.",
        "machine": machine(),
        "rows": [measured(name, options.repeats) for name in CASES],
    }
    options.out.write_text(json.dumps(report, indent=1) + "\n")
    for case in report["rows"]:
        print(f"{case['name']}: ratio {case['ratio']:.2f}; {case['notes']}")


if __name__ == "__main__":
    main()
