import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.models import create
from striate.models.textcnn import TextCNN


def _small(vectors: str = "non-static", classes: int = 2) -> TextCNN:
    torch.manual_seed(0)
    return TextCNN(classes, 12, words=50, vectors=vectors).eval()


def test_the_papers_parameters_besides_the_word_vectors() -> None:
    for vectors in ("static", "non-static", "multichannel"):
        with torch.device("meta"):
            net = TextCNN(words=100, vectors=vectors)
        found = {name: p.numel() for name, p in net.named_parameters()}
        others = [count for name, count in found.items() if not name.startswith("embeddings.")]
        assert sum(others) == 360_300 + 602 == 360_902


def test_words_are_taken_as_tokens_by_the_summary() -> None:
    table = summary(_small(), (9,))
    assert table.failure is None
    assert table.output == (1, 2)


def _by_loops(net: TextCNN, sentence: Tensor) -> Tensor:
    """One sentence, filter by filter and window by window."""
    strongest = []
    for conv in net.convs:
        window = conv.kernel_size[0]
        blank = torch.zeros(window, 12)
        vectors = torch.cat([blank, sum(t.weight[sentence] for t in net.embeddings), blank])
        answers = [
            (conv.weight * vectors[start : start + window].T).sum((1, 2)) + conv.bias
            for start in range(len(vectors) - window + 1)
        ]
        strongest.append(torch.stack(answers).relu().amax(0))
    return F.linear(torch.cat(strongest), net.fc.weight, net.fc.bias)


@pytest.mark.parametrize("vectors", ["static", "non-static", "multichannel"])
@pytest.mark.parametrize("length", [1, 3, 11])
def test_it_is_kims_network(vectors: str, length: int) -> None:
    net = _small(vectors)
    for table in net.embeddings:
        torch.nn.init.normal_(table.weight)
    words = torch.randint(1, 50, (2, length))
    expected = torch.stack([_by_loops(net, sentence) for sentence in words])
    torch.testing.assert_close(net(words), expected)


def test_a_filter_over_two_channels_adds_its_answers() -> None:
    net = _small("multichannel")
    torch.nn.init.normal_(net.embeddings[1].weight)
    words = torch.randint(1, 50, (2, 7))
    conv, first, second = net.convs[0], *(t(words).transpose(1, 2) for t in net.embeddings)
    apart = conv(first) + conv(second) - conv.bias[:, None]
    torch.testing.assert_close(conv(net.features(words)["embedding"]), apart)


def test_padding_changes_nothing() -> None:
    net = _small()
    words = torch.randint(1, 50, (3, 4))
    for more in (1, 2, 30):
        torch.testing.assert_close(net(F.pad(words, (0, more))), net(words))


def test_the_order_of_words_counts_their_place_does_not() -> None:
    net = _small()
    words = torch.tensor([[5, 6, 7, 8, 9, 10]])
    shifted = torch.tensor([[0, 0, 5, 6, 7, 8, 9, 10]])
    torch.testing.assert_close(net(shifted), net(words))
    assert not torch.allclose(net(words.flip(1)), net(words))


@pytest.mark.parametrize(
    ("vectors", "trained"),
    [("static", [False]), ("non-static", [True]), ("multichannel", [True, False])],
)
def test_which_vectors_are_trained(vectors: str, trained: list[bool]) -> None:
    net = _small(vectors)
    assert [table.weight.requires_grad for table in net.embeddings] == trained
    words = torch.randint(1, 50, (4, 8))
    net(words).sum().backward()
    for table, learns in zip(net.embeddings, trained, strict=True):
        assert (table.weight.grad is not None) == learns
        assert not table.weight[0].any()  # padding is no word


def test_both_channels_start_from_the_same_vectors() -> None:
    first, second = _small("multichannel").embeddings
    assert torch.equal(first.weight, second.weight)
    assert first.weight.abs().max() <= 0.25


def test_clip_norms_shortens_only_what_is_too_long() -> None:
    net = _small(classes=3)
    direction = F.normalize(torch.randn(3, 300), dim=1)
    net.fc.weight.data = direction * torch.tensor([1.0, 3.5, 12.0])[:, None]
    net.clip_norms()
    expected = direction * torch.tensor([1.0, 3.0, 3.0])[:, None]
    torch.testing.assert_close(net.fc.weight.data, expected)
    net.clip_norms(0.5)
    torch.testing.assert_close(net.fc.weight.norm(dim=1), torch.full((3,), 0.5))


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"vectors: got 'nonstatic'.*Did you mean non-static"):
        create("textcnn", vectors="nonstatic")
    with pytest.raises(ArgumentError, match="words: got 1"):
        TextCNN(words=1)
    with pytest.raises(ArgumentError, match="in_channels: got 0"):
        TextCNN(in_channels=0)
    with pytest.raises(ArgumentError, match="most: got 0"):
        _small().clip_norms(0)
