"""Every kind of picture file found in the wild, by its table: decoded right, or named right."""

import functools
import time
from pathlib import Path

import numpy as np
import picture_kinds_jpeg  # noqa: F401  # fills the table
import picture_kinds_other  # noqa: F401  # fills the table
import picture_kinds_png  # noqa: F401  # fills the table
import pytest
import torch
from picture_names import NAMES, let_in, raw_unprivileged, unprivileged
from picture_parts import saved, tiff
from picture_table import KINDS, Decode, Skip, jpeg, picture
from PIL import Image

from striate.data.check import fingerprint
from striate.data.check.page import thumbnail
from striate.data.decode import decode
from striate.data.kinds import KINDS as WORDS
from striate.data.kinds import ODDITIES, Unreadable
from striate.data.oddities import oddities_of
from striate.data.pixels import pixels_of, raw_of
from striate.data.workers import Workers
from striate.preprocess import Preprocess


def as_it_is(want: Decode) -> Preprocess:
    """A record of the picture's own size, so that nothing is resized."""
    height, width = want.pixels.shape[:2]
    return Preprocess((height, width), 3, (0.5,) * 3, (0.5,) * 3)


def check(path: Path, want: Decode | Skip) -> None:
    """The file is decoded to the reference, or refused under its word, with its name."""
    if isinstance(want, Skip):
        with pytest.raises(Unreadable) as caught:
            pixels_of(path, Preprocess((9, 9), 3, (0.5,) * 3, (0.5,) * 3))
        assert caught.value.kind == want.kind, caught.value
        assert caught.value.where == str(path)
        assert want.kind in WORDS
        return
    pixels = pixels_of(path, as_it_is(want)).permute(1, 2, 0).numpy().astype(int)
    assert abs(pixels - want.pixels).max() <= want.within
    found = oddities_of(path)
    assert set(found) <= ODDITIES.keys()
    assert not want.odd or want.odd in found


def test_the_table_is_complete() -> None:
    assert len(KINDS) == 54
    assert len(NAMES) == 10


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_of_content(name: str, tmp_path: Path) -> None:
    suffix, make = KINDS[name]
    content, want = make(np.random.default_rng(0))
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    check(path, want)
    assert path.read_bytes() == content


@pytest.mark.parametrize("name", NAMES)
def test_a_kind_of_name_or_file(name: str, tmp_path: Path) -> None:
    with unprivileged(tmp_path):
        folder = tmp_path / "data"
        folder.mkdir()
        for path, want in NAMES[name](folder, np.random.default_rng(0)):
            check(path, want)


def rare_forms() -> dict[str, bytes]:
    """TIFFs of modes that Pillow decodes and has no conversion for."""
    lab = saved(Image.new("LAB", (9, 9), (120, 30, 200)), "TIFF")
    data = bytes(range(162))
    tags: dict[str, int | tuple[int, ...]] = {"t258": (8, 8), "t277": 2, "t273": 8, "t278": 9}
    return {"lab": lab, "La": tiff((9, 9), data, **tags, t279=len(data), t338=1)}


@pytest.mark.parametrize(("name", "bands"), [("lab", 1), ("La", 1), ("La", 3)])
def test_pixels_without_a_conversion_are_named(name: str, bands: int, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(rare_forms()[name])
    assert decode(path).mode.lower() == name.lower()
    record = Preprocess((8, 8), bands, (0.5,) * bands, (0.5,) * bands)
    with Workers(functools.partial(raw_of, preprocess=record), count=0) as workers:
        (result,) = workers.map([path])
    assert isinstance(result, Unreadable)
    assert (result.kind, result.where) == ("unsupported-variant", str(path))
    assert "conversion" in result.reason


def test_pixels_without_a_conversion_end_no_check(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(rare_forms()["La"])
    for look in (fingerprint, functools.partial(thumbnail, side=20)):
        with pytest.raises(Unreadable, match="no conversion is known") as caught:
            look(path)
        assert caught.value.kind == "unsupported-variant"


def test_ordinary_pictures_are_not_odd(tmp_path: Path) -> None:
    for seed in range(20):
        path = tmp_path / f"{seed}.jpg"
        path.write_bytes(jpeg(picture(np.random.default_rng(seed))))
        assert oddities_of(path) == ()


def test_the_same_pixels_by_every_way(tmp_path: Path) -> None:
    """By path and by bytes, as a tensor and as raw bytes; a large JPEG, so `draft` works."""
    small = Image.fromarray(picture(np.random.default_rng(0)))
    content = jpeg(np.asarray(small.resize((900, 800))))
    (tmp_path / "a.jpg").write_bytes(content)
    record = Preprocess((40, 30), 3, (0.5,) * 3, (0.5,) * 3, fit="crop")
    want = pixels_of(tmp_path / "a.jpg", record)
    assert torch.equal(pixels_of(content, record), want)
    assert raw_of(content, record) == want.permute(1, 2, 0).numpy().tobytes()
    drafted = decode(content, at_least=record.at_least)
    assert drafted.size < decode(content).size
    full = record.pixels(decode(content))
    assert (full.int() - want.int()).abs().max() <= 3


def test_a_draft_is_never_smaller_than_asked() -> None:
    content = jpeg(np.zeros((500, 800, 3), np.uint8))
    for asked in ((500, 800), (251, 10), (250, 400), (249, 401), (62, 100), (1, 1)):
        image = decode(content, at_least=asked)
        assert image.height >= asked[0]
        assert image.width >= asked[1]
    assert decode(content, at_least=(62, 100)).size == (100, 63)


@pytest.mark.slow
def test_the_campaign(tmp_path: Path) -> None:
    """Every kind sixteen times among 200 good pictures: all named right, and nothing else."""
    wanted: dict[Path, Decode | Skip] = {}
    for seed in range(16):
        for number, (suffix, make) in enumerate(KINDS.values()):
            content, want = make(np.random.default_rng([seed, number]))
            path = tmp_path / f"{seed}-{number}{suffix}"
            path.write_bytes(content)
            wanted[path] = want
        folder = tmp_path / f"names-{seed}"
        folder.mkdir()
        for make_names in NAMES.values():
            wanted |= dict(make_names(folder, np.random.default_rng(seed)))
    good = [tmp_path / f"good-{number}.jpg" for number in range(200)]
    for number, path in enumerate(good):
        path.write_bytes(jpeg(picture(np.random.default_rng([99, number]))))
    paths = sorted([*wanted, *good])
    record = Preprocess((32, 32), 3, (0.5,) * 3, (0.5,) * 3)
    task = functools.partial(raw_unprivileged, preprocess=record)
    let_in(tmp_path)
    with Workers(task, count=2) as workers:
        longest, before, results = 0.0, time.monotonic(), []
        for result in workers.map(paths, ahead=1):
            results.append(result)
            longest, before = max(longest, time.monotonic() - before), time.monotonic()
    with unprivileged(tmp_path):
        for path, want in wanted.items():
            check(path, want)
    named = {path: error.kind for path, error in zip(paths, results, strict=True)
             if isinstance(error, Unreadable)}  # fmt: skip
    assert named == {path: want.kind for path, want in wanted.items() if isinstance(want, Skip)}
    assert longest < 5
