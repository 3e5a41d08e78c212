import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import Striate
from striate.exporting import read_config, seal
from striate.pipeline import train

TRAIN = {"epochs": 1, "seed": 0, "batch_size": 64}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on 60 files of two classes."""
    folder = tmp_path_factory.mktemp("run")
    rng = np.random.default_rng(0)
    for label, level in (("dark", 60), ("light", 190)):
        (folder / "photos" / label).mkdir(parents=True)
        for k in range(30):
            pixels = rng.normal(level, 30, (24, 24)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "photos" / label / f"{k}.png")
    return train(folder / "photos", out=folder / "run", **TRAIN).path


def test_a_run_of_files_is_exported(run: Path, striate_command: Striate) -> None:
    done = striate_command("export", run, "--int8", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["engine_parity"]["top1_equal"] == told["engine_parity"]["n"] > 0
    assert told["engine_parity"]["max_difference"] <= 1e-4
    assert told["file"] == str(run / "export" / "model.onnx")
    assert told["int8"]["accuracy"] is not None
    assert Path(told["int8"]["file"]).exists()


def test_a_run_of_pixels_in_memory_is_exported(tmp_path: Path, striate_command: Striate) -> None:
    path = train("sample", out=tmp_path / "run", **TRAIN).path
    done = striate_command("export", path)
    assert done.returncode == 0, done.stderr
    assert "64 of 64 top answers equal" in done.stdout
    assert f"python {path}/export/predict_onnx.py PICTURE" in done.stdout


def test_out_of_tolerance_it_leaves_with_4_and_no_file(
    run: Path, striate_command: Striate, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run / "export" / "model.onnx").unlink(missing_ok=True)
    monkeypatch.setattr("striate.exporting.onnx.calibration_of", lambda model: (1.1, 0.0))
    done = striate_command("export", run, "--json")
    assert done.returncode == 4
    assert done.stdout == ""
    assert "differs from the network" in done.stderr
    assert not (run / "export" / "model.onnx").exists()


def test_data_that_changed_are_compared_but_not_scored(
    run: Path, tmp_path: Path, striate_command: Striate
) -> None:
    config = read_config(run)
    config["data"]["digest"] = "0" * 64
    for path in run.glob("model.safetensors"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "config.json").write_bytes(seal(config))
    done = striate_command("export", tmp_path, "--int8")
    assert done.returncode == 0, done.stderr
    assert "no accuracy is stated" in done.stderr
    assert "instead of" not in done.stdout


def test_what_is_no_run_is_named(tmp_path: Path, striate_command: Striate) -> None:
    done = striate_command("export", tmp_path / "nothing")
    assert done.returncode == 2
    assert "no run here" in done.stderr
