"""Mixed samples, and several views of one."""

import numpy as np
import pytest
import scipy.stats
import torch
from augment_forced import photo

from striate.data.augment import CutMix, MixUp, Stream, averaged, mirrored, ten_crop
from striate.errors import ArgumentError

LABELS = torch.eye(5)[torch.tensor([0, 1, 2, 3, 4, 0])]
STREAM = Stream(0, 0, torch.arange(6))


@pytest.mark.parametrize("mix", [MixUp(0.4), CutMix(1.0)], ids=["mixup", "cutmix"])
@pytest.mark.parametrize("kind", [torch.uint8, torch.float32])
def test_pictures_and_labels_are_mixed_by_the_same_share(
    mix: MixUp | CutMix, kind: torch.dtype
) -> None:
    # picture i is i all over, so that the mean says what it was mixed from
    images = torch.arange(6).mul(40).view(6, 1, 1, 1).expand(6, 3, 20, 30).to(kind)
    mixed, labels = mix(images, LABELS, STREAM)
    assert mixed.dtype == kind
    assert mixed.shape == images.shape
    assert torch.allclose(labels.sum(1), torch.ones(6))
    for i in range(6):
        own = float(labels[i, LABELS[i].argmax()])
        if i == 5:  # its successor is the first, of the same class
            continue
        expected = own * i * 40 + (1 - own) * ((i + 1) % 6) * 40
        assert float(mixed[i].double().mean()) == pytest.approx(expected, abs=0.51)


def test_a_cut_is_one_box_of_the_other_picture() -> None:
    images = photo(20, 30, count=6)
    mixed, labels = CutMix()(images, LABELS, STREAM)
    for i in range(4):
        own = (mixed[i] == images[i]).all(0)
        rows, columns = (~own).any(1).nonzero(), (~own).any(0).nonzero()
        if len(rows) == 0:
            continue
        box = (slice(None), slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        assert torch.equal(mixed[i][box], images[i + 1][box])
        covered = images[i][box][0].numel() / 600
        assert float(labels[i, i + 1]) == pytest.approx(covered, abs=1e-6)


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_shares_are_beta(alpha: float) -> None:
    many = 4000
    labels = torch.eye(2, dtype=torch.float64)[torch.arange(many) % 2]
    _, mixed = MixUp(alpha)(torch.zeros(many, 1, 1, 1), labels, Stream(0, 0, torch.arange(many)))
    shares = mixed[torch.arange(many), torch.arange(many) % 2].numpy()
    assert scipy.stats.kstest(shares, "beta", (alpha, alpha)).pvalue > 1e-3


def test_shares_depend_on_the_sample_alone() -> None:
    images, labels = photo(9, 9, count=6).float(), torch.eye(6)
    _, whole = MixUp(1.0)(images, labels, STREAM)
    _, part = MixUp(1.0)(images[:3], labels[:3], Stream(0, 0, torch.arange(3)))
    assert torch.equal(part.diagonal(), whole.diagonal()[:3])


def test_ten_views_are_ten_passes() -> None:
    images = photo(33, 40, count=3).float() / 255
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 5), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.LazyLinear(7),
        torch.nn.Softmax(1),
    ).eval()  # fmt: skip
    with torch.no_grad():
        passes = []
        for mirror in (False, True):
            for top, left in ((0, 0), (0, 12), (9, 0), (9, 12), (4, 6)):
                crop = images[:, :, top : top + 24, left : left + 28]
                passes.append(net(crop.flip(3) if mirror else crop))
        views = ten_crop(images, (24, 28))
        assert views.shape == (3, 10, 3, 24, 28)
        torch.testing.assert_close(averaged(net, views), torch.stack(passes).mean(0))


def test_a_mirrored_pair_is_two_passes() -> None:
    images = photo(8, 9, count=2)
    views = mirrored(images)
    assert torch.equal(views[:, 0], images)
    assert torch.equal(views[:, 1], images.flip(3))
    means = averaged(lambda x: x.double().mean((2, 3)), views)
    np.testing.assert_allclose(means, images.double().mean((2, 3)))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: MixUp(0.0), "alpha: got 0.0"),
        (lambda: CutMix(5), "alpha: got 5"),
        (lambda: MixUp()(torch.zeros(3, 4, 4), LABELS, STREAM), "images: got"),
        (lambda: MixUp()(photo(count=6), torch.arange(6), STREAM), "labels: got.*one_hot"),
        (lambda: CutMix()(photo(count=3), LABELS[:3], STREAM), "stream: got '6 ids'"),
        (lambda: ten_crop(photo(8, 8), (9, 8)), r"size: got \(9, 8\)"),
        (lambda: averaged(lambda x: x, photo()), "views: got"),
    ],
)
def test_wrong_use_is_named(make, match) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError, match=match):
        make()
