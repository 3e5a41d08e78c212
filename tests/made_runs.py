"""Run folders as training leaves them, made by hand: no network has to learn for a list of runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from striate.exporting import CONFIG, WEIGHTS, seal
from striate.training.snapshots import FACTS, MANIFEST, STATE, manifest, to_json

RECIPE = {"epochs": 3.0, "budget": 0.0, "peak_rate": 0.004, "seed": 0}


def scores(right: int, n: int, nll: float = 0.3) -> dict[str, Any]:
    """As a config holds them, of `right` of `n`."""
    share = right / n
    interval = [max(0.0, share - 0.02), min(1.0, share + 0.02)]
    rest = {"nll": nll, "ece": 0.05, "macro_f1": share, "top5": 1.0, "brier": 0.1}
    return {"n": n, "accuracy": share, "interval": interval, **rest}


def history(*rights: int) -> list[dict[str, Any]]:
    """An epoch of 10 updates for each: so many of 500 validation pictures right."""
    return [
        {"epoch": k, "step": 10 * k, "loss": 1 / k, "rate": 0.001, "val": scores(right, 500, 1 / k)}
        for k, right in enumerate(rights, 1)
    ]


def config(**changes: Any) -> dict[str, Any]:
    """The config of a run that begins."""
    samples = {"train": 3500, "val": 500, "test": 1000}
    data = {"source": "sample", "name": "sample", "layout": "idx", "samples": samples}
    return {
        "format": 1,
        "classes": ["ant", "bee"],
        "preprocess": {"size": [28, 28]},
        "recipe": RECIPE,
        "data": {**data, "excluded": 0, "digest": "a" * 64},
        "device": "cpu",
        "versions": {"striate": "0.1.0"},
        "model": {"name": "lecture_net", "options": {"classes": 2}},
        "together": {"group_by": "", "copies": []},
        **changes,
    }


def unfinished(folder: Path, *rights: int, **changes: Any) -> Path:
    """A run that was killed after some epochs, or before the first snapshot."""
    folder.mkdir(parents=True)
    (folder / CONFIG).write_bytes(seal(config(**changes)))
    if rights:
        snapshot(folder, *rights)
    return folder


def snapshot(folder: Path, *rights: int, number: str = "") -> Path:
    """The state of a run after some epochs."""
    rows = [{**row, "seconds": 1.5 * row["epoch"]} for row in history(*rights)]
    facts = {"step": 10 * len(rights), "seconds": 1.5 * len(rights), "history": rows}
    there = folder / "last" / f"step-{facts['step']:09d}{number}"
    there.mkdir(parents=True)
    contents = {STATE: b"tensors", FACTS: to_json(facts)}
    for name, data in {**contents, MANIFEST: manifest(contents)}.items():
        (there / name).write_bytes(data)
    return there


def finished(
    folder: Path, *rights: int, test: tuple[int, int] | None = (950, 1000), **changes: Any
) -> Path:
    """A run that is done after some epochs, the last of which is scored."""
    unfinished(folder, *rights)
    metrics = {"val": scores(rights[-1], 500), "test": scores(*test) if test else None}
    (folder / WEIGHTS).write_bytes(b"weights")
    rows = [json.dumps(row) + "\n" for row in history(*rights)]
    (folder / "metrics.jsonl").write_text("".join(rows))
    whole = {**config(**changes), "metrics": metrics, "seconds": 7.25}
    (folder / CONFIG).write_bytes(seal(whole))
    return folder
