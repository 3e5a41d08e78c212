"""Stages that do not learn: frozen, freed again in turn, and how fast each of the others learns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.utils.hooks import RemovableHandle

from striate.errors import ArgumentError, unknown_name
from striate.models.contract import ConvNet


@dataclass(frozen=True, slots=True)
class Frozen:
    """What `freeze` holds still, until it is released."""

    parameters: tuple[nn.Parameter, ...]
    hooks: tuple[RemovableHandle, ...]

    def release(self) -> None:
        """Let learn again what learnt before."""
        for parameter in self.parameters:
            parameter.requires_grad_(True)
        for hook in self.hooks:
            hook.remove()


def freeze(net: nn.Module, below: str) -> Frozen:
    """The stages before the stage `below` do not learn, and stay what they are in prediction.

    Their layers are in eval mode whenever they run, whatever `net.train()` says: a frozen batch
    norm that measured each batch, or went on averaging what it measures, would change what the
    stages after it are given, though not one of its weights moves. `below="head"` leaves only the
    head to learn.
    """
    names = [*_stages(net, "below")]
    if below not in names:
        raise unknown_name("stage", below, names)
    parts = [part for name in names[: names.index(below)] for part in _parts(net, name)]
    modules = {module for part in parts for module in part.modules()}
    learning = [p for part in parts for p in part.parameters() if p.requires_grad]
    hooks = [module.register_forward_pre_hook(_as_in_prediction) for module in modules]
    for parameter in learning:
        parameter.requires_grad_(False)
    return Frozen(tuple(learning), tuple(hooks))


def thawed(net: nn.Module, below: str, share: float) -> str:
    """The stage before which all is frozen when `share` of the way down from `below` is thawed.

    Of n frozen stages the deepest is free at 1 / n of the way, and the first at its end.
    """
    names = [*_stages(net, "frozen")]
    if below not in names:
        raise unknown_name("stage", below, names)
    frozen = names.index(below)
    return names[frozen - min(frozen, int(frozen * share + 1e-9))]


def stage_rates(net: nn.Module, decay: float) -> dict[nn.Parameter, float]:
    """What each parameter's rate is multiplied by: 1 in the head, `decay` a stage before it."""
    names = [*_stages(net, "layer_decay")]
    return {
        parameter: decay ** (len(names) - 1 - number)
        for number, name in enumerate(names)
        for part in _parts(net, name)
        for parameter in part.parameters()
    }


def _stages(net: nn.Module, argument: str) -> list[str]:
    if not isinstance(net, ConvNet):
        raise ArgumentError(argument, type(net).__name__, "a network in stages, as of st.create")
    return list(net.stages)


def _parts(net: nn.Module, stage: str) -> Iterator[nn.Module]:
    assert isinstance(net, ConvNet)  # `_stages` asked
    for part in net.stages[stage].parts:
        yield net.get_submodule(part)


def _as_in_prediction(module: nn.Module, inputs: Any) -> None:
    module.training = False
