"""Memory of one pass: every tensor's storage is seen when it is made and when it is freed."""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Self

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.hooks import RemovableHandle

from striate.anatomy.nested import tensors

_NOBODY = "(backward)"  # no module is running: gradients, in a backward pass


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of tensors made while the `with` block lasts, by the module that made them.

    `peak` is the most that lived at once; `peak_in[name]` the most while that module was the
    innermost running; `made[name]` what the module made and still lived when it returned. The
    net's own tensors and the input are not counted, nor is a kernel's private workspace.
    """

    def __init__(self, net: nn.Module, inputs: Sequence[torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = self.peak = 0
        self.peak_in: dict[str, int] = defaultdict(int)
        self.made: dict[str, int] = defaultdict(int)
        self._names = {module: name for name, module in net.named_modules()}
        self._handles: list[RemovableHandle] = []
        self._open: list[tuple[str, int]] = []
        self._calls = 0
        own = [*net.parameters(), *net.buffers(), *inputs]
        self._known: dict[int, Any] = {t.untyped_storage().data_ptr(): t for t in own}

    def __enter__(self) -> Self:
        for module in self._names:
            self._handles += [
                module.register_forward_pre_hook(self._arrive),
                module.register_forward_hook(self._leave),
            ]
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        for handle in self._handles:
            handle.remove()

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tensors(result):
            self._see(tensor)
        return result

    def _see(self, tensor: torch.Tensor) -> None:
        if tensor.layout is not torch.strided:
            return
        storage = tensor.untyped_storage()
        key, size = storage.data_ptr(), storage.nbytes()
        if key in self._known or size == 0:
            return
        name, call = self._open[-1] if self._open else (_NOBODY, 0)
        self.live += size
        self.made[name] += size
        self.peak = max(self.peak, self.live)
        self.peak_in[name] = max(self.peak_in[name], self.live)
        self._known[key] = weakref.ref(storage, lambda _: self._gone(key, size, name, call))

    def _gone(self, key: int, size: int, name: str, call: int) -> None:
        del self._known[key]
        self.live -= size
        if self._open and self._open[-1] == (name, call):
            self.made[name] -= size  # scratch: freed before the module that made it returned

    def _arrive(self, module: nn.Module, args: Any) -> None:
        self._calls += 1
        self._open.append((self._names[module], self._calls))

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        name, _ = self._open.pop()
        while name != self._names[module]:  # a callee raised and its caller went on
            name, _ = self._open.pop()
        self.peak_in[name] = max(self.peak_in[name], self.live)
