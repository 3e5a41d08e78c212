"""The packages of the `onnx` extra, which are there or not."""

from __future__ import annotations

import importlib
from typing import Any

from striate.errors import StriateError


class MissingError(StriateError):
    """A package that is not installed."""


def require(name: str) -> Any:
    """A package of the extra, or what to install."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingError(
            f"this needs the package {name.split('.')[0]}, which is not installed",
            remedy="pip install 'striate[onnx]'",
        ) from error
