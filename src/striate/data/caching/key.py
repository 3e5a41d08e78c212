"""When are cached pixels still right? The key of a cache entry, and what a change does to it.

The key is a digest of everything that decides the pixels: the names of the files in their order and
the state of each, the folder, the parts of `Preprocess` that act before normalisation, and the
decoders' versions. Another key is another entry, so nothing is ever compared and patched.

The state of a file is its size, its modification time and its **change time** in nanoseconds. Tools
can set the modification time back (`cp -p`, `rsync -t`, `touch -r`), so it proves nothing; the
change time is the kernel's own and no program can set it. Where it cannot be trusted (Windows keeps
none; some disks keep whole seconds only, or a fixed date), the SHA-256 of the file's content joins
the key. The kernel's clock for these times ticks every 10 ms at the slowest, so a file is taken to
be at rest only when its last change is older than that: else a second change within the same tick
could hide. Reading the states again after the build shows whether a file changed meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from importlib.metadata import PackageNotFoundError, version

from PIL import __version__ as pillow_version
from PIL import features

from striate.data.dataset import Files
from striate.preprocess import Preprocess

_LAYOUT = 1  # of the cache's own files
_DECODING = 1  # goes up with every change of our own way from a file to pixels
_SECOND = 1_000_000_000
_TICK = 0.02  # seconds; twice the kernel's slowest clock for change times
_AFTER_PIXELS = ("mean", "std")


def entry_key(files: Files, preprocess: Preprocess) -> str:
    """The name of the entry for these files in their present state: 32 hexadecimal digits."""
    digest = hashlib.sha256(_recipe(preprocess))
    digest.update(os.fsencode(files.root.resolve()) + b"\0")
    # As bytes: a million Path objects take ten seconds, and Python keeps all their parts.
    root, newest = os.fsencode(files.root), 0
    for name in map(os.fsencode, files.names):
        state, changed = _state(os.path.join(root, name))
        digest.update(b"%d:%b%b" % (len(name), name, state))
        newest = max(newest, changed)
    _come_to_rest(newest)
    return digest.hexdigest()[:32]


def _recipe(preprocess: Preprocess) -> bytes:
    record = {k: v for k, v in preprocess.to_dict().items() if k not in _AFTER_PIXELS}
    libraries = {name: features.version(name) for name in ("jpg", "webp", "libtiff", "zlib")}
    own = {"layout": _LAYOUT, "decoding": _DECODING}
    versions = {**own, "pillow": pillow_version, "heif": _heif_version(), **libraries}
    return json.dumps([record, versions], sort_keys=True).encode()


def _heif_version() -> str | None:
    """Without it HEIC files have no pixels; once it is installed, they do."""
    try:
        return version("pillow_heif")
    except PackageNotFoundError:
        return None


def _state(path: bytes) -> tuple[bytes, int]:
    """What tells this content from any other, and when it last changed (ns)."""
    try:
        found = os.stat(path)
        told = f"{found.st_size},{found.st_mtime_ns},{found.st_ctime_ns};".encode()
        coarse = os.name == "nt" or found.st_ctime_ns % _SECOND == 0
        if coarse and stat.S_ISREG(found.st_mode):
            with open(path, "rb") as file:
                told += hashlib.file_digest(file, "sha256").digest()
        return told, found.st_ctime_ns
    except OSError as error:  # the build will name the file; once it can be read, the key differs
        return f"errno {error.errno};".encode(), 0


def _come_to_rest(newest: int) -> None:
    """Wait until a further change must show in the change times (a tick, at most)."""
    age = time.time() - newest / _SECOND
    if 0 <= age < _TICK:
        time.sleep(_TICK - age)
