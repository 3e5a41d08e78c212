"""The cells of 1980 and 1998: Fukushima's Neocognitron and the parts of LeNet-5 that went away.

Fukushima, "Neocognitron", Biological Cybernetics 36, 1980. LeCun, Bottou, Bengio, Haffner,
"Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 86(11), 1998.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.layers import arguments


class SCell(nn.Module):
    """(B, I, H, W) of u_C >= 0 -> (B, O, H', W') of u_S >= 0: feature detectors with inhibition.

    u_S = r * relu((1 + sum of a * u_C) / (1 + r / (1 + r) * b * v_C) - 1)
    v_C = sqrt(sum of c * u_C^2), over the same window and all I planes.

    `a` (O, I, k, k) and `b` (O,) are the plastic connections and must stay >= 0; c is fixed,
    decays as `decay ** distance`, and sums to 1. The larger r, the more exactly the pattern must
    match before the cell answers. Papers that write 2r / (1 + r) mean the same cell with half
    the b. n' = n + 2 * padding - kernel + 1.
    """

    c: Tensor

    def __init__(
        self,
        in_planes: int,
        planes: int,
        kernel_size: int = 5,
        *,
        padding: int = 0,
        r: float = 4.0,
        decay: float = 0.9,
    ) -> None:
        super().__init__()
        arguments.whole("in_planes", in_planes)
        arguments.whole("planes", planes)
        self.padding = arguments.whole("padding", padding, 0)
        self.r = arguments.positive("r", r)
        # Before it has learned, a cell needs a weak and random preference, or all would be alike.
        self.a = nn.Parameter(torch.rand(planes, in_planes, kernel_size, kernel_size) * 0.05)
        self.b = nn.Parameter(torch.zeros(planes))
        fall = _falling(kernel_size, decay)
        self.register_buffer("c", (fall / (in_planes * fall.sum())).repeat(1, in_planes, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O, H', W')."""
        excitation = F.conv2d(x, self.a, padding=self.padding)
        energy = F.conv2d(x.square(), self.c, padding=self.padding)
        # The root has an infinite slope at 0, where a window sees nothing: keep it finite.
        v = energy.clamp_min(torch.finfo(x.dtype).tiny).sqrt()
        inhibition = self.r / (1 + self.r) * self.b[:, None, None] * v
        # The formula less its 1, over one denominator: weak answers don't drown in rounding.
        return self.r * F.relu((excitation - inhibition) / (1 + inhibition))

    def extra_repr(self) -> str:
        """The arguments, as `print(net)` shows them."""
        planes, in_planes, size, _ = self.a.shape
        return f"{in_planes}, {planes}, {size}, padding={self.padding}, r={self.r:g}"


class CCell(nn.Module):
    """(B, C, H, W) of u_S >= 0 -> (B, C, H', W') of u_C in [0, 1): the same feature, about here.

    u_C = psi((1 + sum of d * u_S) / (1 + v_S) - 1),  psi(x) = x / (alpha + x) for x > 0, else 0
    v_S = mean over planes of (sum of d * u_S): a plane that is only as active as the others is
    silenced. d is fixed and decays as `decay ** distance` from the window's centre, where it is 1.
    n' = (n + 2 * padding - kernel) // stride + 1. No parameters.
    """

    d: Tensor

    def __init__(
        self,
        kernel_size: int = 5,
        *,
        stride: int = 1,
        padding: int = 0,
        alpha: float = 0.5,
        decay: float = 0.9,
    ) -> None:
        super().__init__()
        self.stride = arguments.whole("stride", stride)
        self.padding = arguments.whole("padding", padding, 0)
        self.alpha = arguments.positive("alpha", alpha)
        self.register_buffer("d", _falling(kernel_size, decay)[None, None])

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H', W')."""
        planes = x.shape[1]
        kernels = self.d.expand(planes, -1, -1, -1)
        blurred = F.conv2d(x, kernels, stride=self.stride, padding=self.padding, groups=planes)
        lateral = blurred.mean(1, keepdim=True)
        active = F.relu((blurred - lateral) / (1 + lateral))  # as in `SCell`
        return active / (self.alpha + active)

    def extra_repr(self) -> str:
        """The arguments, as `print(net)` shows them."""
        size = self.d.shape[-1]
        return f"{size}, stride={self.stride}, padding={self.padding}, alpha={self.alpha:g}"


class TableConv2d(nn.Module):
    """(B, I, H, W) -> (B, O, H - k + 1, W - k + 1): each output map sees only its listed inputs.

    y[o] = bias[o] + sum over i in table[o] of x[i] correlated with its own k x k kernel. LeNet-5's
    C3 has such a table. `weight` is (sum of the table's lengths, k, k), in the table's order: what
    is not connected has no parameter.
    """

    places: Tensor

    def __init__(self, in_channels: int, table: Sequence[Sequence[int]], kernel_size: int) -> None:
        super().__init__()
        self.in_channels = arguments.whole("in_channels", in_channels)
        arguments.whole("kernel_size", kernel_size)
        _check_table(table, in_channels)
        self.table = tuple(tuple(row) for row in table)
        places = [o * in_channels + i for o, row in enumerate(self.table) for i in row]
        self.register_buffer("places", torch.tensor(places))
        self.weight = nn.Parameter(torch.empty(len(places), kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.empty(len(self.table)))
        self.reset_parameters()

    @property
    def fan_in(self) -> Tensor:
        """(O,): how many inputs each unit of an output map sums."""
        area = self.weight.shape[-2] * self.weight.shape[-1]
        return torch.tensor([len(row) * area for row in self.table], device=self.weight.device)

    def reset_parameters(self) -> None:
        """Uniform within 1 / sqrt(fan-in), each map by its own: torch's rule for convolutions."""
        self.uniform_(self.fan_in.rsqrt())

    @torch.no_grad()
    def uniform_(self, bounds: Tensor) -> None:
        """Weights and bias of each output map uniform within its bound, (O,)."""
        bound_of_kernel = bounds[self.places // self.in_channels]
        self.weight.uniform_(-1, 1).mul_(bound_of_kernel[:, None, None])
        self.bias.uniform_(-1, 1).mul_(bounds)

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O, H - k + 1, W - k + 1)."""
        outputs, (rows, columns) = len(self.table), self.weight.shape[-2:]
        empty = self.weight.new_zeros(outputs * self.in_channels, rows, columns)
        full = empty.index_copy(0, self.places, self.weight)
        return F.conv2d(x, full.view(outputs, self.in_channels, rows, columns), self.bias)

    def extra_repr(self) -> str:
        """The arguments, as `print(net)` shows them."""
        connections, size, _ = self.weight.shape
        return f"{self.in_channels}, {len(self.table)}, {size}, connections={connections}"


class Subsampling2d(nn.Module):
    """(B, C, H, W) -> (B, C, H // size, W // size): y[c] = coefficient[c] * window sum + bias[c].

    LeNet-5's S2 and S4: two parameters per map; the squashing function follows as its own layer.
    """

    def __init__(self, channels: int, size: int = 2) -> None:
        super().__init__()
        self.size = arguments.whole("size", size)
        # The mean of the window to begin with.
        start = torch.full((arguments.whole("channels", channels),), 1 / size**2)
        self.coefficient = nn.Parameter(start)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H // size, W // size)."""
        sums = F.avg_pool2d(x, self.size, divisor_override=1)
        return sums * self.coefficient[:, None, None] + self.bias[:, None, None]

    def extra_repr(self) -> str:
        """The arguments, as `print(net)` shows them."""
        return f"{len(self.bias)}, size={self.size}"


class EuclideanRBF(nn.Module):
    """(B, F) -> (B, N): y[n] = sum over f of (x[f] - centres[n, f])^2. The least is the answer.

    LeNet-5's output: the centres are 7x12 bitmaps of the characters, -1 and 1, and fixed. They are
    a buffer, so they are saved but not trained; `-y` are logits.
    """

    centres: Tensor

    def __init__(self, centres: Tensor) -> None:
        super().__init__()
        if not isinstance(centres, Tensor) or centres.ndim != 2 or not centres.numel():
            got = tuple(centres.shape) if isinstance(centres, Tensor) else centres
            raise ArgumentError("centres", got, "a tensor of shape (classes, features)")
        self.register_buffer("centres", centres.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """(B, F) -> (B, N)."""
        # Not |x|^2 - 2xc + |c|^2: that cancels, and half-precision distances would be noise.
        return (x[:, None] - self.centres).square().sum(-1)

    def extra_repr(self) -> str:
        """The arguments, as `print(net)` shows them."""
        classes, features = self.centres.shape
        return f"{features}, {classes}"


def _falling(kernel_size: int, decay: float) -> Tensor:
    """(k, k): `decay` to the power of the distance from the centre."""
    arguments.whole("kernel_size", kernel_size)
    if not 0 < decay <= 1:
        raise ArgumentError("decay", decay, "a number above 0 and at most 1")
    place = torch.arange(kernel_size) - (kernel_size - 1) / 2
    distance = torch.sqrt(place[:, None] ** 2 + place**2)
    return torch.exp(math.log(decay) * distance)


def _check_table(table: Sequence[Sequence[int]], in_channels: int) -> None:
    for row in table:
        if not row or len(set(row)) != len(row) or not set(row) <= set(range(in_channels)):
            expected = f"rows of different input maps, 0 to {in_channels - 1}, none empty"
            raise ArgumentError("table", list(row), expected)
    if not table:
        raise ArgumentError("table", table, "one row of input maps per output map")
