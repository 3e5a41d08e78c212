"""`striate filter` and `striate match` as a person meets them."""

import json
import re
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from striate.cli.main import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    Image.fromarray(pixels).save("photo.png")
    Image.fromarray(pixels[10:22, 30:45]).save("part.png")
    return tmp_path


def opened(name):
    with Image.open(name) as image:
        image.load()
    return image


@pytest.fixture
def striate(capsys):
    """Run a command: exit code, stdout, stderr."""

    def run(*words):
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        out, err = capsys.readouterr()
        return end.value.code or 0, out, err

    return run


def test_filter_writes_the_picture_opencv_makes(folder, striate):
    code, out, err = striate("filter", "photo.png", "sobel-x")
    assert (code, out, err) == (0, "photo-sobel-x.png\n", "")
    pixels = cv2.imread("photo.png")
    theirs = cv2.convertScaleAbs(cv2.Sobel(pixels, cv2.CV_32F, 1, 0, ksize=3))
    np.testing.assert_array_equal(cv2.imread("photo-sobel-x.png"), theirs)
    assert sorted(p.name for p in folder.iterdir()) == [
        "part.png",
        "photo-sobel-x.png",
        "photo.png",
    ]


def test_filter_json_is_one_object(folder, striate):
    code, out, _ = striate("filter", "photo.png", "gaussian:sigma=2", "--json", "--padding=valid")
    facts = json.loads(out)
    assert code == 0
    assert facts["output"] == "photo-gaussian-sigma=2.png"
    assert facts["kernel_shape"] == [17, 17]
    assert (facts["width"], facts["height"], facts["mode"]) == (44, 24, "RGB")
    assert opened(facts["output"]).size == (44, 24)


def test_filter_strip(folder, striate):
    assert striate("filter", "photo.png", "log", "--side-by-side")[1] == "photo-log-strip.png\n"
    assert opened("photo-log-strip.png").width > 3 * 240


def test_filter_list_needs_no_picture(folder, striate):
    code, out, _ = striate("filter", "--list")
    assert code == 0
    assert "gaussian:sigma=1,size=auto\n" in out
    _, out, _ = striate("filter", "--list", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert rows["gabor"]["parameters"]["wavelength"] == 8
    assert all(row["does"].endswith(".") for row in rows.values())


def test_filter_turns_the_picture_upright(folder, striate):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    opened("photo.png").save("turned.jpg", exif=exif, quality=95)
    striate("filter", "turned.jpg", "identity", "-o", "up.png")
    assert opened("up.png").size == (40, 60)


def test_filter_keeps_sixteen_bits_and_the_colour_profile(folder, striate):
    deep = np.arange(100, dtype=np.uint16).reshape(10, 10) * 650
    Image.fromarray(deep).save("deep.png")
    assert striate("filter", "deep.png", "identity")[0] == 0
    np.testing.assert_array_equal(np.asarray(opened("deep-identity.png")), deep)
    opened("photo.png").save("wide.png", icc_profile=b"profile")
    striate("filter", "wide.png", "box")
    assert opened("wide-box.png").info["icc_profile"] == b"profile"


def test_output_replaces_an_older_one_but_never_the_input(folder, striate):
    for _ in range(2):
        assert striate("filter", "photo.png", "box", "-o", "out.png")[0] == 0
    before = (folder / "photo.png").read_bytes()
    (folder / "link.png").symlink_to("photo.png")
    for name in ("photo.png", "./photo.png", "link.png"):
        code, out, err = striate("filter", "photo.png", "box", "-o", name)
        assert (code, out) == (2, "")
        assert "expected another file than the input" in err
    assert (folder / "photo.png").read_bytes() == before
    for name in ("photo.png", "part.png"):
        assert striate("match", "photo.png", "part.png", "-o", name)[0] == 2


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["filter"], "IMAGE and KERNEL: got 'nothing'"),
        (["filter", "photo.png"], "KERNEL: got 'nothing'"),
        (["filter", "photo.png", "soble-x"], "Did you mean sobel-x"),
        (["filter", "missing.png", "box"], "missing.png: no such file"),
        (["filter", ".", "box"], "is a folder"),
        (["filter", "words.txt", "box"], "words.txt: not an image"),
        (["filter", "cut.png", "box"], "cut.png: cannot be decoded"),
        (["filter", "huge.png", "box"], "huge.png: .*pixels"),
        (["filter", "photo.png", "box", "--padding", "miror"], "padding: got 'miror'"),
        (["filter", "photo.png", "box", "--padding", "full"], "does not enlarge"),
        (["filter", "part.png", "box:size=99", "--padding", "valid"], "at most"),
        (["filter", "photo.png", "box", "-o", "out.xyz"], "a name that ends in .png"),
        (["filter", "photo.png", "box", "-o", "no/where.png"], "folder does not exist"),
        (["filter", "alpha.png", "box", "-o", "out.jpg"], "out.jpg.*Use .png"),
        (["filter", "deep.png", "box", "-o", "out.webp"], "out.webp.*Use .png"),
        (["match", "part.png", "photo.png"], "pattern: got '60 x 40 pixels', expected at most"),
        (["match", "photo.png", "flat.png"], "the same value everywhere"),
        (["match", "photo.png", "missing.png"], "missing.png: no such file"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(folder, striate, words, complaint):
    (folder / "words.txt").write_text("not a picture")
    (folder / "cut.png").write_bytes((folder / "photo.png").read_bytes()[:900])
    Image.new("1", (9000, 9000)).save("huge.png")
    Image.new("RGBA", (9, 9)).save("alpha.png")
    Image.new("L", (5, 5), 7).save("flat.png")
    Image.new("I;16", (9, 9), 300).save("deep.png")
    before = sorted(folder.iterdir())
    code, out, err = striate(*words)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert re.search(complaint, err), err
    assert sorted(folder.iterdir()) == before


def test_match_finds_the_part(folder, striate):
    code, out, err = striate("match", "photo.png", "part.png")
    assert (code, out, err) == (0, "row 10, column 30, 15 x 12 pixels, score 1.000\n", "")


def test_match_json_and_picture(folder, striate):
    _, out, err = striate("match", "photo.png", "part.png", "--json", "-o", "found.png")
    answer = json.loads(out)
    assert (answer["row"], answer["column"], answer["ties"]) == (10, 30, 0)
    assert answer["places"] == [{"row": 10, "column": 30}]
    assert (answer["output"], err) == ("found.png", "")
    assert opened("found.png").mode == "RGB"


def test_match_compares_grey_where_one_picture_is_grey(folder, striate):
    opened("part.png").convert("L").save("grey.png")
    assert striate("match", "photo.png", "grey.png")[1].startswith("row 10, column 30")


def test_match_says_when_it_is_weak_or_ambiguous(folder, striate):
    tile = np.asarray(opened("part.png"))
    Image.fromarray(np.tile(tile, (2, 2, 1))).save("tiles.png")
    _, out, err = striate("match", "tiles.png", "part.png")
    assert out.startswith("row 0, column 0")
    assert err == "3 more with the same score, at (row, column) (0, 15), (12, 0), (12, 15)\n"
    other = np.random.default_rng(9).integers(0, 256, (12, 15, 3)).astype(np.uint8)
    Image.fromarray(other).save("other.png")
    assert "weak match" in striate("match", "photo.png", "other.png")[2]


def test_a_closed_pipe_and_a_narrow_terminal(folder):
    command = f"COLUMNS=40 NO_COLOR=1 {sys.executable} -m striate filter --list | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("identity:size=3\n", "")
