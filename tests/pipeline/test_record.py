"""What a folder says of its run, and of what is wrong with it."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

import made_runs as made
import striate as st
from striate.errors import StriateError
from striate.exporting import seal
from striate.pipeline import Record, list_runs, read_run, resume
from striate.pipeline.folder import held


def only(folder: Path) -> Record:
    [record] = list_runs(folder)
    return record


def test_a_real_run_reads_as_it_reported(tmp_path: Path) -> None:
    run = st.train(epochs=1, out=tmp_path / "digits")
    record = only(tmp_path)
    row = record.to_dict()
    assert (row["state"], row["resumable"], row["reason"]) == ("finished", False, None)
    assert (row["name"], row["model"], row["data"]) == ("digits", "lecture_net", "sample")
    assert (row["source"], row["classes"], row["epochs"]) == ("sample", 10, 1)
    assert (row["val"], row["test"]) == (run.val.to_dict(), run.test.to_dict())
    assert row["seconds"] == pytest.approx(run.seconds)
    with held(run.path):
        assert read_run(run.path).state == "running"
    (run.path / "metrics.jsonl").unlink()
    assert only(tmp_path).state == "damaged"
    resume(run.path)
    assert read_run(run.path).to_dict()["epochs"] == 1


def test_an_unfinished_run_tells_how_far_it_came(tmp_path: Path) -> None:
    made.unfinished(tmp_path / "killed", 400, 450)
    row = only(tmp_path).to_dict()
    assert (row["state"], row["resumable"], row["epochs"]) == ("unfinished", True, 2)
    assert (row["val"]["accuracy"], row["test"], row["seconds"]) == (0.9, None, 3.0)


def test_before_the_first_snapshot_there_is_nothing_to_tell(tmp_path: Path) -> None:
    row = read_run(made.unfinished(tmp_path / "young")).to_dict()
    assert (row["state"], row["epochs"], row["val"], row["seconds"]) == (
        "unfinished",
        0,
        None,
        None,
    )


def test_a_finished_run_that_went_on_and_was_killed_is_unfinished(tmp_path: Path) -> None:
    folder = made.finished(tmp_path / "run", 400, 450)
    assert read_run(folder).state == "finished"
    made.snapshot(folder, 400, 450, 460)
    record = read_run(folder)
    assert (record.state, len(record.history)) == ("unfinished", 3)
    assert record.scores("val")["accuracy"] == 0.9  # of the weights that are there


def test_a_damaged_snapshot_is_passed_over_for_the_one_before(tmp_path: Path) -> None:
    folder = made.unfinished(tmp_path / "run", 400, 450)
    newest = made.snapshot(folder, 400, 450, 460)
    assert len(read_run(folder).history) == 3
    facts = (newest / "state.json").read_bytes()
    (newest / "state.json").write_bytes(facts.replace(b"460", b"499").replace(b"0.92", b"0.99"))
    assert len(read_run(folder).history) == 2


def test_the_newest_is_first_and_what_is_no_run_is_passed_over(tmp_path: Path) -> None:
    for age, name in enumerate(("b", "c", "a")):
        made.finished(tmp_path / name, 450)
        for part in ("config.json", "last"):
            os.utime(tmp_path / name / part, (1e9 - age, 1e9 - age))
    (tmp_path / "pictures" / "cat").mkdir(parents=True)
    (tmp_path / "notes.txt").write_text("not a run")
    (tmp_path / "dangling").symlink_to("nowhere")
    shutil.copytree(tmp_path / "a", tmp_path / ".making-0123456789abcdef")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text('{"architectures": ["BertModel"]}')
    model = {**made.config(), "weights_sha256": "0" * 64}
    del model["recipe"]  # saved by `save_model`: a model and no run
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_bytes(seal(model))
    assert [record.name for record in list_runs(tmp_path)] == ["b", "c", "a"]
    assert only(tmp_path / "c").path == tmp_path / "c"


def cut_config(folder: Path) -> None:
    (folder / "config.json").write_bytes((folder / "config.json").read_bytes()[:400])


def change_config(folder: Path) -> None:
    whole = (folder / "config.json").read_text()
    (folder / "config.json").write_text(whole.replace("0.004", "0.005"))


def reseal(folder: Path, **changes: object) -> None:
    whole = json.loads((folder / "config.json").read_text())
    left = {name: value for name, value in {**whole, **changes}.items() if value is not None}
    (folder / "config.json").write_bytes(seal(left))


@pytest.mark.parametrize(
    ("damage", "state", "reason"),
    [
        (cut_config, "damaged", "is not JSON"),
        (lambda run: (run / "config.json").write_bytes(b""), "damaged", "is not JSON"),
        (lambda run: (run / "config.json").write_text("[" * 99_999), "damaged", "is not JSON"),
        (lambda run: (run / "config.json").unlink(), "damaged", "its config.json is missing"),
        (change_config, "damaged", "does not match its own SHA-256"),
        (lambda run: reseal(run, data=None), "damaged", r"not a whole run \(KeyError: 'data'\)"),
        (lambda run: reseal(run, model="resnet18"), "damaged", "not a whole run"),
        (lambda run: reseal(run, metrics=3), "damaged", "not a whole run"),
        (lambda run: (run / "model.safetensors").unlink(), "damaged", "model.safetensors is miss"),
        (lambda run: (run / "metrics.jsonl").unlink(), "damaged", "its metrics.jsonl is missing"),
        (lambda run: (run / "metrics.jsonl").write_text("{}"), "damaged", "no history of a run"),
        (lambda run: (run / "metrics.jsonl").write_text("3"), "damaged", "no history of a run"),
        (lambda run: (run / "metrics.jsonl").write_bytes(b"\xff"), "damaged", "no history"),
        (
            lambda run: (run / "metrics.jsonl").write_text(
                json.dumps({"epoch": 1, "step": 1, "loss": float("nan"), "val": {}})
            ),
            "damaged",
            "no history of a run",
        ),
        (
            lambda run: (run / "metrics.jsonl").write_text(
                '{"epoch": 1, "step": 1, "loss": 1, "val": {"accuracy": "x", "nll": 1}}'
            ),
            "damaged",
            "not all numbers",
        ),
        (lambda run: reseal(run, format=2), "other format", "is of format 2, and this version of"),
    ],
)
def test_a_damaged_run_is_a_row_that_says_so(tmp_path: Path, damage, state, reason) -> None:  # type: ignore[no-untyped-def]
    made.finished(tmp_path / "whole", 400)
    damage(made.finished(tmp_path / "run", 400, 450))
    rows = {record.name: record for record in list_runs(tmp_path)}
    assert rows.keys() == {"whole", "run"}
    assert rows["run"].state == state
    assert re.search(reason, rows["run"].reason), rows["run"].reason
    assert rows["run"].to_dict()["model"] is None
    with pytest.raises(StriateError):
        read_run(tmp_path / "run")


def test_a_run_whose_snapshots_are_all_damaged_cannot_go_on(tmp_path: Path) -> None:
    folder = made.unfinished(tmp_path / "run", 400, 450)
    (folder / "last" / "step-000000020" / "MANIFEST.json").unlink()
    record = only(tmp_path)
    assert (record.state, record.resumable) == ("damaged", False)
    assert "no whole checkpoint is left" in record.reason
    with held(folder):
        assert only(tmp_path).state == "running"  # which one may be on its way is not known


def test_the_lock_of_a_killed_process_does_not_count(tmp_path: Path) -> None:
    folder = made.unfinished(tmp_path / "run", 400)
    (folder / ".lock").touch()
    assert read_run(folder).state == "unfinished"
    with held(folder):
        assert read_run(folder).state == "running"
        assert read_run(folder).state == "running"  # asking takes nothing
    assert read_run(folder).state == "unfinished"


def test_a_name_that_is_no_text_is_spelt_out(tmp_path: Path) -> None:
    made.finished(tmp_path / os.fsdecode(b"caf\xe9"), 450)
    assert only(tmp_path).to_dict()["name"] == "caf\\xe9"


@pytest.mark.parametrize(
    ("name", "message"), [("nowhere", "no such folder"), ("f", "is no folder")]
)
def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(StriateError, match=message):
        list_runs(tmp_path / name)
