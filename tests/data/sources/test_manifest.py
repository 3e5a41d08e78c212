import json
from pathlib import Path

import pytest

from striate.data import Files, load_source
from striate.errors import StriateError

HEAD = "file_name,label,split\n"


def plant(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def manifest(root: Path, text: str, name: str = "list.csv") -> Path:
    (root / name).write_text(text, encoding="utf-8")
    return root / name


@pytest.mark.parametrize(
    "text",
    [
        "path,label,split\nb.jpg,dog,test\nsub/a.jpg,cat,train\nc.jpg,,valid\n",
        "LABEL;Part;Image\ndog;test;b.jpg\ncat;Training;sub/a.jpg\n;val;c.jpg\n",
        "\ufefffile\tclass\tpart\tnote\nb.jpg\tdog\ttest\tx\nsub/a.jpg\tcat\ttrain\ty\n\nc.jpg\t\tval\t\n",
        '"file","label","split"\r\n"b.jpg","dog","test"\r\n'
        '"./sub/a.jpg"," cat ","train"\r\nc.jpg,,val\r\n',
    ],
)
def test_csv_in_its_dialects(tmp_path: Path, text: str) -> None:
    data = load_source(manifest(plant(tmp_path, "b.jpg", "sub/a.jpg", "c.jpg"), text))
    assert isinstance(data.pictures, Files)
    assert data.pictures.names == ("b.jpg", "c.jpg", "sub/a.jpg")
    assert data.classes == ("cat", "dog")
    assert data.labels.tolist() == [1, -1, 0]
    assert {part: of.tolist() for part, of in data.parts.items()} == {
        "test": [0],
        "val": [1],
        "train": [2],
    }


def test_json_lines(tmp_path: Path) -> None:
    rows = [{"file_name": "b.jpg", "label": 10}, {"file_name": "a.jpg", "label": 2, "x": [1]}, {}]
    rows[2] = {"file_name": "c.jpg", "label": None}
    text = "\n".join(json.dumps(row) for row in rows) + "\n\n"
    data = load_source(manifest(plant(tmp_path, "a.jpg", "b.jpg", "c.jpg"), text, "l.jsonl"))
    assert data.classes == ("10", "2")
    assert data.labels.tolist() == [1, 0, -1]
    assert data.parts == {}


def test_a_folder_with_metadata_is_a_manifest_if_that_has_classes(tmp_path: Path) -> None:
    plant(tmp_path, "x/1.jpg", "y/2.jpg")
    manifest(tmp_path, "file_name,caption\nx/1.jpg,a thing\n", "metadata.csv")
    assert load_source(tmp_path).classes == ("x", "y")
    manifest(tmp_path, "file_name,label\nx/1.jpg,cat\ny/2.jpg,dog\n", "metadata.csv")
    assert load_source(tmp_path).classes == ("cat", "dog")


def test_what_a_folders_manifest_does_not_name_is_left_out_by_name(tmp_path: Path) -> None:
    plant(tmp_path, "x/1.jpg", "x/2.jpg", "y/3.jpg", "y/odd.dat", ".away/4.jpg", "Thumbs.db")
    absolute = tmp_path / "y" / "3.jpg"
    rows = [
        "./x/1.jpg,cat",
        "x/gone.jpg,cat",
        f"{absolute},dog",
        "y/odd.dat,dog",
        ".away/4.jpg,cat",
    ]
    manifest(tmp_path, "file_name,label\n" + "\n".join(rows), "metadata.csv")
    data = load_source(tmp_path)
    assert len(data) == 4
    assert [(one.path, one.kind) for one in data.excluded] == [
        ("Thumbs.db", "junk"),
        ("x/2.jpg", "not-listed"),
        ("x/gone.jpg", "missing-file"),
    ]
    # A manifest that was named itself may stand for a part of its folder.
    assert load_source(tmp_path / "metadata.csv").excluded == data.excluded[2:]


def test_rows_that_say_nothing_new_count_once_and_contradictions_are_left_out(
    tmp_path: Path,
) -> None:
    plant(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    rows = ["a.jpg,x,", "a.jpg,x,", "b.jpg,x,", "b.jpg,y,", "c.jpg,y,train", "./c.jpg,y,test"]
    text = HEAD + "\n".join([*rows, "gone.jpg,y,", "a.jpg,x,"])
    data = load_source(manifest(tmp_path, text))
    assert isinstance(data.pictures, Files)
    assert data.pictures.names == ("a.jpg",)
    assert {one.path: one.kind for one in data.excluded} == {
        "b.jpg": "conflicting-rows",
        "c.jpg": "conflicting-rows",
        "gone.jpg": "missing-file",
    }


def test_absolute_paths_mean_what_they_say(tmp_path: Path) -> None:
    plant(tmp_path, "store/a.jpg", "lists/none")
    path = tmp_path / "store" / "a.jpg"
    data = load_source(manifest(tmp_path / "lists", f"path,label\n{path},x\n"))
    assert isinstance(data.pictures, Files)
    assert data.pictures.path(0) == path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "../out.jpg,x,\n", r"line 2 leads out of the manifest's folder: '../out.jpg'"),
        (HEAD + "a.jpg,x,\nsub/../../out.jpg,x,\n", "line 3 leads out"),
        (HEAD + "a.jpg,x,dev\n", "line 2 has the part 'dev', known are train, training"),
        (HEAD + ",x,\n", "line 2 names no file"),
        (HEAD + "a\0.jpg,x,\n", "names no file|cannot be read"),
        (HEAD + "a.jpg\n", "line 2 has only 1 columns"),
        (HEAD + "gone.jpg,x,\n", r"names no picture that is there \(1 left out\)"),
        (HEAD, "names no picture that is there"),
        ("", "has no column of files"),
        ("a.jpg,cat\n", "has no column of files: one is called path, file_name"),
        (HEAD + '"' + "x" * 200_000 + '",x,\n', "cannot be read .field larger"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    plant(tmp_path, "sub/a.jpg", "a.jpg")
    with pytest.raises(StriateError, match=message):
        load_source(manifest(tmp_path, text))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2 is no JSON"),
        ("[" * 100_000, "line 2 is no JSON"),
        ("[1]", "line 2 is no JSON object"),
        ('{"path": "a.jpg", "label": [1]}', "line 2 has a value that is neither text nor a whole"),
        ('{"path": "a.jpg", "label": 0.5}', "line 2 has a value that is neither"),
        ('{"label": "x"}', "has no column of files"),
    ],
)
def test_damaged_json_lines_are_told(tmp_path: Path, line: str, message: str) -> None:
    text = f'{{"path": "a.jpg"}}\n{line}\n'
    with pytest.raises(StriateError, match=message):
        load_source(manifest(plant(tmp_path, "a.jpg"), text, "list.jsonl"))


def test_text_must_be_utf8(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"path,label\na.jpg,\xe4pfel\n")
    with pytest.raises(StriateError, match="is not UTF-8 text"):
        load_source(tmp_path / "list.csv")
