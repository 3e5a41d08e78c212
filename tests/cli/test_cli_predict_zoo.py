"""`striate predict` without a run: ImageNet's classes, from the installed package of weights."""

import json
from pathlib import Path

import pytest

from conftest import Striate

PHOTO = Path(__file__).parents[2] / "docs" / "img" / "photo.jpg"


@pytest.fixture(autouse=True)
def own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def test_a_photo_is_named_without_a_network(striate_command: Striate) -> None:
    done = striate_command("predict", PHOTO, "--json")
    (row,) = json.loads(done.stdout)["rows"]
    assert row["label"] in ("palace", "bell cote", "monastery")
    assert len(row["top"]) == 5


def test_the_model_may_be_named(striate_command: Striate) -> None:
    one = striate_command("predict", PHOTO)
    other = striate_command("predict", "efficientnet_lite0", PHOTO)
    assert one.stdout == other.stdout


def test_weights_that_are_not_here_name_their_place(
    striate_command: Striate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # no network, whatever this machine has
    done = striate_command("predict", "resnet18", PHOTO)
    assert done.returncode == 1
    assert "resnet18-f37072fd.pth: cannot be downloaded" in done.stderr
    assert "striate/weights/resnet18-f37072fd.pth" in done.stderr


def test_a_network_without_weights_and_a_model_without_images(striate_command: Striate) -> None:
    done = striate_command("predict", "lenet5", PHOTO)
    assert done.returncode == 2
    assert "no published weights are known for lenet5" in done.stderr
    done = striate_command("predict", "efficientnet_lite0")
    assert done.returncode == 2
    assert "one or more image files after the model" in done.stderr


def test_a_misspelt_model_is_not_another_ones_answer(striate_command: Striate) -> None:
    done = striate_command("predict", "resnt50", PHOTO)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Did you mean resnet50" in done.stderr


def test_what_is_no_classifier_is_refused_before_it_is_fetched(striate_command: Striate) -> None:
    for name, task in (("fcn_resnet50", "segmentation"), ("fasterrcnn_resnet50_fpn", "detection")):
        done = striate_command("predict", name, PHOTO)
        assert done.returncode == 2
        assert f"its task is {task}" in done.stderr
