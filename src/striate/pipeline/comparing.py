"""Runs beside each other: what differs between them, and whether one is better than chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from striate.errors import ArgumentError
from striate.pipeline.record import Record, answered_rightly, read_run
from striate.pipeline.significance import fisher, mcnemar
from striate.training.recipe import SOLVED_BY

Part = Literal["val", "test"]
Scores = dict[str, Any]

LEVEL = 0.05
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
    apart: tuple[int, int] | None
    """How many of the same pictures the first alone and the other alone got right.

    None where they were not judged by the same pictures.
    """

    @property
    def method(self) -> str:
        """The test that `p` is of."""
        return "Fisher's exact test" if self.apart is None else "McNemar's exact test"

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
                {**asdict(one), "method": one.method, "more_than_chance": one.more_than_chance}
                for one in self.verdicts
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
    """The settings in which runs differ; None stands for one that a run does not have.

    What the recipes differ in is asked of those runs alone that such a setting has a part in.
    """
    settings = [_settings(run.config) for run in runs]
    names = list(dict.fromkeys(name for one in settings for name in one))
    found = []
    for name in names:
        having = [
            one
            for one in settings
            if name in one or one["mode"] != "features" or not name.startswith("recipe.")
        ]
        if any(one.get(name) != having[0].get(name) for one in having):
            found.append(Difference(name, tuple(one.get(name) for one in settings)))
    return tuple(found)


def _verdicts(runs: Sequence[Record]) -> tuple[Verdict, ...]:
    """Each run against the first, by test scores where both have them; else by validation.

    With several, each chance is multiplied by their number (Bonferroni): of many that are no
    better, one looks better by chance.
    """
    found = {index: _shared(runs[0], run) for index, run in enumerate(runs) if index}
    num = sum(shared is not None for shared in found.values())
    return tuple(
        _verdict((runs[0], runs[index]), index, *shared, num)
        for index, shared in found.items()
        if shared
    )


def _shared(first: Record, other: Record) -> tuple[Part, Scores, Scores] | None:
    """Scores of a part that both have: of test rather than of validation, which tuning has seen."""
    for part in _PARTS:
        if (one := first.scores(part)) and (two := other.scores(part)):
            return part, one, two
    return None


def _verdict(
    runs: tuple[Record, Record], index: int, part: Part, one: Scores, other: Scores, num: int
) -> Verdict:
    apart = _apart(runs, part)
    if apart is None:
        right = (round(one["accuracy"] * one["n"]), round(other["accuracy"] * other["n"]))
        p = fisher(right, (one["n"], other["n"]))
    else:
        p = mcnemar(*apart)
    return Verdict(index, part, other["accuracy"] - one["accuracy"], min(1.0, num * p), apart)


def _apart(runs: tuple[Record, Record], part: Part) -> tuple[int, int] | None:
    """How many pictures each of two runs alone got right, where both were asked the same ones."""
    first, other = (answered_rightly(run, part) for run in runs)
    if not first or first.keys() != other.keys():
        return None
    pairs = [(first[name], other[name]) for name in first]
    return pairs.count((True, False)), pairs.count((False, True))


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """What decides a run, by dotted names: the network, recipe, data, and what it ran on."""
    found: dict[str, Any] = {name: config.get(name) for name in ("mode", "weights", "grown")}
    found |= {"model": config["model"]["name"]}
    found |= _flat("model.options", config["model"]["options"])
    if config.get("mode") == "features":
        config = {**config, "recipe": {name: config["recipe"].get(name) for name in SOLVED_BY}}
    found |= {"data.classes": config["classes"]}
    found |= _flat("data", {name: config["data"].get(name) for name in _DATA})
    for place in _WHOLE:
        found |= _flat(place, config.get(place))
    # Which pictures by their numbers tells nobody anything.
    return {**found, "together.copies": len(config["together"]["copies"])}


def _flat(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {name: value}
    below = [_flat(f"{name}.{key}", inner) for key, inner in value.items()]
    return {key: inner for part in below for key, inner in part.items()}


def _alike(runs: Sequence[Record], of: Callable[[Mapping[str, Any]], Any]) -> bool:
    return all(of(run.config) == of(runs[0].config) for run in runs)
