"""The three ways to learn: a solved head on fixed features, fine-tuning, and from scratch.

Each ends with a network, and with its answers about pictures that it did not learn from.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from striate.data.augment import policy
from striate.data.loader import Loader
from striate.data.order import Order
from striate.data.stores import Store
from striate.errors import ArgumentError
from striate.evaluating import Familiar, Known, signature
from striate.models import create
from striate.models.contract import ConvNet
from striate.pipeline import folder as run_folder
from striate.pipeline.job import Job, Learned, Outputs
from striate.pipeline.solving import by_features, warm_start
from striate.training import (
    Checkpoints,
    Loss,
    Recipe,
    Surroundings,
    Team,
    balancing_weights,
    fit,
)
from striate.training.dist import device, own_random_numbers
from striate.training.log import Report, tensorboard
from striate.training.snapshots import newest_facts

_KEPT = {
    None: "the weights of the last epoch are the run's",
    0: "no epoch was better than the start",
}
_PIXELS = 512 * 64 * 64  # of one batch, whose maps must fit into memory


def learn(path: Path, job: Job, store: Store) -> Learned:
    """Learn as the job's mode says."""
    # The caller's random numbers are theirs.
    with own_random_numbers():
        torch.manual_seed(job.recipe.seed)
        if job.mode == "features":
            return by_features(job, store)
        return _by_fitting(path, job, store)


class _Signatures(nn.Module):
    """(B, C, H, W) -> (B, S): the network's signature of pictures."""

    def __init__(self, net: ConvNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, S)."""
        return signature(self.net.features(images))


def _by_fitting(path: Path, job: Job, store: Store) -> Learned:
    recipe, cut, classes = job.recipe, job.cut, len(job.data.classes)
    train_part = loader(job, store, cut.train, recipe.batch_size, shuffle=True)
    val_part = loader(job, store, cut.val, _evaluation_batch(job), shuffle=False)
    net = _network(path, job, store)
    net.to(device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
    with _listener(path, job) as report:
        training = fit(
            net,
            train_part,
            val_part,
            recipe,
            loss=_loss(recipe, job.data.labels[cut.train], classes),
            classes=classes,
            around=Surroundings(
                report=report,
                checkpoints=Checkpoints(path / run_folder.LAST, job.talk.say),
                team=job.team,
                name_of=job.name_of,
                resume=f"Go on with: striate train --resume {path}{_processes(job.team)}",
            ),
        )

    def outputs(of: nn.Module, ids: Tensor) -> Outputs:
        part = loader(job, store, ids, _evaluation_batch(job), shuffle=False)
        return _outputs(of, part, ids, job.team)

    def ask(ids: Tensor, familiar: Familiar) -> Outputs:
        return outputs(Known(net, familiar), ids)

    return Learned(
        net,
        held_out=outputs(net, cut.val),
        ask=ask,
        signatures=partial(outputs, _Signatures(net)),
        kept=_KEPT.get(training.kept, f"the weights of epoch {training.kept} are kept, the best"),
        history=training.history,
        seconds=training.clock.seconds,
    )


def _network(path: Path, job: Job, store: Store) -> ConvNet:
    name, options = job.plan["model"]["name"], job.plan["model"]["options"]
    if job.mode == "finetune" and newest_facts(path / run_folder.LAST) is None:
        return warm_start(job, store)
    net = create(name, **options)
    if job.mode == "scratch":
        net.look_at(_plain_pictures(job, store))
    return net


@torch.inference_mode()
def _outputs(net: nn.Module, part: Loader, ids: Tensor, team: Team) -> Outputs:
    """What `net` gives for the readable samples among `ids`, in their order, in every process."""
    net.eval()
    place = torch.full((int(ids.max()) + 1,), -1)
    place[ids] = torch.arange(len(ids))
    table = None
    for batch in part:
        counts = batch.mask.cpu()
        values = net(batch.images)[batch.mask].double().cpu()
        if table is None:
            table = torch.zeros(len(ids), values.shape[1] + 1, dtype=torch.float64)
        rows = place[batch.ids.cpu()[counts]]
        table[rows, :-1] = values
        table[rows, -1] = 1
    assert table is not None  # a part has samples
    table = team.total(table)
    known = table[:, -1] > 0
    return Outputs(ids[known], table[known, :-1])


def loader(job: Job, store: Store, part: Tensor, batch: int, *, shuffle: bool) -> Loader:
    """Batches of a part: in random order and augmented where it is learnt from."""
    ranks = job.team.size
    if shuffle and batch % ranks:
        raise ArgumentError("batch_size", batch, f"a multiple of the {ranks} processes")
    return Loader(
        store,
        job.data.labels,
        Order(-(-batch // ranks), job.recipe.seed, shuffle, job.team.rank, ranks),
        normalise=job.preprocess.normalise,
        policy=policy(job.recipe.policy) if shuffle else (),
        part=part,
        device=device(),
    )


def _plain_pictures(job: Job, store: Store) -> Iterator[Tensor]:
    """Pictures of the training part as they are, well mixed, the same for every process."""
    order = Order(_evaluation_batch(job), job.recipe.seed)
    normalise = job.preprocess.normalise
    part = job.cut.train
    for batch in Loader(store, job.data.labels, order, normalise=normalise, part=part):
        yield batch.images[batch.mask]


def _evaluation_batch(job: Job) -> int:
    """As many pictures as their size allows."""
    return max(16, min(512, _PIXELS // math.prod(job.preprocess.size)))


@contextlib.contextmanager
def _listener(path: Path, job: Job) -> Iterator[Report]:
    if job.talk.tensorboard and job.team.leads:
        with tensorboard(path / run_folder.TENSORBOARD, job.talk.step) as both:
            yield both
    else:
        yield job.talk.step


def _processes(members: Team) -> str:
    return f" --nproc {members.size}" if members.size > 1 else ""


def _loss(recipe: Recipe, labels: Tensor, classes: int) -> Loss:
    weights = balancing_weights(labels, classes) if recipe.balanced else None
    return Loss(smoothing=recipe.label_smoothing, weights=weights, focus=recipe.focus)
