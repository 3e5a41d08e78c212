"""Data: from files to batches."""

from striate.data.dataset import Dataset as Dataset
from striate.data.dataset import Excluded as Excluded
from striate.data.dataset import Files as Files
from striate.data.dataset import Provenance as Provenance
from striate.data.dataset import Split as Split
from striate.data.dataset import stratified_split as stratified_split
from striate.data.decode import decode as decode
from striate.data.sources import load_source as load_source

__all__ = [
    "Dataset",
    "Excluded",
    "Files",
    "Provenance",
    "Split",
    "decode",
    "load_source",
    "stratified_split",
]
