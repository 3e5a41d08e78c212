"""Networks by name. The table holds facts only, so that listing it imports no torch."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from striate.errors import ArgumentError, unknown_name

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class Entry:
    """One named network: the class that builds it, and what is known of it."""

    name: str
    family: str
    builder: str
    year: int
    params: int


_ENTRIES = (Entry("lecture_net", family="lecture", builder="LectureNet", year=2015, params=34_826),)
_BY_NAME = {entry.name: entry for entry in _ENTRIES}


def list_models() -> list[str]:
    """The names `create` knows, sorted."""
    return sorted(_BY_NAME)


def create(name: str, **options: Any) -> nn.Module:
    """Build a network by name; `options` are its constructor's keyword arguments."""
    if name not in _BY_NAME:
        raise unknown_name("model", name, _BY_NAME)
    entry = _BY_NAME[name]
    builder = getattr(importlib.import_module(f"striate.models.{entry.family}"), entry.builder)
    try:
        net: nn.Module = builder(**options)
    except TypeError as error:
        raise ArgumentError("options", options, f"what {name} takes ({error})") from error
    return net
