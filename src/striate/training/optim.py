"""Optimisers: which parameters decay, and Muon for filters beside torch's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from striate.training.freezing import stage_rates
from striate.training.recipe import Recipe


def optimiser_for(net: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser over the parameters that learn; biases and norms do not decay.

    A group's `scale` is what its stage's rate is of the head's.
    """
    learning = [parameter for parameter in net.parameters() if parameter.requires_grad]
    scales = stage_rates(net, recipe.layer_decay) if recipe.layer_decay < 1 else {}
    members: dict[tuple[bool, float], list[nn.Parameter]] = {}
    for parameter in learning:
        kind = (parameter.ndim <= 1, scales.get(parameter, 1.0))
        members.setdefault(kind, []).append(parameter)
    groups = [
        {"params": members[kind], "weight_decay": 0.0 if kind[0] else recipe.weight_decay,
         "scale": kind[1]}
        for kind in sorted(members)
    ]  # fmt: skip
    rate = recipe.peak_rate
    match recipe.optimiser:
        case "sgd":
            nesterov = recipe.momentum > 0
            return torch.optim.SGD(
                groups, rate, recipe.momentum, nesterov=nesterov, fused=True, weight_decay=0.0
            )
        case "adam":
            return torch.optim.Adam(groups, rate, eps=recipe.epsilon, fused=True)
        case "adamw":
            return torch.optim.AdamW(groups, rate, eps=recipe.epsilon, fused=True)
    return Muon(groups, rate, recipe.momentum)


class Muon(torch.optim.Optimizer):
    """Momentum for filters, replaced by the nearest orthogonal matrix, so all directions learn.

    Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/. A filter bank (out, in, kh, kw)
    counts as a matrix (out, in kh kw). Its update has the root mean square 0.2, as Adam's has about
    (Liu et al. 2025, https://arxiv.org/abs/2502.16982), so that rates carry over. Linear layers,
    the last of which must not be treated so, and vectors get Adam's update (0.9, 0.95).
    """

    def __init__(self, groups: Iterable[dict[str, Any]], lr: float, momentum: float = 0.9) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update from the gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    update = self._update(parameter, group["momentum"])
                    parameter.add_(update, alpha=-group["lr"])

    def _update(self, parameter: Tensor, momentum: float) -> Tensor:
        gradient, state = parameter.grad, self.state[parameter]
        assert gradient is not None  # `step` asked
        is_filter = parameter.ndim > 2
        if not state:
            state["first"] = torch.zeros_like(parameter)
            if not is_filter:
                state["second"] = torch.zeros_like(parameter)
                state["step"] = torch.zeros(())
        if not is_filter:
            return _adam(gradient, state)
        state["first"].lerp_(gradient, 1 - momentum)
        matrix = gradient.lerp(state["first"], momentum).flatten(1)
        update: Tensor = orthogonal(matrix).view_as(parameter)
        return update.mul_(0.2 * max(matrix.shape) ** 0.5)


def _adam(gradient: Tensor, state: dict[str, Tensor]) -> Tensor:
    state["step"] += 1
    state["first"].lerp_(gradient, 0.1)
    state["second"].lerp_(gradient.square(), 0.05)
    steps = state["step"].item()
    first, second = state["first"] / (1 - 0.9**steps), state["second"] / (1 - 0.95**steps)
    return first / (second.sqrt() + 1e-8)


def orthogonal(matrix: Tensor, rounds: int = 5) -> Tensor:
    """(M, N) -> (M, N): about U V^T, where the matrix is U S V^T.

    Newton-Schulz rounds x -> a x + (b A + c A²) x with A = x x^T bring every singular value near 1
    (between 0.7 and 1.2 with these coefficients, which favour speed over exactness).
    """
    x = matrix / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(rounds):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    result: Tensor = x.T if tall else x
    return result
