"""Building an entry: shard after shard onto the disk, then one rename.

After every shard its rows, then their checks, then the count of finished shards are flushed, in
that order; so a build that was killed goes on behind its last whole shard. Rows are written, not
mapped: a full disk is then an error that can be told, and not a signal that kills the process.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import math
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from striate.data.caching.entry import Bad, Seal
from striate.data.caching.shards import SEAL, SHARD_BYTES, rows_per_shard, shard_path
from striate.errors import StriateError
from striate.files import publish_folder, unwritable, write_atomic

Rows = Callable[[int], Iterator[bytes | Bad]]
"""Given an index, the pictures from there on, or why one has no pixels."""

_PROGRESS = "progress.json"


class NoRoomError(StriateError):
    """The cache cannot hold these pictures; they can be used without it."""


class ChangedError(StriateError):
    """The files are no longer what they were when reading them began."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An entry to be built: `count` pictures of `shape` `(H, W, C)`, and what gives them.

    `confirm` is asked when all are read, and raises if they are no longer what the key says.
    """

    source: str
    shape: tuple[int, int, int]
    count: int
    rows: Rows
    confirm: Callable[[], None]


def build(folder: Path, plan: Plan) -> None:
    """Write the entry `folder`. The caller holds the entry's lock.

    Interrupted, it leaves a part that the next call goes on with; if the disk is full, nothing.
    """
    part = part_of(folder)
    try:
        with _disk(part):
            part.mkdir(parents=True, exist_ok=True)
            writer = _Writer(part, plan.shape, plan.count)
        digest = writer.write(plan.rows(writer.rows_done))
        plan.confirm()
        bad = tuple(writer.bad)
        seal = Seal(plan.source, plan.shape, plan.count, writer.per_shard, bad, digest)
        with _disk(part):
            _publish(part, folder, seal)
    except (NoRoomError, ChangedError):
        shutil.rmtree(part, ignore_errors=True)
        raise


def part_of(folder: Path) -> Path:
    """Where an entry is built."""
    return folder.with_name(folder.name + ".part")


class _Writer:
    """The rows of a part, those of an earlier build that was interrupted included."""

    def __init__(self, part: Path, shape: tuple[int, int, int], count: int) -> None:
        self.part, self.shape, self.count = part, shape, count
        self.per_shard = rows_per_shard(shape, SHARD_BYTES)
        self.shards_done, self.bad = 0, list[Bad]()
        with contextlib.suppress(FileNotFoundError):
            record = json.loads((part / _PROGRESS).read_bytes())
            if record["per_shard"] == self.per_shard:
                self.shards_done = record["shards"]
                self.bad = [Bad(**item) for item in record["bad"]]

    @property
    def rows_done(self) -> int:
        """How many rows are on the disk for good."""
        return min(self.count, self.shards_done * self.per_shard)

    def write(self, rows: Iterator[bytes | Bad]) -> str:
        """Write all shards that are missing, and the checks, whose SHA-256 is returned."""
        with contextlib.ExitStack() as stack:
            with _disk(self.part):
                checks = stack.enter_context(_opened(self.part / "checks", "ab"))
                checks.truncate(4 * self.rows_done)
            while self.rows_done < self.count:
                wanted = min(self.per_shard, self.count - self.rows_done)
                self._write_shard(itertools.islice(rows, wanted), wanted, checks)
                with _disk(self.part):
                    self._note_progress()
        return hashlib.sha256((self.part / "checks").read_bytes()).hexdigest()

    def _write_shard(self, rows: Iterator[bytes | Bad], wanted: int, checks: IO[bytes]) -> None:
        path, written = shard_path(self.part, self.shards_done), 0
        with contextlib.ExitStack() as stack:
            with _disk(path):
                file = stack.enter_context(_opened(path, "wb"))
            for row in rows:
                raw = self._bytes_of(row)
                try:
                    file.write(raw)
                    checks.write(zlib.crc32(raw).to_bytes(4, "little"))
                except OSError as error:
                    raise NoRoomError(str(unwritable(path, error))) from error
                written += 1
            with _disk(path):
                _flush(file)
                _flush(checks)
        if written != wanted:
            raise ValueError(f"{written} rows came where {wanted} were promised")
        self.shards_done += 1

    def _bytes_of(self, row: bytes | Bad) -> bytes:
        if isinstance(row, Bad):
            self.bad.append(row)
            return bytes(math.prod(self.shape))
        if len(row) != math.prod(self.shape):
            raise ValueError(f"a row has {len(row)} bytes, not {self.shape}")
        return row

    def _note_progress(self) -> None:
        bad = [asdict(item) for item in self.bad]
        record = {"per_shard": self.per_shard, "shards": self.shards_done, "bad": bad}
        write_atomic(self.part / _PROGRESS, json.dumps(record).encode())


def _publish(part: Path, folder: Path, seal: Seal) -> None:
    """Seal the part and give it its name; what stood there was not whole."""
    write_atomic(part / SEAL, seal.to_bytes())  # flushes the part's folder, too
    if folder.exists():
        shutil.rmtree(folder)
    publish_folder(part, folder)
    (folder / _PROGRESS).unlink(missing_ok=True)


@contextlib.contextmanager
def _opened(path: Path, mode: str) -> Iterator[IO[bytes]]:
    """An open file. Whatever had to reach the disk was flushed before it is closed."""
    file: IO[bytes] = path.open(mode)
    try:
        yield file
    finally:
        with contextlib.suppress(OSError):  # bytes that failed once are tried again here
            file.close()


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


@contextlib.contextmanager
def _disk(path: Path) -> Iterator[None]:
    """Around what writes: a failure is told as one of the disk, not of the pictures."""
    try:
        yield
    except OSError as error:
        raise NoRoomError(str(unwritable(path, error))) from error
    except StriateError as error:
        raise NoRoomError(str(error)) from error
