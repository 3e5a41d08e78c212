"""Operations one by one: recorded with two pictures, asked with three."""

from collections.abc import Callable

import numpy as np
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.exporting.conversion import as_it_is, graph_of
from striate.exporting.forms import NoFormError
from striate.preprocess import Preprocess

RECORD = Preprocess((13, 10), 3, (0.5, 0.4, 0.3), (0.25, 0.3, 0.2))
KERNEL = torch.linspace(-1, 1, 3 * 4 * 9).view(3, 4, 3, 3)
SQUARE = torch.linspace(-1, 1, 9).view(3, 3)


class Layer(nn.Module):
    def __init__(self, compute: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.compute = compute

    def forward(self, x: Tensor) -> Tensor:
        return self.compute(x)


LAYERS: dict[str, Callable[[Tensor], Tensor]] = {
    "average, edges counted": lambda x: F.avg_pool2d(x, 3, 2, 1),
    "average, edges not counted": lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
    "average, ceil": lambda x: F.avg_pool2d(x, (2, 3), ceil_mode=True),
    "average, divisor": lambda x: F.avg_pool2d(x, 2, divisor_override=7),
    "largest, ceil": lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True),
    "largest, spread": lambda x: F.max_pool2d(x, 2, (1, 2), dilation=2),
    "adaptive average": lambda x: F.adaptive_avg_pool2d(x, (1, 5)),
    "adaptive average, windows of several sizes": lambda x: F.adaptive_avg_pool2d(x, (6, 17)),
    "adaptive largest": lambda x: F.adaptive_max_pool2d(x, (13, 2)),
    "transposed convolution": lambda x: F.conv_transpose2d(x, KERNEL, stride=2, output_padding=1),
    "uneven padding": lambda x: F.conv2d(F.pad(x, (1, 0, 2, 3), value=-2.0), KERNEL[:, :3]),
    "reflected": lambda x: F.pad(x, (2, 1, 0, 3), mode="reflect"),
    "repeated edge": lambda x: F.pad(x, (2, 1, 0, 3), mode="replicate"),
    "norm alone": lambda x: F.batch_norm(x, SQUARE[0], SQUARE[0] + 2, SQUARE[1], SQUARE[2]),
    "norm without weights": lambda x: F.batch_norm(x, SQUARE[0], SQUARE[0] + 2),
    "layer norm": lambda x: F.layer_norm(x.permute(0, 2, 3, 1), (3,), SQUARE[0], SQUARE[2]),
    "linear on every place": lambda x: F.linear(
        x.permute(0, 2, 3, 1).contiguous(), SQUARE, SQUARE[0]
    ),
    "product without sum": lambda x: x.mean((2, 3)) @ SQUARE,
    "gelu": F.gelu,
    "gelu by tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "leaky": lambda x: F.leaky_relu(x, 0.3),
    "leaky by default": F.leaky_relu,
    "hardtanh": F.hardtanh,
    "relu6": F.relu6,
    "hardswish": F.hardswish,
    "hardsigmoid": F.hardsigmoid,
    "in place": lambda x: F.relu_(x.sub(0.5)).add_(1).mul_(x),
    "clamp": lambda x: x.clamp(min=-0.5),
    "clamp above": lambda x: x.clamp(max=0.5),
    "sum, a multiple": lambda x: torch.add(x, SQUARE[0].view(3, 1, 1), alpha=0.25),
    "difference, a multiple": lambda x: torch.sub(x, SQUARE[1].view(3, 1, 1), alpha=2),
    "power and division": lambda x: 1 / (x.pow(2) + 2) / 3,
    "softmax": lambda x: x.softmax(1) + x.log_softmax(-1),
    "sums": lambda x: x.sum(3) + x.amax(3) + x.mean(-1) + x.logsumexp(3),
    "slices": lambda x: x[:, 1:, ::2, -7:-2],
    "uneven split": lambda x: torch.cat(x.split([2, 1], 1)[::-1], 1),
    "chunks": lambda x: x.chunk(2, 2)[1].unsqueeze(2).squeeze(2).transpose(1, 3),
    "shuffle": lambda x: F.channel_shuffle(torch.cat([x, x.neg().abs()], 1), 2),
    "flat": lambda x: x.flatten(1).view(-1, 10, 39),
    "new numbers": lambda x: x + x.new_full((3, 1, 1), 0.7) * torch.ones_like(SQUARE[:, :1, None]),
}


@pytest.mark.parametrize("name", LAYERS)
def test_an_operation_keeps_its_meaning(name: str) -> None:
    net = Layer(LAYERS[name]).eval()
    session = onnxruntime.InferenceSession(
        graph_of(net, RECORD, finish=as_it_is).SerializeToString(),
        providers=["CPUExecutionProvider"],
    )
    rows = torch.randint(0, 256, (3, *RECORD.size, 3), dtype=torch.uint8)
    wanted = net(RECORD.normalise(rows.permute(0, 3, 1, 2))).numpy()
    (came,) = session.run(None, {"pixels": rows.numpy()})
    assert came.shape == wanted.shape
    assert np.abs(came - wanted).max() <= 1e-5 * max(1, np.abs(wanted).max())


REFUSED: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "windows of several sizes": (lambda x: F.adaptive_max_pool2d(x, 3), "several sizes"),
    "counted edges under ceil": (lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), "ceil_mode"),
    "statistics of the batch": (
        lambda x: F.batch_norm(x, None, None, training=True), "running statistics",
    ),
    "another batch": (lambda x: x.reshape(3, -1), "moves the batch"),
    "other memory": (lambda x: x.as_strided((2, 3), (1, 1)), "another shape"),
    "expand to a batch": (lambda x: x[:1].expand(2, -1, -1, -1), "expand to a batch"),
    "unknown": (lambda x: torch.special.i0e(x), "i0e.default has no ONNX form"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_form_is_refused_and_named(name: str) -> None:
    compute, message = REFUSED[name]
    with pytest.raises(NoFormError, match=message):
        graph_of(Layer(compute), RECORD, finish=as_it_is)


def test_a_norm_behind_a_transposed_convolution_is_refused() -> None:
    net = nn.Sequential(nn.ConvTranspose2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
    with pytest.raises(NoFormError, match="transposed convolution"):
        graph_of(net, RECORD, finish=as_it_is)
