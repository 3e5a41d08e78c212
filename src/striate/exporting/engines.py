"""The same network on the fastest machinery present: OpenVINO, ONNX Runtime, or PyTorch itself.

All compute in float32. None is used whose answers differ from plain PyTorch's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from striate.errors import GATE_FAILED, StriateError, unknown_name
from striate.exporting.conversion import PIXELS, as_it_is, graph_of
from striate.exporting.fold import folded_copy
from striate.exporting.packages import MissingError, require
from striate.exporting.parity import TOLERANCE
from striate.preprocess import Preprocess

_SMALL_COLUMN = 0.05  # of the largest, below which a column's own size says nothing


class Engine(Protocol):
    """Pixels uint8 `(B, C, H, W)` in channels-last memory to float32 `(B, K)`."""

    @property
    def name(self) -> str:
        """What computes: openvino, onnxruntime or torch."""
        ...

    def __call__(self, pixels: Tensor) -> Tensor:
        """Logits of a classifier, or features of a trunk."""
        ...


class _OpenVino:
    """Compiled for any number of pictures, and again for one that comes twice running.

    With the number known it is a seventh faster, and one that comes once is not worth compiling.
    """

    name = "openvino"

    def __init__(self, net: nn.Module, preprocess: Preprocess) -> None:
        openvino = require("openvino")
        model = graph_of(net, preprocess, finish=as_it_is).SerializeToString()
        self._core: Any = openvino.Core()
        self._model: Any = self._core.read_model(model)
        self._for_any = self._for_one = self._compile()
        self._one = self._last = 0

    def __call__(self, pixels: Tensor) -> Tensor:
        rows = _rows(pixels)
        compiled = self._for_any
        if len(rows) == self._last != self._one:
            self._one = len(rows)
            self._model.reshape(list(rows.shape))
            self._for_one = self._compile()
        if len(rows) == self._one:
            compiled = self._for_one
        self._last = len(rows)
        return torch.from_numpy(compiled(rows)[0]).to(pixels.device)

    def _compile(self) -> Any:
        # Its default on processors that have bfloat16 is to compute in that.
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        return self._core.compile_model(self._model, "CPU", settings)


class _OnnxRuntime:
    name = "onnxruntime"

    def __init__(self, net: nn.Module, preprocess: Preprocess) -> None:
        onnxruntime = require("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self._session: Any = onnxruntime.InferenceSession(
            graph_of(net, preprocess, finish=as_it_is).SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
        )

    def __call__(self, pixels: Tensor) -> Tensor:
        answer = self._session.run(None, {PIXELS: _rows(pixels)})[0]
        return torch.from_numpy(answer).to(pixels.device)


class _Torch:
    name = "torch"

    def __init__(self, net: nn.Module, preprocess: Preprocess) -> None:
        self._device = _device(net)
        self._preprocess = preprocess
        probe = preprocess.normalise(_probe(preprocess)).to(self._device)
        self._net = folded_copy(net, probe)
        self._net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def __call__(self, pixels: Tensor) -> Tensor:
        images = self._preprocess.normalise(pixels.to(self._device))
        answer: Tensor = self._net(images)
        return answer.to(pixels.device)


_ENGINES: dict[str, Callable[[nn.Module, Preprocess], Engine]] = {
    "openvino": _OpenVino,
    "onnxruntime": _OnnxRuntime,
    "torch": _Torch,
}
NAMES = ("auto", *_ENGINES)


def engine_for(
    net: nn.Module,
    preprocess: Preprocess,
    *,
    name: str = "auto",
    say: Callable[[str], None] = lambda line: None,
) -> Engine:
    """The engine of that name; `auto` takes the fastest one that is installed and agrees.

    `say` is told of one that is passed over although it is installed. The network is not changed,
    and may be changed afterwards. On a GPU it stays with PyTorch.
    """
    if name not in NAMES:
        raise unknown_name("engine", name, NAMES)
    if name != "auto":
        return _checked(name, net, preprocess)
    for one in _ENGINES if _device(net).type == "cpu" else ("torch",):
        try:
            return _checked(one, net, preprocess)
        except MissingError:
            continue
        except StriateError as error:
            say(f"{error}; another engine computes")
    return _Plain(net, preprocess)


def _checked(name: str, net: nn.Module, preprocess: Preprocess) -> Engine:
    """An engine that answers a few made pictures as plain PyTorch does."""
    pixels = _probe(preprocess)
    wanted = _Plain(net, preprocess)(pixels)
    try:
        engine = _ENGINES[name](net, preprocess)
        came = engine(pixels)
    except MissingError:
        raise
    except Exception as error:  # whatever a compiler of networks stumbles over
        reason = error.what if isinstance(error, StriateError) else " ".join(str(error).split())
        raise StriateError(f"cannot run this network ({reason})", where=name) from error
    if came.shape != wanted.shape:
        raise _differs(name, f"in its shape {tuple(came.shape)}")
    # Column by column: a familiarity of at most 1 stands beside logits that are larger.
    scales = wanted.abs().amax(0)
    scales = scales.clamp(min=max(1e-12, _SMALL_COLUMN * scales.max().item()))
    apart = max(
        ((came - wanted).abs() / scales).max().item(),
        (came.softmax(1) - wanted.softmax(1)).abs().max().item(),
    )
    if not apart <= TOLERANCE:  # so that NaN is refused too
        raise _differs(name, f"by {apart:.1e}, where {TOLERANCE:.0e} is allowed")
    return engine


def _differs(name: str, how: str) -> StriateError:
    what = f"differs from PyTorch {how}, for this network"
    return StriateError(what, where=name, exit_code=GATE_FAILED)


class _Plain:
    """The network as it is, in eval mode while it answers: what every engine is compared with."""

    name = "torch"

    def __init__(self, net: nn.Module, preprocess: Preprocess) -> None:
        self._net, self._preprocess, self._device = net, preprocess, _device(net)

    @torch.inference_mode()
    def __call__(self, pixels: Tensor) -> Tensor:
        learning = [layer for layer in self._net.modules() if layer.training]
        self._net.eval()
        try:
            answer: Tensor = self._net(self._preprocess.normalise(pixels.to(self._device)))
        finally:
            for layer in learning:
                layer.training = True
        return answer.to(pixels.device)


def _probe(preprocess: Preprocess) -> Tensor:
    """Three pictures of even noise, coarse noise and a ramp: another number than was recorded."""
    height, width = preprocess.size
    shape = (1, preprocess.channels, height, width)
    source = torch.Generator().manual_seed(0)
    fine = torch.randint(0, 256, shape, dtype=torch.uint8, generator=source)
    coarse = torch.nn.functional.interpolate(fine[..., ::8, ::8], size=(height, width))
    ramp = torch.linspace(0, 255, height * width).view(1, 1, height, width).expand(shape)
    pictures = torch.cat([fine, coarse, ramp.to(torch.uint8)])
    return pictures.contiguous(memory_format=torch.channels_last)


def _rows(pixels: Tensor) -> Any:
    """The same bytes as an array `(B, H, W, C)`, without a copy where memory is channels-last."""
    return pixels.detach().cpu().permute(0, 2, 3, 1).contiguous().numpy()


def _device(net: nn.Module) -> torch.device:
    return next((weight.device for weight in net.parameters()), torch.device("cpu"))
