"""Models and pictures that the tests of exporting share."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image

from striate.exporting import LoadedModel
from striate.models import create
from striate.preprocess import Preprocess

RECORD = Preprocess((48, 40), 3, (0.4, 0.5, 0.3), (0.2, 0.25, 0.3), fit="crop", crop_share=0.9)


def small_model(
    preprocess: Preprocess = RECORD, name: str = "resnet20", **config: Any
) -> LoadedModel:
    """A network of two classes whose numbers are its own: statistics included."""
    torch.manual_seed(0)
    options = {"classes": 3, "in_channels": preprocess.channels}
    net = create(name, **options).eval()
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.2)
            layer.running_var.uniform_(0.5, 2)
    facts = {"model": {"name": name, "options": options}, **config}
    return LoadedModel(net, ("10", "2", "Žába"), preprocess, facts)


def photograph(height: int, width: int, seed: int = 0, bands: int = 3) -> Image.Image:
    """Smooth shapes and some grain, different in every corner."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    waves = [np.sin(rows / (5 + k) + columns * (k + 1) / width * 3) for k in range(bands)]
    pixels = 128 + 90 * np.stack(waves, -1) + rng.normal(0, 12, (height, width, bands))
    pixels[: height // 4, : width // 4] = 250
    content = pixels.clip(0, 255).astype(np.uint8)
    return Image.fromarray(content[..., 0] if bands == 1 else content)


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _alpha() -> Image.Image:
    picture = photograph(60, 70).convert("RGBA")
    picture.putalpha(photograph(60, 70, seed=3, bands=1))
    return picture


def _deep() -> Image.Image:
    values = np.asarray(photograph(61, 47, bands=1), np.uint16) * 256 + 77
    return Image.fromarray(values)


def _palette() -> bytes:
    picture = photograph(50, 50).quantize(16)
    return saved(picture, "PNG", transparency=bytes([0, 128, 255, 255]))


AWKWARD: dict[str, Callable[[], bytes]] = {
    "plain.png": lambda: saved(photograph(48, 40), "PNG"),
    "wide.jpg": lambda: saved(photograph(70, 180), "JPEG"),
    "large.jpg": lambda: saved(photograph(900, 700), "JPEG"),
    "large-lying.jpg": lambda: saved(photograph(500, 900), "JPEG", exif=_exif(6)),
    **{
        f"turned-{turn}.jpg": lambda turn=turn: saved(  # type: ignore[misc]
            photograph(90, 64), "JPEG", exif=_exif(turn)
        )
        for turn in range(2, 9)
    },
    "turned.png": lambda: saved(photograph(90, 64), "PNG", exif=_exif(8)),
    "turned.tif": lambda: saved(photograph(90, 64), "TIFF", exif=_exif(6)),
    "broken-exif.jpg": lambda: saved(photograph(90, 64), "JPEG", exif=b"Exif\0\0garbage"),
    "alpha.png": lambda: saved(_alpha(), "PNG"),
    "alpha.webp": lambda: saved(_alpha(), "WEBP", lossless=True),
    "grey-alpha.png": lambda: saved(_alpha().convert("LA"), "PNG"),
    "palette.png": _palette,
    "deep.png": lambda: saved(_deep(), "PNG"),
    "deep.tif": lambda: saved(_deep(), "TIFF"),
    "real.tif": lambda: saved(
        Image.fromarray(np.asarray(photograph(44, 52, bands=1), np.float32) / 255), "TIFF"
    ),
    "grey.jpg": lambda: saved(photograph(64, 64, bands=1), "JPEG"),
    "cmyk.jpg": lambda: saved(photograph(64, 64).convert("CMYK"), "JPEG"),
    "bits.png": lambda: saved(photograph(64, 64, bands=1).convert("1"), "PNG"),
    "tiny.png": lambda: saved(photograph(3, 5), "PNG"),
    "moving.gif": lambda: saved(
        photograph(40, 60), "GIF", save_all=True, append_images=[photograph(40, 60, 9)]
    ),
}
