"""Striate: convolutional networks on PyTorch.

Every public name is here; each is imported when first used, so `import striate` does not import
torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from striate.lazy import lazily

if TYPE_CHECKING:
    from striate.anatomy import lint as lint
    from striate.anatomy import summary as summary
    from striate.errors import ArgumentError as ArgumentError
    from striate.errors import StriateError as StriateError
    from striate.models import create as create
    from striate.models import list_models as list_models
    from striate.pipeline import evaluate as evaluate
    from striate.pipeline import export as export
    from striate.pipeline import load as load
    from striate.pipeline import train as train
    from striate.preprocess import Preprocess as Preprocess

__version__ = "0.1.0"

_HOMES = {
    "ArgumentError": "striate.errors",
    "Preprocess": "striate.preprocess",
    "StriateError": "striate.errors",
    "create": "striate.models",
    "evaluate": "striate.pipeline",
    "export": "striate.pipeline",
    "lint": "striate.anatomy",
    "list_models": "striate.models",
    "load": "striate.pipeline",
    "summary": "striate.anatomy",
    "train": "striate.pipeline",
}

__all__ = sorted(_HOMES)


__getattr__ = lazily(__name__, _HOMES)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
