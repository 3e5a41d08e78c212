"""When to answer `unknown` because a picture is like none of the classes.

A softmax says which class is likelier, given that it is one of them: noise gets 0.9 and more. What
a network's channels answer on average, stage by stage, says more. For a class's pictures that
pattern has much the same direction, and noise, blank pictures and other things lie elsewhere. The
features below the last layer alone are not enough: in a narrow network they are made to tell the
classes apart, and know nothing else.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.evaluating.reject import floor_keeping
from striate.models.contract import ConvNet

KEEP_KNOWN = 0.98
"""Of the held-out pictures, how many the floor of familiarity lets through."""

_FEW = 50  # held-out pictures, by which alone no floor can be laid
_LISTENING = threading.Lock()  # a network is changed while it is listened to


@dataclass(frozen=True, slots=True)
class Familiar:
    """How like the classes' pictures a picture is, by its `signature`.

    familiarity(f) = max_k cos(f, d_k), with `directions` d (K, F) those of the classes' mean
    signatures, in whole numbers from -127 to 127. What is below `floor` is like none of them.
    """

    directions: Tensor
    floor: float

    def score(self, features: Tensor) -> Tensor:
        """Signatures (B, F) -> familiarity (B,), -1 to 1."""
        known = F.normalize(self.directions.to(features), dim=1)
        return (F.normalize(features, dim=1) @ known.T).amax(1)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; a byte a number of the directions."""
        return {
            "floor": self.floor,
            "shape": list(self.directions.shape),
            "directions": base64.b64encode(
                self.directions.to(torch.int8).numpy().tobytes()
            ).decode(),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Familiar:
        """What `to_dict` gave, back."""
        try:
            rows, columns = record["shape"]
            packed = bytearray(base64.b64decode(record["directions"], validate=True))
            numbers = torch.frombuffer(packed, dtype=torch.int8).view(rows, columns)
            return cls(numbers.float(), float(record["floor"]))
        except (KeyError, TypeError, ValueError, RuntimeError, binascii.Error) as error:
            expected = "floor, shape and directions as Familiar.to_dict gives them"
            raise ArgumentError("familiar", dict(record), expected) from error


def signature(maps: Mapping[str, Tensor]) -> Tensor:
    """The named maps (B, C, H, W) or (B, C) of `net.features` -> (B, F), F their channels.

    Each map's means over its positions, brought to length 1, so that every stage counts alike.
    """
    means = [one.flatten(2).mean(2) if one.ndim > 2 else one for one in maps.values()]
    return torch.cat([F.normalize(one, dim=1) for one in means], dim=1)


def fit_familiar(
    signatures: Tensor,
    labels: Tensor,
    classes: int,
    held_out: Tensor | None = None,
    *,
    keep: float = KEEP_KNOWN,
) -> Familiar:
    """Directions from signatures (N, F) with labels (N,); a floor that keeps held-out pictures.

    `held_out` (M, F) are signatures of pictures of the same kind that the net did not learn from.
    Without them, as for a trunk that learnt nothing here, every picture is compared with the means
    of the others; so it is where fewer than 50 are held out. At least the share `keep` of new
    pictures stays above the floor, on average; with fewer than 50 in all to go by, the least
    familiar one is the floor.
    """
    _check_signatures(signatures, labels)
    signatures, labels = signatures.detach().cpu(), labels.cpu()
    directions = _directions(signatures, labels, classes)
    whole = Familiar(directions, -1.0)
    seen = whole.score(held_out) if held_out is not None else signatures.new_zeros(0)
    if len(seen) < _FEW:
        seen = torch.cat((seen.cpu().double(), _left_out(signatures, labels, classes)))
    floor = floor_keeping(seen, keep, lowest=1)
    return Familiar(directions, -1.0 if floor is None else floor)


class Known(nn.Module):
    """A network that also says how familiar its input is: images (B, C, H, W) -> (B, K + 1).

    The logits, then the familiarity: one output, so that any engine and the ONNX file can give it.
    """

    def __init__(self, net: ConvNet, familiar: Familiar) -> None:
        super().__init__()
        self.net = net
        weight = next(net.parameters())
        self.register_buffer("known", F.normalize(familiar.directions.to(weight), dim=1))

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, K + 1)."""
        return self.beside(*with_signature(self.net, images))

    def beside(self, logits: Tensor, patterns: Tensor) -> Tensor:
        """Logits (B, K), signatures (B, F) -> (B, K + 1)."""
        cosines = F.normalize(patterns, dim=1) @ self.get_buffer("known").T
        return torch.cat([logits, cosines.amax(1, keepdim=True)], dim=1)


def with_signature(net: ConvNet, images: Tensor) -> tuple[Tensor, Tensor]:
    """The network's answer to images (B, C, H, W), and their signature (B, F), in one pass.

    A family's `forward` asks `features` on its way; what that returned is overheard. Where it does
    not ask, the maps are made once more.
    """
    heard: list[dict[str, Tensor]] = []
    with _LISTENING:
        asked = net.features

        def overheard(x: Tensor) -> dict[str, Tensor]:
            heard.append(asked(x))
            return heard[-1]

        if isinstance(asked, nn.Module):
            hook = asked.register_forward_hook(lambda layer, given, maps: heard.append(maps))
            try:
                answer = net(images)
            finally:
                hook.remove()
        else:
            net.features = overheard
            try:
                answer = net(images)
            finally:
                del net.features
    return answer, signature(heard[-1] if heard else asked(images))


def _directions(signatures: Tensor, labels: Tensor, classes: int) -> Tensor:
    """The mean signatures of the classes that occur, in whole numbers: (N, F) -> (K', F)."""
    known = labels >= 0
    sums = torch.zeros(classes, signatures.shape[1], dtype=torch.float64)
    sums.index_add_(0, labels[known], signatures[known].double())
    counts = labels[known].bincount(minlength=classes)
    there = counts > 0
    peaks = sums.abs().amax(1, keepdim=True).clamp(min=1e-30)
    return (sums / peaks * 127).round()[there].float()


def _left_out(signatures: Tensor, labels: Tensor, classes: int) -> Tensor:
    """The familiarity of every labelled picture with the classes' means without it: (N',)."""
    known = labels >= 0
    signatures, labels = signatures[known].double(), labels[known]
    counts = labels.bincount(minlength=classes).double()[:, None]
    sums = torch.zeros(classes, signatures.shape[1], dtype=torch.float64)
    sums.index_add_(0, labels, signatures)
    unit = F.normalize(signatures, dim=1)
    cosines = unit @ F.normalize(sums, dim=1).T
    own = (unit * F.normalize(sums[labels] - signatures, dim=1)).sum(1)
    alone = counts[labels, 0] < 2  # its class has no other picture to be like
    cosines[torch.arange(len(labels)), labels] = own.where(~alone, -1.0)
    cosines[:, counts[:, 0] == 0] = -1
    return cosines.amax(1)


def _check_signatures(signatures: Tensor, labels: Tensor) -> None:
    if signatures.ndim != 2 or labels.shape != signatures.shape[:1]:
        found = (tuple(signatures.shape), tuple(labels.shape))
        raise ArgumentError("signatures and labels", found, "(N, F) and (N,)")
    if not bool((labels >= 0).any()):
        raise ArgumentError("labels", len(labels), "at least one picture with a label")
