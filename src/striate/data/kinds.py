"""The words for what is wrong with a picture file, and for what is odd about a usable one."""

from __future__ import annotations

from striate.errors import WRONG_INPUT, StriateError

KINDS = {
    "missing": "no file is there, or it went away",
    "broken-link": "a symbolic link to nothing, or to itself",
    "folder": "a folder stands where a file is expected",
    "not-a-file": "a pipe, a socket or a device",
    "no-permission": "the file may not be read",
    "read-error": "the disk or the path fails",
    "empty": "no bytes",
    "too-many-bytes": "over the limit of 64 MB",
    "too-many-pixels": "over the limit of 50 million pixels, or more than memory holds",
    "bomb": "a little compressed data that unfolds to a lot",
    "unsupported-format": "a known format that is not read",
    "not-an-image": "no known format",
    "unsupported-variant": "a readable format in a form that is not read",
    "no-pixels": "no width, no height or no frame",
    "truncated": "the end is missing",
    "damaged": "the content contradicts itself",
    "unknown-scale": "nothing says which value is white",
    "decoder-crashed": "the decoder died or ran out of memory on this file",
    "decoder-stalled": "the decoder did not finish in time",
}
"""Why a file gives no picture: every `Unreadable.kind`, and what it means."""

ODDITIES = {
    "exif-rotated": "turned upright by its orientation tag",
    "broken-metadata": "unreadable metadata, which is ignored",
    "cmyk": "printer's colours, converted to RGB without their profile",
    "16-bit": "16 bits a band, of which the upper eight are used",
    "float": "real numbers, scaled to 0..255",
    "alpha": "transparent places, shown over the background colour",
    "palette": "a colour table, converted to RGB",
    "grey": "shades of grey",
    "animated": "several frames, of which the first is used",
    "several-pictures": "several pictures in one file, of which the first is used",
    "trailing-data": "more bytes after the end of the picture",
    "wrong-extension": "another format than the name says",
    "no-extension": "a name that says no format",
}
"""What may be odd about a file that is used all the same, and what is done about it."""


class Unreadable(StriateError):  # noqa: N818  # a finding about a file, not a fault of the program
    """A file that gives no picture: its `kind`, a word of `KINDS`, and the `reason` in words.

    It travels between processes, so that a worker may return it.
    """

    def __init__(self, kind: str, reason: str, *, where: str = "", remedy: str = "") -> None:
        self.kind = kind
        self.reason = reason
        super().__init__(reason, where=where, remedy=remedy, exit_code=WRONG_INPUT)

    def at(self, where: str) -> Unreadable:
        """The same finding with the name of the file."""
        return Unreadable(self.kind, self.reason, where=where, remedy=self.remedy)

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (self.kind, self.reason, self.where, self.remedy)


def _restore(kind: str, reason: str, where: str, remedy: str) -> Unreadable:
    return Unreadable(kind, reason, where=where, remedy=remedy)
