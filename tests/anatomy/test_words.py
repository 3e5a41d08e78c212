import pytest

from striate.anatomy.words import exact, shape_text, short, shortened, size, times


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1.00k"), (61_706, "61.7k"), (138_357_544, "138M")],
)
def test_short_numbers(number: int, text: str) -> None:
    assert short(number) == text


def test_numbers_and_bytes() -> None:
    assert exact(1849688064) == "1,849,688,064"
    assert short(10**22) == "10000E"
    assert size(0) == "0 B"
    assert size(1536) == "1.50KiB"
    assert size(553 * 2**20) == "553MiB"


def test_shapes() -> None:
    assert times((8, 12, 12)) == "8x12x12"
    assert times(()) == ""
    assert shape_text([8, 12]) == "8x12"
    assert shape_text(()) == "a single number"


@pytest.mark.parametrize("dots", ["..", "…"])
@pytest.mark.parametrize("room", [4, 8, 12, 13, 40])
def test_a_shortened_name_keeps_its_end_and_its_room(room: int, dots: str) -> None:
    name = "block1.conv_a"
    cut = shortened(name, room, dots)
    assert len(cut) == min(room, len(name))
    assert cut == name if room >= len(name) else cut.startswith(dots)
    assert name.endswith(cut.removeprefix(dots))
