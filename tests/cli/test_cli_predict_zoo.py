"""`striate predict` without a run: ImageNet's classes, from the installed package of weights."""

import json
import shutil
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
    assert "one or more picture files or folders after the model" in done.stderr


def test_a_misspelt_model_is_not_another_ones_answer(striate_command: Striate) -> None:
    done = striate_command("predict", "resnt50", PHOTO)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Did you mean resnet50" in done.stderr


def test_what_is_no_classifier_is_refused_before_it_is_fetched(striate_command: Striate) -> None:
    for name, task in (("fcn_resnet50", "segmentation"), ("fasterrcnn_resnet50_fpn", "detection")):
        done = striate_command("predict", name, PHOTO)
        assert done.returncode == 2
        assert f"its task is {task}" in done.stderr


def test_what_answered_is_told(striate_command: Striate) -> None:
    done = striate_command("predict", PHOTO, "--json")
    assert json.loads(done.stdout)["model"] == "efficientnet_lite0"
    assert done.stderr == ""
    done = striate_command("predict", PHOTO)
    assert (
        done.stderr == "efficientnet_lite0 answers, with the weights efficientnet_lite0.package\n"
    )


def test_a_ranking_that_was_asked_for_is_shown_for_each_photo(striate_command: Striate) -> None:
    lines = striate_command("predict", PHOTO, PHOTO, "--top", "3").stdout.splitlines()
    assert [line.startswith("  ") for line in lines] == [False, True, True] * 2
    assert len(striate_command("predict", PHOTO, PHOTO).stdout.splitlines()) == 2
    assert len(striate_command("predict", PHOTO).stdout.splitlines()) == 5


@pytest.mark.parametrize("more", [[], [PHOTO]])
def test_a_folder_of_pictures_is_answered_picture_by_picture(
    striate_command: Striate, tmp_path: Path, more: list[Path]
) -> None:
    shutil.copy(PHOTO, tmp_path / "b.jpg")
    shutil.copy(PHOTO, tmp_path / "a.jpg")
    done = striate_command("predict", tmp_path, *more, "--json")
    names = [row["path"] for row in json.loads(done.stdout)["rows"]]
    assert names == [str(path) for path in (tmp_path / "a.jpg", tmp_path / "b.jpg", *more)]


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("-", "striate: IMAGE: got '-', expected a file; standard input is not read\n"),
        (
            "https://example.org/cat.jpg",
            "striate: IMAGE: got 'https://example.org/cat.jpg', expected a file. "
            "Download the picture first\n",
        ),
    ],
)
@pytest.mark.parametrize("before", [[], [PHOTO], ["efficientnet_lite0"]])
def test_standard_input_and_addresses_are_no_files(
    striate_command: Striate, word: str, line: str, before: list[object]
) -> None:
    done = striate_command("predict", *before, word)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)
