"""WaveNet: A Generative Model for Raw Audio. van den Oord, Dieleman, Zen, et al. 2016.

https://arxiv.org/abs/1609.03499. The idea: predict each sample from all before it with filters of
two taps that look 1, 2, 4, ... 512 samples back; ten layers see 1,024 samples, and three such
blocks 3,070. Samples are 256 classes on a logarithmic scale (mu-law), so that the answer is a
distribution of any form.

Trained on a whole signal at once, it generates one sample at a time: `stream` computes each new
sample alone and keeps of the past what the filters still need. The paper does not print its
widths; 64 residual and 256 skip maps are those of published programmes. The last unit feeds no
further one, so it has no residual convolution. Conditioning on speakers or text is left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.layers import CausalConv1d, GatedResidual, arguments, init
from striate.models.contract import ConvNet, Stage, check_classes, last

DILATIONS = tuple(2**power for power in range(10))
"""One block: 1, 2, 4, ... 512."""

Past = list[Tensor]
"""What `stream` keeps: the inputs that the front and each unit still look back to."""


class WaveNet(ConvNet):
    """(B, in_channels, L) -> logits (B, classes, L): position t says what comes at t + 1.

    The input is one-hot (the code of each sample; several ones for chords), and no logit depends
    on a later input. `blocks` repeats the ten dilations.
    """

    heads = ("classifier",)

    def __init__(
        self,
        classes: int = 256,
        in_channels: int = 256,
        *,
        blocks: int = 3,
        residual: int = 64,
        skip: int = 256,
    ) -> None:
        super().__init__()
        self.front = CausalConv1d(in_channels, residual)
        dilations = DILATIONS * arguments.whole("blocks", blocks)
        self.units = nn.ModuleList(GatedResidual(residual, skip, dilation=d) for d in dilations)
        self.units[-1].residual = nn.Identity()
        self.relu = nn.ReLU()
        self.hidden = nn.Conv1d(skip, skip, 1)
        self.classifier = nn.Conv1d(skip, check_classes(classes), 1)
        self.stages = {"front": Stage(("front",), residual, 1)}
        for block in range(blocks):
            numbers = range(block * len(DILATIONS), (block + 1) * len(DILATIONS))
            parts = tuple(f"units.{number}" for number in numbers)
            self.stages[f"block{block + 1}"] = Stage(parts, skip, 1)
        self.stages["head"] = Stage(("hidden", "classifier"), classes, 1)
        init.lecun(self)

    @property
    def receptive_field(self) -> int:
        """How many samples, up to the present one, a prediction is made from."""
        return 1 + sum(m.reach for m in self.modules() if isinstance(m, CausalConv1d))

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, L) -> `front` (B, residual, L), `block1`, ... (B, skip, L).

        A block's map is the sum of all skip connections up to its end.
        """
        maps = {"front": self.front(x)}
        x, total = maps["front"], None
        for name in list(self.stages)[1:-1]:
            for part in self.stages[name].parts:
                x, skip = self.get_submodule(part)(x)
                total = skip if total is None else total + skip
            maps[name] = total
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, L) -> logits (B, classes, L)."""
        return self._answer(last(self.features(x)))

    def stream(self, piece: Tensor, past: Past | None = None) -> tuple[Tensor, Past]:
        """(B, in_channels, n), the past -> logits (B, classes, n), the next past; at first `None`.

        Piece after piece, it answers as `forward` does to the whole.
        """
        before: Sequence[Tensor | None] = past or [None] * (1 + len(self.units))
        x, seen = self.front.stream(piece, before[0])
        after, skips = [seen], []
        for unit, memory in zip(self.units, before[1:], strict=True):
            assert isinstance(unit, GatedResidual)
            x, skip, seen = unit.stream(x, memory)
            skips.append(skip)
            after.append(seen)
        return self._answer(sum(skips[1:], skips[0])), after

    @torch.no_grad()
    def generate(self, start: Tensor, count: int) -> Tensor:
        """Codes (B, n), n >= 1 -> (B, count) further codes, drawn one by one as predicted.

        For a network whose input and output are codes of the same kind: one-hot, classes =
        in_channels.
        """
        codes, past = start, None
        drawn = []
        for _ in range(arguments.whole("count", count)):
            piece = F.one_hot(codes, self.front.in_channels).transpose(1, 2)
            logits, past = self.stream(piece.to(self.front.weight.dtype), past)
            codes = torch.multinomial(logits[..., -1].softmax(1), 1)
            drawn.append(codes)
        return torch.cat(drawn, 1)

    def _answer(self, skips: Tensor) -> Tensor:
        logits = self.classifier(self.relu(self.hidden(self.relu(skips))))
        return logits  # type: ignore[no-any-return]


def mu_law_encode(wave: Tensor, classes: int = 256) -> Tensor:
    """Samples in -1 to 1, any shape -> codes 0 ... classes - 1; what is louder is cut.

    With mu = classes - 1: round((f + 1) / 2 * mu), f = sign(x) ln(1 + mu |x|) / ln(1 + mu).
    """
    mu = arguments.whole("classes", classes, 2) - 1
    x = wave.clamp(-1, 1)
    squashed = x.sign() * torch.log1p(mu * x.abs()) / math.log1p(mu)
    return ((squashed + 1) / 2 * mu).round().to(torch.int64)


def mu_law_decode(codes: Tensor, classes: int = 256) -> Tensor:
    """Codes 0 ... classes - 1, any shape -> samples in -1 to 1: `mu_law_encode` undone.

    x = sign(f) ((1 + mu)^|f| - 1) / mu, f = 2 code / mu - 1.
    """
    mu = arguments.whole("classes", classes, 2) - 1
    f = codes.to(torch.get_default_dtype()) / mu * 2 - 1
    return f.sign() * torch.expm1(f.abs() * math.log1p(mu)) / mu


NETS = {"wavenet": WaveNet}
