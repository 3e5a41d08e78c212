import torch

from striate.data import load_source


def test_the_sample_is_five_thousand_real_digits() -> None:
    data = load_source("sample")
    assert data.pictures.shape == (5000, 1, 28, 28)
    assert data.pictures.dtype == torch.uint8
    assert data.classes == tuple("0123456789")
    assert (data.labels.bincount() == 500).all()
    assert int(data.pictures.min()) == 0
    assert int(data.pictures.max()) == 255
    # Every picture is another one: a digit in both train and test would flatter the accuracy.
    assert len(data.pictures.flatten(1).unique(dim=0)) == 5000


def test_a_one_has_less_ink_than_a_zero() -> None:
    data = load_source("sample")
    ink = [data.pictures[data.labels == digit].double().mean().item() for digit in (0, 1)]
    assert ink[1] < ink[0] / 2
