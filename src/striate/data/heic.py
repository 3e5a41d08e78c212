"""HEIC, the format of telephones, where `pillow-heif` is installed."""

from __future__ import annotations

import importlib
import io
from typing import Any

from PIL import Image, ImageFile

from striate.data.kinds import Unreadable


def open_heic(content: bytes) -> ImageFile.ImageFile:
    """The header of a HEIC file, or what to install."""
    try:
        plugin: Any = importlib.import_module("pillow_heif")
    except ImportError as error:
        raise Unreadable(
            "unsupported-format",
            "unsupported format HEIC",
            remedy="pip install 'striate[heic]', or save it as JPEG",
        ) from error
    plugin.register_heif_opener()  # does nothing the second time
    return Image.open(io.BytesIO(content), formats=("HEIF",))
