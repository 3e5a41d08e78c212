"""The data sets that Striate knows by name: what they are, and their published files."""

from __future__ import annotations

import string
from dataclasses import dataclass
from pathlib import Path

from striate.errors import WRONG_INPUT, StriateError


@dataclass(frozen=True, slots=True)
class File:
    """A published file; `unpacked` is the SHA-256 of what a gzip file holds, where known."""

    name: str
    size: int
    sha256: str
    unpacked: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A data set with a name. `files` lie at every one of `mirrors`, under their names."""

    name: str
    about: str
    licence: str
    mirrors: tuple[str, ...]
    files: tuple[File, ...]
    classes: tuple[str, ...] = ()
    folder: str = ""  # where its files lie, for sets that share theirs; its own name otherwise

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(file.size for file in self.files)


def unusable(path: Path, what: str) -> StriateError:
    """What to tell a person whose copy of a published file is not as it was published."""
    remedy = "Fetch the files again"
    return StriateError(what, where=str(path), remedy=remedy, exit_code=WRONG_INPUT)


_IDX = tuple(
    f"{part}-{what}-ubyte.gz"
    for part in ("train", "t10k")
    for what in ("images-idx3", "labels-idx1")
)


def _idx_files(*rows: tuple[int, str] | tuple[int, str, str]) -> tuple[File, ...]:
    return tuple(File(name, *row) for name, row in zip(_IDX, rows, strict=True))


_DIGITS = tuple(string.digits)
# The lower-case letters that the merged sets of EMNIST tell from their upper case.
_MERGED = (*_DIGITS, *string.ascii_uppercase, *"abdefghnqrt")
_EMNIST = {
    "balanced": ("131,600 characters, 47 classes alike in size", _MERGED),
    "byclass": (
        "814,255 characters, 62 classes",
        (*_DIGITS, *string.ascii_uppercase, *string.ascii_lowercase),
    ),
    "bymerge": ("814,255 characters, look-alike cases merged, 47 classes", _MERGED),
    "digits": ("280,000 digits", _DIGITS),
    "letters": ("145,600 letters, cases merged", tuple(string.ascii_lowercase)),
    "mnist": ("70,000 digits, cut as MNIST", _DIGITS),
}
_EMNIST_ZIP = File(
    "gzip.zip", 561_753_746, "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"
)
_TORONTO = ("https://www.cs.toronto.edu/~kriz/",)

_ENTRIES = (
    Known(
        "sample", "5,000 digits of MNIST, 500 a class; inside the package", "CC BY-SA 3.0", (), ()
    ),
    Known(
        "mnist",
        "70,000 handwritten digits, 28x28 grey, 10 classes",
        "CC BY-SA 3.0",
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        _idx_files(
            (
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            (
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            (
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            (
                4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ),
        _DIGITS,
    ),
    Known(
        "fashion-mnist",
        "70,000 pieces of clothing, 28x28 grey, 10 classes",
        "MIT",
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        _idx_files(
            (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        ),
        (
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
    ),
    Known(
        "kmnist",
        "70,000 cursive Japanese characters, 28x28 grey, 10 classes",
        "CC BY-SA 4.0",
        (
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        ),
        _idx_files(
            (18_165_135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
            (29_497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
            (3_041_136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
            (5_120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
        ),
        ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    ),
    *(
        Known(
            f"emnist-{cut}",
            f"{about}; one download for all of EMNIST",
            "none stated (NIST)",
            (
                "https://biometrics.nist.gov/cs_links/EMNIST/",
                "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/",
            ),
            (_EMNIST_ZIP,),
            classes,
            folder="emnist",
        )
        for cut, (about, classes) in _EMNIST.items()
    ),
    Known(
        "cifar10",
        "60,000 photographs, 32x32 colour, 10 classes",
        "none stated (research)",
        _TORONTO,
        (
            File(
                "cifar-10-binary.tar.gz",
                170_052_171,
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ),
        ),
    ),
    Known(
        "cifar100",
        "60,000 photographs, 32x32 colour, 100 classes",
        "none stated (research)",
        _TORONTO,
        (
            File(
                "cifar-100-binary.tar.gz",
                168_513_733,
                "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            ),
        ),
    ),
)
KNOWN = {entry.name: entry for entry in _ENTRIES}
