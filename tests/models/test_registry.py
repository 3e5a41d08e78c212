import pytest
import torch

from striate.errors import ArgumentError
from striate.models import create, list_models
from striate.models.registry import _ENTRIES


@pytest.mark.parametrize("entry", _ENTRIES, ids=lambda entry: entry.name)
def test_recorded_parameter_counts_are_true(entry) -> None:  # type: ignore[no-untyped-def]
    assert sum(p.numel() for p in create(entry.name).parameters()) == entry.params


def test_names_are_sorted_and_unique() -> None:
    names = [entry.name for entry in _ENTRIES]
    assert list_models() == sorted(set(names))
    assert len(names) == len(set(names))


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(ArgumentError, match="Did you mean lecture_net"):
        create("lecturenet")


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(ArgumentError, match=r"what lecture_net takes .*'colour'"):
        create("lecture_net", colour=3)


def test_options_reach_the_network() -> None:
    net = create("lecture_net", classes=3, in_channels=3, size=32)
    assert net(torch.zeros(2, 3, 32, 32)).shape == (2, 3)
