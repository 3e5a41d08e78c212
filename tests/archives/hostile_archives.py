"""Makers of hostile archives: a table of name -> (maker, expected reason).

Each maker returns the bytes of one archive. Headers are built by hand where the standard library
would refuse to write them.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

Maker = Callable[[], bytes]
BLOCK = 512
END = bytes(2 * BLOCK)


# --- tar, block by block ---------------------------------------------------------------------


def header(
    name: bytes = b"a.txt",
    size: bytes | int = 0,
    kind: bytes = b"0",
    link: bytes = b"",
    prefix: bytes = b"",
) -> bytes:
    field = b"%011o\0" % size if isinstance(size, int) else size.ljust(12, b"\0")
    block = bytearray(BLOCK)
    block[:100] = name.ljust(100, b"\0")
    block[100:124] = b"0000644\0" + b"0000000\0" * 2
    block[124:136] = field
    block[136:148] = b"%011o\0" % 0
    block[156:157] = kind
    block[157:257] = link.ljust(100, b"\0")
    block[257:265] = b"ustar\00000"
    block[345:500] = prefix.ljust(155, b"\0")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def entry(name: bytes, data: bytes = b"data", kind: bytes = b"0", link: bytes = b"") -> bytes:
    return header(name, len(data), kind, link) + padded(data)


def record(key: bytes, value: bytes) -> bytes:
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest)
    while len(b"%d" % length) + len(rest) != length:
        length = len(b"%d" % length) + len(rest)
    return b"%d" % length + rest


def pax(*records: tuple[bytes, bytes], kind: bytes = b"x") -> bytes:
    return entry(b"PaxHeader", b"".join(record(*pair) for pair in records), kind)


def long_name(name: bytes, kind: bytes = b"L") -> bytes:
    return entry(b"././@LongLink", name + b"\0", kind)


def tar(*blocks: bytes) -> Maker:
    return lambda: b"".join(blocks) + END


def raw(*blocks: bytes) -> Maker:
    return lambda: b"".join(blocks)


def packed(maker: Maker, pack: Callable[[bytes], bytes]) -> Maker:
    return lambda: pack(maker())


def named_tar(name: bytes) -> Maker:
    if len(name) <= 100 and b"\0" not in name:
        return tar(entry(name))
    return tar(pax((b"path", name)), entry(b"short"))


def link_then_write(target: bytes) -> Maker:
    return tar(header(b"door", 0, b"2", target), entry(b"door/evil.txt"))


def path_max() -> bytes:
    """Folders and links whose resolved path outgrows PATH_MAX, so that realpath stops resolving."""
    blocks, path = [], b""
    for letter in b"abcdefghijklmnop":
        folder = b"d" * 247
        blocks.append(pax((b"path", path + folder)) + header(b"x", 0, b"5"))
        blocks.append(
            pax((b"path", path + bytes([letter])), (b"linkpath", folder)) + header(b"x", 0, b"2")
        )
        path += bytes([letter]) + b"/"
    blocks.append(pax((b"path", path + b"l" * 254), (b"linkpath", b"../" * 16)))
    blocks.append(header(b"x", 0, b"2") + entry(b"escape/evil.txt"))
    return b"".join(blocks) + END


def many_in_tar() -> bytes:
    return b"".join(header(b"%07d" % index) for index in range(210_000))


def gzip_bomb() -> bytes:
    zeros = bytes(1 << 20)
    packer = zlib.compressobj(9, wbits=31)
    body = packer.compress(header(b"zeros.bin", 1 << 30))
    return body + b"".join(packer.compress(zeros) for _ in range(400)) + packer.flush()


def gzip_pax_bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    body = packer.compress(header(b"PaxHeader", 300 << 20, b"x"))
    return body + b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()


def xz_memory_bomb() -> bytes:
    """An xz stream that asks its reader for a dictionary of 1.5 GiB; the data are tiny."""
    good = bytearray(lzma.compress(tar(entry(b"a"))(), preset=0))
    at = good.index(b"\x21\x01", 12)  # filter LZMA2, one byte of properties: the dictionary's size
    good[at + 2] = 39
    size = (good[12] + 1) * 4
    good[12 + size - 4 : 12 + size] = struct.pack("<I", zlib.crc32(bytes(good[12 : 12 + size - 4])))
    return bytes(good)


def from_tarfile(info: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info)
    return buffer.getvalue()


# --- zip, record by record -------------------------------------------------------------------


def local(name: bytes, data: bytes, *, flags: int = 0, method: int = 0, crc: int = 0) -> bytes:
    fields = (0x04034B50, 20, flags, method, 0, 0, crc, len(data), len(data), len(name), 0)
    return struct.pack("<IHHHHHIIIHH", *fields) + name + data


def central(
    name: bytes,
    offset: int,
    packed_size: int,
    size: int,
    *,
    crc: int = 0,
    flags: int = 0,
    method: int = 0,
    attributes: int = 0,
) -> bytes:
    fields = (0x02014B50, 0x0314, 20, flags, method, 0, 0, crc, packed_size, size)
    tail = (len(name), 0, 0, 0, 0, attributes, offset)
    return struct.pack("<IHHHHHHIII", *fields) + struct.pack("<HHHHHII", *tail) + name


def zipped(body: bytes, directory: bytes, count: int) -> bytes:
    end = (0x06054B50, 0, 0, count & 0xFFFF, count & 0xFFFF, len(directory), len(body), 0)
    return body + directory + struct.pack("<IHHHHIIH", *end)


def one(name: bytes = b"a.txt", data: bytes = b"data", *, mode: int = 0, **fields: int) -> Maker:
    """A stored zip of one member; keyword fields go into both headers."""
    crc, attributes = zlib.crc32(data), mode << 16

    def make() -> bytes:
        body = local(name, data, crc=crc, **fields)
        entries = central(name, 0, len(data), len(data), crc=crc, attributes=attributes, **fields)
        return zipped(body, entries, 1)

    return make


def zip_of(*names: bytes) -> Maker:
    def make() -> bytes:
        body = directory = b""
        for name in names:
            data = b"" if name.endswith(b"/") else b"data"
            crc = zlib.crc32(data)
            directory += central(name, len(body), len(data), len(data), crc=crc, flags=0x800)
            body += local(name, data, crc=crc, flags=0x800)
        return zipped(body, directory, len(names))

    return make


def zip_lies(declared: int, real: bytes, crc: int | None = None) -> Maker:
    """A deflated member whose directory entry says another size than its data have."""

    def make() -> bytes:
        packer = zlib.compressobj(9, wbits=-15)
        data = packer.compress(real) + packer.flush()
        said = zlib.crc32(real) if crc is None else crc
        body = local(b"lie.bin", data, method=8, crc=said)
        entries = central(b"lie.bin", 0, len(data), declared, method=8, crc=said)
        return zipped(body, entries, 1)

    return make


def zip_bomb(size: int = 250 << 20) -> bytes:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("zeros.bin", "w") as file,
    ):
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    return buffer.getvalue()


def overlapping(shift: int = 0) -> bytes:
    """Many directory entries over one kernel of data."""
    packer = zlib.compressobj(9, wbits=-15)
    real = bytes(1 << 20)
    data = packer.compress(real) + packer.flush()
    crc = zlib.crc32(real)
    body = local(b"k000", data, method=8, crc=crc)
    entries = [
        central(b"k%03d" % index, index * shift, len(data), len(real), method=8, crc=crc)
        for index in range(500)
    ]
    return zipped(body, b"".join(entries), len(entries))


def quoted_overlap() -> bytes:
    """Each member's data hold the next member's header as a stored block: all headers are real."""
    data = b"payload"
    last = local(b"b", data, crc=zlib.crc32(data))
    outer = local(b"a", last, crc=zlib.crc32(last))
    inner_at = len(outer) - len(last)
    entries = central(b"a", 0, len(last), len(last), crc=zlib.crc32(last))
    entries += central(b"b", inner_at, len(data), len(data), crc=zlib.crc32(data))
    return zipped(outer, entries, 2)


def into_directory() -> bytes:
    body = local(b"a", b"data", crc=zlib.crc32(b"data"))
    return zipped(body, central(b"a", 0, 4000, 4000), 1)


def many_in_zip() -> bytes:
    """1,000,000 entries, 50 MB of directory."""
    body = local(b"f", b"")
    return zipped(body, central(b"f", 0, 0, 0) * 1_000_000, 1_000_000)


def huge_directory() -> bytes:
    return zipped(b"PK\x03\x04", bytes(80 << 20), 1)


def names_differ() -> bytes:
    crc = zlib.crc32(b"data")
    return zipped(
        local(b"../evil.txt", b"data", crc=crc), central(b"good.txt_xx", 0, 4, 4, crc=crc), 1
    )


def cut(maker: Maker, keep: float) -> Maker:
    def make() -> bytes:
        whole = maker()
        return whole[: int(len(whole) * keep)]

    return make


def flipped(maker: Maker, needle: bytes) -> Maker:
    def make() -> bytes:
        whole = maker()
        return whole.replace(needle, bytes([needle[0] ^ 1]) + needle[1:], 1)

    return make


# --- the table -------------------------------------------------------------------------------

OUTSIDE = r"leads out of the folder with '\.\.'"
NAMES: dict[str, tuple[bytes, str]] = {
    "parent": (b"../evil.txt", OUTSIDE),
    "parents": (b"../../../../../../tmp/evil.txt", OUTSIDE),
    "parent inside": (b"a/../../evil.txt", OUTSIDE),
    "parent that returns": (b"a/../b.txt", OUTSIDE),
    "parent at the end": (b"a/..", OUTSIDE),
    "parent behind dots": (b"./././../evil.txt", OUTSIDE),
    "sibling prefix": (b"../folder-evil/evil.txt", OUTSIDE),
    "absolute": (b"/tmp/evil.txt", "absolute path"),
    "absolute, two slashes": (b"//tmp/evil.txt", "absolute path"),
    "drive": (b"C:/evil.txt", "drive letter"),
    "drive, relative": (b"c:evil.txt", "drive letter"),
    "drive inside": (b"a/C:/evil.txt", "drive letter"),
    "backslash parent": (b"..\\evil.txt", "backslash"),
    "backslash share": (b"\\\\host\\share\\evil.txt", "backslash"),
    "newline": (b"a\nb.txt", "control characters"),
    "escape sequence": (b"\x1b[2Ja.txt", "control characters"),
    "delete": (b"a\x7f.txt", "control characters"),
    "line separator": ("a\u2028b.txt".encode(), "control characters"),
    "nul": (b"good.txt\0../../evil.txt", "control characters"),
    "long part": (b"n" * 256, "path of over"),
    "long part in bytes": ("é".encode() * 128, "path of over"),
    "long path": (b"/".join([b"d" * 200] * 6), "path of over"),
    "deep path": (b"d/" * 150 + b"f", "folders deep"),
    "the folder itself": (b".", "no file name"),
}
CLASHES: dict[str, tuple[tuple[bytes, ...], str]] = {
    "twice": ((b"a.txt", b"a.txt"), "comes twice"),
    "twice by case": ((b"Cat/A.txt", b"cat/a.TXT"), "comes twice"),
    "twice by form": (("\u00e9.txt".encode(), "e\u0301.txt".encode()), "comes twice"),
    "twice by dots": ((b"a/b.txt", b"a/./b.txt"), "comes twice"),
    "file under file": ((b"a", b"a/b.txt"), "also a file"),
    "file over folder": ((b"a/b.txt", b"A"), "comes twice"),
    "folder over file": ((b"a", b"a/"), "comes twice"),
}
TARS: dict[str, tuple[Maker, str]] = {
    "link": (tar(header(b"door", 0, b"2", b"/etc/passwd")), "'door' is a symbolic link"),
    "link, then write through": (link_then_write(b"../canary"), "'door' is a symbolic link"),
    "link to itself": (link_then_write(b"."), "symbolic link"),
    "link with long target": (
        tar(long_name(b"../" * 60, b"K"), header(b"door", 0, b"2")),
        "symbolic link",
    ),
    "link with long name": (
        tar(long_name(b"d/" * 60 + b"door"), header(b"d", 0, b"2", b"..")),
        "symbolic link",
    ),
    "link by pax": (tar(pax((b"linkpath", b"..")), header(b"d", 0, b"2")), "symbolic link"),
    "hard link": (tar(header(b"door", 0, b"1", b"../canary/c.txt")), "hard link"),
    "hard link with data": (tar(entry(b"door", b"evil", b"1", b"../canary/c.txt")), "hard link"),
    "character device": (tar(header(b"null", 0, b"3")), "device, pipe or socket"),
    "block device": (tar(header(b"sda", 0, b"4")), "device, pipe or socket"),
    "pipe": (tar(header(b"pipe", 0, b"6")), "device, pipe or socket"),
    "sparse": (tar(header(b"sparse", 0, b"S")), "sparse file"),
    "sparse by pax": (
        tar(pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.realsize", b"9" * 12)), entry(b"s")),
        "sparse file",
    ),
    "volume": (tar(header(b"volume", 0, b"V")), "special kind"),
    "unknown kind": (tar(entry(b"what", b"data", b"Z")), "special kind"),
    "path longer than PATH_MAX": (path_max, "symbolic link|path of over"),
    "pax name leads out": (tar(pax((b"path", b"../evil")), entry(b"good")), OUTSIDE),
    "GNU name leads out": (tar(long_name(b"../evil"), entry(b"good")), OUTSIDE),
    "prefix leads out": (tar(header(b"evil.txt", 0, prefix=b"..")), OUTSIDE),
    "prefix is absolute": (tar(header(b"evil.txt", 0, prefix=b"/tmp")), "absolute path"),
    "global pax name": (tar(pax((b"path", b"../e"), kind=b"g"), entry(b"a")), "global header"),
    "global pax size": (tar(pax((b"size", b"0"), kind=b"g"), entry(b"a")), "global header"),
    "pax size hides a header": (
        tar(pax((b"size", b"1024")), header(b"a", 0) + entry(b"../evil")),
        "two sizes, 0 and 1,024",
    ),
    "pax size shows a header": (tar(pax((b"size", b"0")), entry(b"a")), "two sizes, 4 and 0"),
    "pax size is negative": (tar(pax((b"size", b"-1")), entry(b"a")), "damaged size"),
    "pax size is a word": (tar(pax((b"size", b"1_0")), entry(b"a")), "damaged size"),
    "pax key twice": (tar(pax((b"path", b"a"), (b"path", b"../b")), entry(b"c")), "key twice"),
    "pax record too long": (tar(entry(b"P", b"99 path=a\n", b"x"), entry(b"a")), "damaged pax"),
    "pax record of no length": (tar(entry(b"P", b"0 path=a\n", b"x"), entry(b"a")), "damaged pax"),
    "pax of digits only": (tar(entry(b"P", b"1" * 60_000, b"x"), entry(b"a")), "damaged pax"),
    "pax twice": (tar(pax((b"a", b"b")), pax((b"c", b"d")), entry(b"a")), "two extra headers"),
    "pax and GNU name": (
        tar(pax((b"path", b"a")), long_name(b"b"), entry(b"c")),
        "two extra headers that name",
    ),
    "pax for nothing": (tar(entry(b"a"), pax((b"path", b"b"))), "no member"),
    "pax of 300 MB": (gzip_pax_bomb, "extra header of 314,572,800 bytes"),
    "GNU name of 1 MB": (tar(long_name(b"n" * (1 << 20)), entry(b"a")), "extra header of"),
    "negative size": (tar(header(b"a", b"-0000000001")), "negative or damaged size"),
    "negative binary size": (tar(header(b"a", b"\xff" * 12)), "negative or damaged size"),
    "negative size of pax": (tar(header(b"P", b"\xff" * 12, b"x")), "negative or damaged size"),
    "size with underscore": (tar(header(b"a", b"1_0")), "negative or damaged size"),
    "folder with content": (tar(entry(b"a/", b"data", b"5")), "folder with content"),
    "declares 8 EiB": (tar(header(b"a", b"\x80\0\0\0\x7f" + b"\xff" * 7)), "cut short"),
    "latin-1 name": (tar(entry(b"caf\xe9.txt")), "not UTF-8"),
    "wrong checksum": (flipped(tar(entry(b"a")), b"0000644"), "wrong checksum"),
    "cut in the data": (cut(tar(entry(b"a", b"d" * 5000)), 0.5), "cut short"),
    "cut in a header": (raw(header(b"a")[:300]), "cut short"),
    "no end mark": (raw(entry(b"a")), "cut short"),
    "data after the end": (raw(entry(b"a"), END, entry(b"../evil")), "after its end mark"),
    "padding without end": (raw(entry(b"a"), END, bytes(17 << 20)), "too much padding"),
    "210,000 members": (many_in_tar, "over 200,000 files"),
    "ratio in gzip": (gzip_bomb, "times the archive's size"),
    "gzip cut short": (cut(packed(tar(entry(b"a")), gzip.compress), 0.7), "damaged"),
    "gzip with a wrong checksum": (
        lambda: gzip.compress(tar(entry(b"a"))())[:-8] + bytes(8),
        "damaged: CRC check failed",
    ),
    "gzip of no tar": (lambda: gzip.compress(b"hello" * 200), "wrong checksum"),
    "link in gzip": (packed(link_then_write(b".."), gzip.compress), "symbolic link"),
    "parent in bzip2": (packed(named_tar(b"../e"), bz2.compress), OUTSIDE),
    "bzip2 cut short": (cut(packed(tar(entry(b"a")), bz2.compress), 0.7), "damaged"),
    "ratio in bzip2": (
        lambda: bz2.compress(entry(b"zeros", bytes(200 << 20)) + END),
        "times the archive's size",
    ),
    "parent in xz": (packed(named_tar(b"../e"), lzma.compress), OUTSIDE),
    "xz cut short": (cut(packed(tar(entry(b"a")), lzma.compress), 0.7), "damaged"),
    "ratio in xz": (
        lambda: lzma.compress(entry(b"zeros", bytes(200 << 20)) + END, preset=0),
        "times the archive's size",
    ),
    "xz that wants 1.5 GiB": (xz_memory_bomb, "[Mm]emory"),
    "empty file": (raw(), "cut short"),
    "no archive": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(2000), "no archive"),
}
LINK, DEVICE, PIPE, SOCKET = 0o120777, 0o020644, 0o010644, 0o140644
ZIPS: dict[str, tuple[Maker, str]] = {
    "link": (one(b"door", b"/etc/passwd", mode=LINK), "'door' is a symbolic link"),
    "device": (one(mode=DEVICE), "device, pipe or socket"),
    "pipe": (one(mode=PIPE), "device, pipe or socket"),
    "socket": (one(mode=SOCKET), "device, pipe or socket"),
    "encrypted": (one(flags=0x1), "encrypted"),
    "encrypted strongly": (one(flags=0x41), "encrypted"),
    "encrypted directory": (one(flags=0x2000), "encrypted"),
    "patched data": (one(flags=0x20), "damaged"),
    "method lzma": (one(method=14), "method 14"),
    "method unknown": (one(method=99), "method 99"),
    "folder with content": (one(b"a/", b"data"), "folder with content"),
    "declares too little": (zip_lies(10, b"x" * 5000), "damaged: Bad CRC"),
    "declares too little, checksum forged": (
        zip_lies(10, b"x" * 5000, crc=zlib.crc32(b"x" * 11)),
        "says 10 bytes and holds 11",
    ),
    "declares too much": (zip_lies(5000, b"x" * 10), "says 5,000 bytes and holds 10"),
    "declares 4 GiB": (zip_lies(0xFFFFFFF0, b"x"), "says 4,294,967,280 bytes"),
    "wrong checksum": (flipped(one(b"a", b"needle"), b"needle"), "Bad CRC"),
    "overlapping, one kernel": (overlapping, "overlaps another member"),
    "overlapping, quoted": (quoted_overlap, "overlaps another member"),
    "overlapping the directory": (into_directory, "overlaps the archive's directory"),
    "local name differs": (names_differ, "damaged: File name in directory"),
    "1,000,000 members": (many_in_zip, "over 200,000 files"),
    "directory of 80 MB": (huge_directory, "directory of over 64 MiB"),
    "ratio": (zip_bomb, "times the archive's size"),
    "cut short": (cut(zip_of(b"a", b"b"), 0.6), "damaged"),
    "head only": (lambda: b"PK\x03\x04" + bytes(100), "damaged"),
}


def cases() -> dict[str, tuple[Maker, str]]:
    table = {f"tar: {name}": case for name, case in TARS.items()}
    table |= {f"zip: {name}": case for name, case in ZIPS.items()}
    for name, (path, reason) in NAMES.items():
        table[f"tar, name: {name}"] = (named_tar(path), reason)
        table[f"zip, name: {name}"] = (one(path, flags=0x800), reason)
    for name, (paths, reason) in CLASHES.items():
        table[f"tar, names: {name}"] = (_clash_tar(paths), reason)
        table[f"zip, names: {name}"] = (zip_of(*paths), reason)
    return table


def _clash_tar(paths: tuple[bytes, ...]) -> Maker:
    return tar(*(entry(path, b"" if path.endswith(b"/") else b"data") for path in paths))
