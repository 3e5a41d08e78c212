"""What the readers of zip and tar hand over: one member at a time, its bytes as a stream."""

from __future__ import annotations

import contextlib
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

CHUNK = 1 << 20


class RefusedError(Exception):
    """Why an archive is not unpacked; `member` is the name as the archive spells it."""

    def __init__(self, reason: str, member: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.member = member


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file or a folder; `chunks` has to be read to its end before the next member."""

    name: str
    folder: bool
    chunks: Iterator[bytes]


@contextlib.contextmanager
def damage(member: str = "") -> Iterator[None]:
    """Turn what the decompressors say about damaged data into one refusal."""
    try:
        yield
    except (EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise RefusedError(f"is damaged: {error}", member) from error
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error) as error:
        raise RefusedError(f"is damaged: {error}", member) from error
