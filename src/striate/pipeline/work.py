"""One run, all decided: pictures in; weights, figures, a report and a model card out."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from striate.data.dataset import some_of
from striate.data.opening import open_store
from striate.data.stores import Store
from striate.errors import StriateError
from striate.evaluating import Calibration, coverage_curve, reliability
from striate.exporting import save_model
from striate.files import write_atomic
from striate.metrics import majority, score
from striate.pipeline import folder as run_folder
from striate.pipeline.job import PARTS, Job, Judged, Learned, Outputs, Run
from striate.pipeline.judging import Rules, answering, rules_for
from striate.pipeline.learning import learn
from striate.pipeline.reporting import report
from striate.report import CARD, REPORT, Calibrated
from striate.training import write_history

_COLUMNS = ("path", "part", "label", "predicted", "probability", "label_probability", "known")


def train_into(path: Path, job: Job) -> Run:
    """Learn, or go on where the folder's newest snapshot stands; then judge, save and report."""
    store = open_store(
        job.data.pictures,
        job.preprocess,
        report=job.talk.decoding,
        say=job.talk.say,
    )
    named = _name_unreadable(path, job, store)
    learned = learn(path, job, store)
    rules, fit = rules_for(job, learned)
    parts = _judged(job, learned, rules)
    _name_unreadable(path, job, store, named)  # those decoded on the way are known only now
    scores = {part: judged.scores for part, judged in parts.items()}
    config = {
        **job.plan,
        "metrics": {part: scores[part].to_dict() if part in scores else None for part in PARTS},
        **_beside_scores(job.data.classes, parts.get("test", parts["val"])),
        "seconds": learned.seconds,
        "unreadable": len(store.excluded),
        "calibration": {**fit.to_dict(), **rules.to_dict()},
    }
    if job.team.leads:
        # The others leave meanwhile: nobody waits for what one process alone does.
        for name in (REPORT, CARD):  # of an earlier end, perhaps
            (path / name).unlink(missing_ok=True)
        write_history(path / run_folder.METRICS, learned.history)
        _write_predictions(path, job, parts)
        save_model(path, learned.net, config)
        _report(path, job, store, learned, parts, rules, fit)
    return Run.of(path, config)


def _report(
    path: Path, job: Job, store: Store, learned: Learned, parts: Mapping[str, Judged],
    rules: Rules, fit: Calibration,
) -> None:  # fmt: skip
    try:
        asked = answering(learned.net, rules)
        report(path, job, store, learned, parts, _calibrated(parts, rules, fit), asked)
    except Exception as error:
        # Hours of training are saved by now: that is what the user must hear first.
        reason = (
            error.what if isinstance(error, StriateError) else f"{type(error).__name__}: {error}"
        )
        raise StriateError(
            f"the model is saved, but its report could not be written ({reason})",
            where=str(path),
            remedy=f"Mend the cause, then: striate train --resume {path}",
        ) from error


def _calibrated(parts: Mapping[str, Judged], rules: Rules, fit: Calibration) -> Calibrated:
    judged = parts.get("test", parts["val"])
    best, taken = judged.chances.max(1)
    return Calibrated(
        fit=fit,
        bins=reliability(judged.chances.clamp(min=1e-300).log(), judged.labels),
        curve=coverage_curve(best, taken == judged.labels),
        threshold=rules.threshold,
        familiar=rules.familiar is not None,
    )


def _judged(job: Job, learned: Learned, rules: Rules) -> dict[str, Judged]:
    """The answers about pictures that it did not learn from, by their part.

    By the last one the run is judged. How familiar its pictures are is asked too, unless they are
    those that it has learnt from, answered by cross-validation.
    """
    assert rules.familiar is not None  # a run's own
    held, test = learned.held_out, job.cut.test
    if len(test):
        found = learned.ask(test, rules.familiar)
        if len(found.ids):
            return {"val": _answers(job, held, rules), "test": _answers(job, found, rules)}
        job.talk.say(
            "no picture of the test part can be read: validation alone tells how good it is"
        )
    if job.mode != "features":
        held = learned.ask(held.ids, rules.familiar)
    return {"val": _answers(job, held, rules)}


def _answers(job: Job, found: Outputs, rules: Rules) -> Judged:
    """Logits (N, K), or logits and familiarity (N, K + 1), beside the pictures' labels."""
    labels, classes = job.data.labels[found.ids], len(job.data.classes)
    logits = found.values[:, :classes] / rules.temperature
    known = rules.judge([found.values])[1] if found.values.shape[1] > classes else None
    return Judged(found.ids, labels, logits.softmax(1), score(logits, labels), known)


def _beside_scores(classes: Sequence[str], judged: Judged) -> dict[str, Any]:
    """What a config tells beside the scores of the pictures that the run is judged by."""
    index, share = majority(judged.labels)
    unknown = None if judged.known is None else int((~judged.known).sum())
    return {"unknown": unknown, "majority": {"class": classes[index], "share": share}}


def _write_predictions(path: Path, job: Job, parts: Mapping[str, Judged]) -> None:
    """A line for every picture that was judged by: its label, the answer, both probabilities.

    `known` is whether the answer is given, and not `unknown`; it is told of the part that the run
    is judged by.
    """
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(_COLUMNS)
    classes = job.data.classes
    for part, judged in parts.items():
        best, taken = judged.chances.max(1)
        own = judged.chances.gather(1, judged.labels[:, None])[:, 0]
        columns = [t.tolist() for t in (judged.ids, judged.labels, taken, best, own)]
        columns += [[""] * len(own) if judged.known is None else _yes_no(judged.known)]
        told = run_folder.CROSS_VALIDATION if (part, job.mode) == ("val", "features") else part
        for index, label, answer, chance, given, known in zip(*columns, strict=True):
            shown = (f"{chance:.6f}", f"{given:.6f}", known)
            writer.writerow((job.name_of(index), told, classes[label], classes[answer], *shown))
    write_atomic(path / run_folder.PREDICTIONS, rows.getvalue().encode())


def _yes_no(known: Tensor) -> list[str]:
    return ["yes" if one else "no" for one in known.tolist()]


def _name_unreadable(path: Path, job: Job, store: Store, known: int = 0) -> int:
    """Tell which files have no pixels, `known` of which were told before; returns how many."""
    new = store.excluded[known:]
    if job.team.leads and (new or not known):
        run_folder.list_excluded(path, [*job.data.excluded, *store.excluded])
    if new:
        where = path / run_folder.EXCLUDED
        job.talk.say(f"unreadable, so left out {some_of(new)}; see {where}")
    return len(store.excluded)
