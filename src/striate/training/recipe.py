"""Everything that decides a training run besides the data and the network."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from striate.errors import ArgumentError, unknown_name
from striate.training.schedule import SCHEDULES

OPTIMISERS = ("adam", "adamw", "muon", "sgd")
PRECISIONS = ("auto", "bfloat16", "float32")
MIXES = ("cutmix", "mixup", "none")
SOLVED_BY = ("balanced", "seed")
"""What a head that is solved, and not trained, has a use for."""
_SEEDS = 2**31  # leaves room for the epoch beside the seed in 64 bits


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. Shares are from 0 to 1; 0 switches off what has a strength."""

    epochs: float = 12.0
    """Passes over the training part, the last perhaps not whole; the most there are in a budget."""
    budget: float = 0.0
    """Seconds from the first step to the last evaluation; 0 is no limit."""
    batch_size: int = 64
    """Samples of one update, over all processes."""
    accumulate: int = 1
    """Into how many pieces a batch is cut where it does not fit into memory at once."""
    optimiser: str = "adam"
    peak_rate: float = 4e-3
    momentum: float = 0.9
    epsilon: float = 1e-8
    """What Adam adds to its divisor."""
    weight_decay: float = 0.0
    """Not for biases and norms."""
    schedule: str = "one_cycle"
    warmup: float = 0.25
    """Share of the run in which the rate rises to its peak."""
    label_smoothing: float = 0.0
    balanced: bool = False
    """Weigh every class as if it had as many samples as the others."""
    focus: float = 0.0
    """The focal loss's exponent: how much less what is already right counts."""
    clip: float = 0.0
    """The largest norm of the gradient; 0 does not limit it."""
    average: float = 0.0
    """Share of the old weights in the moving average that is evaluated and saved."""
    policy: str = "none"
    """The augmentation, by its name."""
    mix: str = "none"
    """Pictures of a batch mixed in pairs: mixup or cutmix."""
    precision: str = "float32"
    """What convolutions multiply; auto is bfloat16 where the device is faster at that."""
    compile: bool = False
    sync_batch_norm: bool = False
    """Batch norm over the shares of all processes, on GPUs: torch has none for CPUs."""
    patience: int = 0
    """Epochs without a better validation result until the run stops; 0 never stops early."""
    keep_start: bool = False
    """Whether the weights a run starts from are kept if no epoch is better; for those that know."""
    frozen: str = ""
    """The stage before which all stages are frozen, as `head`; nothing is where it is empty."""
    thaw: float = 0.0
    """Share of the run in which the frozen stages are freed one by one, the deepest first."""
    layer_decay: float = 1.0
    """What the rate is multiplied by from each stage to the one before it, from the head down."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("batch_size", "accumulate"):
            _at_least(name, getattr(self, name), 1)
        for name in ("budget", "weight_decay", "focus", "clip", "patience"):
            _at_least(name, getattr(self, name), 0)
        for name in ("momentum", "warmup", "label_smoothing", "average"):
            if not 0 <= getattr(self, name) < 1:
                raise ArgumentError(name, getattr(self, name), "a share from 0, below 1")
        for name in ("epochs", "peak_rate", "epsilon"):
            if not 0 < getattr(self, name) < math.inf:
                raise ArgumentError(name, getattr(self, name), "a positive number")
        self._check_transfer()
        if not 0 <= self.seed < _SEEDS:
            raise ArgumentError("seed", self.seed, f"a whole number from 0 to {_SEEDS - 1:,}")
        if self.batch_size % self.accumulate:
            raise ArgumentError("accumulate", self.accumulate, "a divisor of batch_size")
        _one_of("optimiser", self.optimiser, OPTIMISERS)
        _one_of("schedule", self.schedule, SCHEDULES)
        _one_of("precision", self.precision, PRECISIONS)
        _one_of("mix", self.mix, MIXES)

    def _check_transfer(self) -> None:
        if not 0 <= self.thaw <= 1:
            raise ArgumentError("thaw", self.thaw, "a share from 0 to 1")
        if self.thaw and not self.frozen:
            raise ArgumentError("thaw", self.thaw, "0 where nothing is frozen")
        if not 0 < self.layer_decay <= 1:
            raise ArgumentError("layer_decay", self.layer_decay, "above 0, at most 1")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Recipe:
        """The recipe that `to_dict` gave."""
        known = {field.name for field in fields(cls)}
        if set(values) != known:
            odd = ", ".join(sorted(set(values) ^ known))
            raise ArgumentError("recipe", odd, "the settings of this version of Striate")
        return cls(**values)

    def changed(self, settings: Iterable[str]) -> Recipe:
        """The same recipe with some settings changed, each given as `name=value`."""
        return self.with_settings(self.parsed(settings))

    def parsed(self, settings: Iterable[str]) -> dict[str, Any]:
        """Settings given as `name=value`, by name; they are checked when a recipe is made."""
        changes: dict[str, Any] = {}
        types = self._types()
        for setting in settings:
            name, equals, text = (part.strip() for part in setting.partition("="))
            if not equals:
                raise ArgumentError("set", setting, "name=value, as in peak_rate=0.01")
            _one_of("setting", name, types)
            changes[name] = _value(name, text, types[name])
        return changes

    def with_settings(self, settings: Mapping[str, Any]) -> Recipe:
        """The same recipe with some settings changed."""
        for name in settings:
            _one_of("setting", name, self._types())
        return replace(self, **settings)

    def _types(self) -> dict[str, type]:
        return {field.name: type(field.default) for field in fields(self)}


def _value(name: str, text: str, kind: type) -> Any:
    if kind is str:
        return text
    try:
        value = json.loads(text.lower())
    except ValueError:
        value = None
    if kind is float and type(value) is int:
        return float(value)
    if kind is int and type(value) is float and value.is_integer():
        return int(value)
    if type(value) is not kind:
        expected = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
        raise ArgumentError(name, text, expected)
    return value


def _at_least(name: str, value: float, least: float) -> None:
    if not least <= value < math.inf:
        raise ArgumentError(name, value, f"at least {least}")


def _one_of(kind: str, name: str, choices: Iterable[str]) -> None:
    if name not in choices:
        raise unknown_name(kind, name, choices)
