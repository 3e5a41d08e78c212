"""Where data comes from: named sets, folders, manifests, archives; each becomes one `Dataset`.

Imported when first used: the list of named sets needs no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from striate.lazy import lazily

if TYPE_CHECKING:
    from striate.data.sources.open import load_source as load_source

__all__ = ["load_source"]

__getattr__ = lazily(__name__, {"load_source": "striate.data.sources.open"})
