"""What a file must never cause: a program started, a filter left behind, a decoder not listed."""

import subprocess
import sys
import textwrap
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from picture_kinds_other import FOREIGN, media
from picture_parts import chunk, claimed_png, saved, tiff
from picture_table import jpeg, picture
from PIL import Image

from striate.data import formats
from striate.data.decode import MAX_PIXELS, decode
from striate.data.kinds import Unreadable
from striate.data.oddities import oddities_of
from striate.data.pixels import pixels_of
from striate.data.reading import MAX_BYTES
from striate.preprocess import Preprocess

RNG = np.random.default_rng(0)
# Twenty formats under the name of a photograph; several would start a program or read other files.
DISGUISED = {
    "ICO": FOREIGN["ico"][1](RNG),
    "HEIC": media(b"heic", RNG),
    "AVIF": saved(Image.new("RGB", (9, 9)), "AVIF"),
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
    "PDF": saved(Image.new("RGB", (9, 9)), "PDF"),
    "PostScript": saved(Image.new("RGB", (9, 9)), "EPS"),
    "EPS": b"\xc5\xd0\xd3\xc6" + bytes(60),
    "HTML": b"<html><img src='a.jpg'></html>",
    "XML": b"<?xml version='1.0'?><a/>",
    "Netpbm": saved(Image.new("RGB", (9, 9)), "PPM"),
    "PCX": saved(Image.new("RGB", (9, 9)), "PCX"),
    "SGI": saved(Image.new("RGB", (9, 9)), "SGI"),
    "DDS": saved(Image.new("RGB", (9, 9)), "DDS"),
    "JPEG 2000": saved(Image.new("RGB", (9, 9)), "JPEG2000"),
    "ICNS": saved(Image.new("RGB", (16, 16)), "ICNS"),
    "Photoshop": b"8BPS\0\1" + bytes(60),
    "FITS": b"SIMPLE  =                    T".ljust(2_880),
    "WMF": b"\xd7\xcd\xc6\x9a" + bytes(60),
    "EMF": bytes([1, 0, 0, 0]).ljust(40, b"\0") + b" EMF" + bytes(60),
    "ZIP": b"PK\3\4" + bytes(60),
}


@pytest.mark.parametrize("name", DISGUISED)
def test_a_disguised_file_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(DISGUISED[name])
    with pytest.raises(Unreadable, match=f"photo.jpg: unsupported format {name}") as caught:
        decode(path)
    assert caught.value.kind == "unsupported-format"


def test_no_disguised_file_starts_a_program_or_opens_another(tmp_path: Path) -> None:
    """Watched from below, by Python's own audit of what is opened, started and connected to."""
    assert len(DISGUISED) == 20
    for number, content in enumerate(DISGUISED.values()):
        (tmp_path / f"{number}.jpg").write_bytes(content)
    script = f"""
        import sys
        from pathlib import Path
        from PIL import Image
        from striate.data.decode import decode
        from striate.data.kinds import Unreadable
        Image.init()
        seen, count = [], 0
        sys.addaudithook(lambda event, words: seen.append((event, words)))
        for path in sorted(Path({str(tmp_path)!r}).iterdir()):
            try:
                decode(path)
            except Unreadable:
                count += 1
        wrong = [(event, words) for event, words in seen
                 if event.split(".")[0] in ("subprocess", "os", "socket", "import", "ctypes")
                 and event not in ("os.listdir", "os.scandir")
                 or event == "open" and not isinstance(words[0], int)
                 and not str(words[0]).startswith({str(tmp_path)!r})]
        print(count, wrong)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "20 []\n"


def test_only_listed_formats_have_a_decoder() -> None:
    assert set(formats.READ) == {"JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "HEIC"}
    assert set(formats.EXTENSIONS) == set(formats.READ)


def test_no_other_decoder_is_asked_about_a_broken_file() -> None:
    """Pillow on its own would load all of its decoders, and ask each."""
    script = """
        import sys
        from striate.data.decode import decode
        from striate.data.kinds import Unreadable
        for content in (b"\\x89PNG\\r\\n\\x1a\\n", b"\\xff\\xd8\\xff\\xe0"):
            try:
                decode(content)
            except Unreadable as error:
                print(error.kind)
        print({"PIL.EpsImagePlugin", "PIL.FliImagePlugin"} & set(sys.modules))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "truncated\ntruncated\nset()\n"


def test_the_limits_are_the_stated_ones(tmp_path: Path) -> None:
    assert MAX_PIXELS == 50_000_000
    with pytest.raises(Unreadable, match="7072x7072 is more than 50 million pixels"):
        decode(claimed_png(7_072, 7_072))
    path = tmp_path / "large.jpg"
    path.write_bytes(jpeg(picture(RNG)))
    with path.open("r+b") as file:
        file.truncate(MAX_BYTES)
    assert decode(path).width
    assert oddities_of(path) == ()  # zeros behind a picture are padding
    with path.open("r+b") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(Unreadable, match=r"has 64\.0 MB, over the limit of 64 MB") as caught:
        decode(path)
    assert caught.value.kind == "too-many-bytes"
    with pytest.raises(Unreadable, match="has over 64 MB"):
        decode(bytes(MAX_BYTES + 1))


def test_a_rare_compression_never_reaches_its_decoder() -> None:
    with pytest.raises(Unreadable, match="TIFF with webp compression") as caught:
        decode(tiff((9, 9), b"\0" * 9, t259=50_001, t273=8, t278=9, t279=9))
    assert caught.value.kind == "unsupported-variant"


def test_warnings_about_files_are_silent_and_filters_come_back() -> None:
    """Also where threads overlap; a picture whose metadata Pillow warns of."""
    content = jpeg(picture(RNG))
    content = content[:2] + b"\xff\xe1\x00\x10Exif\0\0II*\0\xff\xff\xff\xff"[:18] + content[2:]
    before = list(warnings.filters)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(50):
                decode(content)
        except BaseException as error:  # told to the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert warnings.filters == before


def test_bytes_have_no_name_and_a_path_has_one(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as caught:
        decode(b"words")
    assert (caught.value.where, str(caught.value)) == ("", "not an image in a known format")
    path = tmp_path / "a.tif"
    Image.fromarray(np.full((2, 2), 7, np.int32)).save(path)
    record = Preprocess((2, 2), 1, (0.5,), (0.5,))
    with pytest.raises(Unreadable, match=r"a\.tif: has 32-bit or signed pixels") as caught:
        pixels_of(path, record)
    assert caught.value.kind == "unknown-scale"


def test_heic_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(Unreadable, match=r"pip install 'striate\[heic\]'"):
        decode(media(b"heic", RNG))


def test_metadata_behind_the_pixels_of_a_png_counts() -> None:
    """An orientation that stands after the pixels, where the standard lets it stand."""
    whole = saved(Image.new("RGB", (7, 5)), "PNG")
    exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    turned = whole[:-12] + chunk(b"eXIf", exif) + whole[-12:]
    assert decode(turned).size == (5, 7)
    assert oddities_of(turned) == ("exif-rotated",)
    assert oddities_of(whole) == ()
