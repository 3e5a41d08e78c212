"""The lectures' Keras-like front: `from striate import sequential as keras`.

Listings of layers in a row run with that import changed. Underneath are plain `nn.Module`s and the
same training loop as everywhere else.
"""

from typing import Any

from striate.sequential import callbacks as callbacks
from striate.sequential import datasets as datasets
from striate.sequential import layers as layers
from striate.sequential import losses as losses
from striate.sequential import optimizers as optimizers
from striate.sequential import utils as utils
from striate.sequential.base import MissingError as MissingError
from striate.sequential.callbacks import History as History
from striate.sequential.model import Sequential as Sequential
from striate.sequential.plain import Input as Input

__all__ = [
    "History",
    "Input",
    "MissingError",
    "Sequential",
    "callbacks",
    "datasets",
    "layers",
    "losses",
    "optimizers",
    "utils",
]


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raise MissingError(name, f"There are {', '.join(__all__)}")
