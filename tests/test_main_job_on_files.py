"""The main job on folders of pictures: what it decides, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import striate as st
from striate import pipeline
from striate.errors import StriateError


def folder(root: Path, size: tuple[int, int], **counts: int) -> Path:
    """Pictures of noise, each class brighter than the one before."""
    draw = np.random.default_rng(0)
    for level, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True)
        for index in range(count):
            pixels = draw.integers(80 * level, 80 * level + 90, (*size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{index}.png")
    return root


def test_small_pictures_keep_their_size(tmp_path: Path) -> None:
    photos, out = folder(tmp_path / "p", (20, 20), a=20, b=20), tmp_path / "run"
    run = st.train(photos, mode="scratch", epochs=1, out=out)
    config = json.loads((run.path / "config.json").read_text())
    assert config["preprocess"]["size"] == [20, 20]
    assert config["model"]["name"] == "airbench94"
    assert st.load(run.path).predict(photos / "a" / "0.png").top[0][0] in ("a", "b")


def test_large_pictures_get_a_network_that_takes_them(tmp_path: Path) -> None:
    photos, out = folder(tmp_path / "p", (150, 90), a=10, b=10), tmp_path / "run"
    run = st.train(photos, mode="scratch", epochs=1, out=out)
    config = json.loads((run.path / "config.json").read_text())
    assert config["preprocess"]["size"] == [224, 224]
    assert config["model"]["name"] == "mobilenet_v3_small"


def test_a_picture_without_numbers_costs_itself_alone(tmp_path: Path) -> None:
    photos = folder(tmp_path / "p", (20, 20), a=20, b=20)
    nothing = np.full((20, 20), np.nan, dtype=np.float32)
    Image.fromarray(nothing).save(photos / "a" / "0.tiff")
    lines: list[str] = []
    talk = pipeline.Talk(say=lines.append)
    run = st.train(photos, mode="scratch", epochs=1, out=tmp_path / "run", talk=talk)
    assert run.val.n > 0
    assert any("0.tiff" in line for line in lines)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"ants": 5}, "has 1 class, and at least two"),
        ({"ants": 1, "bees": 1}, r"too few pictures .* \(1 of 'ants'\)"),
    ],
)
def test_what_nothing_can_be_learnt_from_is_refused(
    tmp_path: Path, counts: dict[str, int], message: str
) -> None:
    with pytest.raises(StriateError, match=message):
        st.train(folder(tmp_path / "p", (20, 20), **counts), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_network_that_does_not_take_the_pictures_is_said_so(tmp_path: Path) -> None:
    photos = folder(tmp_path / "p", (90, 90), a=9, b=9)
    with pytest.raises(StriateError, match="lenet5: does not take pictures of 224 x 224"):
        st.train(photos, model="lenet5", out=tmp_path / "run")
