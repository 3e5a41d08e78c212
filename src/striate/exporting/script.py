"""The program that goes with an exported model: numpy, pillow and onnxruntime, and no Striate.

It holds only what the model's own preprocessing needs, step for step as `Preprocess` does it.
"""

from __future__ import annotations

import json

from striate.preprocess import Preprocess

_START = '''\
"""Classify pictures: python predict_onnx.py PICTURE...  (numpy, pillow, onnxruntime)"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps
{heic}
RECORD = json.loads(
    {record!r}
)


def upright(image):
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # metadata that cannot be read
        return image


def pixels(picture):
    """A file to the bytes (height, width, bands) that the network was trained on."""
    with Image.open(picture) as image:
{draft}        image.load()
        image = upright(image)
    if image.mode.startswith("I;16"):  # 16 bits: the high byte
        image = Image.fromarray((np.asarray(image, np.uint16) >> 8).astype(np.uint8))
    elif image.mode == "F":  # real numbers of 0..1 or 0..255
        real = np.asarray(image)
        if not (real.min() >= 0 and real.max() <= 255):
            raise ValueError("real pixels outside 0..255: nothing says which value is white")
        image = Image.fromarray(np.rint(real * 255 if real.max() <= 1 else real).astype(np.uint8))
    elif image.mode == "I":
        raise ValueError("32-bit pixels: nothing says which value is white")
    elif image.has_transparency_data:
        paper = Image.new("RGBA", image.size, {background})
        image = Image.alpha_composite(paper, image.convert("RGBA"))
    image = image.convert({mode})
{fit}

'''

_END = '''
def open_model(path):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    if json.loads(session.get_modelmeta().custom_metadata_map["preprocess"]) != RECORD:
        sys.exit(f"{path}: is another model than this script was written for")
    return session


def answers(session, pictures):
    """Arrays of `pixels` to probabilities (pictures, classes); a familiarity may be second."""
    return session.run(None, {"pixels": np.stack(pictures)})


if __name__ == "__main__":
    if not sys.argv[1:] or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stderr)
        sys.exit(0 if sys.argv[1:] in (["-h"], ["--help"]) else 2)
    model = open_model(str(Path(__file__).with_name("model.onnx")))
    facts = model.get_modelmeta().custom_metadata_map
    names, threshold, floor = (json.loads(facts[key]) for key in ("classes", "threshold", "floor"))
    bad = 0
    for path in sys.argv[1:]:
        try:
            said = answers(model, [pixels(path)])
        except Exception as error:
            print(f"{path}\\terror\\t{error}")
            bad += 1
            continue
        chances, best = said[0][0], said[0][0].argmax()
        known = chances[best] >= threshold and (len(said) == 1 or said[1][0, 0] >= floor)
        label = names[best] if known else "unknown"
        print(f"{path}\\t{label}\\t{chances[best]:.6f}")
    sys.exit(2 if bad else 0)
'''


_HEIC = """from pillow_heif import register_heif_opener  # telephones' photographs

register_heif_opener()
"""


def script_for(preprocess: Preprocess, *, heic: bool = False) -> str:
    """The source of `predict_onnx.py` for a model with this record; `heic` files need a package."""
    head = _START.format(
        heic=_HEIC if heic else "",
        record=json.dumps(preprocess.to_dict()),
        draft=_draft(preprocess),
        background=tuple(preprocess.background),
        mode='"L"' if preprocess.channels == 1 else '"RGB"',
        fit=_fit(preprocess),
    )
    return head + _END


def _draft(preprocess: Preprocess) -> str:
    """A JPEG may be decoded smaller, by sides that are exchanged where it lies on its side."""
    if preprocess.at_least is None:
        return ""
    height, width = preprocess.at_least
    if height == width:
        asked = f"({width}, {height})"
    else:
        asked = f"{(height, width)} if lying else {(width, height)}"
    lines = [f"image.draft(None, {asked})  # a large JPEG is decoded at a half, quarter or eighth"]
    if height != width:
        lines.insert(0, "lying = image.getexif().get(0x0112, 1) >= 5")
    return "".join(f"        {line}\n" for line in lines)


def _fit(preprocess: Preprocess) -> str:
    height, width = preprocess.size
    lines = {"crop": _crop, "squash": _squash, "pad": _pad}[preprocess.fit](preprocess)
    # Grey pictures have no axis of bands.
    lines.append(f"return np.asarray(image).reshape({height}, {width}, {preprocess.channels})")
    return "\n".join(f"    {line}" for line in lines)


def _resized(preprocess: Preprocess, size: str, box: str) -> str:
    method = f"Image.Resampling.{preprocess.interpolation.upper()}"
    if preprocess.antialias:
        return f"image.resize({size}, {method}, {box})"
    return f"image.transform({size}, Image.Transform.EXTENT, {box}, {method})"


def _crop(preprocess: Preprocess) -> list[str]:
    height, width = preprocess.size
    return [
        f"scale = {preprocess.crop_share!r} * min(image.width / {width}, image.height / {height})",
        f"left = max(0.0, (image.width - scale * {width}) / 2)",
        f"top = max(0.0, (image.height - scale * {height}) / 2)",
        f"right = min(float(image.width), left + scale * {width})",
        f"box = (left, top, right, min(float(image.height), top + scale * {height}))",
        f"image = {_resized(preprocess, f'({width}, {height})', 'box')}",
    ]


def _squash(preprocess: Preprocess) -> list[str]:
    height, width = preprocess.size
    size = f"({width}, {height})"
    return [
        f"if image.size != {size}:",
        "    box = (0.0, 0.0, float(image.width), float(image.height))",
        f"    image = {_resized(preprocess, size, 'box')}",
    ]


def _pad(preprocess: Preprocess) -> list[str]:
    height, width = preprocess.size
    size = f"({width}, {height})"
    return [
        f"if image.size != {size}:",
        "    box = (0.0, 0.0, float(image.width), float(image.height))",
        f"    scale = min({width} / image.width, {height} / image.height)",
        "    inner = max(1, round(image.width * scale)), max(1, round(image.height * scale))",
        f'    paper = Image.new("RGB", {size}, {tuple(preprocess.background)}).convert(image.mode)',
        f"    place = (({width} - inner[0]) // 2, ({height} - inner[1]) // 2)",
        f"    paper.paste({_resized(preprocess, 'inner', 'box')}, place)",
        "    image = paper",
    ]
