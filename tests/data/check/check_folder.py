"""A small data set with one of everything that can be wrong."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
from check_pictures import photo
from PIL import Image, ImageFilter, ImageOps


def make(root: Path) -> Path:
    generator = np.random.default_rng(7)
    for part, count in (("train", 14), ("val", 12)):
        for name in ("ant", "bee"):
            folder = root / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                photo(generator, 150, 200).save(folder / f"{number:02}.jpg", quality=92)
    (root / "train" / "New folder").mkdir()
    ants, bees = root / "train/ant", root / "train/bee"
    image = Image.open(ants / "00.jpg")
    image.resize((100, 75)).save(root / "val/ant/leak.png")
    ImageOps.mirror(Image.open(ants / "01.jpg")).save(bees / "other-label.jpg", quality=92)
    shutil.copy(ants / "02.jpg", ants / "again.jpg")
    (ants / "cut.jpg").write_bytes((ants / "03.jpg").read_bytes()[:4000])
    (ants / "page\n\x1b[31m.jpg").write_bytes(b"<!doctype html><html><b>no</b></html>")
    Image.new("RGB", (160, 160), "white").save(ants / "white.png")
    photo(generator, 12, 14).save(ants / "tiny.png")
    photo(generator, 40, 900).save(ants / "wide.png")
    photo(generator, 150, 200).filter(ImageFilter.GaussianBlur(6)).save(ants / "blur.png")
    photo(generator, 150, 200).convert("CMYK").save(ants / "print.jpg", quality=92)
    (root / "Thumbs.db").write_bytes(b"x")
    return root


def state(root: Path) -> dict[str, tuple[str, int]]:
    """SHA-256 and modification time of everything in a tree."""
    return {
        str(path.relative_to(root)): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            path.stat().st_mtime_ns,
        )
        for path in [root, *root.rglob("*")]
    }
