"""Runs beside each other: what differs between them, and whether one is better than chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from striate.errors import ArgumentError
from striate.pipeline.record import Record, read_run

Part = Literal["val", "test"]
Scores = dict[str, Any]

LEVEL = 0.05
METHOD = "Fisher's exact test"
_PARTS: tuple[Part, ...] = ("test", "val")
_DATA = ("name", "source", "layout", "samples", "excluded", "digest")
_WHOLE = ("recipe", "preprocess", "together", "versions", "device")


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that is not the same in all runs, with each one's value."""

    setting: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether run `other` and the first run differ by more than chance would have it."""

    other: int
    part: Part
    gain: float
    """The other's accuracy less the first's."""
    p: float
    """How often chance alone would bring so large a difference, or a larger one."""
    method: str = METHOD

    @property
    def more_than_chance(self) -> bool:
        """Whether chance would bring it in fewer than 5 of 100 cases."""
        return self.p < LEVEL


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs or more. Verdicts set each against the first one."""

    runs: tuple[Record, ...]
    differences: tuple[Difference, ...]
    same_data: bool
    """Whether all runs have the same pictures with the same classes."""
    same_cut: bool
    """Whether they were also cut into the same parts."""
    verdicts: tuple[Verdict, ...]
    """Empty where the data are not the same: scores on different pictures do not compare."""

    def to_dict(self) -> dict[str, Any]:
        """What `striate compare --json` prints."""
        return {
            "runs": [{**run.to_dict(), "history": list(run.history)} for run in self.runs],
            "differences": [asdict(one) for one in self.differences],
            "same_data": self.same_data,
            "same_cut": self.same_cut,
            "verdicts": [
                {**asdict(one), "more_than_chance": one.more_than_chance} for one in self.verdicts
            ],
        }


def compare(paths: Sequence[str | Path]) -> Comparison:
    """Compare two runs or more, of which the first is what the others are set against."""
    if len(paths) < 2:
        raise ArgumentError("runs", len(paths), "two run folders at least")
    folders = [Path(path) for path in paths]
    for index, folder in enumerate(folders):
        if folder.resolve() in [other.resolve() for other in folders[:index]]:
            raise ArgumentError("runs", str(folder), "each run once")
    runs = tuple(read_run(folder) for folder in folders)
    same_data = _alike(runs, lambda config: (config["data"]["digest"], config["classes"]))
    same_cut = same_data and _alike(
        runs,
        lambda config: (
            config["recipe"]["seed"], config["together"],
            config["data"]["samples"]["test"] or config["data"]["samples"],
        ),
    )  # fmt: skip
    verdicts = _verdicts(runs) if same_data else ()
    return Comparison(runs, differences(runs), same_data, same_cut, verdicts)


def differences(runs: Sequence[Record]) -> tuple[Difference, ...]:
    """The settings in which runs differ; None stands for one that a run does not have."""
    settings = [_settings(run.config) for run in runs]
    names = list(dict.fromkeys(name for one in settings for name in one))
    rows = {name: tuple(one.get(name) for one in settings) for name in names}
    return tuple(
        Difference(name, values)
        for name, values in rows.items()
        if any(value != values[0] for value in values)
    )


def chance_of(right: tuple[int, int], sizes: tuple[int, int]) -> float:
    """Fisher's exact test, two-sided: the chance of a table no likelier than this one.

    `right[k]` of `sizes[k]` are right. Given how many are right in all, the first sample's share of
    them is hypergeometric; the chances of all that are no likelier than what came are summed.
    """
    total, whole = sum(right), sum(sizes)
    first, second = sizes
    low, high = max(0, total - second), min(first, total)

    def log_chance(k: int) -> float:
        return _log_choose(first, k) + _log_choose(second, total - k) - _log_choose(whole, total)

    # A hair above: the same chance, reached by other roundings, counts.
    limit = log_chance(right[0]) + 1e-7
    chances = [value for k in range(low, high + 1) if (value := log_chance(k)) <= limit]
    return min(1.0, math.fsum(math.exp(value) for value in chances))


def _verdicts(runs: Sequence[Record]) -> tuple[Verdict, ...]:
    """Each run against the first, by test scores where both have them; else by validation.

    With several, each chance is multiplied by their number (Bonferroni): of many that are no
    better, one looks better by chance.
    """
    found = {index: _shared(runs[0], run) for index, run in enumerate(runs) if index}
    num = sum(shared is not None for shared in found.values())
    return tuple(_verdict(index, *shared, num) for index, shared in found.items() if shared)


def _shared(first: Record, other: Record) -> tuple[Part, Scores, Scores] | None:
    """Scores of a part that both have: of test rather than of validation, which tuning has seen."""
    for part in _PARTS:
        if (one := first.scores(part)) and (two := other.scores(part)):
            return part, one, two
    return None


def _verdict(index: int, part: Part, one: Scores, other: Scores, num: int) -> Verdict:
    right = (round(one["accuracy"] * one["n"]), round(other["accuracy"] * other["n"]))
    p = min(1.0, num * chance_of(right, (one["n"], other["n"])))
    return Verdict(index, part, other["accuracy"] - one["accuracy"], p)


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """What decides a run, by dotted names: the network, recipe, data, and what it ran on."""
    found: dict[str, Any] = {name: config.get(name) for name in ("mode", "weights")}
    found |= {"model": config["model"]["name"]}
    found |= _flat("model.options", config["model"]["options"])
    found |= {"data.classes": config["classes"]}
    found |= _flat("data", {name: config["data"].get(name) for name in _DATA})
    for place in _WHOLE:
        found |= _flat(place, config.get(place))
    return found


def _flat(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {name: value}
    below = [_flat(f"{name}.{key}", inner) for key, inner in value.items()]
    return {key: inner for part in below for key, inner in part.items()}


def _alike(runs: Sequence[Record], of: Callable[[Mapping[str, Any]], Any]) -> bool:
    return all(of(run.config) == of(runs[0].config) for run in runs)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
