"""One figure, however it is asked for: report, evaluation, ONNX file, generated script."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import striate as st
from conftest import Trained


def test_report_evaluate_onnx_and_script_state_the_same_accuracy(
    photo_run: Trained, tmp_path: Path
) -> None:
    run, photos = photo_run
    assert run.mode == "features"
    rows = list(csv.DictReader(io.StringIO((run.path / "predictions.csv").read_text())))
    rows = [row for row in rows if row["part"] == "test"]
    assert len(rows) == run.test.n
    # The held-out files alone, as anyone would lay them out to evaluate.
    for row in rows:
        place = tmp_path / "held" / row["label"]
        place.mkdir(parents=True, exist_ok=True)
        (place / Path(row["path"]).name).symlink_to(photos / row["path"])
    found = st.evaluate(run.path, tmp_path / "held")
    assert found.scores.accuracy == run.test.accuracy
    page = (run.path / "report.html").read_text()
    right = round(run.test.accuracy * run.test.n)
    assert re.search(rf"Right on (all|{right} of) {run.test.n} held-out pictures", page)
    exported = st.export(run.path)
    assert exported.parity.passed
    files = [str(photos / row["path"]) for row in rows]
    done = subprocess.run(
        [sys.executable, str(exported.script), *files], capture_output=True, text=True, check=True
    )
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == files
    turned_away = [label == "unknown" for _, label, _ in lines]
    assert [row["known"] == "no" for row in rows] == turned_away
    assert found.unknown == run.unknown == sum(turned_away)
    hits = 0
    for row, (path, label, chance) in zip(rows, lines, strict=True):
        assert float(chance) == pytest.approx(float(row["probability"]), abs=2e-4), path
        assert label in (row["predicted"], "unknown")
        hits += row["predicted"] == row["label"]
    assert hits == right
    assert sum(turned_away) <= len(lines) // 5


def test_noise_and_blank_pictures_are_unknown_to_run_and_script(
    photo_run: Trained, tmp_path: Path
) -> None:
    from PIL import Image

    draw = np.random.default_rng(0)
    files = []
    for number in range(6):
        pixels = draw.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        if number >= 4:
            pixels[:] = pixels[0, 0].mean().astype(np.uint8)
        files.append(tmp_path / f"{number}.png")
        Image.fromarray(pixels).save(files[-1])
    answers = st.load(photo_run.run.path).predict(files)
    assert [answer.label for answer in answers] == ["unknown"] * 6
    script = st.export(photo_run.run.path).script
    done = subprocess.run(
        [sys.executable, str(script), *map(str, files)], capture_output=True, text=True, check=True
    )
    assert [line.split("\t")[1] for line in done.stdout.splitlines()] == ["unknown"] * 6


def test_a_short_data_set_says_how_little_is_known(photo_run: Trained) -> None:
    page = (photo_run.run.path / "report.html").read_text()
    low, high = photo_run.run.test.interval
    assert high - low > 0.15
    assert re.search(r"95.%.interval", page)
    config = json.loads((photo_run.run.path / "config.json").read_text())
    assert any("classes weigh alike" in reason for reason in config["why"])
