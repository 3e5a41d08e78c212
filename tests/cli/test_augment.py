"""`striate augment` as a person meets it."""

import json

import numpy as np
import pytest
from PIL import Image

from conftest import Striate
from striate.data.augment import POLICIES


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (200, 300, 3)).astype(np.uint8)
    Image.fromarray(pixels).save("photo.png")
    Image.fromarray(pixels[:28, :28, 0]).save("digit.png")
    return tmp_path


def tiles(name: str, height: int, width: int) -> list[np.ndarray]:
    """The pictures of a contact sheet, row by row."""
    with Image.open(name) as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    return [
        pixels[28 + r * (height + 4) :, 4 + c * (width + 4) :][:height, :width]
        for r in range(4)
        for c in range(6)
    ]


def test_a_sheet_has_the_picture_and_23_samples(folder, striate_command: Striate) -> None:
    done = striate_command("augment", "photo.png", "--policy", "photos")
    assert (done.returncode, done.stdout, done.stderr) == (0, "photo-photos.png\n", "")
    first, *samples = tiles("photo-photos.png", 112, 168)
    with Image.open("photo.png") as photo:
        small = np.asarray(photo.resize((168, 112), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(first - small).max() <= 1
    assert len({tile.tobytes() for tile in [first, *samples]}) == 24


def test_small_pictures_are_enlarged_after_the_change(folder, striate_command: Striate) -> None:
    assert striate_command("augment", "digit.png", "-p", "digits").returncode == 0
    first, second = tiles("digit-digits.png", 168, 168)[:2]
    with Image.open("digit.png") as digit:
        assert np.array_equal(first[::6, ::6, 0], np.asarray(digit))
    for tile in (first, second):
        assert np.array_equal(tile, tile[::6, ::6].repeat(6, 0).repeat(6, 1))


def test_the_seed_decides(folder, striate_command: Striate) -> None:
    sheets = []
    for seed in (0, 0, 1):
        striate_command("augment", "digit.png", "-p", "standard", "--seed", seed, "-o", "s.png")
        sheets.append(b"".join(tile.tobytes() for tile in tiles("s.png", 168, 168)))
    assert sheets[0] == sheets[1] != sheets[2]


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("picture", ["photo.png", "digit.png"])
def test_every_policy_takes_colour_and_grey(
    name: str, picture: str, folder, striate_command: Striate
) -> None:
    assert striate_command("augment", picture, "-p", name, "-o", "s.png").returncode == 0


def test_a_very_narrow_picture_still_makes_a_sheet(folder, striate_command: Striate) -> None:
    Image.new("L", (1, 500)).save("line.png")
    assert striate_command("augment", "line.png", "-p", "light").returncode == 0


def test_list_names_every_policy_and_its_steps(folder, striate_command: Striate) -> None:
    done = striate_command("augment", "--list")
    lines = done.stdout.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == list(POLICIES)
    assert "    Rotate degrees=10 padding=zeros" in lines
    assert "    2 of:" in lines
    listed = json.loads(striate_command("augment", "--list", "--json").stdout)
    assert [entry["name"] for entry in listed] == list(POLICIES)
    assert listed[0]["steps"] == []


def test_json_is_one_object(folder, striate_command: Striate) -> None:
    done = striate_command("augment", "digit.png", "--json")
    assert json.loads(done.stdout) == {
        "output": "digit-standard.png",
        "policy": "standard",
        "seed": 0,
    }


def test_only_a_name_that_is_given_is_written_over(folder, striate_command: Striate) -> None:
    (folder / "digit-standard.png").write_text("a drawing")
    done = striate_command("augment", "digit.png")
    assert done.returncode == 2
    assert "expected a name: digit-standard.png is there" in done.stderr
    assert (folder / "digit-standard.png").read_text() == "a drawing"
    done = striate_command("augment", "digit.png", "-o", "digit-standard.png")
    assert done.returncode == 0
    assert (folder / "digit-standard.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "IMAGE: got 'nothing', expected a picture file. Or --list for policies"),
        (["gone.png"], "gone.png: "),
        (["digit.png", "-p", "digit"], "policy: got 'digit'"),
        (["digit.png", "-o", "sheet.jpg"], "--output: got 'sheet.jpg', expected a name that ends"),
        (["digit.png", "-o", "digit.png"], "--output: got 'digit.png', expected another file"),
    ],
)
def test_wrong_use_is_one_line_and_writes_nothing(
    words, line, folder, striate_command: Striate
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = striate_command("augment", *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"striate: {line}")
    assert done.stderr.count("\n") == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
