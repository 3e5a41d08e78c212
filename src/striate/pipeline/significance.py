"""How often chance alone would bring a difference as large as the one between two runs."""

from __future__ import annotations

import math


def fisher(right: tuple[int, int], sizes: tuple[int, int]) -> float:
    """Fisher's exact test, two-sided, for answers about different pictures.

    `right[k]` of `sizes[k]` are right. Given how many are right in all, the first sample's share of
    them is hypergeometric; the chances of all that are no likelier than what came are summed.
    """
    total, whole = sum(right), sum(sizes)
    first, second = sizes
    low, high = max(0, total - second), min(first, total)

    def log_chance(k: int) -> float:
        return _log_choose(first, k) + _log_choose(second, total - k) - _log_choose(whole, total)

    # A hair above: the same chance, reached by other roundings, counts.
    limit = log_chance(right[0]) + 1e-7
    chances = [value for k in range(low, high + 1) if (value := log_chance(k)) <= limit]
    return min(1.0, math.fsum(math.exp(value) for value in chances))


def mcnemar(only_first: int, only_second: int) -> float:
    """McNemar's exact test, two-sided, for answers about the same pictures.

    Of the pictures that one alone got right, each run would have half: a fair coin's chance of so
    few heads or so few tails.
    """
    n, fewer = only_first + only_second, min(only_first, only_second)
    chances = (math.exp(_log_choose(n, k) - n * math.log(2)) for k in range(fewer + 1))
    return min(1.0, 2 * math.fsum(chances))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
