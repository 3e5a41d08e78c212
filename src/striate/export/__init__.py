"""Model files."""

from striate.export.modelfile import LoadedModel as LoadedModel
from striate.export.modelfile import load_model as load_model
from striate.export.modelfile import save_model as save_model

__all__ = ["LoadedModel", "load_model", "save_model"]
