"""Receptive fields by the honest method: the gradient of a unit tells which pixels it sees."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from striate.anatomy.geometry import Field
from striate.anatomy.trace import trace


def positive(net: nn.Module) -> nn.Module:
    """Weights of one sign in float64: contributions can't cancel, so nothing seen is hidden."""
    net = net.double().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(0.1 + parameter.abs())
    return net


def supports(net: nn.Module, length: int) -> list[tuple[int, int] | None]:
    """First and last pixel with a gradient, for every unit of a net over a line of pixels."""
    x = torch.rand(1, 1, length, dtype=torch.float64, requires_grad=True)
    y = positive(net)(x)
    spans: list[tuple[int, int] | None] = []
    for unit in range(y.shape[-1]):
        (grad,) = torch.autograd.grad(y[..., unit].sum(), x, retain_graph=True)
        seen = grad[0, 0].nonzero().flatten().tolist()
        spans.append((seen[0], seen[-1]) if seen else None)
    return spans


def traced_field(net: nn.Module, length: int) -> Field:
    found = trace(net, (1, length))
    assert found.failure is None
    fields = found.calls[-1].fields
    assert fields is not None
    return fields[0]


def assert_exact(net: nn.Module, length: int) -> None:
    """Every unit whose window lies inside the image sees exactly that window."""
    field, inside = traced_field(net, length), 0
    for unit, span in enumerate(supports(net, length)):
        first = field.start + unit * field.jump - (field.size - 1) / 2
        if first >= 0 and first + field.size <= length:
            assert span == field.window(unit, length)
            inside += 1
    assert inside or field.size > length // 2


class Parallel(nn.Module):
    """Branches over one input, added or concatenated; cropped to one length."""

    def __init__(self, branches: list[nn.Module], add: bool) -> None:
        super().__init__()
        self.branches, self.add = nn.ModuleList(branches), add

    def forward(self, x: Tensor) -> Tensor:
        maps = [branch(x) for branch in self.branches]
        return sum(maps) if self.add else torch.cat(maps, 1)  # type: ignore[return-value]


@st.composite
def nets(draw: st.DrawFn) -> nn.Module:
    """Convolutions, average pools and two-branch joins, one channel in and out at each step."""
    layers: list[nn.Module] = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["conv", "pool", "join", "transposed"]))
        k, d = draw(st.sampled_from([1, 3, 5])), draw(st.integers(1, 2))
        if kind == "conv":
            p = draw(st.integers(0, 2))
            layers.append(nn.Conv1d(1, 1, k, draw(st.integers(1, 2)), p, d, bias=False))
        elif kind == "transposed":
            layers.append(nn.ConvTranspose1d(1, 1, k, 1, k // 2, dilation=d, bias=False))
        elif kind == "pool":
            layers.append(nn.AvgPool1d(k, draw(st.integers(1, 3)), padding=k // 2))
        else:
            wide = nn.Conv1d(1, 1, k, padding="same", dilation=d, bias=False)
            narrow = draw(st.sampled_from([nn.Identity(), nn.Conv1d(1, 1, 1, bias=False)]))
            add = draw(st.booleans())
            layers.append(Parallel([wide, narrow], add))
            layers.append(nn.Conv1d(1 if add else 2, 1, 1, bias=False))
    return nn.Sequential(*layers)


@settings(deadline=None, max_examples=40)
@given(net=nets())
def test_random_stacks_and_branches(net: nn.Module) -> None:
    assert_exact(net, 70)


def test_two_axes_are_kept_apart() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, (3, 5), (1, 2), (0, 2)), nn.MaxPool2d((1, 2)))
    fields = trace(net, (1, 20, 30)).calls[-1].fields
    assert fields == (Field(3, 1, 1), Field(7, 4, 1))
    net = positive(nn.Sequential(net[0], nn.AvgPool2d((1, 2))))
    x = torch.rand(1, 1, 20, 30, dtype=torch.float64, requires_grad=True)
    (grad,) = torch.autograd.grad(net(x)[0, 0, 4, 3], x)
    seen = grad[0, 0].nonzero()
    low, high = seen.min(0).values.tolist(), seen.max(0).values.tolist()
    assert list(zip(low, high, strict=True)) == [
        field.window(unit, size) for field, unit, size in zip(fields, (4, 3), (20, 30), strict=True)
    ]


def largest(net: nn.Module, length: int) -> int:
    """The largest window of any unit in the middle, where no border cuts it."""
    spans = supports(net, length)
    middle = spans[len(spans) // 3 : -len(spans) // 3]
    return max(last - first + 1 for first, last in filter(None, middle))


UPSAMPLING = {
    "nearest": nn.Upsample(scale_factor=2),
    "nearest 3": nn.Upsample(scale_factor=3),
    "nearest to a size": nn.Upsample(size=36),
    "linear": nn.Upsample(scale_factor=2, mode="linear"),
    "linear by corners": nn.Upsample(size=47, mode="linear", align_corners=True),
    "linear to a size": nn.Upsample(size=36, mode="linear"),
    "transposed": nn.ConvTranspose1d(1, 1, 4, 2, 1, bias=False),
    "transposed 3": nn.ConvTranspose1d(1, 1, 3, 3, bias=False),
    "transposed with dilation": nn.ConvTranspose1d(1, 1, 3, 2, dilation=2, bias=False),
    "adaptive": nn.AdaptiveAvgPool1d(18),
}


@pytest.mark.parametrize("up", UPSAMPLING.values(), ids=UPSAMPLING.keys())
@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
def test_behind_upsampling_the_largest_window_is_exact(up: nn.Module, kernel: int) -> None:
    net = nn.Sequential(
        nn.Conv1d(1, 1, 3, 2, 1, bias=False), up, nn.Conv1d(1, 1, kernel, bias=False)
    )
    assert traced_field(net, 48).size == largest(net, 48)


def test_down_and_up_again_have_the_pixels_own_jump() -> None:
    net = nn.Sequential(nn.Conv1d(1, 1, 2, 2), nn.Upsample(scale_factor=2), nn.Conv1d(1, 1, 1))
    assert trace(net, (1, 16)).calls[-1].fields == (Field(2, 1, 0.5),)
    assert trace(nn.Upsample(scale_factor=2), (1, 16)).calls[-1].fields == (Field(1, 0.5, 0),)


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv1d(1, 1, 3, padding=1, bias=False)
        self.deep = nn.Conv1d(1, 1, 3, padding=1, bias=False)
        self.up = nn.ConvTranspose1d(1, 1, 2, 2, bias=False)
        self.head = nn.Conv1d(2, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        fine = self.down(x)
        coarse = self.up(self.deep(F.avg_pool1d(fine, 2)))
        return self.head(torch.cat([fine, coarse], 1))


def test_a_skip_connection_joins_by_union() -> None:
    assert traced_field(UNet(), 48).size == largest(UNet(), 48)


class Gate(nn.Module):
    """Squeeze and excite: the gate sees the whole image, so what it multiplies does."""

    def forward(self, x: Tensor) -> Tensor:
        return x * x.mean((2, 3), keepdim=True).sigmoid()


SEES_ALL = {
    "global pool": nn.AdaptiveAvgPool2d(1),
    "global max pool": nn.AdaptiveMaxPool2d(1),
    "flatten": nn.Flatten(),
    "gate": Gate(),
    "instance norm": nn.InstanceNorm2d(2),
    "group norm": nn.GroupNorm(1, 2),
    "softmax over the map": nn.Sequential(nn.Softmax(2), nn.Softmax(3)),
}


@pytest.mark.parametrize("layer", SEES_ALL.values(), ids=SEES_ALL.keys())
def test_the_whole_input(layer: nn.Module) -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 3, padding=1), layer)
    assert trace(net, (3, 9, 12)).calls[-1].fields == (Field(9, 0, 4), Field(12, 0, 5.5))


KEEPS = {
    "batch norm": nn.BatchNorm2d(4),
    "layer norm over channels": lambda x: F.layer_norm(x.permute(0, 2, 3, 1), (4,)).permute(
        0, 3, 1, 2
    ),
    "channel shuffle": nn.ChannelShuffle(2),
    "response norm": nn.LocalResponseNorm(3),
    "dropout": nn.Dropout2d(),
    "softmax over channels": nn.Softmax(1),
    "chunks": lambda x: torch.cat(x.chunk(2, 1)[::-1], 1),
    "unbind and stack": lambda x: torch.stack(x.unbind(1), 1),
    "linear over channels": lambda x: (x.movedim(1, -1) @ torch.ones(4, 6)).movedim(-1, 1),
    "hard swish": nn.Hardswish(),
    "a constant of its type": lambda x: x + x.new_full((4, 1, 1), 2.0) * torch.ones_like(x[:, :1]),
    "gelu and bias": lambda x: F.gelu(x) * 2 + torch.ones(4, 1, 1),
    "in place": lambda x: x.mul_(2).relu_(),
    "reshaped and back": lambda x: x.view(1, 2, 2, *x.shape[2:]).flatten(1, 2),
    "squeezed and back": lambda x: x.squeeze(0).unsqueeze(0),
    "one row away": lambda x: x[..., 0:, :],
}


class Wrapped(nn.Module):
    def __init__(self, function: object) -> None:
        super().__init__()
        self.first, self.function = nn.Conv2d(3, 4, 3, 2, 1), function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.first(x)) + 0  # the sum gives a last row


@pytest.mark.parametrize("layer", KEEPS.values(), ids=KEEPS.keys())
def test_layers_that_do_not_look_around(layer: object) -> None:
    assert trace(Wrapped(layer), (3, 9, 9)).calls[-1].fields == (Field(3, 2, 0),) * 2


MOVES = {
    "crop": (lambda x: x[..., 1:-1, 1:-1], Field(3, 2, 2)),
    "every second": (lambda x: x[..., ::2, 1::2], None),
    "zero padding": (lambda x: F.pad(x, (1, 2, 1, 2)), Field(3, 2, -2)),
    "mirror padding": (lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect"), Field(3, 2, -2)),
    "pixel shuffle": (lambda x: F.pixel_shuffle(x, 2), Field(3, 1, 0)),
    "pixel unshuffle": (lambda x: F.pixel_unshuffle(x[..., :4, :4], 2), Field(5, 4, 1)),
}


@pytest.mark.parametrize(("layer", "field"), MOVES.values(), ids=MOVES.keys())
def test_layers_that_move_units(layer: object, field: Field | None) -> None:
    fields = trace(Wrapped(layer), (3, 9, 9)).calls[-1].fields
    assert fields == ((field,) * 2 if field else (Field(3, 4, 0), Field(3, 4, 2)))


def written_into(x: Tensor) -> Tensor:
    canvas = torch.zeros(1, 4, 9, 9)
    canvas[..., 2:7, 2:7] = x
    return canvas


UNTOLD = {
    "roll": lambda x: x.roll(1, 2),
    "flip": lambda x: x.flip(3),
    "tokens": lambda x: x.flatten(2).transpose(1, 2),
    "fourier": lambda x: torch.fft.fft2(x).real,
    "cut into a canvas": written_into,
    "joined along the image": lambda x: torch.cat([x, x], 2),
    "different jumps": lambda x: x + F.interpolate(F.avg_pool2d(x, 5), size=5) + x[..., :1].roll(1),
    "cyclic padding": lambda x: F.pad(x, (1, 1, 1, 1), mode="circular"),
    "attention": lambda x: torch.softmax(x @ x.mT, -1) @ x,
}


@pytest.mark.parametrize("layer", UNTOLD.values(), ids=UNTOLD.keys())
def test_what_no_rule_covers_is_said_to_be_unknown(layer: object) -> None:
    found = trace(Wrapped(layer), (3, 9, 9))
    assert found.failure is None
    assert found.calls[-1].fields is None


def test_the_whole_input_stays_whole_behind_unknown_layers() -> None:
    net = nn.Sequential(Wrapped(lambda x: x.roll(1, 2)), Gate(), nn.Flatten(), nn.Linear(100, 2))
    assert trace(net, (3, 9, 9)).calls[-1].fields is None  # the roll hid what the gate sees
    net = nn.Sequential(Gate(), Wrapped(lambda x: x.roll(1, 2)))
    assert trace(net, (3, 9, 9)).calls[-1].fields == (Field(9, 0, 4),) * 2


def test_inputs_of_one_size_share_a_picture_and_others_have_none() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x.sum(1) + y.sum(1)

    same = trace(Two(), ((3, 8, 8), (2, 8, 8)))
    assert same.calls[-1].fields == (Field(1, 1, 0),) * 2
    assert trace(Two(), ((3, 8, 8), (2, 1, 1))).calls[-1].fields is None
