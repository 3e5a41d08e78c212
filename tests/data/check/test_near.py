from collections import defaultdict

import numpy as np
import pytest
from check_pictures import CHANGES, photo
from PIL import Image

from striate.data import load_source
from striate.data.check import fingerprint_pixels, near_duplicates
from striate.data.check.fingerprints import Fingerprint, stack
from striate.data.check.orient import frequencies, orientations


def printed(image: Image.Image) -> Fingerprint:
    return fingerprint_pixels(np.asarray(image).transpose(2, 0, 1).copy())


def hunt(originals: int, copies: int) -> tuple[dict[str, float], int, list[str]]:
    """Plant copies of each kind: the share found of each, unrelated pairs, kinds of the equal."""
    generator = np.random.default_rng(1)
    images = [photo(generator) for _ in range(originals)]
    kinds = {"equal": (lambda image, _: image, 1.0), **CHANGES}
    planted: list[tuple[str, int]] = []
    for place, (kind, (change, _)) in enumerate(kinds.items()):
        for number in range(copies):
            source = (number * len(kinds) + place) % originals
            images.append(change(images[source], generator))
            planted.append((kind, source))
    pairs = near_duplicates(stack([printed(image) for image in images]))
    origin = [*range(originals), *(source for _, source in planted)]
    partners = defaultdict(set)
    for one, other in pairs.indices.tolist():
        partners[one].add(origin[other])
        partners[other].add(origin[one])
    found = defaultdict(list)
    for place, (kind, source) in enumerate(planted):
        found[kind].append(source in partners[originals + place])
    wrong = sum(origin[one] != origin[other] for one, other in pairs.indices.tolist())
    equal = [
        kind
        for kind, (_, other) in zip(pairs.kinds, pairs.indices.tolist(), strict=True)
        if originals <= other < originals + copies
    ]
    return {kind: float(np.mean(hits)) for kind, hits in found.items()}, wrong, equal


def expect_all(originals: int, copies: int) -> None:
    found, wrong, equal = hunt(originals, copies)
    assert equal == ["exact"] * copies
    assert found.pop("equal") == 1
    assert wrong <= 0.001 * originals
    for kind, share in found.items():
        assert share >= CHANGES[kind][1], kind


def test_planted_copies_are_found_and_nothing_else() -> None:
    expect_all(300, 40)


def test_a_crop_is_found_also_where_it_changes_which_way_a_picture_seems_to_lie() -> None:
    generator = np.random.default_rng(2)
    images = [photo(generator) for _ in range(250)]
    crops = [image.crop((0, 0, 120, 90)) for image in images]
    prints = stack([printed(image) for image in (*images, *crops)])
    best, possible = orientations(frequencies(prints.thumbs))
    swung = np.flatnonzero(~possible[np.arange(250, 500), best[:250]])
    assert len(swung) >= 8
    pairs = set(map(tuple, near_duplicates(prints).indices.tolist()))
    assert np.mean([(one, 250 + one) in pairs for one in swung.tolist()]) >= 0.9


def test_a_shrunk_icon_has_lost_details_and_is_the_same() -> None:
    generator = np.random.default_rng(3)
    icons = [photo(generator, 32, 32) for _ in range(60)]
    halved = [icon.resize((16, 16), Image.Resampling.BICUBIC) for icon in icons]
    pairs = near_duplicates(stack([printed(image) for image in (*icons, *halved)]))
    assert set(map(tuple, pairs.indices.tolist())) == {(one, 60 + one) for one in range(60)}


@pytest.mark.slow
def test_planted_copies_among_two_thousand() -> None:
    expect_all(2000, 200)


def test_similar_digits_are_not_called_copies() -> None:
    digits = load_source("sample").pictures[::4].numpy()
    pairs = near_duplicates(stack([fingerprint_pixels(digit) for digit in digits]))
    assert len(pairs.kinds) <= 0.002 * len(digits)


def test_copies_of_digits_are_found_all_the_same() -> None:
    digits = load_source("sample").pictures[::5].numpy()
    mirrored = digits[:50, :, :, ::-1].copy()
    brighter = (digits[50:100] * 0.9).astype(np.uint8)
    prints = stack([fingerprint_pixels(d) for d in (*digits, *mirrored, *brighter)])
    pairs = set(map(tuple, near_duplicates(prints).indices.tolist()))
    expected = {(copy, 1000 + copy) for copy in range(100)}
    assert len(expected & pairs) >= 95


@pytest.mark.parametrize("size", [8, 32, 300])
def test_the_same_drawing_in_another_colour_is_another_picture(size: int) -> None:
    across = np.linspace(-1, 1, size)
    disc = (np.hypot(across[:, None], across) < 0.6)[:, :, None]
    drawings = [np.where(disc, colour, 255) for colour in ((200, 30, 30), (30, 105, 30))]
    prints = [printed(Image.fromarray(drawing.astype(np.uint8))) for drawing in drawings]
    assert not len(near_duplicates(stack(prints)).kinds)


def test_blank_pictures_are_alike_only_if_equal() -> None:
    blanks = [np.full((3, 40, 40), value, np.uint8) for value in (0, 255, 255, 254)]
    pairs = near_duplicates(stack([fingerprint_pixels(blank) for blank in blanks]))
    assert pairs.indices.tolist() == [[1, 2]]
    assert pairs.kinds == ("exact",)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_to_compare(count: int) -> None:
    prints = [printed(photo(np.random.default_rng(0))) for _ in range(count)]
    pairs = near_duplicates(stack(prints))
    assert pairs.indices.shape == (0, 2)
    assert pairs.kinds == ()


def test_a_set_of_two_copies() -> None:
    image = photo(np.random.default_rng(0))
    pairs = near_duplicates(stack([printed(image), printed(image.resize((64, 48)))]))
    assert pairs.indices.tolist() == [[0, 1]]
    assert pairs.kinds == ("near",)


def test_every_copy_of_a_group_is_paired_with_the_first() -> None:
    image = photo(np.random.default_rng(0))
    other = photo(np.random.default_rng(1))
    prints = stack([printed(one) for one in (other, image, image, image)])
    assert near_duplicates(prints).indices.tolist() == [[1, 2], [1, 3]]
