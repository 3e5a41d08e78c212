"""The 20 JPEG kinds."""

import base64
import io
import struct
import zipfile
from collections.abc import Callable

import numpy as np
from picture_parts import exif, saved, with_frame, with_segment
from picture_table import Decode, Made, Rng, Skip, from_cmyk, grey3, jpeg, kind, picture
from PIL import Image

# 16x16, left half (200, 40, 60) above (0, 0, 0), right half 90 greener and 20 bluer. Pillow writes
# no arithmetic coding.
ARITHMETIC = base64.b85decode(
    "|JeWF01!$>Nk#wx0RR9200961|JwjV00RO70|EjA0|NsD0|NvF2n7WM1O*BQ2L=cX3JeSj3JVJj4iXRz4iOFu3lJ6%5"
    "fc;@6%`B*7Z?^47!ni}6#v@*LjeN>1O)^I2?YfS6b%av6ciK`6ciK`6ciK`6ciK`6ciK`6ciK`6ciK`6ciK`6ciK`6c"
    "iK`6ciK`6ciK`6cqo-01*fP5C9MZ0TBQK5di}c0sqVZ3IGrg1pyEd1^?Or3<CiG0ucid06zf#0MGCR<6Zv%n254s!hq"
    "cF>r%D4-49Uz*#"
)


def cut_jpeg(percent: int) -> Callable[[Rng], Made]:
    def make(rng: Rng) -> Made:
        whole = jpeg(picture(rng))
        return whole[: len(whole) * percent // 100], Skip("truncated")

    return make


for share in (10, 50, 90, 99):
    kind(f"jpeg cut at {share} %", ".jpg")(cut_jpeg(share))


@kind("jpeg without an end marker", ".jpg")
def _(rng: Rng) -> Made:
    """Its pixels may be whole, but a file cut in its last block looks the same: refused."""
    return jpeg(picture(rng))[:-2], Skip("truncated")


@kind("jpeg of 0x0", ".jpg")
def _(rng: Rng) -> Made:
    return with_frame(jpeg(picture(rng)), bytes(4), 5), Skip("no-pixels")


@kind("jpeg that claims 65,500x65,500", ".jpg")
def _(rng: Rng) -> Made:
    huge = struct.pack(">HH", 65_500, 65_500)
    return with_frame(jpeg(picture(rng)), huge, 5), Skip("too-many-pixels")


@kind("jpeg cmyk", ".jpg")
def _(rng: Rng) -> Made:
    ink = picture(rng, 4)
    content = saved(Image.fromarray(ink, "CMYK"), "JPEG", quality=95, subsampling=0)
    return content, Decode(from_cmyk(ink), within=8, odd="cmyk")


@kind("jpeg ycck, adobe inverted", ".jpg")
def _(rng: Rng) -> Made:
    """Adobe keeps inverted inks, and codes the inverted three as if they were RGB."""
    ink = picture(rng, 4)
    colours = np.asarray(Image.fromarray(ink[..., :3]).convert("YCbCr"))
    stored = np.concatenate([colours, 255 - ink[..., 3:]], axis=2)
    content = saved(Image.fromarray(255 - stored, "CMYK"), "JPEG", quality=95, subsampling=0)
    transform = content.index(b"Adobe") + 11
    content = content[:transform] + b"\2" + content[transform + 1 :]
    return content, Decode(from_cmyk(ink), within=10, odd="cmyk")


@kind("jpeg grey", ".jpg")
def _(rng: Rng) -> Made:
    grey = picture(rng, 1)[..., 0]
    return saved(Image.fromarray(grey), "JPEG", quality=95), Decode(grey3(grey), 8, "grey")


@kind("jpeg progressive, cut", ".jpg")
def _(rng: Rng) -> Made:
    whole = jpeg(picture(rng), progressive=True)
    return whole[: int(len(whole) * rng.uniform(0.3, 0.98))], Skip("truncated")


@kind("jpeg arithmetic-coded", ".jpg")
def _(rng: Rng) -> Made:
    want = np.zeros((16, 16, 3), np.uint8)
    want[:8] = 200, 40, 60
    want[:, 8:] += np.array([0, 90, 20], np.uint8)
    return with_segment(ARITHMETIC, 0xFE, rng.bytes(20)), Decode(want, within=2)


@kind("jpeg of 12 bits", ".jpg")
def _(rng: Rng) -> Made:
    return with_frame(jpeg(picture(rng)), b"\x0c", 4), Skip("unsupported-variant")


@kind("jpeg with an orientation", ".jpg")
def _(rng: Rng) -> Made:
    orientation = int(rng.integers(2, 9))
    stored = picture(rng)
    shown = {
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.transpose(1, 0, 2),
        6: np.rot90(stored, -1),
        7: np.rot90(stored, 2).transpose(1, 0, 2),
        8: np.rot90(stored),
    }[orientation]
    tag = exif((0x0112, 3, 1, struct.pack("<H", orientation)))
    return with_segment(jpeg(stored), 0xE1, tag), Decode(shown, within=8, odd="exif-rotated")


@kind("jpeg with impossible rationals in its exif", ".jpg")
def _(rng: Rng) -> Made:
    stored = picture(rng)
    tag = exif(
        (0x0112, 3, 1, struct.pack("<H", 6)),
        (0x011A, 5, 1, struct.pack("<II", int(rng.integers(9)), 0)),
        (0x011B, 12, 1, struct.pack("<d", float("nan"))),
    )
    turned = np.rot90(stored, -1)
    return with_segment(jpeg(stored), 0xE1, tag), Decode(turned, within=8, odd="exif-rotated")


@kind("jpeg with garbage or a loop in its exif", ".jpg")
def _(rng: Rng) -> Made:
    pixels = picture(rng)
    loop = exif((0x0112, 3, 1, struct.pack("<H", 1)), following=8)
    garbage = b"Exif\0\0" + rng.bytes(65_000)
    return with_segment(jpeg(pixels), 0xE1, loop if rng.random() < 0.5 else garbage), Decode(
        pixels, within=8
    )


@kind("jpeg with a broken colour profile", ".jpg")
def _(rng: Rng) -> Made:
    pixels = picture(rng)
    profile = b"ICC_PROFILE\0\1\1" + rng.bytes(300)
    return with_segment(jpeg(pixels), 0xE2, profile), Decode(pixels, within=8)


@kind("mpo", ".mpo")
def _(rng: Rng) -> Made:
    pixels = picture(rng)
    second = Image.fromarray(255 - pixels)
    content = saved(
        Image.fromarray(pixels), "MPO", save_all=True, append_images=[second], quality=95
    )
    return content, Decode(pixels, within=24, odd="several-pictures")


@kind("jpeg with a zip behind it", ".jpg")
def _(rng: Rng) -> Made:
    pixels, behind = picture(rng), io.BytesIO()
    with zipfile.ZipFile(behind, "w") as archive:
        archive.writestr("a", rng.bytes(100))
    return jpeg(pixels) + behind.getvalue(), Decode(pixels, within=8, odd="trailing-data")


@kind("jpeg of one pixel", ".jpg")
def _(rng: Rng) -> Made:
    pixels = rng.integers(0, 256, (1, 1, 3), dtype=np.uint8)
    return jpeg(pixels), Decode(pixels, within=6)
