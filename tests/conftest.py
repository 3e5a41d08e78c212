"""What every test may use."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

import striate as st
from small_photos import folder
from striate.pipeline import Run

Striate = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def striate_command(
    capfd: pytest.CaptureFixture[str],
) -> Striate:
    """Run `striate ...` in this process (no second torch import): code, stdout and stderr."""
    from striate.cli.main import main

    def run(*words: object) -> "subprocess.CompletedProcess[str]":
        arguments = [str(word) for word in words]
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main(arguments)
        sys.stdout.flush()
        out, err = capfd.readouterr()
        code = left.value.code
        return subprocess.CompletedProcess(
            arguments, code if isinstance(code, int) else 1, out, err
        )

    return run


@pytest.fixture
def one_thread() -> Iterator[None]:
    """For networks too small to share among threads, which would only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Trained(NamedTuple):
    """A run and the folder of pictures that it is from."""

    run: Run
    photos: Path


@pytest.fixture(scope="session")
def photo_run(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The main job on a hundred pictures of three classes, the largest ten times the smallest."""
    root = tmp_path_factory.mktemp("main_job")
    photos = folder(root / "photos", blue=60, green=34, red=6)
    return Trained(st.train(photos, out=root / "run"), photos)
