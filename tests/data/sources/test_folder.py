import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.data import Dataset, Files, load_source
from striate.data.sources.folder import from_tree
from striate.data.sources.tree import Tree
from striate.errors import StriateError


def plant(root: Path, *names: str) -> Path:
    """Files of these names, empty: only their places matter here; a final slash is a folder."""
    for name in names:
        path = root / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.touch()
    return root


def labelled(data: Dataset) -> dict[str, str | None]:
    """Name -> class of every sample."""
    assert isinstance(data.pictures, Files)
    classes = [*data.classes, None]  # -1 is the last
    pairs = zip(data.pictures.names, data.labels.tolist(), strict=True)
    return {name: classes[label] for name, label in pairs}


def parts(data: Dataset) -> dict[str, list[str]]:
    assert isinstance(data.pictures, Files)
    names = data.pictures.names
    return {part: [names[i] for i in data.parts[part].tolist()] for part in data.parts}


def left_out(data: Dataset) -> dict[str, str]:
    return {one.path: one.kind for one in data.excluded}


def test_a_folder_a_class(tmp_path: Path) -> None:
    root = plant(tmp_path, "rose/2.jpg", "rose/10.JPG", "daisy/a.png", "daisy/deep/er/b.webp")
    data = load_source(root)
    assert data.classes == ("daisy", "rose")
    assert labelled(data) == {
        "daisy/a.png": "daisy",
        "daisy/deep/er/b.webp": "daisy",
        "rose/10.JPG": "rose",
        "rose/2.jpg": "rose",
    }
    assert isinstance(data.pictures, Files)
    assert data.pictures.names == tuple(sorted(data.pictures.names))
    assert data.parts == {}
    assert (data.name, data.provenance.layout) == (tmp_path.name, "class folders")


@pytest.mark.parametrize("val", ["val", "valid", "validation", "Val"])
def test_parts_share_one_list_of_classes(tmp_path: Path, val: str) -> None:
    root = plant(tmp_path, "train/b/1.jpg", "train/c/2.jpg", f"{val}/c/3.jpg", "test/a/4.jpg")
    data = load_source(root)
    assert data.classes == ("a", "b", "c")
    assert set(labelled(data).values()) == {"a", "b", "c"}
    assert parts(data) == {
        "train": ["train/b/1.jpg", "train/c/2.jpg"],
        "val": [f"{val}/c/3.jpg"],
        "test": ["test/a/4.jpg"],
    }


def test_pictures_alone_have_no_class(tmp_path: Path) -> None:
    data = load_source(plant(tmp_path, "1.jpg", "2.jpg", "more/3.jpg"))
    assert data.classes == ()
    assert data.labels.tolist() == [-1, -1, -1]


def test_a_wrapper_is_looked_into(tmp_path: Path) -> None:
    data = load_source(plant(tmp_path, "flowers/rose/1.jpg", "flowers/daisy/2.jpg"))
    assert data.classes == ("daisy", "rose")
    data = load_source(plant(tmp_path / "w", "set/train/a/1.jpg", "set/test/b/2.jpg"))
    assert list(data.parts) == ["test", "train"]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StriateError, match=r"holds no pictures \(left out: 1 other-file\)"):
        load_source(plant(tmp_path, "cat/", "cat/a.txt"))


def test_a_wrong_path_is_refused() -> None:
    with pytest.raises(StriateError, match="nowhere: no such file or folder"):
        load_source("nowhere")


def test_pictures_beside_class_folders_are_named(tmp_path: Path) -> None:
    data = load_source(plant(tmp_path, "w/a/1.jpg", "w/b/2.jpg", "w/cover.jpg"))
    assert data.classes == ("a", "b")
    assert left_out(data) == {"w/cover.jpg": "outside-classes"}


def test_one_class_with_folders_inside_stays_one(tmp_path: Path) -> None:
    data = load_source(plant(tmp_path, "cat/1.jpg", "cat/more/2.jpg"))
    assert data.classes == ("cat",)
    assert len(data) == 2


def test_a_class_without_pictures_keeps_its_place(tmp_path: Path) -> None:
    root = plant(tmp_path, "train/a/1.jpg", "train/b/", "train/c/2.jpg", "val/c/3.jpg", "val/d/")
    data = load_source(root)
    assert data.classes == ("a", "b", "c", "d")
    assert data.labels.tolist() == [0, 2, 2]


def test_a_part_without_class_folders_has_no_labels(tmp_path: Path) -> None:
    root = plant(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "train/3.jpg", "test/4.jpg")
    data = load_source(root)
    assert labelled(data) == {"train/a/1.jpg": "a", "train/b/2.jpg": "b", "test/4.jpg": None}
    assert left_out(data) == {"train/3.jpg": "outside-classes"}
    assert parts(data)["test"] == ["test/4.jpg"]


def test_parts_of_pictures_alone(tmp_path: Path) -> None:
    data = load_source(plant(tmp_path, "train/1.jpg", "test/2.jpg"))
    assert data.classes == ()
    assert data.provenance.layout == "parts with pictures without classes"
    assert parts(data) == {"train": ["train/1.jpg"], "test": ["test/2.jpg"]}


def test_what_lies_beside_the_parts_is_named(tmp_path: Path) -> None:
    root = plant(tmp_path, "train/a/1.jpg", "test/a/2.jpg", "extra/a/3.jpg", "cover.jpg")
    data = load_source(root)
    assert len(data) == 2
    assert left_out(data) == {"extra/a/3.jpg": "outside-parts", "cover.jpg": "outside-parts"}


def test_classes_may_be_called_like_parts(tmp_path: Path) -> None:
    data = load_source(
        plant(tmp_path, "bus/1.jpg", "car/2.jpg", "train/3.jpg", "outside-parts/4.jpg")
    )
    assert data.classes == ("bus", "car", "outside-parts", "train")
    assert data.parts == {}
    assert data.excluded == ()


def test_two_folders_for_one_part_are_refused(tmp_path: Path) -> None:
    root = plant(tmp_path, "train/a/1.jpg", "val/a/2.jpg", "valid/a/3.jpg")
    with pytest.raises(StriateError, match="val/, valid/ stand for the same part"):
        load_source(root)


def test_a_class_name_that_is_no_text_is_spelt_out(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9")).mkdir()
    (tmp_path / os.fsdecode(b"caf\xe9") / "1.jpg").touch()
    data = load_source(plant(tmp_path, "tea/2.jpg"))
    assert data.classes == ("caf\\xe9", "tea")
    json.dumps(data.classes).encode("ascii")
    assert isinstance(data.pictures, Files)
    assert all(data.pictures.path(k).is_file() for k in range(2))


NAMES = st.text("ab/.", min_size=1, max_size=6).map(lambda text: f"{text}.jpg")
FOLDERS = st.sampled_from(["", "train/", "test/", "val/", "train/a/", "w/", "w/b/"])


@settings(deadline=None)
@given(st.lists(st.tuples(FOLDERS, NAMES), min_size=1, max_size=12))
def test_every_picture_is_a_sample_or_left_out(found: list[tuple[str, str]]) -> None:
    pictures = sorted({folder + name.replace("/", "x").replace(".", "y") for folder, name in found})
    folders = {picture[:at] for picture in pictures for at, c in enumerate(picture) if c == "/"}
    data = from_tree(Tree(Path("somewhere"), pictures, sorted(folders)))
    assert isinstance(data.pictures, Files)
    assert sorted([*data.pictures.names, *left_out(data)]) == pictures
    listed = [index for indices in data.parts.values() for index in indices.tolist()]
    assert len(listed) == len(set(listed))
    for name, label in labelled(data).items():
        assert label is None or f"{label}/" in name
