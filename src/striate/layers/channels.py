"""How the mobile nets round a scaled number of channels."""

from __future__ import annotations


def rounded(channels: float) -> int:
    """The nearest multiple of 8, but never less than nine tenths of `channels`."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8
