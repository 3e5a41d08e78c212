import importlib.util
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.data import Dataset, Files, load_source
from striate.errors import StriateError


@pytest.mark.parametrize("files", [("dataset_dict.json",), ("dataset_info.json", "state.json")])
def test_a_saved_data_set_asks_for_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: tuple[str, ...]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for name in files:
        (tmp_path / name).write_text("{}")
    with pytest.raises(StriateError, match=r"`datasets`, which is not installed. pip install 'str"):
        load_source(tmp_path)


STAND_IN = """
import json
from pathlib import Path

class Image:
    def __init__(self, decode=True):
        pass

class ClassLabel:
    names = ["cat", "dog"]

class Table:
    def __init__(self, rows):
        self.rows, self.features = rows, {"picture": Image(), "label": ClassLabel()}

    def cast_column(self, name, kind):
        return self

    def __getitem__(self, name):
        return [row[name] for row in self.rows]

    def __iter__(self):
        return iter(self.rows)

def load_from_disk(root):
    parts = json.loads((Path(root) / "dataset_dict.json").read_text())
    for rows in parts.values():
        for row in rows:
            content = row["picture"]["bytes"]
            row["picture"]["bytes"] = None if content is None else content.encode()
    return {part: Table(rows) for part, rows in parts.items()}
"""


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A set for a stand-in of the library: one picture inside it, one that lies elsewhere."""
    (tmp_path / "site" / "datasets").mkdir(parents=True)
    (tmp_path / "site" / "datasets" / "__init__.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(tmp_path / "site")
    for name in [name for name in sys.modules if name.split(".")[0] == "datasets"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    elsewhere = tmp_path / "elsewhere.png"
    elsewhere.write_bytes(b"another picture")
    rows = [
        {"picture": {"bytes": "a picture", "path": None}, "label": 1},
        {"picture": {"bytes": None, "path": str(elsewhere)}, "label": 0},
    ]
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "dataset_dict.json").write_text(json.dumps({"train": rows}))
    yield tmp_path / "set"
    sys.modules.pop("datasets", None)


def contents(data: Dataset) -> list[bytes]:
    assert isinstance(data.pictures, Files)
    return [data.pictures.path(index).read_bytes() for index in range(len(data))]


def test_the_pictures_of_a_saved_set_become_files(saved: Path) -> None:
    data = load_source(saved)
    assert contents(data) == [b"a picture", b"another picture"]
    assert data.classes == ("cat", "dog")
    assert data.labels.tolist() == [1, 0]
    assert data.parts["train"].tolist() == [0, 1]
    assert contents(load_source(saved)) == contents(data)


def test_a_saved_set_in_an_archive_names_no_files_of_this_disk(saved: Path) -> None:
    load_source(saved)  # as his own set it may, and what came of it must not be found again
    archive = saved.with_suffix(".tar")
    with tarfile.open(archive, "w") as packed:
        packed.add(saved / "dataset_dict.json", "dataset_dict.json")
    data = load_source(archive)
    assert contents(data) == [b"a picture"]
    (left,) = data.excluded
    assert (left.path, left.kind) == ("train/000000001", "missing-file")


@pytest.mark.slow
def test_a_set_that_the_library_itself_has_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = pytest.importorskip("datasets")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pixels = np.random.default_rng(0).integers(0, 256, (6, 9, 8, 3), dtype=np.uint8)
    features = library.Features(
        {"image": library.Image(), "label": library.ClassLabel(names=["cat", "dog"])}
    )
    parts = {
        part: library.Dataset.from_dict(
            {
                "image": [Image.fromarray(one) for one in chosen],
                "label": [0, 1] * (len(chosen) // 2),
            },
            features=features,
        )
        for part, chosen in {"train": pixels[:4], "test": pixels[4:]}.items()
    }
    library.DatasetDict(parts).save_to_disk(str(tmp_path / "set"))
    data = load_source(tmp_path / "set")
    assert isinstance(data.pictures, Files)
    assert data.classes == ("cat", "dog")
    assert {part: len(of) for part, of in data.parts.items()} == {"train": 4, "test": 2}
    for part, chosen in (("train", pixels[:4]), ("test", pixels[4:])):
        for index, expected in zip(data.parts[part].tolist(), chosen, strict=True):
            assert np.array_equal(np.asarray(Image.open(data.pictures.path(index))), expected)
