import json
from pathlib import Path

import pytest
import torch

from striate.errors import StriateError
from striate.exporting import load_model, save_model, seal
from striate.models import create
from striate.preprocess import Preprocess

CONFIG = {
    "model": {"name": "lecture_net", "options": {"classes": 3, "size": 12}},
    "classes": ["ant", "bee", "cat"],
    "preprocess": Preprocess((12, 12), 1, (0.5,), (0.25,)).to_dict(),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    net = create("lecture_net", classes=3, size=12).to(memory_format=torch.channels_last)
    save_model(tmp_path, net, CONFIG)
    return tmp_path


def rewrite(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_bytes(seal({**config, **changes}))


def test_what_is_saved_is_loaded(folder: Path, tmp_path: Path) -> None:
    net = create("lecture_net", classes=3, size=12).eval()
    save_model(folder, net, CONFIG)
    loaded = load_model(folder)
    images = torch.randn(2, 1, 12, 12)
    assert torch.equal(loaded.net(images), net(images))
    assert not loaded.net.training
    assert loaded.classes == ("ant", "bee", "cat")
    assert loaded.preprocess == Preprocess((12, 12), 1, (0.5,), (0.25,))


def test_the_weights_file_names_the_run_too(folder: Path) -> None:
    assert load_model(folder / "model.safetensors").classes == ("ant", "bee", "cat")


def test_every_flipped_bit_is_found(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    for position in range(0, len(whole), len(whole) // 50):
        broken = bytearray(whole)
        broken[position] ^= 1 << (position % 8)
        (folder / "model.safetensors").write_bytes(bytes(broken))
        with pytest.raises(StriateError, match="does not match the SHA-256"):
            load_model(folder)


def test_every_flipped_bit_of_the_config_is_found(folder: Path) -> None:
    whole = (folder / "config.json").read_bytes()
    for position in range(len(whole)):
        broken = bytearray(whole)
        broken[position] ^= 1 << (position % 8)
        (folder / "config.json").write_bytes(bytes(broken))
        with pytest.raises(StriateError, match=r"config.json"):
            load_model(folder)


def test_a_config_without_its_seal_or_with_more_behind_it_is_refused(folder: Path) -> None:
    whole = (folder / "config.json").read_bytes()
    config = json.loads(whole)
    del config["sha256"]
    for changed in (json.dumps(config, indent=2).encode() + b"\n", whole + b"\n", b"{\n}\n"):
        (folder / "config.json").write_bytes(changed)
        with pytest.raises(StriateError, match=r"its own SHA-256|not a Striate model"):
            load_model(folder)


def test_a_truncated_file_is_found(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-1])
    with pytest.raises(StriateError, match="does not match the SHA-256"):
        load_model(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 99}, "is of format 99, and this version of Striate reads 1"),
        ({"format": "1"}, "not a Striate model of format 1"),
        ({"model": {"name": "os.system", "options": {}}}, "the name of a model"),
        (
            {"model": {"name": "lecture_net", "options": {"run": "ls"}}},
            "one that lecture_net takes",
        ),
        ({"model": {"name": "lecture_net", "options": {"classes": 4}}}, "does not fit lecture_net"),
        ({"model": {"name": "lecture_net", "options": {"classes": 10**15}}}, "does not fit"),
        ({"model": None}, "not a whole model"),
        ({"model": {"name": "lecture_net", "options": 3}}, "not a whole model"),
        ({"model": {"name": "lecture_net", "options": "ab"}}, "not a whole model"),
        ({"classes": 3}, "not a whole model"),
        ({"classes": ["ant", "bee"]}, "names 2 classes, but the network gives"),
        ({"preprocess": Preprocess((9, 9), 1, (0.5,), (0.25,)).to_dict()}, "does not fit"),
        ({"preprocess": {}}, "size, channels, mean and std"),
    ],
)
def test_a_config_that_lies_is_refused(
    folder: Path, changes: dict[str, object], message: str
) -> None:
    rewrite(folder, **changes)
    with pytest.raises(StriateError, match=message):
        load_model(folder)


def test_config_that_is_not_json_is_refused(folder: Path) -> None:
    (folder / "config.json").write_text("{")
    with pytest.raises(StriateError, match="is not JSON"):
        load_model(folder)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(StriateError, match="no run here"):
        load_model(tmp_path / "nothing")
