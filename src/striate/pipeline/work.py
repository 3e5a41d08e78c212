"""One run, all decided: pictures in; weights, figures, a report and a model card out."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from striate.data.dataset import some_of
from striate.data.opening import open_store
from striate.data.stores import Store
from striate.errors import StriateError
from striate.evaluating import Calibration, coverage_curve, reliability
from striate.exporting import save_model
from striate.files import write_atomic
from striate.metrics import score
from striate.pipeline import folder as run_folder
from striate.pipeline.job import Job, Judged, Learned, Outputs, Run
from striate.pipeline.judging import Rules, answering, rules_for
from striate.pipeline.learning import learn
from striate.pipeline.reporting import report
from striate.report import Calibrated
from striate.training import write_history


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
    answers = {"val": learned.held_out}
    if len(job.cut.test) and len((found := learned.ask(job.cut.test)).ids):
        answers["test"] = found
    elif len(job.cut.test):
        job.talk.say(
            "no picture of the test part can be read: validation alone tells how good it is"
        )
    _name_unreadable(path, job, store, named)  # those decoded on the way are known only now
    parts = {part: _judged(job, found, rules.temperature) for part, found in answers.items()}
    scores = {part: judged.scores for part, judged in parts.items()}
    name = job.plan["model"]["name"]
    run = Run(path, name, job.mode, learned.seconds, scores["val"], scores.get("test"))
    if job.team.leads:
        # The others leave meanwhile: nobody waits for what one process alone does.
        metrics = {"val": run.val.to_dict(), "test": run.test.to_dict() if run.test else None}
        facts = {"metrics": metrics, "seconds": run.seconds, "unreadable": len(store.excluded)}
        config = {**job.plan, **facts, "calibration": {**fit.to_dict(), **rules.to_dict()}}
        save_model(path, learned.net, config)
        write_history(path / run_folder.METRICS, learned.history)
        _write_predictions(path, job, parts)
        _report(path, job, store, learned, parts, rules, fit)
    return run


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


def _judged(job: Job, found: Outputs, temperature: float) -> Judged:
    labels, logits = job.data.labels[found.ids], found.values / temperature
    return Judged(found.ids, labels, logits.softmax(1), score(logits, labels))


def _write_predictions(path: Path, job: Job, parts: Mapping[str, Judged]) -> None:
    """A line for every picture that was judged by: its label, the answer, both probabilities."""
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(("path", "part", "label", "predicted", "probability", "label_probability"))
    classes = job.data.classes
    for part, judged in parts.items():
        best, taken = judged.chances.max(1)
        own = judged.chances.gather(1, judged.labels[:, None])[:, 0]
        columns = (t.tolist() for t in (judged.ids, judged.labels, taken, best, own))
        told = "cross-validation" if (part, job.mode) == ("val", "features") else part
        for index, label, answer, chance, given in zip(*columns, strict=True):
            shown = (f"{chance:.6f}", f"{given:.6f}")
            writer.writerow((job.name_of(index), told, classes[label], classes[answer], *shown))
    write_atomic(path / run_folder.PREDICTIONS, rows.getvalue().encode())


def _name_unreadable(path: Path, job: Job, store: Store, known: int = 0) -> int:
    """Tell which files have no pixels, `known` of which were told before; returns how many."""
    new = store.excluded[known:]
    if job.team.leads and (new or not known):
        run_folder.list_excluded(path, [*job.data.excluded, *store.excluded])
    if new:
        where = path / run_folder.EXCLUDED
        job.talk.say(f"unreadable, so left out {some_of(new)}; see {where}")
    return len(store.excluded)
