"""What is wrong with a data set, before anything is trained on it.

`check` is imported when first used: a decode worker imports this package, and no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from striate.data.check.fingerprints import fingerprint as fingerprint
from striate.data.check.fingerprints import fingerprint_pixels as fingerprint_pixels
from striate.data.check.near import near_duplicates as near_duplicates
from striate.data.check.report import Report as Report
from striate.lazy import lazily

if TYPE_CHECKING:
    from striate.data.check.run import check as check

__all__ = [
    "Report",
    "check",
    "fingerprint",
    "fingerprint_pixels",
    "near_duplicates",
]

__getattr__ = lazily(__name__, {"check": "striate.data.check.run"})
