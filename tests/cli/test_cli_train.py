"""The main job, as a person types it."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from conftest import Striate
from striate.cli.train import _print_run
from striate.metrics import Scores
from striate.pipeline import Run


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("cli")
    done = subprocess.run(
        [sys.executable, "-m", "striate", "train", "--epochs", "1", "--out", "run", "--json"],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    return folder, done


def test_train_prints_one_json_object_and_talks_on_stderr(trained) -> None:  # type: ignore[no-untyped-def]
    _, done = trained
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["run"] == "run"
    assert report["mode"] == "scratch"
    assert "epoch 1:" in done.stderr
    assert "\x1b" not in done.stderr  # no escape codes in a pipe


def test_evaluate_scores_by_class_and_part(
    trained,
    striate_command: Striate,
    tmp_path: Path,  # type: ignore[no-untyped-def]
) -> None:
    folder, _ = trained
    done = striate_command("evaluate", folder / "run", "sample", "--json")
    report = json.loads(done.stdout)
    assert report.keys() >= {"n", "accuracy", "macro_f1", "nll", "ece", "per_class"}
    assert report["n"] == 5000
    assert sum(one["n"] for one in report["per_class"].values()) == 5000
    right = sum(one["recall"] * one["n"] for one in report["per_class"].values())
    assert right / 5000 == pytest.approx(report["accuracy"])
    words = striate_command("evaluate", folder / "run", "sample")
    assert f"Accuracy {report['accuracy']:.1%} of 5,000" in words.stdout
    for name in ("0", "dog"):
        (tmp_path / "other" / name).mkdir(parents=True)
        Image.new("L", (28, 28)).save(tmp_path / "other" / name / "a.png")
    other = striate_command("evaluate", folder / "run", tmp_path / "other")
    assert other.returncode == 2
    assert "has classes the run does not know: dog" in other.stderr
    no_part = striate_command("evaluate", folder / "run", "sample", "--part", "test")
    assert "has no part 'test'" in no_part.stderr


@pytest.mark.parametrize("option", ["--mode", "--model"])
def test_a_wrong_name_is_refused_before_the_pictures_are_looked_at(
    striate_command: Striate, option: str
) -> None:
    done = striate_command("train", "no such folder", option, "finetun")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{option.strip('-')}: got 'finetun'" in done.stderr


def test_predict_answers_for_good_files_and_names_bad_ones(
    trained,
    striate_command: Striate,
    tmp_path: Path,  # type: ignore[no-untyped-def]
) -> None:
    folder, _ = trained
    Image.new("L", (28, 28)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("words")
    done = striate_command(
        "predict", folder / "run", tmp_path / "good.png", tmp_path / "bad.png", "--json"
    )
    good, bad = json.loads(done.stdout)["rows"]
    assert done.returncode == 2
    assert good.keys() == {"path", "label", "probability", "known", "top"}
    assert "not an image" in bad["error"]


def test_predict_in_words(trained, striate_command: Striate, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder, _ = trained
    Image.new("L", (28, 28)).save(tmp_path / "[red]good.png")
    done = striate_command("predict", folder / "run", tmp_path / "[red]good.png", "--top", "2")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    # Black is like no digit; what it would be called is told all the same.
    assert lines[0].startswith(f"{tmp_path / '[red]good.png'}: unknown (at best ")
    assert len(lines) == 2
    folder_too = striate_command("predict", folder / "run", tmp_path / "gone.png", tmp_path)
    assert folder_too.returncode == 2
    assert "gone.png: " in folder_too.stderr
    assert "[red]good.png: unknown" in folder_too.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "no-such-folder"], "no-such-folder: no such file or folder"),
        (["train", "--epochs", "0"], "epochs: got 0.0, expected a positive number"),
        (["train", "--out", "."], "is already there"),
        (["train", "photos", "--resume", "run"], "SOURCE: got 'photos', expected nothing beside"),
        (["predict", "nowhere", "a.png"], "expected a run folder, a network with weights"),
        (["predict", ".", "a.png"], "no run here"),
        (["predict", "gone.safetensors", "a.png"], "gone.safetensors/config.json: no run"),
    ],
)
def test_mistakes_get_one_line_and_exit_code_2(
    striate_command: Striate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    words: list[str], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    done = striate_command(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_debug_adds_the_traceback(striate_command: Striate) -> None:
    assert "Traceback" in striate_command("train", "nothing", "--debug").stderr
    assert "Traceback" not in striate_command("train", "nothing").stderr


def test_a_bug_is_said_in_one_line(
    striate_command: Striate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **options: object) -> None:
        raise RuntimeError("the floor\ngave way")

    monkeypatch.setattr("striate.pipeline.train", broken)
    done = striate_command("train")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "striate: unexpected RuntimeError: the floor gave way. "
        "This is a bug; --debug shows the traceback to report"
    ]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_is_saved_and_says_how_to_go_on(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "striate", "train", "--epochs", "500", "--out", "run"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # A shell's background job ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    deadline = time.monotonic() + 120
    assert child.stderr is not None
    while not child.stderr.readline().startswith("epoch 1") and time.monotonic() < deadline:
        pass
    os.kill(child.pid, number)
    out, err = child.communicate(timeout=60)
    assert child.returncode == code
    assert err.splitlines()[-1] == ("striate: interrupted. Go on with: striate train --resume run")
    assert "Traceback" not in err
    assert out == ""
    again = subprocess.run(
        [sys.executable, "-m", "striate", "train", "--resume", "run", "--epochs", "8"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert "epoch 1:" not in again.stderr
    assert (tmp_path / "run" / "model.safetensors").exists()


def test_version(striate_command: Striate) -> None:
    assert striate_command("--version").stdout == "striate 0.1.0\n"


def test_a_broken_pipe_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m striate --help | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_what_a_file_is_called_cannot_command_the_terminal(
    trained,
    striate_command: Striate,
    tmp_path: Path,  # type: ignore[no-untyped-def]
) -> None:
    folder, _ = trained
    name = "a\x1b[31m\nb.png"
    Image.new("L", (28, 28)).save(tmp_path / name)
    (tmp_path / f"bad-{name}").write_text("words")
    done = striate_command("predict", folder / "run", tmp_path / name, tmp_path / f"bad-{name}")
    assert "\x1b" not in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert f"{tmp_path}/a\\x1b[31m\\nb.png: " in done.stdout


def test_zeros_reach_the_processes(striate_command: Striate) -> None:
    done = striate_command("train", "sample", "--epochs", "0", "--nproc", "2")
    assert done.returncode == 2
    assert "epochs: got 0" in done.stderr


def test_the_last_lines_say_what_the_figure_is_worth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is answered unknown, and whether always saying one class would be as good."""
    scores = Scores(50, 0.6, (0.46, 0.72), 1.0, 0.5, 0.7, 0.4, 0.1)
    run = Run(tmp_path, "lenet5", "scratch", 3.0, scores, scores, 4, ("[red]ants", 0.5))
    _print_run(run)
    said = capsys.readouterr().out
    assert "It answers 4 of the 50 with unknown" in said
    assert "no proof that it has learnt anything: always saying '[red]ants' gives 50.0%" in said
    better = replace(scores, interval=(0.51, 0.72))
    _print_run(replace(run, test=better, unknown=0))
    said = capsys.readouterr().out
    assert "unknown" not in said
    assert "proof" not in said
    _print_run(replace(run, mode="features", test=None, unknown=None))
    assert capsys.readouterr().out.startswith("Cross-validated accuracy 60.0%")
