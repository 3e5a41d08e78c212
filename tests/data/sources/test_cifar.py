import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from striate.data import load_source
from striate.errors import StriateError

RANDOM = np.random.default_rng(0)
PICTURES = RANDOM.integers(0, 256, (12, 3072), dtype=np.uint8)
LABELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
TEN = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def batches(names: list[str]) -> list[tuple[str, slice]]:
    return [(name, slice(2 * k, 2 * k + 2)) for k, name in enumerate(names)]


def plant_binary_10(root: Path) -> None:
    folder = root / "cifar-10-batches-bin"
    folder.mkdir()
    names = [*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"]
    for name, of in batches(names):
        records = [
            bytes([label]) + row.tobytes()
            for label, row in zip(LABELS[of], PICTURES[of], strict=True)
        ]
        (folder / name).write_bytes(b"".join(records))
    (folder / "batches.meta.txt").write_text("\n".join(TEN) + "\n\n")


def plant_python_10(root: Path, protocol: int = 2) -> None:
    folder = root / "cifar-10-batches-py"
    folder.mkdir()
    names = [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]
    for name, of in batches(names):
        batch = {"batch_label": "x", "labels": LABELS[of], "data": PICTURES[of], "filenames": ["a"]}
        (folder / name).write_bytes(pickle.dumps(batch, protocol))
    meta = {"num_cases_per_batch": 2, "label_names": TEN, "num_vis": 3072}
    (folder / "batches.meta").write_bytes(pickle.dumps(meta, protocol))


def plant_binary_100(root: Path) -> None:
    for name, of in (("train.bin", slice(0, 10)), ("test.bin", slice(10, 12))):
        rows = zip(LABELS[of], PICTURES[of], strict=True)
        (root / name).write_bytes(
            b"".join(bytes([7, label]) + row.tobytes() for label, row in rows)
        )
    (root / "fine_label_names.txt").write_text("\n".join(TEN) + "\n")


def plant_python_100(root: Path) -> None:
    for name, of in (("train", slice(0, 10)), ("test", slice(10, 12))):
        batch = {"data": PICTURES[of], "coarse_labels": [0], "fine_labels": LABELS[of]}
        (root / name).write_bytes(pickle.dumps(batch, 2))
    (root / "meta").write_bytes(pickle.dumps({"fine_label_names": TEN}, 2))


@pytest.mark.parametrize(
    ("plant", "name"),
    [
        (plant_binary_10, "cifar10"),
        (plant_python_10, "cifar10"),
        (plant_binary_100, "cifar100"),
        (plant_python_100, "cifar100"),
    ],
)
def test_published_versions_are_read(tmp_path: Path, plant, name: str) -> None:  # type: ignore[no-untyped-def]
    plant(tmp_path)
    data = load_source(tmp_path)
    assert isinstance(data.pictures, torch.Tensor)
    assert np.array_equal(data.pictures.numpy(), PICTURES.reshape(12, 3, 32, 32))
    assert data.labels.tolist() == LABELS
    assert data.classes == tuple(TEN)
    assert data.name == name
    assert data.parts["train"].tolist() == list(range(10))
    assert data.parts["test"].tolist() == [10, 11]


@pytest.mark.parametrize("protocol", range(2, 6))
def test_later_pickle_protocols_are_read(tmp_path: Path, protocol: int) -> None:
    plant_python_10(tmp_path, protocol)
    data = load_source(tmp_path)
    assert isinstance(data.pictures, torch.Tensor)
    assert np.array_equal(data.pictures.numpy(), PICTURES.reshape(12, 3, 32, 32))


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"labels": [0, 1]}, "has no pictures of 3,072 bytes"),
        ({"data": PICTURES[:2, :9], "labels": [0, 1]}, "has no pictures"),
        ({"data": PICTURES[:2], "labels": "ab"}, "has no list of labels"),
        ({"data": PICTURES[:2], "labels": [0]}, "and other labels"),
        ({"data": PICTURES[:2], "labels": [0, -1]}, "and other labels"),
        ({"data": PICTURES[:2], "labels": [0, 10]}, "labels outside 0 to 9"),
        ({"data": PICTURES[:2].astype("f4"), "labels": [0, 1]}, "something else than unsigned"),
    ],
)
def test_damaged_batches_are_named(tmp_path: Path, batch: object, message: str) -> None:
    plant_python_10(tmp_path)
    path = tmp_path / "cifar-10-batches-py" / "data_batch_3"
    path.write_bytes(pickle.dumps(batch, 2))
    with pytest.raises(StriateError, match=message) as caught:
        load_source(tmp_path)
    assert "cifar-10-batches-py" in caught.value.where


def test_a_cut_binary_file_is_named(tmp_path: Path) -> None:
    plant_binary_100(tmp_path)
    with (tmp_path / "train.bin").open("ab") as file:
        file.write(b"x")
    with pytest.raises(StriateError, match="30,741 bytes, no whole number of 3,074-byte records"):
        load_source(tmp_path)


@pytest.mark.parametrize("missing", ["data_batch_4.bin", "data_batch_4"])
def test_a_missing_batch_is_named(tmp_path: Path, missing: str) -> None:
    plant_binary_10(tmp_path) if missing.endswith("bin") else plant_python_10(tmp_path)
    next(tmp_path.rglob(missing)).unlink()
    with pytest.raises(StriateError, match=rf"{missing}: cannot be read .*No such file"):
        load_source(tmp_path)
