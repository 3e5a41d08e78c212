"""The page that a run ends with: one file that needs no network, no script and nothing beside it.

The confusion matrix opens its pictures by the browser's own popovers, and the theme is chosen by
the style sheet, so that the page's policy can forbid every script.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import torch
from markupsafe import Markup, escape

from striate.evaluating.confusion import most_confused, worst_errors
from striate.report import charts
from striate.report.filters import bank
from striate.report.findings import Findings
from striate.report.matrix import matrix
from striate.report.pictures import Budget, Shown, fetched, heated, thumbnails
from striate.report.usage import usage
from striate.report.words import (
    answered,
    cautions,
    class_name,
    counted,
    file_name,
    file_size,
    percent,
    seconds,
    spread,
    verdict,
)

_BYTES = 4_000_000  # of pictures and names; the rest of the page stays under a million
_WORST = 12
_SUSPECTS = 12
_LISTED = 100  # rows of a list of files
_CLASSES = 1000  # rows of the table of classes
_SAMPLES = 12
_POINTS = 30  # rows of the coverage curve
_LARGE, _SMALL = 160, 96
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A picture to look at closely: its name, what was said, the picture, where the net looked."""

    name: str
    given: str
    said: str
    chance: str
    plain: Shown
    heat: Shown


def page(found: Findings) -> str:
    """HTML under 5 MB, whatever the data set's size."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent, "counted": counted, "duration": seconds, "spread": spread,
        "bytes": file_size, "file": _file, "class": _class, "plain": class_name,
    }  # fmt: skip
    # The budget is given out in this order: what is looked at most comes first.
    budget = Budget(_BYTES)
    worst, suspects = _worst(found, budget), _suspects(found, budget)
    return environment.get_template("report.html").render(
        found=found,
        verdict=verdict(found),
        cautions=cautions(found),
        per_class=sorted(found.per_class(), key=lambda row: (row.n == 0, row.f1)),
        learnt=dict(zip(found.classes, found.learnt.tolist(), strict=True)),
        classes_shown=_CLASSES,
        charts=_charts(found),
        coverage=_coverage(found),
        answered=answered(found),
        worst=worst,
        suspects=suspects,
        listed=_LISTED,
        samples=_samples(found, budget),
        augmented=_augmented(found, budget),
        filters=None if found.filters is None else bank(found.filters),
        matrix=matrix(found, budget),
        pairs=most_confused(found.held.confusion),
        check=_check(found.check),
        use=usage(found),
        sections=_sections(found),
    )


def _file(name: str) -> Markup:
    """A name as text of its own direction, whatever it is made of."""
    return Markup(f"<bdi>{escape(file_name(name))}</bdi>")


def _class(name: str) -> Markup:
    return Markup(f"<bdi>{escape(class_name(name))}</bdi>")


def _sections(found: Findings) -> dict[str, str]:
    """The headings by their anchors, in order; those without content left out."""
    return {
        anchor: title
        for anchor, title, there in (
            ("accuracy", "How good it is", True),
            ("decisions", "What was decided, and why", bool(found.decisions)),
            ("curves", "Learning curves", bool(found.history)),
            ("confusion", "What is taken for what", True),
            ("errors", "Worst errors", True),
            ("suspects", "Labels that are probably wrong", True),
            ("calibration", "What its probabilities mean", found.calibration is not None),
            ("sees", "What the net sees", True),
            ("check", "The data check", found.check is not None),
            ("cost", "What it costs", True),
            ("use", "How to use it", True),
            ("again", "How to come to it again", True),
        )
        if there
    }


def _worst(found: Findings, budget: Budget) -> list[Exhibit]:
    """Errors in which the right class got the least probability."""
    held = found.held
    errors = worst_errors(held.logs, held.labels, _WORST)
    indices = held.indices[[one.index for one in errors]]
    said = torch.tensor([one.taken for one in errors], dtype=torch.long)
    pictures = heated(found.pictures, indices, said, budget, _LARGE)
    return [
        Exhibit(
            found.pictures.name(index),
            found.classes[one.given],
            found.classes[one.taken],
            percent(one.chance),
            *both,
        )
        for index, one, both in zip(indices.tolist(), errors, pictures, strict=True)
    ]


def _suspects(found: Findings, budget: Budget) -> list[Exhibit]:
    first = found.suspects[:_SUSPECTS]
    indices = torch.tensor([one.index for one in first], dtype=torch.long)
    likely = torch.tensor([one.likely for one in first], dtype=torch.long)
    pictures = heated(found.pictures, indices, likely, budget, _LARGE)
    return [
        Exhibit(
            found.pictures.name(one.index),
            found.classes[one.given],
            found.classes[one.likely],
            percent(one.chance),
            *both,
        )
        for one, both in zip(first, pictures, strict=True)
    ]


def _samples(found: Findings, budget: Budget) -> list[tuple[str, Shown]]:
    """Some pictures of as many classes as there is room for, as the net gets them."""
    seen: dict[int, int] = {}
    ranked = []
    for row, label in enumerate(found.held.labels.tolist()):
        seen[label] = seen.get(label, 0) + 1
        ranked.append((seen[label], label, row))
    chosen = sorted(ranked)[:_SAMPLES]
    indices = found.held.indices[[row for _, _, row in chosen]]
    shown = fetched(found.pictures, indices, budget, _LARGE)
    return [(found.classes[label], one) for (_, label, _), one in zip(chosen, shown, strict=True)]


def _augmented(found: Findings, budget: Budget) -> list[list[Shown]]:
    if found.augmented is None:
        return []
    return [thumbnails(row, budget, _SMALL) for row in found.augmented]


def _charts(found: Findings) -> dict[str, Markup]:
    """Every chart by its name; those without figures left out."""
    _, majority = found.majority
    told = f"Accuracy {percent(found.scores.accuracy)} with its interval; the majority baseline "
    told += f"is at {percent(majority)}"
    made = {
        "accuracy": charts.interval(found.scores.accuracy, found.scores.interval, majority, told)
    }
    calibration = found.calibration
    if calibration and calibration.bins:
        told = "Reliability diagram; its figures stand in the table below"
        made["reliability"] = charts.reliability(calibration.bins, told)
    if calibration and len(calibration.curve.threshold):
        told = "Share right over the share answered; its figures stand in the table below"
        made["coverage"] = charts.coverage(calibration.curve, calibration.threshold, told)
    return made | _curves(found)


def _coverage(found: Findings) -> list[tuple[float, float, float]]:
    """Some points of the coverage curve, for its table; the last answers everything."""
    if found.calibration is None:
        return []
    curve = found.calibration.curve
    columns = (curve.threshold.tolist(), curve.coverage.tolist(), curve.accuracy.tolist())
    points = list(zip(*columns, strict=True))
    return points[::-1][:: -(-len(points) // _POINTS)][::-1]


def _curves(found: Findings) -> dict[str, Markup]:
    if not found.history:
        return {}
    learnt = charts.Series("training", [(row.epoch, row.loss) for row in found.history])
    scored = [row for row in found.history if row.val]
    losses = [learnt]
    made = {}
    if scored:
        losses.append(charts.Series("validation", [(row.epoch, row.val["nll"]) for row in scored]))
        right = charts.Series("accuracy", [(row.epoch, row.val["accuracy"]) for row in scored])
        told = f"Validation accuracy by epoch, at the end {percent(right.points[-1][1])}"
        made["right"] = charts.lines([right], told, "epoch", "validation accuracy", shares=True)
    told = "Loss by epoch: " + "; ".join(
        f"{one.name} from {one.points[0][1]:.3g} to {one.points[-1][1]:.3g}" for one in losses
    )
    made["loss"] = charts.lines(losses, told, "epoch", "loss")
    return made


def _check(report: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The data check's lists, with how long they are."""
    if report is None:
        return None
    lists: dict[str, Sequence[Any]] = {
        name: report.get(name, ())
        for name in ("problems", "warnings", "unreadable", "duplicates", "leakage", "converted")
    }
    return {**lists, "excluded": report.get("excluded", ()), "files": report.get("files", 0)}
