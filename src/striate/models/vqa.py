"""VQA: Visual Question Answering. Antol, Agrawal, Lu, Mitchell, Batra, Zitnick, Parikh, ICCV 2015.

https://arxiv.org/abs/1505.00468. The idea: the picture becomes a vector, the question becomes a
vector of the same length, and their product, number by number, is classified: an answer is a class.

The sizes are those of easy-VQA (V. Zhou, 2019): pictures of 64 pixels, 13 answers, and questions as
a bag of words, how often each of 27 occurs: its 26 words, and one place for all others. Deviations:
a small convolutional network trained with the rest, in place of VGG features; the question without
the order of its words, as in the paper's simplest variant.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from striate.layers import ConvNormAct, arguments, init
from striate.models.contract import ConvNet, Stage, check_classes, last

WIDTHS = (32, 64, 128)


class VQANet(ConvNet):
    """Pictures (B, in_channels, H, W) and questions (B, words), floats -> logits (B, classes).

    H and W are at least 8; `width` is the length of both vectors.
    """

    heads = ("fc",)

    def __init__(
        self, classes: int = 13, in_channels: int = 3, *, words: int = 27, width: int = 256
    ) -> None:
        super().__init__()
        arguments.whole("words", words)
        arguments.whole("width", width)
        self.stages = {}
        channels = in_channels
        for number, maps in enumerate(WIDTHS, 1):
            layer = nn.Sequential(ConvNormAct(channels, maps), nn.MaxPool2d(2))
            self.add_module(f"conv{number}", layer)
            self.stages[f"conv{number}"] = Stage((f"conv{number}",), maps, 2**number)
            channels = maps
        self.picture = nn.Sequential(
            nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(channels * 16, width), nn.Tanh()
        )
        self.question = nn.Sequential(
            nn.Linear(words, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh()
        )
        self.joined = nn.Sequential(nn.Linear(width, width), nn.Tanh())
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(width, check_classes(classes))
        for name in ("picture", "question", "joined"):
            self.stages[name] = Stage((name,), width, 0)
        self.stages["head"] = Stage(("fc",), classes, 0)
        init.glorot(self)

    def features(self, pictures: Tensor, questions: Tensor) -> dict[str, Tensor]:
        """-> maps `conv1` to `conv3`, and vectors `picture`, `question` and `joined`."""
        maps, x = {}, pictures
        for number in range(1, len(WIDTHS) + 1):
            x = maps[f"conv{number}"] = self.get_submodule(f"conv{number}")(x)
        maps["picture"] = self.picture(x)
        maps["question"] = self.question(questions)
        maps["joined"] = self.joined(torch.mul(maps["picture"], maps["question"]))
        return maps

    def forward(self, pictures: Tensor, questions: Tensor) -> Tensor:
        """Pictures (B, in_channels, H, W), questions (B, words) -> logits (B, classes)."""
        return self.fc(self.dropout(last(self.features(pictures, questions))))  # type: ignore[no-any-return]


NETS = {"vqa": VQANet}
