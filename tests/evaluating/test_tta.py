"""Averages over views equal separate passes, written out."""

import pytest
import torch
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.evaluating import VIEWS, larger, views
from striate.pipeline.judging import Rules
from striate.preprocess import Preprocess

NET = nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.Tanh(), nn.Flatten(), nn.LazyLinear(5))
RECORD = Preprocess((28, 28), 3, (0.5,) * 3, (0.5,) * 3, fit="crop", crop_share=0.875)


def engine(pixels: Tensor) -> Tensor:
    with torch.no_grad():
        answer: Tensor = NET(pixels.float() / 255)
    return answer


def averaged(made: list[Tensor], temperature: float = 1.0) -> Tensor:
    """As a classifier takes the views' answers together."""
    chances, _ = Rules(temperature).judge([engine(view) for view in made])
    return chances.float()


@pytest.fixture(scope="module")
def pixels() -> Tensor:
    torch.manual_seed(0)
    return torch.randint(256, (3, 3, 32, 32), dtype=torch.uint8)


def test_ten_crops_equal_ten_separate_passes(pixels: Tensor) -> None:
    """Four corners, the centre, and their mirror images; every pass on its own."""
    total = torch.zeros(3, 5)
    for top, left in [(0, 0), (0, 4), (4, 0), (4, 4), (2, 2)]:
        crop = pixels[:, :, top : top + 28, left : left + 28]
        for picture in (crop, torch.flip(crop, [3])):
            total += (engine(picture) / 1.5).softmax(1) / 10
    made = views(pixels, "ten", (28, 28))
    torch.testing.assert_close(averaged(made, 1.5), total)
    assert len(made) == 10
    assert all(one.dtype == torch.uint8 and one.shape == (3, 3, 28, 28) for one in made)


def test_five_are_the_first_half_of_ten(pixels: Tensor) -> None:
    five, ten = (views(pixels, kind, (28, 28)) for kind in ("five", "ten"))
    assert len(five) == 5
    for one, other in zip(five, ten, strict=False):
        assert one.equal(other)


def test_flip_is_the_mean_of_two_passes(pixels: Tensor) -> None:
    small = pixels[:, :, :28, :28]
    both = [engine(one).softmax(1) for one in (small, torch.flip(small, [3]))]
    made = views(small, "flip", (28, 28))
    torch.testing.assert_close(averaged(made), (both[0] + both[1]) / 2)


def test_flip_does_not_tell_mirror_images_apart(pixels: Tensor) -> None:
    small = pixels[:, :, :28, :28]
    straight, mirrored = (averaged(views(one, "flip", (28, 28))) for one in (small, small.flip(3)))
    torch.testing.assert_close(straight, mirrored)


def test_crops_come_from_the_whole_of_what_crop_would_cut(pixels: Tensor) -> None:
    record = larger(RECORD, "ten")
    assert (record.size, record.crop_share) == ((32, 32), 1.0)
    assert larger(RECORD, "flip") == RECORD
    squash = larger(Preprocess((224, 224), 3, (0.5,) * 3, (0.5,) * 3), "five")
    assert (squash.size, squash.fit) == ((256, 256), "squash")


def test_the_centre_view_is_what_the_plain_path_shows(pixels: Tensor) -> None:
    """To the rounding of the resize: the larger record keeps the scale that the network knows."""
    from PIL import Image

    image = Image.effect_noise((320, 256), 60).convert("RGB").resize((640, 512))
    plain = RECORD.pixels(image).float()
    centre = views(larger(RECORD, "five").pixels(image)[None], "five", (28, 28))[4][0].float()
    assert (plain - centre).abs().mean() < 2


def test_unknown_kinds_and_sizes_are_told(pixels: Tensor) -> None:
    assert list(VIEWS.values()) == [2, 5, 10]
    with pytest.raises(ArgumentError, match=r"kind of views: got 'tem'.*Did you mean ten"):
        views(pixels, "tem", (28, 28))
    with pytest.raises(ArgumentError, match="kind of views: got 'crops'"):
        larger(RECORD, "crops")
    with pytest.raises(ArgumentError, match=r"pixels: .* expected pictures of \(28, 28\)"):
        views(pixels, "flip", (28, 28))
    with pytest.raises(ArgumentError, match="size"):
        views(pixels, "ten", (40, 40))
