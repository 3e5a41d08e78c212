import pytest

from striate.data.check.fingerprints import Fingerprints
from striate.data.check.quality import MESSAGES, quality, sizes


def prints(
    shapes: list[tuple[int, int]], contrast: float = 50, sharpness: float = 0.2
) -> Fingerprints:
    made = Fingerprints.room_for(len(shapes))
    made.sizes[:] = shapes
    made.channels[:] = 3
    made.contrasts[:], made.sharpness[:] = contrast, sharpness
    return made


@pytest.mark.parametrize("side", [8, 28, 32, 224])
def test_sets_of_one_size_are_fine_whatever_the_size(side: int) -> None:
    assert not any(len(rows) for rows in quality(prints([(side, side)] * 9)).values())


def test_a_soft_photograph_is_not_blurred_and_a_small_one_is_not_judged() -> None:
    # 0.0198 is the softest of 398 photographs of insects, a sharp bee before a smooth background.
    assert not len(quality(prints([(300, 400)], sharpness=0.0198))["blurred"])
    assert len(quality(prints([(300, 400)], sharpness=0.005))["blurred"])
    assert not len(quality(prints([(60, 80)], sharpness=0.005))["blurred"])


def test_what_is_blank_is_not_blurred_too() -> None:
    found = quality(prints([(300, 400)], contrast=0, sharpness=0))
    assert {kind for kind, rows in found.items() if len(rows)} == {"blank"}


def test_tiny_is_tiny_beside_large_ones_or_below_eight_pixels() -> None:
    large = [(300, 400)] * 9
    assert quality(prints([*large, (31, 60)]))["tiny"].tolist() == [9]
    assert quality(prints([(28, 28)] * 9 + [(7, 28)]))["tiny"].tolist() == [9]


def test_a_set_of_panoramas_is_no_oddity() -> None:
    assert quality(prints([(300, 400)] * 9 + [(100, 401)]))["extreme-aspect"].tolist() == [9]
    assert not len(quality(prints([(100, 500)] * 9))["extreme-aspect"])


def test_every_finding_has_words() -> None:
    assert quality(prints([(9, 9)])).keys() == MESSAGES.keys()


def test_sizes_run_from_the_smallest_to_the_largest_area() -> None:
    told = sizes(prints([(10, 90), (30, 40), (20, 20)]))
    assert (told["smallest"], told["largest"]) == ([20, 20], [30, 40])
    assert told["median"] == [20, 40]
    assert told["mixed"] is True
