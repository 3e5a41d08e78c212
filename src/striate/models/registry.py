"""Networks by name: `create` builds what the catalogue lists."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from striate.errors import ArgumentError, nearest, unknown_name
from striate.models.catalogue import BY_NAME, Entry

if TYPE_CHECKING:
    from striate.models.contract import ConvNet


def list_models() -> list[str]:
    """The names `create` knows, sorted."""
    return sorted(BY_NAME)


def entry(name: str) -> Entry:
    """What the catalogue says of a name; an unknown one is told the nearest that exist."""
    if not isinstance(name, str):
        raise ArgumentError("model", name, "the name of a model, such as 'resnet18'")
    if name not in BY_NAME:
        families = ", ".join(sorted({one.family for one in BY_NAME.values()}))
        otherwise = f"Families: {families}; `striate models` lists the names"
        raise unknown_name("model", name, BY_NAME, otherwise=otherwise)
    return BY_NAME[name]


def create(name: str, *, pretrained: bool | str = False, **options: Any) -> ConvNet:
    """Build a network by name.

    `options` are its constructor's keyword arguments; every network takes `classes` and
    `in_channels`. `pretrained=True` loads its published weights, a string the weights of that
    name: other `classes` then get a new head, other `in_channels` an adapted first layer.
    """
    found = entry(name)
    if pretrained:
        from striate.models.weights import create_pretrained

        return create_pretrained(found, pretrained, options)
    return build(found, options)


def build(found: Entry, options: dict[str, Any]) -> ConvNet:
    """The network itself, with random weights."""
    module = importlib.import_module(f"striate.models.{found.module}")
    builder: Callable[..., ConvNet] = module.NETS[found.name]
    _check_options(found.name, inspect.signature(builder), options)
    return builder(**options)


def _check_options(name: str, signature: inspect.Signature, options: dict[str, Any]) -> None:
    """Known to the constructor, whole channels, and a switch where a switch is expected."""
    from striate.layers import arguments

    takes = list(signature.parameters)
    for option in options:
        if option not in takes:
            expected = f"one that {name} takes: {', '.join(takes)}"
            raise ArgumentError("option", option, expected, remedy=nearest(option, takes))
    for option, value in options.items():
        if option == "in_channels":
            arguments.whole(option, value)
        if isinstance(signature.parameters[option].default, bool) and not isinstance(value, bool):
            raise ArgumentError(option, value, "True or False")
