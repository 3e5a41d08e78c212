"""One door for every source: a name, a folder, a file."""

from __future__ import annotations

from pathlib import Path

from striate.data.dataset import Dataset
from striate.data.sources.folder import load_folder
from striate.data.sources.sample import sample
from striate.errors import WRONG_INPUT, StriateError


def load_source(source: str | Path) -> Dataset:
    """The data set behind a name or a path; what lies there is recognised, and never written to.

    A name that Striate knows (`sample`) comes first; write `./sample` for a folder of that name.
    """
    if source == "sample":
        return sample()
    path = Path(source).expanduser()
    if path.is_dir():
        return load_folder(path)
    what = "is no data set that Striate reads" if path.exists() else "no such file or folder"
    raise StriateError(
        what,
        where=str(source),
        remedy="Name a folder of pictures, or `sample`",
        exit_code=WRONG_INPUT,
    )
