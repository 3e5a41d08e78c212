"""A run's own command comes to the same run, whatever decided it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import Striate
from small_photos import folder
from striate.pipeline.again import command
from striate.recipes import setup

SAID: dict[str, list[str]] = {
    "nothing": [],
    "few passes": ["--mode", "scratch", "--epochs", "12", "--set", "batch_size=64"],
    "what the usual recipe says": ["--mode", "scratch", "--set", "peak_rate=0.004"],
    "a time": ["--mode", "scratch", "--budget", "3s", "--set", "schedule=cosine"],
    "fine-tuning": ["--mode", "finetune", "--epochs", "2", "--set", "balanced=false"],
    "features": ["--mode", "features", "--model", "mobilenet_v2", "--seed", "7"],
    "a named run": ["--recipe", "mnist_best", "--epochs", "3"],
    "another net": ["--recipe", "mnist_best", "--model", "resnet20"],
    "groups": ["--mode", "scratch", "--group-by", r"/(\d+)\."],
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("again") / "my photos", blue=60, green=30, red=12)


def plan_of(striate_command: Striate, words: list[str]) -> dict[str, Any]:
    done = striate_command(*words, "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    plan: dict[str, Any] = json.loads(done.stdout)
    plan.pop("why")  # "as asked" now
    return plan


@pytest.mark.parametrize("said", SAID.values(), ids=list(SAID))
def test_the_command_leaves_nothing_to_choose(
    said: list[str], photos: Path, striate_command: Striate
) -> None:
    first = plan_of(striate_command, ["train", str(photos), *said])
    words = shlex.split(first["command"])
    assert words[0] == "striate"
    again = plan_of(striate_command, words[1:])
    assert again == first


def test_epochs_and_time_are_told_as_people_tell_them(
    photos: Path, striate_command: Striate
) -> None:
    timed = plan_of(striate_command, ["train", str(photos), *SAID["a time"]])["command"]
    assert "--budget 3s" in timed
    assert "epochs" not in timed
    counted = plan_of(striate_command, ["train", str(photos), *SAID["few passes"]])["command"]
    assert "--epochs 12 " in counted
    both = ["--mode", "scratch", "--epochs", "5", "--budget", "90s"]
    told = plan_of(striate_command, ["train", str(photos), *both])["command"]
    assert "--epochs 5 --budget 90s" in told


def test_options_that_no_command_line_can_say_are_said_in_python() -> None:
    plan: dict[str, Any] = {
        "mode": "features",
        "weights": "",
        "recipe_name": "",
        "model": {"name": "lenet5", "options": {"classes": 3, "in_channels": 1, "width": 2}},
        "recipe": {"balanced": True, "seed": 4},
        "data": {"source": "it's here"},
        "together": {"group_by": ""},
    }
    called = python_of(plan)
    assert called == {
        "source": "it's here", "mode": "features", "model": "lenet5", "options": {"width": 2},
        "balanced": True, "seed": 4,
    }  # fmt: skip
    named = {
        "mode": "scratch",
        "recipe_name": "lenet5_mnist",
        "recipe": setup("lenet5_mnist").recipe,
    }
    called = python_of(plan | named | {"recipe": named["recipe"].to_dict()})
    assert called == {
        "source": "it's here", "mode": "scratch", "model": "lenet5", "options": {"width": 2},
        "recipe": "lenet5_mnist", "seed": 0,
    }  # fmt: skip


def python_of(plan: dict[str, Any]) -> dict[str, Any]:
    """What the call in Python is given."""
    called: dict[str, Any] = {}

    def train(source: str, **settings: Any) -> None:
        called.update(settings, source=source)

    exec(command(plan), {"striate": SimpleNamespace(train=train)})
    return called
