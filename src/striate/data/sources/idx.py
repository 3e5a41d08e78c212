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

from striate.data.sources.known import unusable

_UNSIGNED_BYTE = 8
_MOST_AXES = 3
_MOST = 2 << 30  # bytes of pixels; a gzip file can promise any number


def read_idx(path: Path) -> NDArray[np.uint8]:
    """A gzip-compressed or plain IDX file of unsigned bytes, as an array of its own shape."""
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            head = file.read(4)
            if len(head) < 4 or head[:2] != b"\0\0" or head[2] != _UNSIGNED_BYTE:
                raise unusable(path, "not an IDX file of unsigned bytes")
            if head[3] > _MOST_AXES:
                raise unusable(path, f"has {head[3]} axes, more than {_MOST_AXES}")
            lengths = file.read(4 * head[3])
            if len(lengths) < 4 * head[3]:
                raise unusable(path, "the header is cut off")
            shape = struct.unpack(f">{head[3]}I", lengths)
            expected = int(np.prod(shape, dtype=object))
            if expected > _MOST:
                raise unusable(path, f"its header says {expected:,} values, more than {_MOST:,}")
            values = file.read(expected + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise unusable(path, f"cannot be read ({error})") from error
    if len(values) != expected:
        held = f"{len(values):,}" if len(values) < expected else f"over {expected:,}"
        raise unusable(path, f"holds {held} values, its header says {expected:,}")
    return np.frombuffer(values, np.uint8).reshape(shape)


def write_idx(array: NDArray[np.uint8]) -> bytes:
    """The bytes of a gzip-compressed IDX file; the same array always gives the same bytes."""
    header = struct.pack(f">HBB{array.ndim}I", 0, _UNSIGNED_BYTE, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes(), compresslevel=9, mtime=0)
