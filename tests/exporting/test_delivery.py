import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from small_models import AWKWARD, RECORD, photograph, saved, small_model
from torch import Tensor, nn

from striate.errors import ArgumentError, StriateError
from striate.exporting import delivery
from striate.exporting.delivery import export
from striate.exporting.onnx import export_onnx
from striate.exporting.parity import Parity, by_network, compared

PICTURES = [saved(photograph(60 + k, 90 - k, seed=k), "PNG") for k in range(12)]


def test_one_file_holds_all_that_is_needed(tmp_path: Path) -> None:
    calibration = {"temperature": 2.5, "threshold": 0.3}
    model = small_model(calibration=calibration)
    export_onnx(model, tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    onnx.checker.check_model(str(tmp_path / "model.onnx"), full_check=True)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["classes"]) == ["10", "2", "Žába"]
    assert json.loads(facts["preprocess"]) == json.loads(json.dumps(RECORD.to_dict()))
    assert json.loads(facts["temperature"]) == 2.5
    assert json.loads(facts["threshold"]) == 0.3
    assert facts["model"] == "resnet20"
    assert json.loads(facts["striate"]) == 1
    (pixels,), (chances,) = session.get_inputs(), session.get_outputs()
    assert (pixels.name, pixels.type, pixels.shape) == (
        "pixels", "tensor(uint8)", ["N", 48, 40, 3]
    )  # fmt: skip
    assert (chances.name, chances.shape) == ("probabilities", ["N", 3])


def test_files_and_script_are_written_and_agree(tmp_path: Path) -> None:
    found = export(small_model(), tmp_path, pictures=PICTURES)
    assert sorted(path.name for path in (tmp_path / "export").iterdir()) == [
        "model.onnx", "predict_onnx.py"
    ]  # fmt: skip
    assert found.parity.n == 12
    assert found.parity.top1_equal == 12
    assert found.parity.max_difference <= 1e-5
    told = json.loads(json.dumps(found.to_dict()))
    assert told["file"] == str(tmp_path / "export" / "model.onnx")
    assert told["engine_parity"].keys() == {"max_difference", "top1_equal", "n"}
    assert told["int8"] is None


def test_awkward_files_agree_too_and_unreadable_ones_are_passed_over(tmp_path: Path) -> None:
    paths = []
    for name, make in {**AWKWARD, "junk.jpg": lambda: b"junk"}.items():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(make())
    found = export(small_model(), tmp_path, pictures=paths)
    assert found.parity.n == len(AWKWARD)


@pytest.mark.parametrize(
    "swap",
    [
        ("(image.height - scale * 48) / 2", "0"),
        ("Image.Resampling.BILINEAR", "Image.Resampling.BICUBIC"),
        ('image.convert("RGB")', 'image.convert("L").convert("RGB")'),
        ("return np.asarray(image).reshape", "return np.asarray(image)[..., ::-1].reshape"),
        ("image = upright(image)", "pass"),
        (">> 8", ">> 9"),
    ],
    ids=["crop", "filter", "grey", "bands", "orientation", "16 bits"],
)
def test_a_script_that_reads_pictures_otherwise_is_found(
    swap: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*words: object, **options: object) -> str:
        right = original(*words, **options)  # type: ignore[arg-type]
        assert swap[0] in right
        return right.replace(*swap)

    original = delivery.script_for
    monkeypatch.setattr(delivery, "script_for", wrong)
    with pytest.raises(StriateError, match="differs from the network") as error:
        export(small_model(), tmp_path, pictures=[make() for make in AWKWARD.values()])
    assert error.value.exit_code == 4
    assert list((tmp_path / "export").iterdir()) == []


def test_another_temperature_in_the_file_is_found_and_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small_model(calibration={"temperature": 1.5})
    export(model, tmp_path, pictures=PICTURES)
    before = (tmp_path / "export" / "model.onnx").read_bytes()
    other = small_model(calibration={"temperature": 1.6})
    monkeypatch.setattr(delivery, "export_onnx", lambda _, path: export_onnx(other, path))
    with pytest.raises(StriateError, match="is allowed"):
        export(model, tmp_path, pictures=PICTURES)
    assert (tmp_path / "export" / "model.onnx").read_bytes() == before


def test_in_eight_bits_it_is_smaller_and_says_what_it_costs(tmp_path: Path) -> None:
    model = small_model()
    labels = torch.from_numpy(by_network(model, PICTURES).argmax(1))
    found = export(
        model, tmp_path, pictures=PICTURES, int8=True, labels=labels, calibration=PICTURES
    )
    assert found.int8 is not None
    assert found.int8.accuracy_float32 == 1
    assert found.int8.accuracy == found.int8.top1_equal / 12
    assert found.int8.top1_equal >= 11
    assert found.int8.bytes < 0.5 * found.bytes
    weights = onnx.load(found.int8.file).graph.initializer
    kinds = {one.data_type for one in weights if len(one.dims) == 4}
    assert kinds == {onnx.TensorProto.INT8}
    # A ReLU behind a convolution is within the scale of the map, which so holds no negative part.
    float32, small = (
        sum(node.op_type == "Relu" for node in onnx.load(file).graph.node)
        for file in (found.file, found.int8.file)
    )
    assert small < float32
    session = onnxruntime.InferenceSession(found.int8.file)
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"])[2] == "Žába"
    blind = export(model, tmp_path, pictures=PICTURES, int8=True, calibration=PICTURES)
    assert blind.int8
    assert blind.int8.accuracy is None


def test_eight_bits_need_pictures_for_their_scales(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="calibration: got 0"):
        export(small_model(), tmp_path, pictures=PICTURES, int8=True)
    assert not (tmp_path / "export").exists()


def test_without_a_readable_picture_nothing_is_called_equal(tmp_path: Path) -> None:
    with pytest.raises(StriateError, match="none of 1 pictures can be read"):
        export(small_model(), tmp_path, pictures=[b"junk"])


def test_a_picture_that_only_the_script_cannot_read_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = tmp_path / "one.png"
    picture.write_bytes(PICTURES[0])
    script = delivery.script_for(RECORD).replace("image.load()", "raise OSError('no')")
    monkeypatch.setattr(delivery, "script_for", lambda *words, **options: script)
    with pytest.raises(StriateError, match=r"one\.png: cannot be read by the exported script"):
        export(small_model(), tmp_path, pictures=[picture])


def mixing(net: nn.Module, images: tuple[Tensor], answer: Tensor) -> Tensor:
    """What is recorded with two pictures fits two, and no other number."""
    return answer + torch.zeros(2, 1) if len(answer) == 2 else answer


def test_a_file_that_cannot_be_run_ends_it(tmp_path: Path) -> None:
    model = small_model()
    model.net.register_forward_hook(mixing)
    with pytest.raises(StriateError, match="the ONNX file cannot be run") as error:
        export(model, tmp_path, pictures=PICTURES)
    assert error.value.exit_code == 4
    assert list((tmp_path / "export").iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "export").write_text("")
    with pytest.raises(StriateError, match="cannot write"):
        export(small_model(), tmp_path, pictures=PICTURES)


def test_the_gate_itself() -> None:
    table = np.array([[0.2, 0.8], [0.5, 0.5]])
    assert compared(table, table + 5e-5, 2).passed
    assert not compared(table, table + 2e-4, 2).passed
    assert compared(table, table[:, ::-1], 2) == Parity(pytest.approx(0.6), 1, 2)
    assert not compared(table, np.full((2, 2), np.nan), 2).passed
    assert not Parity(0.0, 0, 0).passed
    beside = np.array([[0.2, 0.8, 0.71], [0.5, 0.5, 0.90]])  # a familiarity in the last column
    assert compared(beside, beside, 2) == Parity(0.0, 2, 2)
    assert not compared(beside, beside + np.array([0, 0, 2e-4]), 2).passed
    with pytest.raises(StriateError, match=r"in the shape \(2, 3\)"):
        compared(table, np.zeros((2, 3)), 2)
