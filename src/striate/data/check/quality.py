"""Pictures that teach nothing or stand out: blank, tiny, blurred, of an odd shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from striate.data.check.fingerprints import Fingerprints

_BLANK = 1.5  # grey levels of deviation; the flattest of 400 photographs has 15
# Relative variance of the Laplacian at 256 px. 400 sharp photographs with soft backgrounds have
# 0.02 and more, half of them 0.23; blurred by 1 % of their side they have 0.003.
_BLURRED = 0.006
_BLUR_SIDE = 128  # smaller pictures have no details to miss
_TINY = 8
_SMALL = 32  # in a set of larger ones
_LARGE = 64
_ASPECT = 4.0


def quality(prints: Fingerprints) -> dict[str, NDArray[np.int64]]:
    """Rows of the pictures that are `blank`, `tiny`, `blurred` or of `extreme-aspect`."""
    shorter, longer = prints.sizes.min(axis=1), prints.sizes.max(axis=1)
    usual = float(np.median(shorter))
    aspects = longer / np.maximum(shorter, 1)
    blank = prints.contrasts < _BLANK
    found = {
        "blank": blank,
        "tiny": (shorter < _TINY) | ((usual >= _LARGE) & (shorter < _SMALL)),
        "blurred": ~blank & (prints.sharpness < _BLURRED) & (longer >= _BLUR_SIDE),
        # A set of panoramas is not odd in itself: only against the rest of it.
        "extreme-aspect": aspects > max(_ASPECT, 2 * float(np.median(aspects))),
    }
    return {kind: np.flatnonzero(rows) for kind, rows in found.items()}


MESSAGES = {
    "blank": "one colour, nothing to see",
    "tiny": "far smaller than what a network can use",
    "blurred": "no fine details: out of focus, or enlarged",
    "extreme-aspect": "much longer than wide, so cropping cuts most away and squashing distorts",
}


def sizes(prints: Fingerprints) -> dict[str, object]:
    """The sizes `[height, width]` from the smallest to the largest, and pictures per channels."""
    if not len(prints):
        return {"smallest": None, "median": None, "largest": None, "mixed": False, "channels": {}}
    order = np.argsort(prints.sizes.prod(axis=1, dtype=np.int64), kind="stable")
    middle = np.median(prints.sizes, axis=0).astype(int)
    channels, counts = np.unique(prints.channels, return_counts=True)
    return {
        "smallest": prints.sizes[order[0]].tolist(),
        "median": middle.tolist(),
        "largest": prints.sizes[order[-1]].tolist(),
        "mixed": bool((prints.sizes != prints.sizes[0]).any()),
        "channels": {str(c): n for c, n in zip(channels.tolist(), counts.tolist(), strict=True)},
    }
