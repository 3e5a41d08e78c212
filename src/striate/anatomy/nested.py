"""Tensors wherever a network puts them: in tuples, lists, dicts and dataclasses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor


def tensors(value: Any, _around: tuple[int, ...] = ()) -> Iterator[Tensor]:
    """Every tensor in `value`, however deep, in order."""
    if isinstance(value, Tensor):
        yield value
    elif id(value) not in _around:  # a tree whose nodes know their parent is a ring
        for item in _items(value):
            yield from tensors(item, (*_around, id(value)))


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, list | tuple):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, item.name, None) for item in fields(value)]  # some are not set yet
    return ()
