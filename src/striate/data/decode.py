"""One way from a file to an image: known formats only, size checked before pixels are made."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from striate.errors import WRONG_INPUT, StriateError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS = 50_000_000


def decode(path: Path) -> Image.Image:
    """The picture in a file, turned upright by its EXIF orientation.

    Whatever is wrong with the file becomes one `StriateError` that names it.
    """
    if path.is_dir():
        raise _unusable(path, "is a folder, not an image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise _unusable(
                        path, f"{image.width}x{image.height} is more than 50 million pixels"
                    )
                image.load()
                return ImageOps.exif_transpose(image)
    except FileNotFoundError as error:
        raise _unusable(path, "no such file") from error
    except UnidentifiedImageError as error:
        raise _unusable(path, "not an image Striate reads (" + ", ".join(FORMATS) + ")") from error
    # Pillow's decoders raise all of these on damaged files
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Warning) as error:
        raise _unusable(path, f"cannot be decoded ({error})") from error


def _unusable(path: Path, what: str) -> StriateError:
    return StriateError(what, where=str(path), exit_code=WRONG_INPUT)
