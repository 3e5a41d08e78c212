"""From a trained network to files that predict the same elsewhere."""

from striate.exporting.modelfile import CONFIG as CONFIG
from striate.exporting.modelfile import FORMAT as FORMAT
from striate.exporting.modelfile import WEIGHTS as WEIGHTS
from striate.exporting.modelfile import LoadedModel as LoadedModel
from striate.exporting.modelfile import load_model as load_model
from striate.exporting.modelfile import save_model as save_model

__all__ = ["CONFIG", "FORMAT", "WEIGHTS", "LoadedModel", "load_model", "save_model"]
