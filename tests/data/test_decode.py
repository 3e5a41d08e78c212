import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from striate.data import decode
from striate.errors import WRONG_INPUT, StriateError


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "gif", "tiff"])
def test_known_formats_are_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (7, 5), (10, 200, 30)).save(path)
    assert decode(path).size == (7, 5)


def test_exif_turns_the_picture_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    Image.new("RGB", (7, 5)).save(tmp_path / "a.jpg", exif=exif)
    assert decode(tmp_path / "a.jpg").size == (5, 7)


def bomb_png(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds almost nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"just words", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "unsupported format PostScript"),
        (bomb_png(30_000, 2_000), "more than 50 million pixels"),
        (bomb_png(60_000, 60_000), "cannot be decoded|more than 50 million"),
        (bomb_png(9, 9)[:60], "cannot be decoded"),
    ],
)
def test_unusable_files_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(StriateError, match=message) as caught:
        decode(path)
    assert caught.value.where == str(path)
    assert caught.value.exit_code == WRONG_INPUT


def test_a_truncated_photo_is_refused(tmp_path: Path) -> None:
    Image.effect_noise((64, 64), 50).save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StriateError, match="cannot be decoded"):
        decode(tmp_path / "a.jpg")


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(StriateError, match="no such file"):
        decode(tmp_path / "none.png")
    with pytest.raises(StriateError, match="is a folder"):
        decode(tmp_path)
