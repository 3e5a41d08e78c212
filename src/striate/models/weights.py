"""Published weights: checked before they are loaded, cached as safetensors, never unpickled blindly."""
from __future__ import annotations

from typing import Any

from striate.models.catalogue import Entry
from striate.models.contract import ConvNet


def create_pretrained(found: Entry, pretrained: bool | str, options: dict[str, Any]) -> ConvNet:
    raise NotImplementedError
