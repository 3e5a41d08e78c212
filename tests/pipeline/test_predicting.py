"""Answers about many files: in order, in flat memory, whatever is among them."""

from __future__ import annotations

import csv
import io
import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import striate as st
from conftest import Striate, Trained
from small_photos import picture
from striate.evaluating import Familiar
from striate.exporting import save_model
from striate.pipeline.judging import Rules
from striate.preprocess import Preprocess


def stored_otherwise(root: Path) -> dict[str, Path]:
    """One picture in the ways that files hold it; all show the same."""
    image, files = picture("green", 7), {}
    image.save(root / "plain.png")
    files["plain"] = root / "plain.png"
    turned = image.transpose(Image.Transpose.ROTATE_90)
    tag = Image.Exif()
    tag[0x0112] = 6  # turn it back to the right
    turned.save(root / "turned.png", exif=tag)
    files["turned"] = root / "turned.png"
    clear = image.convert("RGBA")
    clear.putalpha(255)
    clear.save(root / "alpha.png")
    files["alpha"] = root / "alpha.png"
    image.save(root / "no_suffix", "PNG")
    files["no suffix"] = root / "no_suffix"
    image.save(root / "wrong.jpg", "PNG")
    files["wrong suffix"] = root / "wrong.jpg"
    return files


def test_a_picture_is_the_same_however_it_is_stored(photo_run: Trained, tmp_path: Path) -> None:
    classifier = st.load(photo_run.run.path)
    files = stored_otherwise(tmp_path)
    wanted = classifier.predict(files["plain"])
    assert wanted.top[0][0] == "green"
    for way, file in files.items():
        for picture_itself in (file, Image.open(file)):
            found = classifier.predict(picture_itself)
            assert found.probability == pytest.approx(wanted.probability, abs=1e-6), way
            assert found.top[0][0] == "green", way
    array = np.asarray(Image.open(files["plain"]))
    assert classifier.predict(array).probability == pytest.approx(wanted.probability, abs=1e-6)
    deep = Image.fromarray(np.asarray(Image.open(files["plain"]).convert("L"), np.uint16) * 257)
    grey = Image.open(files["plain"]).convert("L")
    one, other = classifier.predict([deep, grey])
    assert one.probability == pytest.approx(other.probability, abs=1e-6)


def test_a_transparent_picture_lies_on_white(photo_run: Trained) -> None:
    classifier = st.load(photo_run.run.path)
    clear = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    white = Image.new("RGB", (40, 40), (255, 255, 255))
    assert torch.equal(classifier.pixels(clear), classifier.pixels(white))


def test_a_bad_file_costs_its_own_row_alone(photo_run: Trained, tmp_path: Path) -> None:
    classifier = st.load(photo_run.run.path)
    files = []
    for number in range(40):
        files.append(tmp_path / f"{number:02}.png")
        picture("blue", 500 + number).save(files[-1])
    files[3].write_bytes(files[3].read_bytes()[:900])
    files[21].write_bytes(b"")
    rows = list(classifier.stream([tmp_path]))
    assert [row.path for row in rows] == [str(file) for file in files]
    assert [place for place, row in enumerate(rows) if row.answer is None] == [3, 21]
    assert all(row.error for row in (rows[3], rows[21]))
    alone = classifier.predict(files[39])
    assert rows[39].answer is not None
    assert rows[39].answer.probability == pytest.approx(alone.probability, abs=1e-4)


def test_what_the_network_is_given_can_be_had(photo_run: Trained, tmp_path: Path) -> None:
    classifier = st.load(photo_run.run.path)
    picture("red", 3).save(tmp_path / "a.png")
    batch = classifier.preprocess.normalise(classifier.pixels(tmp_path / "a.png")[None])
    with torch.inference_mode():
        logits = classifier.net(batch)[0].double() / classifier.rules.temperature
    answer = classifier.predict(tmp_path / "a.png")
    assert answer.probability == pytest.approx(logits.softmax(0).max().item(), abs=1e-9)


@pytest.mark.parametrize("kind", ["flip", "five", "ten"])
def test_views_are_averaged(photo_run: Trained, kind: str) -> None:
    classifier = st.load(photo_run.run.path)
    image = picture("red", 11)
    plain, averaged = classifier.predict(image), classifier.predict(image, tta=kind)
    assert averaged.top[0][0] == plain.top[0][0]
    assert averaged.probability != plain.probability
    if kind == "flip":
        mirror = classifier.predict(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), top=3)
        both = {label: chance / 2 for label, chance in classifier.predict(image, top=3).top}
        for label, chance in mirror.top:
            both[label] += chance / 2
        assert averaged.probability == pytest.approx(max(both.values()), abs=1e-6)


def test_a_class_may_be_called_unknown(tmp_path: Path) -> None:
    for name, colour in (("known", "blue"), ("unknown", "red")):
        (tmp_path / "p" / name).mkdir(parents=True)
        for number in range(12):
            picture(colour, number).save(tmp_path / "p" / name / f"{number}.png")
    run = st.train(tmp_path / "p", out=tmp_path / "run")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    learnt, strange = st.load(run.path).predict([picture("red", 99), noise])
    assert (learnt.label, learnt.known) == ("unknown", True)
    assert (strange.label, strange.known) == ("unknown", False)
    assert [answer.to_dict()["known"] for answer in (learnt, strange)] == [True, False]


def test_of_several_views_the_mean_decides_what_is_known() -> None:
    rules = Rules(threshold=0.8, familiar=Familiar(torch.eye(2), 0.5))
    sure = torch.tensor([[9.0, 0.0, 0.9], [9.0, 0.0, 0.7], [9.0, 0.0, 0.9]])
    other = torch.tensor([[9.0, 0.0, 0.2], [9.0, 0.0, 0.2], [0.0, 9.0, 0.9]])
    chances, known = rules.judge([sure, other])
    assert known.tolist() == [True, False, False]  # the third is sure of each class once
    assert chances[2].tolist() == pytest.approx([0.5, 0.5])


def test_a_classifier_says_what_it_is(photo_run: Trained) -> None:
    assert repr(st.load(photo_run.run.path)) == "Classifier(efficientnet_lite0, 3 classes)"


def test_every_engine_answers_alike(photo_run: Trained) -> None:
    image = picture("green", 5)
    wanted = st.load(photo_run.run.path).predict(image)
    for engine in ("openvino", "onnxruntime", "torch"):
        found = st.load(photo_run.run.path, engine).predict(image)
        assert found.probability == pytest.approx(wanted.probability, abs=1e-4)
        assert found.label == wanted.label


def test_a_table_of_answers(photo_run: Trained, striate_command: Striate, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    picture("blue", 900).save(tmp_path / "in" / "b.png")
    picture("red", 901).save(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "c.png").write_bytes(b"none")
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    run, table = photo_run.run.path, tmp_path / "out.csv"
    done = striate_command("predict", run, tmp_path / "in", "--csv", table)
    assert done.returncode == 2
    assert "3 pictures, 1 of them unreadable" in done.stderr
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert [Path(row["path"]).name for row in rows] == ["a.png", "b.png", "c.png"]
    assert [row["label"] for row in rows[:2]] == ["red", "blue"]
    assert [row["known"] for row in rows] == ["yes", "yes", ""]
    assert float(rows[0]["probability"]) > 0.5
    assert [row["best"] for row in rows] == ["red", "blue", ""]
    assert rows[2]["error"]
    done = striate_command("predict", run, tmp_path / "in", "--csv", "-")
    assert done.stdout == table.read_text()
    done = striate_command("predict", run, tmp_path / "in", "--json", "--top", "2")
    found = json.loads(done.stdout)["rows"]
    assert [len(row.get("top", ())) for row in found] == [2, 2, 0]


def test_of_what_is_unknown_the_table_has_the_likeliest_class(
    photo_run: Trained, striate_command: Striate, tmp_path: Path
) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "blank.png")
    done = striate_command("predict", photo_run.run.path, tmp_path / "blank.png", "--csv", "-")
    [row] = csv.DictReader(io.StringIO(done.stdout))
    assert (row["label"], row["known"]) == ("unknown", "no")
    assert row["best"] in st.load(photo_run.run.path).classes


def test_answers_are_written_over_earlier_ones_and_nothing_else(
    photo_run: Trained, striate_command: Striate, tmp_path: Path
) -> None:
    picture("blue", 900).save(tmp_path / "b.png")
    other, table = tmp_path / "labels.csv", tmp_path / "out.csv"
    other.write_text("path,label\nb.png,blue\n")
    words = ("predict", photo_run.run.path, tmp_path / "b.png", "--csv")
    done = striate_command(*words, other)
    assert done.returncode == 2
    assert "this one holds something else" in done.stderr
    assert other.read_text() == "path,label\nb.png,blue\n"
    (tmp_path / "-").write_text("no table")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert striate_command(*words, "-").returncode == 0
    table.write_text("")
    for _ in range(2):
        assert striate_command(*words, table).returncode == 0
    assert table.read_text().count("b.png") == 1


def test_processes_share_the_files(
    photo_run: Trained, striate_command: Striate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number}.png" for number in range(5)]
    for number, name in enumerate(names):
        picture("blue", number).save(tmp_path / name)
    monkeypatch.setenv("WORLD_SIZE", "2")
    found = []
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        done = striate_command("predict", photo_run.run.path, tmp_path, "--csv", tmp_path / "t.csv")
        assert done.returncode == 0, done.stderr
        text = (tmp_path / f"t.csv-{rank}-of-2").read_text()
        part = list(csv.DictReader(io.StringIO(text)))
        found.append([Path(row["path"]).name for row in part])
    assert found == [names[0::2], names[1::2]]
    done = striate_command("predict", photo_run.run.path, tmp_path)
    assert "csv: got 'nothing', expected a file" in done.stderr


def test_a_last_batch_of_one_trains(tmp_path: Path) -> None:
    for name in ("blue", "red"):
        (tmp_path / "p" / name).mkdir(parents=True)
        for number in range(12):
            picture(name, number, (20, 20)).save(tmp_path / "p" / name / f"{number}.png")
    run = st.train(tmp_path / "p", mode="scratch", epochs=2, batch_size=17, out=tmp_path / "run")
    config = json.loads((run.path / "config.json").read_text())
    assert config["data"]["samples"]["train"] % 17 == 1


def test_a_folder_without_pictures_is_a_mistake(
    photo_run: Trained, striate_command: Striate, tmp_path: Path
) -> None:
    done = striate_command("predict", photo_run.run.path, tmp_path)
    assert done.returncode == 2
    assert "expected a folder that holds pictures" in done.stderr


def test_a_model_that_was_saved_without_a_run_answers(
    striate_command: Striate, tmp_path: Path
) -> None:
    options = {"classes": 2, "in_channels": 1}
    facts = {"classes": ["a", "b"], "model": {"name": "lenet5", "options": options}}
    record = Preprocess((32, 32), 1, (0.5,), (0.5,))
    (tmp_path / "m").mkdir()
    save_model(
        tmp_path / "m", st.create("lenet5", **options), facts | {"preprocess": record.to_dict()}
    )
    picture("red", 1).save(tmp_path / "a.png")
    done = striate_command("predict", tmp_path / "m", tmp_path / "a.png")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path / 'a.png'}: ")


@pytest.mark.slow
def test_memory_is_flat_however_many_files(photo_run: Trained, tmp_path: Path) -> None:
    picture("blue", 0).save(tmp_path / "a.png")
    program = f"""
import striate as st
from pathlib import Path

classifier = st.load({str(photo_run.run.path)!r})
for count in (400, 4_000):
    for row in classifier.rows([Path({str(tmp_path / "a.png")!r})] * count):
        assert row.answer
    print(Path("/proc/self/statm").read_text().split()[1])
"""
    # In a process of its own, which nothing else has made large before.
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    before, after = (int(pages) * resource.getpagesize() for pages in done.stdout.split())
    assert after - before < 30 << 20
