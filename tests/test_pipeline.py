import csv
import json
from pathlib import Path

import pytest
import torch
from PIL import Image

import made_runs as made
import striate as st
from striate.data import load_source, pixels_of, stratified_split
from striate.data.split import split
from striate.errors import StriateError
from striate.pipeline import Run, Talk, evaluate, resume
from striate.pipeline.together import by_name


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return st.train(epochs=2, out=tmp_path_factory.mktemp("runs") / "digits")


def test_the_default_recipe_reads_97_of_100_held_out_digits(tmp_path: Path) -> None:
    assert st.train(out=tmp_path / "run").test.accuracy >= 0.97


def test_a_run_is_a_folder_of_plain_files(run: Run) -> None:
    files = {path.name for path in run.path.iterdir()}
    told = {"report.html", "README.md", "predictions.csv"}
    assert files == {"model.safetensors", "config.json", "metrics.jsonl", "last", *told}
    config = json.loads((run.path / "config.json").read_text())
    assert config["metrics"]["test"] == run.test.to_dict()
    lines = (run.path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]


def test_json_has_the_promised_keys(run: Run) -> None:
    report = run.to_dict()
    facts = {"run", "model", "mode", "seconds", "unknown", "majority"}
    assert report.keys() == {*facts, "val", "test"}
    assert report["test"].keys() >= {"n", "accuracy", "interval", "nll", "ece", "macro_f1"}
    assert (report["val"]["n"], report["test"]["n"]) == (500, 1000)
    assert report["majority"]["share"] == pytest.approx(0.1, abs=0.01)
    assert 0 < report["unknown"] < 100


def test_the_reported_accuracy_is_that_of_the_loaded_model(run: Run, tmp_path: Path) -> None:
    """From files, through `predict`, one by one: the same share right as the run reports."""
    data = load_source("sample")
    test = data.subset(stratified_split(data.labels, seed=0).test)
    classifier, right = st.load(run.path), 0
    for image, label in zip(test.pictures, test.labels.tolist(), strict=True):
        Image.fromarray(image[0].numpy()).save(tmp_path / "digit.png")
        likeliest, _ = classifier.predict(tmp_path / "digit.png").top[0]
        right += likeliest == data.classes[label]
    assert right / len(test) == pytest.approx(run.test.accuracy, abs=1e-9)


def test_prediction_takes_images_and_ranks_classes(run: Run) -> None:
    digit = load_source("sample").pictures[0, 0].numpy()
    answer = st.load(run.path).predict(Image.fromarray(digit), top=3)
    assert len(answer.top) == 3
    assert answer.top[0] == (answer.label, answer.probability)
    both = st.load(run.path).predict([digit, digit], top=3)
    assert [one.label for one in both] == [answer.label] * 2
    assert both[1].probability == pytest.approx(answer.probability)
    assert st.load(run.path).predict(Image.new("L", (28, 28))).label == "unknown"
    assert sum(
        chance for _, chance in st.load(run.path).predict(Image.new("L", (9, 9)), top=99).top
    ) == (pytest.approx(1))
    with pytest.raises(StriateError, match="top: got 0"):
        st.load(run.path).predict(Image.new("L", (28, 28)), top=0)


def test_the_same_seed_gives_the_same_weights(run: Run, tmp_path: Path) -> None:
    again = st.train(epochs=2, out=tmp_path / "again")
    for name in ("model.safetensors", "metrics.jsonl"):
        assert (again.path / name).read_bytes() == (run.path / name).read_bytes()


def test_a_net_sees_plain_training_pictures_before_it_learns(tmp_path: Path) -> None:
    """Its first filters whiten what the classifier will be shown; the seed decides the pictures."""
    options = {"width": 4}
    runs = [
        st.train(model="airbench94", options=options, epochs=0.1, out=tmp_path / name)
        for name in ("one", "again")
    ]
    classifier = st.load(runs[0].path)
    data = load_source("sample")
    train = data.subset(stratified_split(data.labels, seed=0).train)
    with torch.inference_mode():
        answers = classifier.net.whiten(classifier.preprocess.normalise(train.pictures))
    patches = answers[:, :4].movedim(1, 0).flatten(1)
    assert patches.var(1)[:3] == pytest.approx([1, 1, 1], abs=0.1)
    weights = [(run.path / "model.safetensors").read_bytes() for run in runs]
    assert weights[0] == weights[1]


def test_curves_for_tensorboard_are_those_of_the_run(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    talk = Talk(tensorboard=True)
    run = st.train(epochs=2, model="lecture_net", out=tmp_path / "run", talk=talk)
    events = EventAccumulator(str(run.path / "tensorboard")).Reload()
    rows = [json.loads(row) for row in (run.path / "metrics.jsonl").read_text().splitlines()]
    drawn = events.Scalars("val/accuracy")
    assert [point.step for point in drawn] == [row["step"] for row in rows]
    assert [point.value for point in drawn] == pytest.approx([r["val"]["accuracy"] for r in rows])
    assert len(events.Scalars("loss/train")) == rows[-1]["step"]


def test_a_run_is_not_given_less_than_is_behind_it(tmp_path: Path) -> None:
    """Fewer epochs or seconds are refused before anything is written; the same are nothing new."""
    path = st.train(epochs=2, out=tmp_path / "run").path
    before = (path / "config.json").read_bytes()
    with pytest.raises(StriateError, match="epochs: got 1, expected no less than the 2 that"):
        resume(path, epochs=1)
    with pytest.raises(StriateError, match=r"budget: got 0\.01, expected no less than the .* sec"):
        resume(path, budget=0.01, epochs=1_000_000)
    assert (path / "config.json").read_bytes() == before
    said: list[str] = []
    resume(path, talk=Talk(say=said.append))
    assert said == ["the run is finished. To go on with it, give it more --epochs or --budget"]


def test_scores_on_what_was_learnt_from_come_with_a_word(run: Run) -> None:
    said: list[str] = []
    evaluate(run.path, "sample", say=said.append)
    assert said == ["the run has learnt from these pictures: its own test scores say more"]


def test_pictures_without_any_class_cannot_be_scored(run: Run, tmp_path: Path) -> None:
    Image.new("L", (28, 28)).save(tmp_path / "digit.png")
    with pytest.raises(StriateError, match="has no classes to compare the answers with"):
        evaluate(run.path, tmp_path)


def test_a_run_that_is_not_finished_says_so_when_it_is_asked(tmp_path: Path) -> None:
    made.unfinished(tmp_path / "young", 400)
    with pytest.raises(StriateError, match="is not finished, so there is no model") as error:
        st.load(tmp_path / "young")
    assert "striate train --resume" in str(error.value.remedy)


def test_a_class_without_pictures_is_named(tmp_path: Path) -> None:
    for index in range(40):
        folder = tmp_path / "photos" / f"class{index % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        shade = 60 + 3 * index + 60 * (index % 2)
        Image.effect_noise((16, 16), 40 + index).point(lambda v, s=shade: v // 2 + s // 4).save(
            folder / f"{index}.png"
        )
    (tmp_path / "photos" / "nothing").mkdir()
    said: list[str] = []
    st.train(tmp_path / "photos", epochs=1, out=tmp_path / "run", talk=Talk(say=said.append))
    assert "class 'nothing' has no pictures: it will never be the answer" in said


def test_only_pictures_with_a_class_are_scored(run: Run, tmp_path: Path) -> None:
    """A part may hold some without, in a manifest; they are not taken for the last class."""
    data = load_source("sample")
    lines = ["path,label,split"]
    for index in range(0, 5000, 250):
        Image.fromarray(data.pictures[index][0].numpy()).save(tmp_path / f"{index}.png")
        label = data.classes[data.labels[index]] if index % 500 else ""
        lines.append(f"{index}.png,{label},test")
    (tmp_path / "some.csv").write_text("\n".join(lines) + "\n")
    found = load_source(tmp_path / "some.csv")
    labelled = int((found.labels >= 0).sum())
    assert 0 < labelled < len(found)
    for part in ("test", ""):
        assert evaluate(run.path, tmp_path / "some.csv", part=part).scores.n == labelled


def test_training_leaves_the_callers_random_numbers_alone(tmp_path: Path) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    st.train(epochs=1, out=tmp_path / "run")
    assert torch.equal(torch.rand(3), expected)


def test_a_run_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("years of work")
    with pytest.raises(StriateError, match="already there"):
        st.train(epochs=1, out=tmp_path / "run")
    assert (tmp_path / "run" / "thesis.txt").read_text() == "years of work"


def test_a_run_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StriateError, match="cannot be made"):
        st.train(epochs=1, out=tmp_path / "file" / "run")


def test_an_interrupted_run_leaves_no_folder(tmp_path: Path) -> None:
    def interrupt(step: object) -> None:
        raise KeyboardInterrupt

    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        st.train(epochs=1, out=tmp_path / "run", talk=Talk(step=interrupt, say=said.append))
    assert list(tmp_path.iterdir()) == []
    assert said[-1] == f"there was nothing yet to go on from: {tmp_path / 'run'} is taken back"


def test_an_interrupted_run_stays_whole_where_others_put_files(tmp_path: Path) -> None:
    def interrupt(step: object) -> None:
        (tmp_path / "run" / "notes.txt").write_text("put here meanwhile")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        st.train(epochs=1, out=tmp_path / "run", talk=Talk(step=interrupt))
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"notes.txt", "config.json"}


def test_default_run_names_never_collide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from striate.pipeline.folder import free_name

    monkeypatch.setattr("time.strftime", lambda form: "20261231-235959")
    names = []
    for _ in range(3):
        names.append(free_name(tmp_path, "sample"))
        names[-1].mkdir()
    assert len(set(names)) == 3


def test_a_large_photograph_is_read_as_training_reads_it(run: Run, tmp_path: Path) -> None:
    """Through the one function from files to pixels, which may let a JPEG decode at half size."""
    draw = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 256, (900, 1200), generator=draw, dtype=torch.uint8)
    Image.fromarray(noise.numpy()).save(tmp_path / "large.jpg")
    classifier = st.load(run.path)
    pixels = pixels_of(tmp_path / "large.jpg", classifier.preprocess)
    with torch.inference_mode():
        logits = classifier.net(classifier.preprocess.normalise(pixels[None]))[0]
    expected = (logits.double() / classifier.rules.temperature).softmax(0).max().item()
    assert classifier.predict(tmp_path / "large.jpg").probability == pytest.approx(expected)


def photographs(folder: Path, count: int) -> None:
    """Two classes of small pictures that no one would take for each other."""
    draw = torch.Generator().manual_seed(0)
    for name in ("ant", "bee"):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = torch.randint(0, 256, (28, 28), generator=draw, dtype=torch.uint8)
            Image.fromarray(pixels.numpy()).save(folder / name / f"{number:02}.png")


@pytest.mark.parametrize("room", ["memory", "none"])
def test_files_that_cannot_be_read_are_told_and_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: str
) -> None:
    if room == "none":  # neither memory nor disk: pictures are decoded anew every epoch
        monkeypatch.setattr("striate.data.opening._free_memory", lambda: 0)
        monkeypatch.setenv("STRIATE_CACHE_GB", "0")
    photographs(tmp_path / "set", 12)
    for number in range(5):
        (tmp_path / "set" / "ant" / f"cut{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "set" / "bee" / "notes.doc").write_text("words")
    said: list[str] = []
    run = st.train(tmp_path / "set", epochs=1, out=tmp_path / "run", talk=Talk(say=said.append))
    (line,) = [line for line in said if "unreadable" in line]
    assert line.startswith("unreadable, so left out (5): ant/cut")
    assert line.count("(truncated)") == 3
    assert line.endswith(f", ...; see {run.path / 'excluded.csv'}")
    rows = list(csv.DictReader((run.path / "excluded.csv").read_text().splitlines()))
    assert {row["path"] for row in rows} == {
        "bee/notes.doc", *(f"ant/cut{number}.png" for number in range(5))
    }  # fmt: skip
    assert all(row["kind"] and row["reason"] for row in rows)
    assert json.loads((run.path / "config.json").read_text())["unreadable"] == 5


def test_a_run_that_ends_early_takes_its_list_back(tmp_path: Path) -> None:
    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    photographs(tmp_path / "set", 12)
    (tmp_path / "set" / "bee" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(KeyboardInterrupt):
        st.train(tmp_path / "set", epochs=1, out=tmp_path / "run", talk=Talk(say=interrupt))
    assert not (tmp_path / "run").exists()


def test_a_run_on_a_relative_folder_goes_on_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photographs(tmp_path / "set", 12)
    monkeypatch.chdir(tmp_path)
    st.train("set", epochs=1, out=tmp_path / "run")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = resume(tmp_path / "run", epochs=2)
    assert len((again.path / "metrics.jsonl").read_text().splitlines()) == 2


def test_a_cut_parts_neither_copies_nor_what_names_group(tmp_path: Path) -> None:
    """Every picture of ant twice, the second time stored in another way; bees named by hive."""
    photographs(tmp_path / "set", 16)
    for path in sorted((tmp_path / "set" / "ant").iterdir()):
        with Image.open(path) as picture:
            picture.save(path.with_suffix(".bmp"))
    for number, path in enumerate(sorted((tmp_path / "set" / "bee").iterdir())):
        path.rename(path.with_name(f"hive{number // 4}_{path.name}"))
    said: list[str] = []
    run = st.train(
        tmp_path / "set", epochs=1, group_by=r"(hive\d)_", out=tmp_path / "run",
        talk=Talk(say=said.append),
    )  # fmt: skip
    assert "32 pictures have copies or near copies, which stay together in one part" in said
    plan = json.loads((run.path / "config.json").read_text())
    data = load_source(tmp_path / "set")
    assert plan["together"]["group_by"] == r"(hive\d)_"
    assert plan["together"]["copies"] == [[2 * n, 2 * n + 1] for n in range(16)]
    cut = split(data, seed=0, groups=[*by_name(data, r"(hive\d)_"), *plan["together"]["copies"]])
    sizes = plan["data"]["samples"]
    assert (sizes["train"], sizes["val"], sizes["test"]) == tuple(
        map(len, (cut.train, cut.val, cut.test))
    )
    part = {i: name for name in ("train", "val", "test") for i in getattr(cut, name).tolist()}
    assert len(set(part.values())) == 3
    assert all(part[2 * n] == part[2 * n + 1] for n in range(16))
    assert all(len({part[32 + 4 * hive + n] for n in range(4)}) == 1 for hive in range(4))
    again = resume(run.path, epochs=2)  # looks for no copies: they are in the plan
    assert again.val.n == run.val.n
