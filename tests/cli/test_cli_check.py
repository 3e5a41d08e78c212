import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import Striate


def picture(generator: np.random.Generator) -> Image.Image:
    coarse = generator.uniform(0, 255, (9, 12, 3)).astype(np.uint8)
    return Image.fromarray(coarse).resize((96, 72), Image.Resampling.BICUBIC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    for name in ("ant", "bee"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(12):
            picture(generator).save(tmp_path / "set" / name / f"{number}.png")
    return tmp_path / "set"


def test_a_good_folder_passes_strictly(striate_command: Striate, folder: Path) -> None:
    done = striate_command("check", folder, "--strict")
    assert done.returncode == 0
    assert done.stdout == "24 pictures in 2 classes, all 96x72\nNothing is wrong with the files.\n"


def test_problems_are_told_and_strict_leaves_with_three(
    striate_command: Striate, folder: Path
) -> None:
    (folder / "ant" / "cut\x1b[31m.png").write_bytes((folder / "ant/1.png").read_bytes()[:900])
    (folder / "bee" / "copy.png").write_bytes((folder / "ant/2.png").read_bytes())
    done = striate_command("check", folder)
    assert done.returncode == 0
    assert "problem  unreadable: 1 without a usable picture" in done.stdout
    assert "ant/cut\\x1b[31m.png  truncated: " in done.stdout
    assert "problem  two-labels: the same picture in more than one class (2)" in done.stdout
    assert "ant/2.png = bee/copy.png" in done.stdout
    assert "\x1b" not in done.stdout
    assert striate_command("check", folder, "--strict").returncode == 3


def test_json_is_one_object_and_strict_still_counts(striate_command: Striate, folder: Path) -> None:
    (folder / "ant" / "empty.png").touch()
    done = striate_command("check", folder, "--json", "--strict")
    assert done.returncode == 3
    told = json.loads(done.stdout)
    assert told["files"] == 25
    assert [fault["kind"] for fault in told["unreadable"]] == ["empty"]


def test_the_page_is_written_outside_the_data_only(
    striate_command: Striate, folder: Path, tmp_path: Path
) -> None:
    done = striate_command("check", folder, "--html", tmp_path / "report.html")
    assert done.returncode == 0
    assert (tmp_path / "report.html").read_text("utf-8").startswith("<!doctype html>")
    assert done.stderr == f"Report: {tmp_path / 'report.html'}\n"
    done = striate_command("check", folder, "--html", folder / "ant" / "report.html")
    assert done.returncode == 2
    assert "a file outside the data, which stays as it is" in done.stderr
    assert not (folder / "ant" / "report.html").exists()


@pytest.mark.parametrize("place", ["no/such/folder.html", "."])
def test_a_page_that_cannot_be_written_is_refused_first(
    striate_command: Striate, folder: Path, place: str
) -> None:
    done = striate_command("check", folder, "--html", place)
    assert done.returncode == 2
    assert "expected a file in a folder that exists" in done.stderr
    assert done.stdout == ""


def test_a_wrong_path_is_wrong_input(striate_command: Striate, tmp_path: Path) -> None:
    done = striate_command("check", tmp_path / "nowhere")
    assert done.returncode == 2
    assert "no such file or folder" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_quiet_says_nothing_beside_the_result(
    striate_command: Striate, folder: Path, tmp_path: Path
) -> None:
    done = striate_command("check", folder, "--quiet", "--html", tmp_path / "report.html")
    assert done.stderr == ""


def test_a_pipe_gets_a_line_every_tenth(striate_command: Striate) -> None:
    done = striate_command("check", "sample")
    assert done.stderr.splitlines()[0] == "500 of 5,000 pictures"
    assert len(done.stderr.splitlines()) == 10


def test_ctrl_c_ends_it_in_one_line(
    striate_command: Striate, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("striate.data.check.run.near_duplicates", interrupted)
    done = striate_command("check", folder)
    assert done.returncode == 130
    assert done.stderr.splitlines() == ["striate: interrupted"]


def test_the_page_never_replaces_the_archive_it_is_about(
    striate_command: Striate, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    archive = Path(shutil.make_archive(str(tmp_path / "set"), "zip", folder))
    before = archive.read_bytes()
    done = striate_command("check", archive, "--html", archive)
    assert done.returncode == 2
    assert "a file outside the data, which stays as it is" in done.stderr
    assert archive.read_bytes() == before
    # Beside the archive is outside of it.
    assert striate_command("check", archive, "--html", tmp_path / "set.html").returncode == 0


def test_the_page_never_lies_among_idx_files(striate_command: Striate, tmp_path: Path) -> None:
    (tmp_path / "idx").mkdir()
    heads = {"images-idx3": (4, 20, 20), "labels-idx1": (4,)}
    for what, shape in heads.items():
        head = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
        body = np.arange(np.prod(shape)) % 4
        path = tmp_path / "idx" / f"train-{what}-ubyte"
        path.write_bytes(head + body.astype(np.uint8).tobytes())
        before = path.read_bytes()
    done = striate_command("check", tmp_path / "idx", "--html", path)
    assert done.returncode == 2
    assert "a file outside the data, which stays as it is" in done.stderr
    assert path.read_bytes() == before
