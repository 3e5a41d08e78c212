"""From a trained network to files that predict the same elsewhere."""

from striate.exporting.modelfile import CONFIG as CONFIG
from striate.exporting.modelfile import FORMAT as FORMAT
from striate.exporting.modelfile import WEIGHTS as WEIGHTS
from striate.exporting.modelfile import LoadedModel as LoadedModel
from striate.exporting.modelfile import load_model as load_model
from striate.exporting.modelfile import read_config as read_config
from striate.exporting.modelfile import save_model as save_model
from striate.exporting.modelfile import seal as seal

__all__ = [
    "CONFIG",
    "FORMAT",
    "WEIGHTS",
    "LoadedModel",
    "load_model",
    "read_config",
    "save_model",
    "seal",
]
