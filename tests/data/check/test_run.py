import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from check_folder import make, state
from check_pictures import photo

from striate.data import Dataset, Provenance, load_source, split
from striate.data.check import Report, check


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("check") / "set")


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    return check(load_source(folder))


def paths(findings: object, kind: str) -> list[str]:
    return [p for finding in findings for p in finding.paths if finding.kind == kind]


def test_unreadable_files_have_kind_and_reason(report: Report) -> None:
    found = {fault.path: (fault.kind, fault.reason) for fault in report.unreadable}
    assert set(found) == {"train/ant/cut.jpg", "train/ant/page\n\x1b[31m.jpg"}
    kind, reason = found["train/ant/cut.jpg"]
    assert kind == "truncated"
    assert "the end of the JPEG is missing" in reason


def test_each_group_of_copies_once(report: Report) -> None:
    groups = {group.paths: (group.kind, group.leak, group.conflict) for group in report.duplicates}
    assert groups == {
        ("train/ant/00.jpg", "val/ant/leak.png"): ("near", True, False),
        ("train/ant/01.jpg", "train/bee/other-label.jpg"): ("near", False, True),
        ("train/ant/02.jpg", "train/ant/again.jpg"): ("exact", False, False),
    }
    assert [group.parts for group in report.leakage] == [("train", "val")]


def test_odd_pictures_are_warned_of_and_others_are_not(report: Report) -> None:
    for kind, name in (
        ("blank", "white.png"),
        ("tiny", "tiny.png"),
        ("extreme-aspect", "wide.png"),
        ("blurred", "blur.png"),
    ):
        assert paths(report.warnings, kind) == [f"train/ant/{name}"]
    assert paths(report.converted, "cmyk") == ["train/ant/print.jpg"]
    assert [(left.path, left.kind) for left in report.excluded] == [("Thumbs.db", "junk")]


def test_problems_are_what_strict_stops_at(report: Report) -> None:
    kinds = [finding.kind for finding in report.problems]
    assert kinds == ["unreadable", "leakage", "two-labels", "empty-class"]


def test_the_keys_that_machines_rely_on(report: Report) -> None:
    told = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert told.keys() >= {
        *("classes", "files", "unreadable", "converted", "duplicates", "leakage", "warnings")
    }
    assert told["files"] == 62
    assert told["unreadable"][0].keys() == {"path", "kind", "reason"}
    ant = told["classes"][1]
    assert ant == {"name": "ant", "count": 33, "parts": {"train": 20, "val": 13}}
    assert told["sizes"]["smallest"] == [12, 14]


def test_steps_are_counted(folder: Path) -> None:
    steps: list[tuple[int, int]] = []
    dataset = load_source(folder)
    check(dataset, step=lambda done, of: steps.append((done, of)))
    assert steps == [(done, len(dataset)) for done in range(1, len(dataset) + 1)]


def test_pairs_keep_copies_in_one_part_of_a_cut() -> None:
    generator = np.random.default_rng(0)
    images = [np.asarray(photo(generator, 40, 40)).transpose(2, 0, 1) for _ in range(60)]
    images += [image[:, :, ::-1] for image in images[:30]]
    pictures = torch.from_numpy(np.stack(images).copy())
    labels = torch.zeros(90, dtype=torch.int64)
    dataset = Dataset("set", pictures, labels, ("one",), Provenance("set", "made"))
    pairs = check(dataset).pairs
    assert set(pairs) == {(index, 60 + index) for index in range(30)}
    cut = split.split(dataset, groups=pairs)
    for part in (cut.train, cut.val, cut.test):
        inside = set(part.tolist())
        assert all((one in inside) == (other in inside) for one, other in pairs)


def test_the_embedded_digits_are_fine() -> None:
    sample = load_source("sample")
    report = check(sample.subset(torch.arange(0, 5000, 10)))
    assert report.problems == ()
    assert report.warnings == ()
    assert report.sizes["channels"] == {"1": 500}


def test_nothing_usable_is_reported_and_no_error(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.jpg").write_bytes(b"")
    report = check(load_source(tmp_path))
    assert [fault.kind for fault in report.unreadable] == ["empty", "empty"]
    assert report.sizes["smallest"] is None
    assert [f.kind for f in report.problems] == ["unreadable", "empty-class", "empty-class"]


def flat(root: Path, count: int) -> Path:
    root.mkdir()
    generator = np.random.default_rng(3)
    for number in range(count):
        photo(generator, 40, 40).save(root / f"{number}.png")
    return root


def test_a_folder_without_classes_is_a_problem(tmp_path: Path) -> None:
    report = check(load_source(flat(tmp_path / "flat", 4)))
    assert [(f.kind, f.message) for f in report.problems] == [
        ("no-classes", "there are no classes: nothing can be trained on it")
    ]
    assert report.warnings == ()


def test_data_that_were_lost_on_the_way_are_problems(tmp_path: Path) -> None:
    root = flat(tmp_path / "set", 24)
    rows = [f"{number}.png,{'ab'[number % 2]}" for number in range(23)]
    rows += ["gone.png,a", "away.png,b", "3.png,a", "23.png,"]
    (root / "metadata.csv").write_text("file_name,label\n" + "\n".join(rows))
    (root / "link.png").symlink_to(root / "nothing.png")
    (root / "notes.txt").touch()
    report = check(load_source(root))
    assert {f.kind: f.paths for f in report.problems} == {
        "missing-file": ("away.png", "gone.png"),
        "conflicting-rows": ("3.png",),
        "broken-link": ("link.png",),
    }
    assert report.problems[0].message == "the manifest names it, and it is not there"
    (unlabelled,) = [f for f in report.warnings if f.kind == "unlabelled"]
    assert unlabelled.paths == ("23.png",)
    assert load_source(root).labels[list(unlabelled.indices)].tolist() == [-1]


def test_the_data_stays_as_it_is(folder: Path) -> None:
    before = state(folder)
    check(load_source(folder))
    assert state(folder) == before


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_data_stays_as_it_is_when_a_check_is_ended(folder: Path, how: signal.Signals) -> None:
    before = state(folder)
    program = (
        "import sys, time\n"
        "from striate.data import load_source\n"
        "from striate.data.check import check\n"
        "def step(done, of): print(done, flush=True); time.sleep(0.02)\n"
        "check(load_source(sys.argv[1]), step=step)"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        # A shell's background job is started deaf to Ctrl-C, and so are its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with started:
        assert started.stdout is not None
        assert started.stdout.readline() == "1\n"
        time.sleep(0.1)
        started.send_signal(how)
        assert started.wait(10) != 0
    assert state(folder) == before
