"""Where a net's time and memory go, layer by layer, measured on real passes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from striate.anatomy.timing.livebytes import LiveBytes
from striate.anatomy.timing.passes import Passes
from striate.anatomy.timing.stopwatch import Lap, Stopwatch, hook_cost
from striate.anatomy.timing.unchanged import unchanged
from striate.anatomy.trace import trace
from striate.errors import ArgumentError, StriateError, unknown_name

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

FUNCTIONS = "(functions)"
Shape = tuple[int, ...]
Input = Tensor | tuple[Tensor, ...] | Shape | tuple[Shape, ...]
_WARM_UPS = 2


@dataclass(frozen=True, slots=True)
class LayerTime:
    """One leaf module, or what a module with children does itself: "name.(functions)".

    Seconds are own time per pass, medians over the repeats; `share` is of forward plus backward.
    `macs` counts the whole batch. `activation_bytes` is what the layer made and still lived when
    it returned; `peak_bytes` the most that lived, in the whole pass, while it ran.
    """

    name: str
    type: str
    calls: int
    forward: float
    backward: float
    share: float
    macs: int | None
    activation_bytes: int
    memory_share: float
    peak_bytes: int
    inside: frozenset[str]  # class names (with bases) of the module and of all modules around it

    @property
    def macs_per_second(self) -> float | None:
        """Multiply-adds per second reached in the forward pass; None where there are none."""
        return self.macs / self.forward if self.macs and self.forward else None


@dataclass(frozen=True, slots=True)
class Profile:
    """What `profile` found. `forward` and `backward` are whole passes without any hook, seconds.

    `hooks` is the time the hooks took per forward pass; it is in no layer's time.
    """

    name: str
    layers: tuple[LayerTime, ...]
    input_shapes: tuple[tuple[int, ...], ...]
    device: str
    threads: int
    training: bool
    repeats: int
    forward: float
    backward: float
    hooks: float
    peak_bytes: int

    def share(self, kind: str) -> float:
        """Share of the time spent in modules of a class (or of a class derived from it), 0 to 1.

        `share("Conv2d")` is all convolutions; a block's class name counts all that it calls;
        `share("(functions)")` is what modules with children do themselves.
        """
        known = {name for layer in self.layers for name in (*layer.inside, layer.type)}
        if kind not in known:
            raise unknown_name("module class", kind, known)
        return sum(row.share for row in self.layers if kind == row.type or kind in row.inside)

    def by_type(self) -> dict[str, float]:
        """Share of the time by class of layer, largest first; the shares sum to 1."""
        shares: dict[str, float] = defaultdict(float)
        for layer in self.layers:
            shares[layer.type] += layer.share
        return dict(sorted(shares.items(), key=lambda pair: -pair[1]))

    def to_dict(self) -> dict[str, Any]:
        """Everything, in plain types."""
        rows = [asdict(layer) | {"macs_per_second": layer.macs_per_second} for layer in self.layers]
        for row in rows:
            del row["inside"]
        return asdict(self) | {"layers": rows, "by_type": self.by_type()}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from striate.anatomy.timing.flame import pieces

        yield from pieces(self, options.max_width, options.ascii_only)

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(color_system=None)
        with console.capture() as captured:
            console.print(self)
        return captured.get()


def profile(
    net: nn.Module,
    input: Input,
    *,
    batch: int = 1,
    repeats: int = 10,
    backward: bool = False,
) -> Profile:
    """Time every layer of a net on its own device, in the mode (train or eval) it is in.

    `input` is a tensor with its batch axis, a tuple of tensors for a net of several inputs, or a
    shape (or several) without batch axis, for which a random batch of `batch` is made; of word
    numbers, where the net begins with an embedding. Each repeat is one pass without hooks, which
    tells the whole time, and one with, which tells the layers'. With `backward=True` the gradient
    of the sum of all outputs is timed too.

    The net is left as it was: flags, buffers, gradients, hooks, and torch's random streams.
    """
    for name, value in (("batch", batch), ("repeats", repeats)):
        if value < 1:
            raise ArgumentError(name, value, "at least 1")
    with unchanged(net):
        run = Passes(net, _inputs(net, input, batch), backward)
        _warm_up(run)
        whole: list[tuple[float, float]] = []
        laps: list[tuple[Lap, Lap]] = []
        cost = hook_cost(run.clock)
        for _ in range(repeats):  # taken in turn, so that a busy moment hits both alike
            whole.append(run.plain())
            with Stopwatch(net, run.clock, backward=backward, cost=cost) as watch:
                laps.append(run.timed(watch))
        live = run.weighed()
    return Profile(
        name=type(net).__name__,
        layers=_rows(run, laps, live),
        input_shapes=tuple(tuple(tensor.shape) for tensor in run.inputs),
        device=str(run.inputs[0].device),
        threads=torch.get_num_threads(),
        training=net.training,
        repeats=repeats,
        forward=median(forward for forward, _ in whole),
        backward=median(backward for _, backward in whole),
        hooks=median(forward.hooks for forward, _ in laps),
        peak_bytes=live.peak,
    )


def _inputs(net: nn.Module, input: Input, batch: int) -> tuple[Tensor, ...]:
    if isinstance(input, Tensor):
        return (input,)
    if input and all(isinstance(item, Tensor) for item in input):
        return cast(tuple[Tensor, ...], tuple(input))
    shapes = input if input and all(isinstance(item, tuple) for item in input) else (input,)
    if not all(shape and all(map(_is_size, shape)) for shape in cast(tuple[Shape, ...], shapes)):
        raise ArgumentError(
            "input", input, "a tensor, a tuple of tensors, or a shape such as (3, 224, 224)"
        )
    stream = torch.Generator().manual_seed(0)
    return tuple(_random(net, (batch, *shape), stream) for shape in cast(tuple[Shape, ...], shapes))


def _is_size(size: object) -> bool:
    return isinstance(size, int) and size > 0


def _random(net: nn.Module, shape: Shape, stream: torch.Generator) -> Tensor:
    like = next((p for p in net.parameters() if p.is_floating_point()), torch.zeros(()))
    first = next((m for m in net.modules() if any(True for _ in m.parameters(False))), None)
    if isinstance(first, nn.Embedding):  # a net that begins with words takes their numbers
        return torch.randint(first.num_embeddings, shape, generator=stream).to(like.device)
    return torch.randn(shape, generator=stream).to(like.device, like.dtype)


def _warm_up(run: Passes) -> None:
    with Stopwatch(run.net, run.clock, backward=run.backward) as watch:
        run.first(watch)
        for _ in range(_WARM_UPS - 1):
            run.timed(watch)


def _rows(run: Passes, laps: Sequence[tuple[Lap, Lap]], live: LiveBytes) -> tuple[LayerTime, ...]:
    modules = dict(run.net.named_modules())
    leaves = {name for name, module in modules.items() if not any(module.children())}
    names = list(laps[0][0].seconds)
    forward = {name: median(lap.seconds[name] for lap, _ in laps) for name in names}
    backward = {name: median(lap.seconds[name] for _, lap in laps) for name in names}
    # A net too small to time still has shares that sum to 1.
    whole = sum(forward.values()) + sum(backward.values())
    bytes_made = sum(live.made[name] for name in names)
    macs = _macs(run)
    rows = []
    for name in names:
        title = name if name in leaves else f"{name}.{FUNCTIONS}".removeprefix(".")
        rows.append(
            LayerTime(
                name=title or f"({type(run.net).__name__})",
                type=type(modules[name]).__name__ if name in leaves else FUNCTIONS,
                calls=laps[0][0].calls[name],
                forward=forward[name],
                backward=backward[name],
                share=(forward[name] + backward[name]) / whole if whole else 1 / len(names),
                macs=None if macs is None else macs[name],
                activation_bytes=live.made[name],
                memory_share=live.made[name] / bytes_made if bytes_made else 0.0,
                peak_bytes=live.peak_in[name],
                inside=_classes(modules, name),
            )
        )
    return tuple(rows)


def _macs(run: Passes) -> dict[str, int] | None:
    """Multiply-adds of the whole batch by module path; None where the net cannot be traced."""
    shapes = tuple(tuple(tensor.shape[1:]) for tensor in run.inputs)
    try:
        found = trace(run.net, shapes[0] if len(shapes) == 1 else shapes, dtype=run.inputs[0].dtype)
    except StriateError:
        return None
    if found.failure is not None:
        return None
    macs: dict[str, int] = defaultdict(int)
    for call in found.calls:
        path = call.name.rpartition(".")[0] if call.module is None else call.name
        macs[path] += call.macs * len(run.inputs[0])
    return macs


def _classes(modules: dict[str, nn.Module], name: str) -> frozenset[str]:
    """Class names, with those of the bases, of a module and of all that hold it."""
    parts = name.split(".") if name else []
    paths = [".".join(parts[:depth]) for depth in range(len(parts) + 1)]
    return frozenset(
        base.__name__
        for path in paths
        for base in type(modules[path]).__mro__
        if issubclass(base, nn.Module)
    )
