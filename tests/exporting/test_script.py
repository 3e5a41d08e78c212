import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_models import AWKWARD, RECORD, photograph, saved, small_model

from striate.data import pixels_of
from striate.data.quiet import quiet
from striate.exporting.onnx import export_onnx
from striate.exporting.parity import by_network
from striate.exporting.script import script_for
from striate.preprocess import FITS, Preprocess

GREY = Preprocess((28, 28), 1, (0.1,), (0.3,))


def functions(preprocess: Preprocess) -> dict[str, object]:
    script: dict[str, object] = {"__name__": "predict_onnx"}
    exec(script_for(preprocess), script)
    return script


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(
    "record",
    [
        RECORD,
        GREY,
        dataclasses.replace(RECORD, interpolation="bicubic", background=(9, 120, 30)),
        dataclasses.replace(RECORD, antialias=False),
        dataclasses.replace(RECORD, antialias=False, interpolation="nearest"),
    ],
    ids=["colour", "grey", "bicubic", "points", "nearest"],
)
def test_the_script_reads_every_awkward_file_byte_for_byte_as_striate_does(
    record: Preprocess, fit: str, tmp_path: Path
) -> None:
    preprocess = dataclasses.replace(record, fit=fit)
    pixels = functions(preprocess)["pixels"]
    for name, make in AWKWARD.items():
        path = tmp_path / name
        path.write_bytes(make())
        wanted = pixels_of(path, preprocess).permute(1, 2, 0).numpy()
        with quiet():  # Pillow remarks upon broken metadata
            came = pixels(path)  # type: ignore[operator]
        assert np.array_equal(came, wanted), name


@pytest.mark.parametrize(("mode", "message"), [("I", "32-bit pixels"), ("F", "outside 0..255")])
def test_pixels_of_no_known_scale_are_refused(mode: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "one.tif"
    photograph(8, 8, bands=1).convert("F").point(lambda value: value * 1000).convert(mode).save(
        path
    )
    with pytest.raises(ValueError, match=message):
        functions(RECORD)["pixels"](path)  # type: ignore[operator]


def test_in_a_process_of_its_own_without_striate_it_answers_as_the_network(tmp_path: Path) -> None:
    model = small_model(calibration={"temperature": 1.7, "threshold": 0.0})
    export_onnx(model, tmp_path / "model.onnx")
    script = tmp_path / "predict_onnx.py"
    script.write_text(script_for(model.preprocess))
    paths = []
    for name, make in AWKWARD.items():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(make())
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    blocked = "import sys; sys.modules.update(striate=None, torch=None); import runpy; "
    run = "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", blocked + run, script, *paths, broken],
        capture_output=True, text=True, encoding="utf-8", check=False, env={"PYTHONUTF8": "1"},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr  # for the one that cannot be read
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    wanted = by_network(model, paths)
    for path, chances, (named, label, told) in zip(paths, wanted, rows[:-1], strict=True):
        assert named == str(path)
        assert label == model.classes[chances.argmax()], path.name
        assert abs(float(told) - chances.max()) <= 1e-5, path.name
    assert rows[-1][:2] == [str(broken), "error"]


def test_below_the_threshold_the_answer_is_unknown(tmp_path: Path) -> None:
    model = small_model(calibration={"temperature": 50.0, "threshold": 0.9})
    export_onnx(model, tmp_path / "model.onnx")
    (tmp_path / "predict_onnx.py").write_text(script_for(model.preprocess))
    (tmp_path / "one.png").write_bytes(saved(photograph(48, 40), "PNG"))
    command = [sys.executable, tmp_path / "predict_onnx.py", tmp_path / "one.png"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split("\t")[1] == "unknown"
    (tmp_path / "model.onnx").unlink()  # how to use it is told without
    for words, code in (([], 2), (["--help"], 0), (["--wrong"], 2)):
        asked = subprocess.run([*command[:2], *words], capture_output=True, text=True)
        assert (asked.returncode, asked.stdout, "PICTURE" in asked.stderr) == (code, "", True)


def test_a_script_beside_another_model_says_so(tmp_path: Path) -> None:
    export_onnx(small_model(), tmp_path / "model.onnx")
    other = dataclasses.replace(RECORD, mean=(0.1, 0.1, 0.1))
    with pytest.raises(SystemExit, match="another model"):
        functions(other)["open_model"](str(tmp_path / "model.onnx"))  # type: ignore[operator]


def test_it_holds_no_step_that_the_record_does_not_need() -> None:
    plain = script_for(dataclasses.replace(RECORD, fit="squash", antialias=False))
    assert "draft" not in plain
    assert "crop" not in plain.split("RECORD")[2]
    assert "pillow_heif" not in plain
    assert "register_heif_opener()" in script_for(RECORD, heic=True)


def test_the_script_keeps_the_house_rules(tmp_path: Path) -> None:
    for fit in FITS:
        lines = script_for(dataclasses.replace(RECORD, fit=fit)).splitlines()
        assert len(lines) <= 85
