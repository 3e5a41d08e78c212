"""Networks, one family a file."""

from striate.models.registry import create as create
from striate.models.registry import list_models as list_models

__all__ = ["create", "list_models"]
