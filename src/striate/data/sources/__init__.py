"""Where data comes from: named sets, folders, manifests, archives; each becomes one `Dataset`.

Imported when first used: the list of named sets needs no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from striate.data.sources.open import load_source as load_source

__all__ = ["load_source"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'striate.data.sources' has no attribute {name!r}")
    from striate.data.sources.open import load_source

    return load_source
