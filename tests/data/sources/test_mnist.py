import gzip
import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from striate.data import load_source
from striate.data.sources import known
from striate.data.sources.idx import write_idx
from striate.errors import StriateError

RANDOM = np.random.default_rng(0)
TRAIN = RANDOM.integers(0, 256, (6, 5, 4), dtype=np.uint8)
TEST = RANDOM.integers(0, 256, (3, 5, 4), dtype=np.uint8)


def plant(
    folder: Path, *, prefix: str = "", test: str = "t10k", first: int = 0, packed: bool = True
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    labels = {"train": [0, 1, 2, 0, 1, 2], test: [2, 1, 0]}
    for part, pictures in {"train": TRAIN, test: TEST}.items():
        of = np.array(labels[part], dtype=np.uint8) + np.uint8(first)
        for name, array in (("images-idx3", pictures), ("labels-idx1", of)):
            raw = write_idx(array)
            path = folder / f"{prefix}{part}-{name}-ubyte{'.gz' if packed else ''}"
            path.write_bytes(raw if packed else gzip.decompress(raw))
    return folder


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("inside", [".", "raw", "MNIST/raw", "wrapper"])
def test_official_files_are_recognised(tmp_path: Path, inside: str, packed: bool) -> None:
    plant(tmp_path / inside, packed=packed)
    data = load_source(tmp_path)
    assert isinstance(data.pictures, torch.Tensor)
    assert np.array_equal(data.pictures.numpy()[:, 0], np.concatenate([TRAIN, TEST]))
    assert data.labels.tolist() == [0, 1, 2, 0, 1, 2, 2, 1, 0]
    assert data.classes == ("0", "1", "2")
    assert {part: of.tolist() for part, of in data.parts.items()} == {
        "train": [0, 1, 2, 3, 4, 5],
        "test": [6, 7, 8],
    }


def test_emnist_is_set_upright_and_its_letters_begin_at_a(tmp_path: Path) -> None:
    data = load_source(plant(tmp_path, prefix="emnist-letters-", test="test", first=1))
    assert isinstance(data.pictures, torch.Tensor)
    assert np.array_equal(data.pictures.numpy()[:6, 0], TRAIN.swapaxes(1, 2))
    assert data.classes == tuple("abcdefghijklmnopqrstuvwxyz")
    assert data.labels.tolist() == [0, 1, 2, 0, 1, 2, 2, 1, 0]
    assert data.name == "emnist-letters"


def test_several_sets_in_a_folder_are_listed(tmp_path: Path) -> None:
    plant(tmp_path, prefix="emnist-letters-", test="test", first=1)
    plant(tmp_path, prefix="emnist-digits-", test="test")
    with pytest.raises(StriateError, match="holds 2 sets of IDX files: emnist-digits, emnist-l"):
        load_source(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (plant(tmp_path) / "t10k-images-idx3-ubyte.gz").unlink()
    with pytest.raises(StriateError, match="has no file of the test images"):
        load_source(tmp_path)


def test_pictures_and_labels_must_fit(tmp_path: Path) -> None:
    (plant(tmp_path) / "train-labels-idx1-ubyte.gz").write_bytes(write_idx(np.zeros(5, np.uint8)))
    with pytest.raises(StriateError, match=r"train pictures of shape \(6, 5, 4\) and labels of"):
        load_source(tmp_path)


def test_labels_must_be_those_of_the_set(tmp_path: Path) -> None:
    plant(tmp_path, prefix="emnist-letters-", test="test", first=0)
    with pytest.raises(StriateError, match="has labels outside 0 to 25"):
        load_source(tmp_path)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for Fashion-MNIST, published as these files; the folder they are looked for in."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("STRIATE_DATA", str(tmp_path / "data"))
    folder = plant(tmp_path / "data" / "fashion-mnist")

    def facts(path: Path) -> known.File:
        raw = path.read_bytes()
        unpacked = hashlib.sha256(gzip.decompress(raw)).hexdigest()
        return known.File(path.name, len(raw), hashlib.sha256(raw).hexdigest(), unpacked)

    entry = known.KNOWN["fashion-mnist"]
    files = tuple(facts(path) for path in sorted(folder.iterdir()))
    made = known.Known(entry.name, "", "MIT", ("http://127.0.0.1:9/",), files, entry.classes)
    monkeypatch.setitem(known.KNOWN, entry.name, made)
    return folder


def test_a_name_stands_for_the_published_files(published: Path) -> None:
    data = load_source("fashion-mnist")
    assert (data.name, data.classes[0]) == ("fashion-mnist", "T-shirt/top")
    assert (data.provenance.source, data.provenance.licence) == ("fashion-mnist", "MIT")
    # A folder of these files is recognised by their content.
    assert load_source(published).classes == data.classes


def test_files_packed_anew_or_unpacked_are_the_published_ones(published: Path) -> None:
    for path in list(published.iterdir()):
        raw = gzip.decompress(path.read_bytes())
        path.write_bytes(gzip.compress(raw, compresslevel=1))
        if "images" in path.name:
            path.unlink()
            path.with_suffix("").write_bytes(raw)
    assert len(load_source("fashion-mnist")) == 9


def test_an_unchecked_file_beside_a_published_one_does_not_count(published: Path) -> None:
    other = gzip.decompress(write_idx(np.array([1, 1, 1], np.uint8)))
    (published / "t10k-labels-idx1-ubyte").write_bytes(other)
    assert load_source("fashion-mnist").labels[-3:].tolist() == [2, 1, 0]
    assert load_source(published).labels[-3:].tolist() == [1, 1, 1]  # named by its path: as it is


@pytest.mark.parametrize("damage", [b"", b"\x1f\x8bx", None])
def test_other_files_are_refused_under_the_name(published: Path, damage: bytes | None) -> None:
    path = published / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(write_idx(np.array([1, 1, 1], np.uint8)) if damage is None else damage)
    with pytest.raises(StriateError, match="is not the published file t10k-labels-idx1"):
        load_source("fashion-mnist")


def test_a_set_that_is_not_here_says_how_to_get_it(published: Path) -> None:
    (published / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(StriateError, match=r"not on this disk .*`striate datasets get fashion-mn"):
        load_source("fashion-mnist")


def test_a_folder_of_that_name_is_named_by_a_path(
    tmp_path: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fashion-mnist").mkdir()
    (tmp_path / "fashion-mnist" / "1.jpg").touch()
    monkeypatch.chdir(tmp_path)
    assert len(load_source("fashion-mnist")) == 9
    assert len(load_source("./fashion-mnist")) == 1


def test_a_published_archive_is_unpacked_into_the_cache(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As EMNIST is published: one zip for six sets."""
    folder = plant(tmp_path / "gzip", prefix="emnist-letters-", test="test", first=1)
    plant(folder, prefix="emnist-digits-", test="test")
    archive = tmp_path / "data" / "emnist" / "gzip.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as packed:
        for path in folder.iterdir():
            packed.write(path, f"gzip/{path.name}")
    raw = archive.read_bytes()
    file = known.File(archive.name, len(raw), hashlib.sha256(raw).hexdigest())
    for name in ("emnist-letters", "emnist-digits"):
        monkeypatch.setitem(known.KNOWN, name, replace(known.KNOWN[name], files=(file,)))
    assert load_source("emnist-letters").classes[:2] == ("a", "b")
    data = load_source("emnist-digits")
    assert (data.name, data.provenance.source) == ("emnist-digits", "emnist-digits")
    assert list(archive.parent.iterdir()) == [archive]
    with pytest.raises(StriateError, match="holds 2 sets of IDX files"):
        load_source(archive)
