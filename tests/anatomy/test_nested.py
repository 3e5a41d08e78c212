from dataclasses import dataclass, field

import torch
from torch import Tensor

from striate.anatomy.nested import tensors

a, b, c = torch.zeros(3)


@dataclass
class Pair:
    left: Tensor = a
    right: object = field(init=False)


def test_every_tensor_in_order_and_as_often_as_it_is_there():
    inner = (a, [b])
    found = list(tensors({"x": inner, "y": [c, {"z": inner}], "n": None, "s": "text"}))
    assert [t.data_ptr() for t in found] == [t.data_ptr() for t in (a, b, c, a, b)]


def test_dataclasses_are_looked_into_and_their_classes_are_not():
    assert list(tensors(Pair)) == []
    assert len(list(tensors(Pair()))) == 1  # `right` is not set yet


def test_a_ring_ends():
    pair = Pair(b)
    pair.right = [pair, c]
    assert [t.data_ptr() for t in tensors(pair)] == [b.data_ptr(), c.data_ptr()]
