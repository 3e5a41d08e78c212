"""Where data comes from: named sets, folders, manifests, archives; each becomes one `Dataset`."""

from striate.data.sources.names import look_alikes as look_alikes
from striate.data.sources.open import load_source as load_source

__all__ = ["load_source", "look_alikes"]
