"""Data: from files to batches.

Each name is imported when first used: a decode worker takes what it needs and leaves torch out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

# At once, and light: a function of its module's name cannot be imported lazily, for the module
# takes the name as soon as anyone imports it.
from striate.data.decode import decode as decode
from striate.lazy import lazily

if TYPE_CHECKING:
    from striate.data.dataset import Dataset as Dataset
    from striate.data.dataset import Excluded as Excluded
    from striate.data.dataset import Files as Files
    from striate.data.dataset import Provenance as Provenance
    from striate.data.dataset import Split as Split
    from striate.data.kinds import Unreadable as Unreadable
    from striate.data.oddities import oddities_of as oddities_of
    from striate.data.pixels import pixels_of as pixels_of
    from striate.data.pixels import raw_of as raw_of
    from striate.data.sources import load_source as load_source
    from striate.data.sources.tree import pictures_under as pictures_under
    from striate.data.split import groups_by as groups_by
    from striate.data.split import stratified_split as stratified_split
    from striate.data.workers import Workers as Workers

_HOMES = {
    "Dataset": "striate.data.dataset",
    "Excluded": "striate.data.dataset",
    "Files": "striate.data.dataset",
    "Provenance": "striate.data.dataset",
    "Split": "striate.data.dataset",
    "Unreadable": "striate.data.kinds",
    "Workers": "striate.data.workers",
    "groups_by": "striate.data.split",
    "load_source": "striate.data.sources",
    "oddities_of": "striate.data.oddities",
    "pictures_under": "striate.data.sources.tree",
    "pixels_of": "striate.data.pixels",
    "raw_of": "striate.data.pixels",
    "stratified_split": "striate.data.split",
}

__all__ = sorted([*_HOMES, "decode"])


__getattr__ = lazily(__name__, _HOMES)


def __dir__() -> list[str]:
    return list(__all__)
