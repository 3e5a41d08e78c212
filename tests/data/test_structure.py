"""Where files end and what they claim, by their frame alone."""

import struct

import numpy as np
import pytest
from picture_parts import claimed_png, exif, gif, saved, with_frame, with_segment
from picture_table import jpeg, picture
from PIL import Image

from striate.data.decode import decode
from striate.data.kinds import Unreadable
from striate.data.structure import broken_chunk, end_of, has_frame, jpeg_precision, size_of

PIXELS = picture(np.random.default_rng(0))
PHOTO = jpeg(PIXELS)


def with_thumbnail() -> bytes:
    """A photograph as cameras write them: a small JPEG, with its own end marker, in its EXIF."""
    thumbnail = jpeg(PIXELS[:8, :8])
    return with_segment(PHOTO, 0xE1, exif((0x0201, 7, len(thumbnail), thumbnail)))


def test_a_thumbnail_is_not_the_end() -> None:
    whole = with_thumbnail()
    assert end_of("JPEG", whole) == len(whole)
    assert end_of("JPEG", whole + b"more") == len(whole)
    assert end_of("JPEG", whole[:-5]) is None
    with pytest.raises(Unreadable) as caught:
        decode(whole[:-500])
    assert caught.value.kind == "truncated"


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_blocks": 1}])
def test_scans_and_restart_marks_are_not_the_end(options: dict[str, object]) -> None:
    content = jpeg(PIXELS, **options)
    assert end_of("JPEG", content) == len(content)
    assert end_of("JPEG", content[:-2]) is None


@pytest.mark.parametrize("form", ["PNG", "WEBP", "BMP", "GIF"])
def test_other_formats_end_where_they_say(form: str) -> None:
    content = saved(Image.fromarray(PIXELS), form)
    assert end_of(form, content) == len(content)
    assert end_of(form, content[:-3]) is None


def test_a_tiff_does_not_say() -> None:
    content = saved(Image.fromarray(PIXELS), "TIFF")
    assert end_of("TIFF", content[:-3]) == len(content) - 3


def test_headers_claim_sizes() -> None:
    wide = struct.pack(">HH", 300, 400)
    assert size_of("JPEG", with_frame(PHOTO, wide, 5)) == (400, 300)
    assert size_of("PNG", claimed_png(7, 9)) == (7, 9)
    assert size_of("GIF", gif((7, 9), (0, 0, np.zeros((2, 2), np.uint8)))) == (7, 9)
    assert size_of("BMP", saved(Image.new("RGB", (7, 9)), "BMP")) == (7, 9)
    assert size_of("TIFF", saved(Image.new("RGB", (7, 9)), "TIFF")) is None
    for form in ("JPEG", "PNG", "GIF", "BMP"):
        assert size_of(form, b"\xff\xd8") is None


def test_the_depth_of_a_jpeg() -> None:
    assert jpeg_precision(with_thumbnail()) == 8
    assert jpeg_precision(with_frame(PHOTO, b"\x0c", 4)) == 12
    assert jpeg_precision(PHOTO[:10]) is None


def test_the_first_broken_chunk_is_named() -> None:
    content = saved(Image.fromarray(PIXELS), "PNG")
    assert broken_chunk(content) == ""
    at = content.index(b"IEND")
    assert broken_chunk(content[: at + 4] + b"\0\0\0\0") == "IEND"


def test_a_frame_may_stand_behind_extensions() -> None:
    one = gif((2, 2), (0, 0, np.zeros((2, 2), np.uint8)))
    start = 13 + 12
    comment = b"!\xfe\x03abc\x02de\0"
    assert has_frame(one)
    assert has_frame(one[:start] + comment + one[start:])
    assert not has_frame(one[:start] + comment + b";")
    assert not has_frame(b"GIF89a")
