"""Keras' layers by Keras' names."""

from __future__ import annotations

from typing import Any

from striate.errors import nearest
from striate.sequential.base import Layer as Layer
from striate.sequential.base import MissingError
from striate.sequential.convolutions import Conv1D as Conv1D
from striate.sequential.convolutions import Conv2D as Conv2D
from striate.sequential.convolutions import Conv2DTranspose as Conv2DTranspose
from striate.sequential.convolutions import DepthwiseConv2D as DepthwiseConv2D
from striate.sequential.convolutions import LocallyConnected2D as LocallyConnected2D
from striate.sequential.convolutions import SeparableConv2D as SeparableConv2D
from striate.sequential.plain import Activation as Activation
from striate.sequential.plain import BatchNormalization as BatchNormalization
from striate.sequential.plain import Dense as Dense
from striate.sequential.plain import Dropout as Dropout
from striate.sequential.plain import Embedding as Embedding
from striate.sequential.plain import Flatten as Flatten
from striate.sequential.plain import Input as Input
from striate.sequential.plain import ReLU as ReLU
from striate.sequential.plain import Softmax as Softmax
from striate.sequential.plain import UpSampling2D as UpSampling2D
from striate.sequential.plain import ZeroPadding2D as ZeroPadding2D
from striate.sequential.pooling import AveragePooling1D as AveragePooling1D
from striate.sequential.pooling import AveragePooling2D as AveragePooling2D
from striate.sequential.pooling import GlobalAveragePooling1D as GlobalAveragePooling1D
from striate.sequential.pooling import GlobalAveragePooling2D as GlobalAveragePooling2D
from striate.sequential.pooling import GlobalMaxPooling1D as GlobalMaxPooling1D
from striate.sequential.pooling import GlobalMaxPooling2D as GlobalMaxPooling2D
from striate.sequential.pooling import MaxPooling1D as MaxPooling1D
from striate.sequential.pooling import MaxPooling2D as MaxPooling2D

__all__ = [
    "Activation",
    "AveragePooling1D",
    "AveragePooling2D",
    "BatchNormalization",
    "Conv1D",
    "Conv2D",
    "Conv2DTranspose",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "Input",
    "Layer",
    "LocallyConnected2D",
    "MaxPooling1D",
    "MaxPooling2D",
    "ReLU",
    "SeparableConv2D",
    "Softmax",
    "UpSampling2D",
    "ZeroPadding2D",
]


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raise MissingError(f"layers.{name}", nearest(name, __all__))
