"""From a trained network to files that predict the same elsewhere.

What takes torch is imported when first used: a list of runs reads configs, and leaves it out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from striate.exporting.config import CONFIG as CONFIG
from striate.exporting.config import FORMAT as FORMAT
from striate.exporting.config import WEIGHTS as WEIGHTS
from striate.exporting.config import OtherFormatError as OtherFormatError
from striate.exporting.config import read_config as read_config
from striate.exporting.config import seal as seal
from striate.lazy import lazily

if TYPE_CHECKING:
    from striate.exporting.modelfile import LoadedModel as LoadedModel
    from striate.exporting.modelfile import load_model as load_model
    from striate.exporting.modelfile import save_model as save_model

_LATER = ("LoadedModel", "load_model", "save_model")

__all__ = [
    "CONFIG",
    "FORMAT",
    "WEIGHTS",
    "LoadedModel",
    "OtherFormatError",
    "load_model",
    "read_config",
    "save_model",
    "seal",
]

__getattr__ = lazily(__name__, dict.fromkeys(_LATER, "striate.exporting.modelfile"))
