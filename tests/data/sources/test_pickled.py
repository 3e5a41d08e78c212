"""Hostile pickles: each of these runs code, eats memory or breaks off under `pickle.load`."""

import contextlib
import io
import os
import pickle
import struct
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.data.sources.pickled import read_pickle
from striate.errors import StriateError


class Runs:
    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> object:
        return self.call


def hostile(mark: Path) -> dict[str, bytes]:
    command = f"touch {mark}"
    array = pickle.dumps({"data": np.zeros(4, np.uint8)}, 2)
    return {
        "os.system": pickle.dumps({"data": Runs(os.system, command)}, 2),
        "os.system, protocol 5": pickle.dumps(Runs(os.system, command), 5),
        "eval": pickle.dumps({"labels": [Runs(eval, "1/0")]}, 2),
        "old instruction": f"(S'{command}'\nios\nsystem\n.".encode(),
        "object": f"(cos\nsystem\nS'{command}'\no.".encode(),
        "another function of numpy": b"cnumpy\nload\n(S'x'\ntR.",
        "a longer name": b"cnumpy.core.multiarray\n_reconstruct.__globals__\n(tR.",
        "new object": b"\x80\x02cos\nsystem\n)\x81.",
        "extension": b"\x80\x02\x82\x01.",
        "persistent": b"Pabc\n.",
        "state of a dict": b"}}b.",
        "a name of the stack": b"\x80\x04\x8c\x02os\x8c\x06system\x93(\x8c\x01xtR.",
        "memo of four billion": b"\x80\x02]r\xff\xff\xff\xff0j\xff\xff\xff\xff.",
        "a huge text promised": b"T" + struct.pack("<i", 2**31 - 1) + b"x.",
        "a negative text": b"T" + struct.pack("<i", -5) + b"x.",
        "a huge number": b"\x8b" + struct.pack("<i", 2**31 - 1) + b"x.",
        "no end": b"\x80\x02}",
        "no stack": b".",
        "items of nothing": b"(u.",
        "an odd number of items": b"}(K\x01u.",
        "a list as a key": b"}(]K\x01u.",
        "a mark as a value": b"}(K\x01(u.",
        "appends to a dict": b"}(K\x01e.",
        "itself": b"}q\x00K\x01h\x00s0h\x01.",
        "no dict": b"].",
        "empty": b"",
        "cut": array[:-20],
        "objects inside": pickle.dumps({"data": np.array([Runs(os.system, command)], object)}, 2),
        "a shape that is too large": array.replace(b"K\x04", b"K\x7f"),
        "a number for bytes": b"}X\x04\0\0\0datacnumpy._core.numeric\n_frombuffer\n"
        b"(J\xff\xff\xff\x7fcnumpy\ndtype\n(U\x02u1tRK\x01U\x01CtRs.",
        "tuples of tuples as a name": nested(b"X\x01\0\0\0x\x93)R"),
        "tuples of tuples as a key": b"}" + nested(b"K\x01s"),
        "tuples of tuples as a shape": b"}K\x01cnumpy._core.numeric\n_frombuffer\n"
        b"(U\x01xcnumpy\ndtype\n(U\x02u1tR" + nested(b"U\x01CtRs"),
        "tuples of tuples as a call": nested(b")R"),
        "an archive": b"PK\x03\x04" + bytes(100),
    }


def nested(then: bytes) -> bytes:
    """A tuple of two of the one before, and so on: a second or more for whatever walks it whole."""
    return b"\x80\x02K\x01" + b"q\x00h\x00\x86" * 25 + then + b"."


NAMES = sorted(hostile(Path("mark")))


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_pickle_is_refused_and_runs_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / "data_batch_1"
    path.write_bytes(hostile(tmp_path / "mark")[name])
    start = time.monotonic()
    with pytest.raises(StriateError, match="nothing in it was run") as caught:
        read_pickle(path)
    assert time.monotonic() - start < 1
    assert "\n" not in str(caught.value)
    assert [file.name for file in tmp_path.iterdir()] == ["data_batch_1"]


def test_a_number_makes_no_bytes(tmp_path: Path) -> None:
    """`bytes(2147483647)` would be two gigabytes of zeros."""
    (tmp_path / "batch").write_bytes(hostile(tmp_path)["a number for bytes"])
    with pytest.raises(StriateError, match="it holds an array without bytes"):
        read_pickle(tmp_path / "batch")


def test_endless_work_ends(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"N" * 5_000_001 + b".")
    with pytest.raises(StriateError, match="more than 5,000,000 instructions"):
        read_pickle(tmp_path / "long")


def test_too_large_a_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate((512 << 20) + 1)
    with pytest.raises(StriateError, match="larger than 512 MiB"):
        read_pickle(tmp_path / "large")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StriateError, match=r"cannot be read \(No such file"):
        read_pickle(tmp_path / "none")


def test_a_pickle_of_python_2_is_read(tmp_path: Path) -> None:
    """As `cPickle` wrote it: texts for bytes, module names of old, numbers in one byte or four."""
    data = bytes(range(250, 256))
    program = io.BytesIO()
    program.write(
        b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x05abcdeq\x03U\x06labelsq\x04]q\x05(K\x06"
    )
    program.write(b"K\x09eU\x04dataq\x07cnumpy.core.multiarray\n_reconstruct\nq\x08")
    program.write(
        b"cnumpy\nndarray\nq\x09K\x00\x85U\x01b\x87Rq\x0a(K\x01K\x02K\x03\x86cnumpy\ndtype\n"
    )
    program.write(
        b"q\x0bU\x02u1K\x00K\x01\x87Rq\x0c(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff"
    )
    program.write(b"K\x00tb\x89T" + struct.pack("<i", len(data)) + data + b"tbu.")
    (tmp_path / "batch").write_bytes(program.getvalue())
    read = read_pickle(tmp_path / "batch")
    assert read["batch_label"] == "abcde"
    assert read["labels"] == [6, 9]
    assert read["data"].tolist() == [[250, 251, 252], [253, 254, 255]]


GOOD = pickle.dumps({"labels": [1, 2, 3], "data": np.arange(6, dtype=np.uint8).reshape(2, 3)}, 2)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=4))
def test_damage_is_read_or_refused_and_nothing_else(place: int, patch: bytes) -> None:
    program = GOOD[:place] + patch + GOOD[place + len(patch) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "batch"
        path.write_bytes(program)
        with contextlib.suppress(StriateError):
            read_pickle(path)
