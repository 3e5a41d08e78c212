"""A published network's features, computed once, and a last layer solved from them."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from striate.data.split import sampled
from striate.data.stores import Store
from striate.evaluating import Familiar, Known, with_signature
from striate.exporting.engines import Engine, engine_for
from striate.models import create
from striate.models.contract import ConvNet
from striate.pipeline.job import SIGNED, Job, Learned, Outputs
from striate.pipeline.together import kept_together
from striate.training import balancing_weights
from striate.training.dist import device
from striate.transfer import (
    Features,
    Head,
    features_of,
    folds_of,
    pairs_among,
    solve_logistic,
    trunk_of,
    write_head,
)


def by_features(job: Job, store: Store) -> Learned:
    """The published network's features, computed once, and a last layer solved from them."""
    began = time.perf_counter()
    net = published(job)
    engine = engine_for(_Seen(net), job.preprocess, say=job.talk.say)
    job.talk.say(f"features are computed by {engine.name}")
    width = net.num_features
    ids, values, signatures = _seen(job, store, engine, width)
    head = _solved(job, ids, values)
    write_head(net, head)

    def ask(wanted: Tensor, familiar: Familiar) -> Outputs:
        found = _features(job, store, answers_of(engine, Known(net, familiar)), wanted)
        return Outputs(wanted[found.readable], found.values[found.readable, 0].double())

    return Learned(
        net,
        held_out=Outputs(ids, head.log_probs),
        ask=ask,
        signatures=signatures.of,
        history=(),
        seconds=time.perf_counter() - began,
        seen=engine,
    )


def warm_start(job: Job, store: Store) -> ConvNet:
    """The published network with the solved head, from which fine-tuning begins."""
    net = published(job)
    engine = engine_for(trunk_of(net), job.preprocess, say=job.talk.say)
    seen = _features(job, store, engine, job.cut.train)
    ids = job.cut.train[seen.readable]
    write_head(net, _solved(job, ids, seen.values[seen.readable]))
    return net


def published(job: Job) -> ConvNet:
    """The network with its published weights, fitted to the data's classes and bands."""
    model = job.plan["model"]
    net = create(model["name"], pretrained=job.plan["weights"], **model["options"]).eval()
    net.to(device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net


def _seen(job: Job, store: Store, engine: Engine, width: int) -> tuple[Tensor, Tensor, Outputs]:
    """The training part: its readable samples, their features, and the signatures of some.

    Those of all would take several times the memory.
    """
    part = job.cut.train
    signed = torch.isin(part, sampled(part, SIGNED))
    values = torch.empty(len(part), width)
    readable = torch.empty(len(part), dtype=torch.bool)
    both = _features(job, store, engine, part[signed])
    values[signed], readable[signed] = both.values[:, 0, :width], both.readable
    if not signed.all():
        rest = _features(job, store, _first(width, engine), part[~signed])
        values[~signed], readable[~signed] = rest.values[:, 0], rest.readable
    signatures = both.values[both.readable, 0, width:].double()
    ids = part[signed][both.readable]
    return part[readable], values[readable], Outputs(ids, signatures)


def answers_of(seen: Engine, known: Known) -> Callable[[Tensor], Tensor]:
    """What `known` gives for pictures, from features and signatures that `seen` computes."""
    width, head = known.net.num_features, known.net.last_layer
    where = next(known.parameters()).device

    @torch.inference_mode()
    def answers(pixels: Tensor) -> Tensor:
        columns = seen(pixels).to(where)
        answer: Tensor = known.beside(head(columns[:, :width]), columns[:, width:])
        return answer.cpu()

    return answers


def _first(width: int, engine: Engine) -> Callable[[Tensor], Tensor]:
    """An engine's first columns: the features without the signature behind them."""
    return lambda pixels: engine(pixels)[:, :width]


def _features(job: Job, store: Store, engine: Callable[[Tensor], Tensor], ids: Tensor) -> Features:
    """The features of samples, of which each process computes its share: all get the whole."""
    team, mine = job.team, slice(job.team.rank, None, job.team.size)
    # One without a share of its own learns from the first picture what the others will send.
    asked = ids[mine] if len(ids[mine]) else ids[:1]
    found = features_of(engine, store, asked, report=job.talk.decoding)
    if team.size == 1:
        return found
    values = torch.zeros(len(ids), *found.values.shape[1:])
    readable = torch.zeros(len(ids))
    count = len(ids[mine])
    values[mine], readable[mine] = found.values[:count], found.readable[:count].float()
    return Features(team.total(values), team.total(readable) > 0)


def _solved(job: Job, ids: Tensor, values: Tensor) -> Head:
    """A head from features (N, V, F) of samples `ids`; copies of a picture share a fold."""
    labels, classes = job.data.labels[ids], len(job.data.classes)
    pairs = pairs_among(ids, kept_together(job.plan, job.data))
    folds = folds_of(labels, groups=pairs, seed=job.recipe.seed)
    weights = balancing_weights(labels, classes) if job.recipe.balanced else None
    return solve_logistic(values, labels, classes, folds=folds, weights=weights, say=job.talk.say)


class _Seen(nn.Module):
    """(B, C, H, W) -> (B, F + S): the features below the last layer, then the signature."""

    def __init__(self, net: ConvNet) -> None:
        super().__init__()
        self.trunk = trunk_of(net)

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, F + S)."""
        return torch.cat(with_signature(self.trunk, images), dim=1)
