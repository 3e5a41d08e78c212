import gzip
from pathlib import Path

import numpy as np
import pytest

from striate.data.sources.idx import read_idx, write_idx
from striate.errors import StriateError

PICTURES = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(write_idx(PICTURES))
    assert np.array_equal(read_idx(tmp_path / "a.gz"), PICTURES)


def test_plain_files_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.decompress(write_idx(PICTURES)))
    assert np.array_equal(read_idx(tmp_path / "a"), PICTURES)


def test_the_header_is_that_of_mnist() -> None:
    raw = gzip.decompress(write_idx(PICTURES))
    assert raw[:16] == bytes([0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 0, 3])


def test_equal_arrays_give_equal_bytes() -> None:
    assert write_idx(PICTURES) == write_idx(PICTURES.copy())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda raw: b"", "not an IDX file"),
        (lambda raw: b"\x89PNG" + raw, "not an IDX file"),
        (lambda raw: raw[:2] + b"\x0d" + raw[3:], "not an IDX file"),
        (lambda raw: raw[:3] + bytes([40]) + bytes(160), "has 40 axes, more than 3"),
        (lambda raw: raw[:9], "header is cut off"),
        (lambda raw: raw[:-1], "holds 59 values, its header says 60"),
        (lambda raw: raw + b"x", "holds over 60 values"),
        (lambda raw: raw[:4] + b"\xff" * 12 + raw[16:], "its header says"),
        (lambda raw: gzip.compress(raw)[:-9], "cannot be read"),
        (lambda raw: b"\x1f\x8bnonsense", "cannot be read"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, damage, message: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "digits"
    path.write_bytes(damage(gzip.decompress(write_idx(PICTURES))))
    with pytest.raises(StriateError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StriateError, match="No such file"):
        read_idx(tmp_path / "none")
