"""Watches a ghost run: hooks tell which module is at work, a dispatch mode sees every operation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from striate.anatomy.nested import tensors
from striate.anatomy.tracing import ops
from striate.anatomy.tracing.calls import Call
from striate.anatomy.tracing.constants import Constants, fresh
from striate.anatomy.tracing.fields import spread
from striate.anatomy.tracing.reach import Reach, is_whole, joined
from striate.anatomy.tracing.rule import Op
from striate.anatomy.tracing.steps import all_steps, one_step
from striate.anatomy.tracing.work import (
    Doing,
    Frame,
    Mark,
    class_name,
    inside_leaf,
    is_leaf,
    shapes,
)


class Recorder(TorchDispatchMode):
    """Turns modules and operations into `calls`. `originals` are the user's modules by name."""

    def __init__(self, net: nn.Module, originals: dict[str, nn.Module]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[Call] = []
        self.stack: list[Frame] = []
        self.doing: Doing | None = None
        self._originals = originals
        self._marks = WeakTensorKeyDictionary()
        self._constants = Constants()
        self._partly_written: dict[int, tuple[torch.UntypedStorage, Mark]] = {}
        self._called: set[int] = set()
        self._counted: set[int] = set()
        self._owed: dict[str, int] = {}  # parameters used outside leaves, not yet in a row
        for name, module in net.named_modules():
            if not inside_leaf(net, name):
                self._watch(name, module, is_leaf(module, name))

    def mark_input(self, x: Tensor, reach: Reach) -> None:
        """Say that `x` is an input of the network."""
        self._marks[x] = Mark((-1,), reach)

    # -- modules ---------------------------------------------------------------------------------

    def _watch(self, name: str, module: nn.Module, leaf: bool) -> None:
        def before(module: nn.Module, args: Any, kwargs: Any) -> Any:
            frame = self._enter(name, module, leaf, tuple(tensors((args, kwargs))))
            if isinstance(module, nn.RNNBase):
                args, frame.steps = one_step(module, args)
            return args, kwargs

        def behind(module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
            while self.stack and self.stack[-1].module is not module:
                self.stack.pop()  # a layer that failed inside the network's own try/except
            return self._leave(self.stack.pop(), output)

        # Before the module's own hooks, so that what they compute belongs to the module.
        module.register_forward_pre_hook(before, prepend=True, with_kwargs=True)
        module.register_forward_hook(behind, with_kwargs=True)

    def _enter(self, name: str, module: nn.Module, leaf: bool, inputs: tuple[Tensor, ...]) -> Frame:
        self.doing = None
        shared = id(module) in self._called
        self._called.add(id(module))
        self.stack.append(Frame(name, module, leaf, inputs, self._sources(inputs), shared))
        return self.stack[-1]

    def _leave(self, frame: Frame, output: Any) -> Any:
        self.doing = None
        if not frame.leaf:
            return output
        frame.parameters += self._count(frame.module.parameters())
        if frame.steps > 1:
            assert isinstance(frame.module, nn.RNNBase)  # no other has steps
            output = all_steps(frame.module, output, frame.steps)
            frame.macs *= frame.steps
        same = any(output is x for x in frame.inputs)
        if same and id(output) not in frame.written:
            output = output.view_as(output)  # else this row's output were the row's before
        made = list(tensors(output))
        self._append(frame, made)
        for tensor in made:
            mark = self._mark(tensor)
            if mark or not any(tensor is x for x in frame.inputs):
                reach = mark.reach if mark else None
                self._marks[tensor] = Mark((len(self.calls) - 1,), reach)
        return output

    def _append(self, frame: Frame, made: list[Tensor]) -> None:
        self.calls.append(
            Call(
                index=len(self.calls),
                name=frame.name,
                type=class_name(frame.module),
                module=self._originals.get(frame.name, frame.module),
                inputs=shapes(frame.inputs),
                outputs=shapes(made),
                sources=frame.sources,
                parameters=frame.parameters,
                macs=frame.macs,
                bytes=_new_bytes(made, frame.inputs),
                fields=self._fields(made),
                shared=frame.shared,
            )
        )

    # -- operations ------------------------------------------------------------------------------

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = func.overloadpacket.__name__
        if name == "device":
            return func(*args, **(kwargs or {}))
        self.doing = Doing(name, args)
        output = func(*args, **(kwargs or {}))
        self._note(name, func, args, kwargs or {}, list(tensors(output)))
        self.doing = None
        return output

    def _note(
        self, name: str, func: Any, args: tuple[Any, ...], named: dict[str, Any], made: list[Tensor]
    ) -> None:
        inputs = tuple(tensors((args, named)))
        used = [x for x in inputs if isinstance(x, nn.Parameter)]
        read = tensors(args[1:]) if name == "copy_" else inputs  # what is overwritten is not read
        live = [(x, mark) for x in read if (mark := self._mark(x)) is not None]
        frame = self._leaf_frame()
        macs = ops.macs(name, args, made) if made and not self._weightless(name, args) else 0
        self._constants.note(name, inputs, made)
        if frame is not None:
            frame.macs += macs
        elif used:
            owner = self._owner()
            self._owed[owner] = self._owed.get(owner, 0) + self._count(used)
        if not live or not made or fresh(name):
            return
        row = frame is None and name.strip("_") not in ops.QUIET and name not in ops.QUIET
        pointwise = torch.Tag.pointwise in func.tags
        reach = spread(
            Op(name.rstrip("_"), pointwise, args, made[0], [(x, m.reach) for x, m in live])
        )
        sources = _unique(source for _, mark in live for source in mark.sources)
        if row:
            sources = self._append_operation(name, inputs, made, macs, sources, reach)
        for tensor in made:
            self._marks[tensor] = Mark(sources, reach)
        if func._schema.is_mutable:
            for target in _targets(func, args, named):
                self._written(target, Mark(sources, reach), alone=pointwise and len(live) == 1)

    def _weightless(self, name: str, args: tuple[Any, ...]) -> bool:
        """A product of the data with constants. Of data with data, as in attention, is another."""
        factors = [x for x in ops.factors(name, args) if isinstance(x, Tensor)]
        constant = [x for x in factors if x in self._constants]
        return bool(constant) and all(x in self._constants or self._mark(x) for x in factors)

    def _append_operation(
        self,
        name: str,
        inputs: tuple[Tensor, ...],
        made: list[Tensor],
        macs: int,
        sources: tuple[int, ...],
        reach: Reach,
    ) -> tuple[int, ...]:
        owner, index = self._owner(), len(self.calls)
        title = ops.label(name)
        self.calls.append(
            Call(
                index=index,
                name=f"{owner}.({title})" if owner else f"({title})",
                type=title,
                module=None,
                inputs=shapes([x for x in inputs if not isinstance(x, nn.Parameter)]),
                outputs=shapes(made[:1]),
                sources=sources,
                parameters=self._owed.pop(owner, 0),
                macs=macs,
                bytes=_new_bytes(made[:1], inputs),
                fields=_as_fields(reach),
                shared=False,
            )
        )
        return (index,)

    def _written(self, target: Tensor, mark: Mark, *, alone: bool) -> None:
        """Writing into part of a storage changes what every other view of it depends on."""
        for frame in self.stack:
            frame.written.add(id(target))
        storage = target.untyped_storage()
        partly = target.numel() * target.element_size() < storage.nbytes()
        if partly and not alone:
            blurred = mark if is_whole(mark.reach) else replace(mark, reach=None)
            self._partly_written[storage._cdata] = (storage, blurred)

    # -- book-keeping ----------------------------------------------------------------------------

    def _mark(self, x: Tensor) -> Mark | None:
        own: Mark | None = self._marks.get(x)
        if not self._partly_written:
            return own
        written = self._partly_written.get(x.untyped_storage()._cdata)
        if written is None or own is None:
            return own if written is None else written[1]
        sources = _unique((*own.sources, *written[1].sources))
        return Mark(sources, joined([own.reach, written[1].reach]))

    def _sources(self, inputs: tuple[Tensor, ...]) -> tuple[int, ...]:
        marks = [mark for x in inputs if (mark := self._mark(x)) is not None]
        return _unique(source for mark in marks for source in mark.sources)

    def _fields(self, made: list[Tensor]) -> Any:
        marks = [mark for x in made if (mark := self._mark(x)) is not None]
        return _as_fields(marks[0].reach) if marks else None

    def _leaf_frame(self) -> Frame | None:
        return self.stack[-1] if self.stack and self.stack[-1].leaf else None

    def _owner(self) -> str:
        return self.stack[-1].name if self.stack else ""

    def _count(self, parameters: Any) -> int:
        total = 0
        for parameter in parameters:
            if id(parameter) not in self._counted and not is_lazy(parameter):
                self._counted.add(id(parameter))
                total += parameter.numel()
        return total


def _targets(func: Any, args: tuple[Any, ...], named: dict[str, Any]) -> list[Tensor]:
    """The arguments that an operation writes into: the first of `add_`, `out` of `add.out`."""
    places = enumerate(func._schema.arguments)
    given = [(a, args[i] if i < len(args) else named.get(a.name)) for i, a in places]
    return list(tensors([value for a, value in given if a.alias_info and a.alias_info.is_write]))


def _as_fields(reach: Reach) -> Any:
    return tuple(axis.field() for axis in reach) if reach else None


def _new_bytes(made: list[Tensor], inputs: tuple[Tensor, ...]) -> int:
    """Memory that holds the outputs and did not hold an input."""
    old = {x.untyped_storage()._cdata for x in inputs}
    new = {x.untyped_storage()._cdata: x.numel() * x.element_size() for x in made}
    return sum(size for storage, size in new.items() if storage not in old)


def _unique(numbers: Any) -> tuple[int, ...]:
    return tuple(dict.fromkeys(numbers))
