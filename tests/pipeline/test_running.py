"""What a run does when something stands in its way, and what it says of its parts."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import pytest

import striate as st
from conftest import Trained
from small_photos import folder, picture
from striate.errors import StriateError
from striate.exporting import read_config, seal
from striate.pipeline import Talk, Wish, choose, compare, plan_run, resume
from striate.pipeline.folder import check_free
from striate.pipeline.record import read_run


def test_where_the_report_fails_the_model_is_saved_and_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = folder(tmp_path / "photos", blue=15, red=15)

    monkeypatch.setattr("striate.pipeline.reporting.write_report", _full)
    with pytest.raises(StriateError, match=r"model is saved.*No space left") as failed:
        st.train(photos, mode="scratch", epochs=2, out=tmp_path / "run")
    assert f"--resume {tmp_path / 'run'}" in failed.value.remedy
    assert st.load(tmp_path / "run").predict(photos / "red" / "000.png").top[0][0] in (
        "blue",
        "red",
    )
    monkeypatch.undo()
    resume(tmp_path / "run")
    assert (tmp_path / "run" / "report.html").exists()


@pytest.mark.parametrize("mode", ["features", "scratch"])
def test_a_finished_run_is_not_done_again(tmp_path: Path, mode: str) -> None:
    photos = folder(tmp_path / "photos", blue=15, red=15)
    asked = {"epochs": 2} if mode == "scratch" else {}
    run = st.train(photos, mode=mode, out=tmp_path / "run", **asked)
    before = {path.name: path.stat().st_mtime_ns for path in run.path.iterdir()}
    shutil.rmtree(photos)  # not even looked at
    said: list[str] = []
    assert resume(run.path, talk=Talk(say=said.append)) == run
    assert {path.name: path.stat().st_mtime_ns for path in run.path.iterdir()} == before
    [line] = said
    assert line.startswith("the run is finished")
    assert ("--epochs" in line) == (mode == "scratch")


def test_what_a_finished_run_lacks_is_made_again(tmp_path: Path) -> None:
    run = st.train(epochs=1, out=tmp_path / "run")
    for name in ("report.html", "predictions.csv"):
        (run.path / name).unlink()
        resume(run.path)
        assert (run.path / name).is_file()


def test_a_damaged_model_file_is_mended(tmp_path: Path) -> None:
    run = st.train(epochs=1, out=tmp_path / "run")
    whole = (run.path / "model.safetensors").read_bytes()
    (run.path / "model.safetensors").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    resume(run.path)
    assert (run.path / "model.safetensors").read_bytes() == whole


def test_a_run_that_went_on_is_not_at_its_end(tmp_path: Path) -> None:
    """As earlier versions left it: killed on the way, with the scores of its earlier end."""
    path = st.train(epochs=1, out=tmp_path / "run").path
    scored = {"metrics": read_config(path)["metrics"]}
    history = (path / "metrics.jsonl").read_text()
    resume(path, epochs=2)
    (path / "config.json").write_bytes(seal({**read_config(path), **scored}))
    (path / "metrics.jsonl").write_text(history)
    assert read_run(path).state == "unfinished"
    resume(path)
    assert len((path / "metrics.jsonl").read_text().splitlines()) == 2


def test_after_a_second_report_that_failed_there_is_none_of_the_first_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = st.train(epochs=1, out=tmp_path / "run").path
    first = (path / "report.html").read_text()
    monkeypatch.setattr("striate.pipeline.reporting.write_report", _full)
    with pytest.raises(StriateError, match="model is saved"):
        resume(path, epochs=2)
    assert not (path / "report.html").exists()
    monkeypatch.undo()
    resume(path)
    assert (path / "report.html").read_text() != first


def test_the_report_says_where_its_command_comes_to_other_weights(tmp_path: Path) -> None:
    timed = st.train(budget=1.5, model="lecture_net", out=tmp_path / "timed").path
    assert "A budget of time bounded this run" in (timed / "report.html").read_text()
    whole = st.train(epochs=1, model="lecture_net", out=tmp_path / "whole").path
    page = (whole / "report.html").read_text()
    assert "bounded this run" not in page
    assert "given more" not in page
    resume(whole, epochs=2)
    assert "This run was given more" in (whole / "report.html").read_text()
    assert "This run was given more" in (whole / "README.md").read_text()
    both = compare([timed, whole]).differences
    assert ("grown", (None, 1)) in [(one.setting, one.values) for one in both]


def test_the_report_says_which_weights_were_kept(tmp_path: Path) -> None:
    last = st.train(epochs=1, model="lecture_net", out=tmp_path / "last").path
    assert "the weights of the last epoch" in (last / "report.html").read_text()
    best = st.train(epochs=3, patience=3, model="lecture_net", out=tmp_path / "best").path
    accuracies = [row["val"]["accuracy"] for row in read_run(best).history]
    epoch = 1 + accuracies.index(max(accuracies))
    assert f"the weights of epoch {epoch} are kept" in (best / "report.html").read_text()


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_run_by_epochs_may_go_on_by_time(tmp_path: Path) -> None:
    path = st.train(epochs=1, model="lecture_net", out=tmp_path / "run").path
    trained = read_run(path).seconds
    assert trained is not None
    resume(path, budget=trained + 2)
    found = read_run(path)
    assert len(found.history) > 1
    assert found.seconds == pytest.approx(trained + 2, abs=1)


def test_a_solved_head_has_no_use_for_time(photo_run: Trained) -> None:
    with pytest.raises(StriateError, match=r"budget: got 60, expected nothing beside --resume"):
        resume(photo_run.run.path, budget=60)


def test_a_run_is_unfinished_from_when_it_is_given_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before its first new snapshot, it must go on, and not be called finished."""
    path = st.train(epochs=1, out=tmp_path / "run").path
    monkeypatch.setattr("striate.pipeline.resuming.train_into", _killed)
    with pytest.raises(KeyboardInterrupt):
        resume(path, epochs=2)
    monkeypatch.undo()
    assert read_run(path).state == "unfinished"
    resume(path)
    assert len(read_run(path).history) == 2


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_test_part_that_cannot_be_read_leaves_the_validation(tmp_path: Path) -> None:
    photos = folder(tmp_path / "photos" / "train", blue=20, red=20).parent
    for number, name in enumerate(("blue", "red")):
        (photos / "test" / name).mkdir(parents=True)
        picture(name, 90 + number).save(photos / "test" / name / "a.png")
        whole = (photos / "test" / name / "a.png").read_bytes()
        (photos / "test" / name / "a.png").write_bytes(whole[:200])
    said: list[str] = []
    for mode in ("features", "scratch"):
        run = st.train(
            photos, mode=mode, **({"epochs": 2} if mode == "scratch" else {}),
            out=tmp_path / mode, talk=Talk(say=said.append),
        )  # fmt: skip
        assert run.test is None
        # Of pictures that the head was solved from, cross-validation tells no familiarity.
        assert (run.unknown is None) == (mode == "features")
        part = "cross-validation" if mode == "features" else "val"
        table = (run.path / "predictions.csv").read_text()
        rows = [row for row in csv.DictReader(io.StringIO(table)) if row["part"] == part]
        assert len(rows) == run.val.n
        turned_away = sum(row["known"] == "no" for row in rows)
        assert turned_away == (run.unknown or 0)
        assert {row["known"] for row in rows} <= ({""} if mode == "features" else {"yes", "no"})
        assert any("no picture of the test part can be read" in line for line in said)
        assert "held-out pictures" in (tmp_path / mode / "report.html").read_text()
        said.clear()


def test_each_mode_says_what_becomes_of_a_validation_part(tmp_path: Path) -> None:
    photos = folder(tmp_path / "photos" / "train", blue=20, red=20).parent
    folder(photos / "val", blue=8, red=8)
    solved = plan_run(photos, Wish(mode="features"))
    assert "the data's validation part is the test" in solved.decision.why[-1]
    assert (len(solved.cut.val), len(solved.cut.test)) == (0, 16)
    trained = plan_run(photos, Wish(mode="scratch"))
    assert "a test part is cut from the rest" in trained.decision.why[-1]
    assert len(trained.cut.val) == 16


def test_answers_by_cross_validation_are_called_so(photo_run: Trained) -> None:
    table = (photo_run.run.path / "predictions.csv").read_text()
    parts = [row["part"] for row in csv.DictReader(io.StringIO(table))]
    assert set(parts) == {"cross-validation", "test"}
    assert parts.count("test") == photo_run.run.test.n


def test_evaluating_on_some_of_a_runs_own_pictures_comes_with_a_word(
    photo_run: Trained, tmp_path: Path
) -> None:
    said: list[str] = []
    own = tmp_path / "own"
    own.symlink_to(photo_run.photos)
    st.evaluate(photo_run.run.path, own, say=said.append)
    assert said == ["the run has learnt from these pictures: its own test scores say more"]
    said.clear()
    # Some of them laid out anew within the same folder.
    some = photo_run.photos / "blue" / "again"
    try:
        (some / "blue").mkdir(parents=True)
        shutil.copy(photo_run.photos / "blue" / "000.png", some / "blue" / "a.png")
        st.evaluate(photo_run.run.path, some, say=said.append)
    finally:
        shutil.rmtree(some)
    assert len(said) == 1
    assert "too good" in said[0]
    said.clear()
    st.evaluate(photo_run.run.path, folder(tmp_path / "other", blue=2, red=2), say=said.append)
    assert said == []


def test_a_place_where_no_run_can_be_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StriateError, match="is no folder that can be written to"):
        st.train(tmp_path / "no such source", out=tmp_path / "file" / "run")
    check_free(tmp_path / "a" / "b" / "c")


def test_a_runs_own_test_part_may_be_scored_without_a_word(tmp_path: Path) -> None:
    photos = folder(tmp_path / "photos" / "train", blue=20, red=20).parent
    folder(photos / "test", blue=3, red=3)
    run = st.train(photos, mode="scratch", epochs=1, out=tmp_path / "run")
    said: list[str] = []
    found = st.evaluate(run.path, photos, part="test", say=said.append)
    assert said == []
    assert found.scores.accuracy == run.test.accuracy  # type: ignore[union-attr]


def test_a_part_without_labels_is_no_part(tmp_path: Path) -> None:
    photos = folder(tmp_path / "photos" / "train", blue=20, red=20).parent
    (photos / "val").mkdir()
    picture("blue", 77).save(photos / "val" / "a.png")
    found = plan_run(photos, Wish(mode="features"))
    assert (len(found.cut.train), len(found.cut.test)) == (32, 8)
    assert not any("validation part" in reason for reason in found.decision.why)
    folder(photos / "test", blue=4, red=4)  # beside a validation part that says nothing
    found = plan_run(photos, Wish(mode="scratch"))
    assert (len(found.cut.val), len(found.cut.test)) == (4, 8)


def test_evaluation_names_what_it_leaves_out(photo_run: Trained, tmp_path: Path) -> None:
    photos = folder(tmp_path / "photos", blue=3, red=3)
    (photos / "red" / "000.png").write_bytes(b"no picture")
    said: list[str] = []
    found = st.evaluate(photo_run.run.path, photos, say=said.append)
    assert (found.scores.n, found.to_dict()["unreadable"]) == (5, 1)
    assert said == ["left out, and scored nowhere (1): red/000.png (not-an-image)"]


def test_a_network_that_is_no_classifier_is_refused_at_once(tmp_path: Path) -> None:
    photos = folder(tmp_path / "photos", blue=15, red=15)
    with pytest.raises(StriateError, match="unet: is no classifier: its task is segmentation"):
        plan_run(photos, Wish(mode="scratch", model="unet"))


def test_pictures_of_eight_pixels_get_a_network(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(12):
            picture("blue", number + 50 * (name == "b"), (8, 8)).convert("L").save(
                tmp_path / name / f"{number}.png"
            )
    assert plan_run(tmp_path, Wish()).plan["model"]["name"] == "resnet20"


def test_what_several_processes_will_do_is_known_before(tmp_path: Path) -> None:
    photos = folder(tmp_path / "photos", blue=110, red=107)
    assert plan_run(photos, Wish()).decision.mode == "features"
    assert plan_run(photos, Wish(), processes=2).decision.mode == "finetune"
    batch = plan_run(photos, Wish(mode="scratch"), processes=2).decision.recipe.batch_size
    assert batch % 16 == 0


def test_a_look_at_large_pictures_keeps_small_ones(tmp_path: Path) -> None:
    wide = picture("blue", 1, (40, 30)).resize((3000, 2000))
    for kind in ("png", "jpg"):
        wide.save(tmp_path / f"a.{kind}")
        kept = choose._picture(tmp_path / f"a.{kind}")
        assert kept is not None
        assert 448 <= min(kept.size) < 896
        assert max(kept.size) / min(kept.size) == pytest.approx(1.5, abs=0.02)
