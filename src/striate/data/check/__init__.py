"""What is wrong with a data set, before anything is trained on it."""

from striate.data.check.fingerprints import Fingerprint as Fingerprint
from striate.data.check.fingerprints import Fingerprints as Fingerprints
from striate.data.check.fingerprints import fingerprint as fingerprint
from striate.data.check.fingerprints import fingerprint_pixels as fingerprint_pixels
from striate.data.check.fingerprints import stack as stack
from striate.data.check.near import Pairs as Pairs
from striate.data.check.near import near_duplicates as near_duplicates

__all__ = [
    "Fingerprint",
    "Fingerprints",
    "Pairs",
    "fingerprint",
    "fingerprint_pixels",
    "near_duplicates",
    "stack",
]
