"""The IDX format of the MNIST family: a magic number, the shape, then unsigned bytes.

Layout: two zero bytes, a type byte (8 = unsigned byte), the number of axes, one big-endian
32-bit length an axis, the data.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.errors import WRONG_INPUT, StriateError

_UNSIGNED_BYTE = 8


def read_idx(path: Path) -> NDArray[np.uint8]:
    """A gzip-compressed or plain IDX file of unsigned bytes, as an array of its own shape."""
    raw = _bytes_of(path)
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] != _UNSIGNED_BYTE:
        raise _broken(path, "not an IDX file of unsigned bytes")
    start = 4 + 4 * raw[3]
    if len(raw) < start:
        raise _broken(path, "the header is cut off")
    shape = struct.unpack(f">{raw[3]}I", raw[4:start])
    expected = int(np.prod(shape, dtype=object))
    if len(raw) - start != expected:
        raise _broken(path, f"holds {len(raw) - start:,} values, its header says {expected:,}")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def write_idx(array: NDArray[np.uint8]) -> bytes:
    """The bytes of a gzip-compressed IDX file; the same array always gives the same bytes."""
    header = struct.pack(f">HBB{array.ndim}I", 0, _UNSIGNED_BYTE, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes(), compresslevel=9, mtime=0)


def _bytes_of(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise _broken(path, f"cannot be read ({error})") from error


def _broken(path: Path, what: str) -> StriateError:
    return StriateError(what, where=str(path), remedy="Fetch the file again", exit_code=WRONG_INPUT)
