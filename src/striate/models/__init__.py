"""Networks, one family a file."""

from striate.models.catalogue import Entry as Entry
from striate.models.registry import create as create
from striate.models.registry import entry as entry
from striate.models.registry import list_models as list_models

__all__ = ["Entry", "create", "entry", "list_models"]
