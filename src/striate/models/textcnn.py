"""Convolutional Neural Networks for Sentence Classification. Kim, EMNLP 2014.

https://arxiv.org/abs/1408.5882. The idea: filters that slide over three, four and five words at a
time, and of each the strongest answer anywhere in the sentence. One convolution and one linear
layer: 360,902 parameters besides the word vectors, for two classes and vectors of 300 numbers.

The paper's variants are the option `vectors`: "static" keeps the word vectors as they are,
"non-static" trains them (its "rand" is the same from random ones), "multichannel" has both kinds,
applies each filter to both and adds the answers. One filter over two channels, added, is that
filter over the sum of the channels, which is how it is computed.

Deviation: on either side of the sentence stand as many zeros as the filter is wide; the paper's
programme has four for every filter. So every filter also sees an empty window, and the answer does
not depend on how much padding follows the sentence, nor on the rest of its batch.
"""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor, nn

from striate.errors import unknown_name
from striate.layers import GlobalMaxPool, arguments
from striate.models.contract import ConvNet, Stage, check_classes, last

WINDOWS = (3, 4, 5)
MAPS = 100
TRAINED = {"static": (False,), "non-static": (True,), "multichannel": (True, False)}
"""Which tables of word vectors each variant has, by whether they are trained."""


class TextCNN(ConvNet):
    """Words (B, T), whole numbers below `words` -> logits (B, classes); any T, 0 is padding.

    `in_channels` is the length of a word's vector. A pretrained table of vectors goes into the
    `weight` of every one of `embeddings`.
    """

    heads = ("fc",)

    def __init__(
        self,
        classes: int = 2,
        in_channels: int = 300,
        *,
        words: int = 20_000,
        vectors: str = "non-static",
    ) -> None:
        super().__init__()
        if vectors not in TRAINED:
            raise unknown_name("vectors", vectors, TRAINED)
        arguments.whole("in_channels", in_channels)
        arguments.whole("words", words, 2)
        first, *others = [_table(words, in_channels, trained) for trained in TRAINED[vectors]]
        for table in others:
            table.load_state_dict(first.state_dict())
        self.embeddings = nn.ModuleList([first, *others])
        self.convs = nn.ModuleList(
            nn.Conv1d(in_channels, MAPS, window, padding=window) for window in WINDOWS
        )
        self.relu = nn.ReLU(inplace=True)
        self.pool = GlobalMaxPool()
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(MAPS * len(WINDOWS), check_classes(classes))
        self.stages = {
            "embedding": Stage(("embeddings",), in_channels, 1),
            "pooled": Stage(("convs",), MAPS * len(WINDOWS), 0),
            "head": Stage(("fc",), classes, 0),
        }

    def features(self, words: Tensor) -> dict[str, Tensor]:
        """Words (B, T) -> `embedding` (B, in_channels, T) and `pooled` (B, 300)."""
        sentence = reduce(torch.add, [table(words) for table in self.embeddings]).transpose(1, 2)
        pooled = [self.pool(self.relu(conv(sentence))) for conv in self.convs]
        return {"embedding": sentence, "pooled": torch.cat(pooled, 1)}

    def forward(self, words: Tensor) -> Tensor:
        """Words (B, T) -> logits (B, classes)."""
        return self.fc(self.dropout(last(self.features(words))))  # type: ignore[no-any-return]

    @torch.no_grad()
    def clip_norms(self, most: float = 3.0) -> None:
        """Shorten every class's weight vector that is longer than `most` to that length.

        The paper's constraint, its only regulariser beside dropout: call it after each step.
        """
        self.fc.weight.copy_(self.fc.weight.renorm(2, 0, arguments.positive("most", most)))


def _table(words: int, width: int, trained: bool) -> nn.Embedding:
    """Word vectors from U(-0.25, 0.25), as the paper's for words without one; padding is 0."""
    table = nn.Embedding(words, width, padding_idx=0)
    with torch.no_grad():
        table.weight[1:].uniform_(-0.25, 0.25)
    table.weight.requires_grad_(trained)
    return table


NETS = {"textcnn": TextCNN}
