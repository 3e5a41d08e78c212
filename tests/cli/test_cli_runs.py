"""`striate runs` and `striate compare`, as a person types them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import made_runs as made
from conftest import Striate

KEYS = {
    "name", "run", "state", "resumable", "reason", "model", "data", "source", "classes", "val",
    "test", "epochs", "seconds", "written",
}  # fmt: skip


@pytest.fixture
def pair(tmp_path: Path) -> list[Path]:
    one = made.finished(tmp_path / "one", 300, 400, test=(900, 1000))
    recipe = {**made.RECIPE, "peak_rate": 0.1}
    return [one, made.finished(tmp_path / "two", 350, 450, 480, test=(960, 1000), recipe=recipe)]


def test_runs_as_json(striate_command: Striate, tmp_path: Path, pair: list[Path]) -> None:
    made.unfinished(tmp_path / "killed", 400)
    (made.finished(tmp_path / "broken", 400) / "config.json").write_text("{")
    rows = json.loads(striate_command("runs", tmp_path, "--json").stdout)["runs"]
    assert all(row.keys() == KEYS for row in rows)
    states = {row["name"]: (row["state"], row["resumable"]) for row in rows}
    assert states == {
        "one": ("finished", False),
        "two": ("finished", False),
        "killed": ("unfinished", True),
        "broken": ("damaged", False),
    }


def test_runs_in_a_pipe(striate_command: Striate, tmp_path: Path) -> None:
    made.finished(tmp_path / "done", 400, 450)
    made.unfinished(tmp_path / "killed", 400)
    (made.finished(tmp_path / "broken", 400) / "model.safetensors").unlink()
    done = striate_command("runs", tmp_path)
    lines = sorted(done.stdout.splitlines())
    assert lines == [
        "broken\tdamaged\t\t\t\t\t\t\t",
        "done\tfinished\t95.0%\t90.0%\tlecture_net\tsample\t2\t2\t7",
        "killed\tunfinished\t\t80.0%\tlecture_net\tsample\t2\t1/3\t2",
        "name\tstate\ttest\tval\tmodel\tdata\tclasses\tepochs\tseconds",
    ]
    assert "broken: its model.safetensors is missing. Train again" in done.stderr
    assert f"striate train --resume {tmp_path / 'killed'}" in done.stderr


def test_a_solved_head_has_no_epochs(striate_command: Striate, tmp_path: Path) -> None:
    made.finished(tmp_path / "solved", 400, mode="features")
    row = striate_command("runs", tmp_path).stdout.splitlines()[1]
    assert row == "solved\tfinished\t95.0%\t80.0%\tlecture_net\tsample\t2\t\t7"


def test_a_folder_without_runs_is_told_how_to_make_one(
    striate_command: Striate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = striate_command("runs", tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith("yet. Make one: striate train\n")
    assert json.loads(striate_command("runs", tmp_path, "--json").stdout) == {"runs": []}
    monkeypatch.chdir(tmp_path)
    done = striate_command("runs")
    assert (done.returncode, done.stdout) == (2, "")
    assert "runs: no such folder. Name one that holds runs" in done.stderr


def in_a_terminal(
    striate_command: Striate, monkeypatch: pytest.MonkeyPatch, width: int, *words: object
) -> str:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes the pipe for a terminal
    monkeypatch.setenv("COLUMNS", str(width))
    return re.sub(r"\x1b\[[\d;]*m", "", striate_command(*words).stdout)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_table_fits_the_terminal_and_cuts_nothing(
    striate_command: Striate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, width: int
) -> None:
    made.finished(tmp_path / "photographs-20260101-120000", 450)
    made.finished(tmp_path / os.fsdecode(b"odd\xff\n\x1b[31m[red]"), 450)
    shown = in_a_terminal(striate_command, monkeypatch, width, "runs", tmp_path)
    assert max(map(len, shown.splitlines())) <= width
    assert "…" not in shown
    assert "\x1b" not in shown
    words = shown.split()
    assert {"finished", "95.0%"} <= set(words)
    assert r"odd\xff\n\x1b[31m[red]" in words
    assert ("lecture_net" in words) == (width >= 80)
    assert ("seconds" in words) == (width >= 120)


def test_epochs_of_a_run_that_goes_on_are_told_of_how_many(
    striate_command: Striate, tmp_path: Path
) -> None:
    made.unfinished(tmp_path / "run", 450)
    assert "1/3" in striate_command("runs", tmp_path).stdout.split("\t")


def test_compare_as_json(striate_command: Striate, pair: list[Path]) -> None:
    found = json.loads(striate_command("compare", *pair, "--json").stdout)
    assert found.keys() == {"runs", "differences", "same_data", "same_cut", "verdicts"}
    assert found["differences"] == [{"setting": "recipe.peak_rate", "values": [0.004, 0.1]}]
    assert [len(run["history"]) for run in found["runs"]] == [2, 3]
    [verdict] = found["verdicts"]
    assert (verdict["method"], verdict["more_than_chance"]) == ("Fisher's exact test", True)


def test_compare_in_words(striate_command: Striate, pair: list[Path]) -> None:
    shown = striate_command("compare", *pair).stdout
    lines = shown.splitlines()
    assert lines[:2] == [f"a  {pair[0]}", f"b  {pair[1]}"]
    assert "recipe.peak_rate\t0.004\t0.1" in lines
    assert "b\ttest\t96.0%\t94.0% to 98.0%\t1,000\t0.300\t0.050\t0.960" in lines
    told = "b is 6.0 points better than a in test: more than chance"
    assert f"{told} (Fisher's exact test, p = 1.6e-07)." in lines
    assert "or it is not stored which each got right: Fisher" in shown
    back = striate_command("compare", *pair[::-1]).stdout
    assert "b is 6.0 points worse than a in test: more than chance" in back
    assert "Validation accuracy, %, by epoch" in shown
    assert "Validation loss, by epoch" in shown


def test_compare_tells_what_one_run_alone_got_right(
    striate_command: Striate, tmp_path: Path
) -> None:
    runs = []
    for name, right in (("one", 4), ("two", 5)):
        runs.append(made.finished(tmp_path / name, 450, mode="features", test=(right, 6)))
        rows = [f"{n}.png,test,ant,{'ant' if n < right else 'bee'},0.9,0.9,yes" for n in range(6)]
        head = "path,part,label,predicted,probability,label_probability,known"
        (runs[-1] / "predictions.csv").write_text("\n".join([head, *rows, ""]))
    shown = striate_command("compare", *runs).stdout
    assert (
        "(McNemar's exact test, p = 1). a alone is right on 0 of the pictures, b alone on 1."
        in shown
    )
    assert "Fisher" not in shown
    assert "a\tcross-val\t" in shown


def test_compare_says_of_an_unfinished_run_whose_scores_those_are(
    striate_command: Striate, tmp_path: Path
) -> None:
    one = made.finished(tmp_path / "one", 400, test=None)
    two = made.unfinished(tmp_path / "two", 450)
    shown = striate_command("compare", one, two).stdout
    assert "b is unfinished: what it scores so far is its last epoch's." in shown


def test_compare_says_where_scores_do_not_compare(
    striate_command: Striate, tmp_path: Path, pair: list[Path]
) -> None:
    data = {**made.config()["data"], "digest": "b" * 64}
    other = made.finished(tmp_path / "other", 450, data=data)
    shown = striate_command("compare", pair[0], other).stdout
    assert "The data sets differ, so the scores do not compare." in shown
    assert "data.digest\taaaaaaaaaaaa...\tbbbbbbbbbbbb..." in shown
    assert "chance" not in shown
    recipe = {**made.RECIPE, "seed": 5}
    cut = made.finished(tmp_path / "cut", 450, recipe=recipe, test=(901, 1000))
    shown = striate_command("compare", pair[0], cut).stdout
    assert "no more than chance may bring (Fisher's exact test, p = 1)" in shown
    assert "The held-out pictures are of the same data set, cut in other ways: Fish" in shown


@pytest.mark.parametrize("terminal", [False, True])
def test_compare_without_scores_or_differences(
    striate_command: Striate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, terminal: bool
) -> None:
    young = [made.unfinished(tmp_path / name) for name in ("one", "two")]
    if terminal:
        shown = in_a_terminal(striate_command, monkeypatch, 300, "compare", *young)
    else:
        shown = striate_command("compare", *young).stdout
    assert f"a  {young[0]} (unfinished)" in shown
    assert "No setting differs." in shown
    assert shown.endswith("There are no scores to compare yet.\n")


@pytest.mark.parametrize("width", [40, 80])
def test_compare_fits_the_terminal(
    striate_command: Striate, monkeypatch: pytest.MonkeyPatch, pair: list[Path], width: int
) -> None:
    monkeypatch.chdir(pair[0].parent)
    shown = in_a_terminal(striate_command, monkeypatch, width, "compare", "one", "two")
    tables = [line for line in shown.splitlines() if "exact test" not in line]
    assert max(map(len, tables)) <= width
    assert "…" not in shown
    assert "recipe.peak_rate" in shown
    assert "94.0% to 98.0%" in shown


def test_letters_that_the_encoding_lacks_are_spelt_out(tmp_path: Path) -> None:
    made.finished(tmp_path / "größe", 400, 450)
    made.finished(tmp_path / "two", 410, 450)
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    for words in (["runs", "."], ["compare", "größe", "two"]):
        done = subprocess.run(
            [sys.executable, "-m", "striate", *words],
            cwd=tmp_path, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert r"gr\xf6\xdfe" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["runs", "one/config.json"], "is no folder"),
        (["compare", "one"], "got 1, expected two run folders at least"),
        (["compare", "one", "one/"], "expected each run once"),
        (["compare", "one", "nowhere"], "no run here. Name a run folder"),
        (["compare", *["one"] * 27], "got 27, expected at most 26"),
    ],
)
def test_wrong_input_is_one_line(
    striate_command: Striate,
    monkeypatch: pytest.MonkeyPatch,
    pair: list[Path],
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(pair[0].parent)
    done = striate_command(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_200_runs_are_listed_at_once_and_without_torch(tmp_path: Path) -> None:
    """The promise is 0.4 s; on a machine that is slow or busy, twice what an empty list takes."""
    made.finished(tmp_path / "0", 400, 450)
    for number in range(1, 200):
        shutil.copytree(tmp_path / "0", tmp_path / str(number))
    (tmp_path / "empty").mkdir()

    def seconds(folder: Path, lines: int) -> float:
        program = (
            f"import sys; sys.argv[1:] = ['runs', {str(folder)!r}]\n"
            "from striate.cli.main import main\n"
            "try: main()\n"
            "except SystemExit: assert not {'torch', 'numpy'} & set(sys.modules)\n"
        )
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) == lines
        return time.perf_counter() - start

    pairs = [(seconds(tmp_path, 201), seconds(tmp_path / "empty", 0)) for _ in range(5)]
    listed, empty = (min(times) for times in zip(*pairs, strict=True))
    assert listed < max(0.4, 2 * empty)
