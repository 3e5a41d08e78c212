"""All that the report and the model card tell, gathered from a run that is done."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn

from striate.anatomy.count import multiply_adds
from striate.data.augment import Stream, apply, policy
from striate.data.split import sampled
from striate.data.stores import Store
from striate.errors import printable
from striate.evaluating import Known, Suspect, find_mislabels
from striate.explaining import gradcam
from striate.exporting import WEIGHTS
from striate.exporting.engines import engine_for
from striate.pipeline import folder as run_folder
from striate.pipeline.again import caveat, command
from striate.pipeline.job import Job, Judged, Learned
from striate.pipeline.solving import answers_of
from striate.report import Calibrated, Cost, Findings, Held, Model, Origin, Pictures, write_report

_VIEWS, _SHEET = 6, 4  # augmented views of so many pictures
_BATCH = 32


def report(
    path: Path,
    job: Job,
    store: Store,
    learned: Learned,
    parts: Mapping[str, Judged],
    calibrated: Calibrated,
    answering: nn.Module,
) -> None:
    """Write the run's report and model card; `answering` is the network as predictions ask it."""
    judged = parts.get("test", parts["val"])
    pictures = _pictures(job, store, learned.net)
    check = path / run_folder.CHECK
    model = job.plan["model"]
    found = Findings(
        data=job.data.name,
        classes=job.data.classes,
        model=Model(model["name"], model["options"], job.mode, job.plan["weights"]),
        preprocess=job.preprocess,
        held=Held(judged.ids, judged.labels, judged.chances, judged.known),
        val=parts["val"].scores,
        test=parts["test"].scores if "test" in parts else None,
        learnt=_learnt(job, store),
        pictures=pictures,
        cost=_cost(path, job, learned, answering, pictures.pixels(judged.ids[:_BATCH])),
        origin=_origin(path, job),
        decisions=[*job.plan["why"], *([learned.kept] if learned.kept else [])],
        calibration=calibrated,
        history=learned.history,
        suspects=_suspects(parts),
        augmented=_augmented(job, pictures),
        filters=_first_filters(learned.net),
        check=json.loads(check.read_bytes()) if check.exists() else None,
    )
    write_report(path, found)


def _learnt(job: Job, store: Store) -> Tensor:
    """How many readable training pictures each class has (K,)."""
    gone = {printable(one.path) for one in store.excluded}
    ids = job.cut.train
    if gone:
        ids = torch.tensor([index for index in ids.tolist() if job.name_of(index) not in gone])
    return job.data.labels[ids.long()].bincount(minlength=len(job.data.classes))


def _pictures(job: Job, store: Store, net: nn.Module) -> Pictures:
    def pixels(ids: Tensor) -> Tensor:
        (found,) = (batch for batch, _ in store.batches([ids]))
        return found

    def heat(ids: Tensor, classes: Tensor) -> Tensor:
        where = next(net.parameters()).device
        images = job.preprocess.normalise(pixels(ids).to(where))
        return gradcam(net, images, classes.to(where)).cpu()

    return Pictures(job.name_of, pixels, heat)


def _suspects(parts: Mapping[str, Judged]) -> list[Suspect]:
    """Among all pictures that were judged by a network which had not learnt from them."""
    ids = torch.cat([judged.ids for judged in parts.values()])
    labels = torch.cat([judged.labels for judged in parts.values()])
    chances = torch.cat([judged.chances for judged in parts.values()])
    numbers = ids.tolist()
    found = find_mislabels(chances, labels).suspects
    return [replace(one, index=numbers[one.index]) for one in found]


def _augmented(job: Job, pictures: Pictures) -> Tensor | None:
    """Some training pictures and what the policy makes of them: (B, 1 + V, C, H, W)."""
    steps = policy(job.recipe.policy)
    if job.mode == "features" or not steps:
        return None
    ids = sampled(job.cut.train, _SHEET)
    plain = pictures.pixels(ids)
    views = [apply(steps, plain, Stream(job.recipe.seed, epoch, ids)) for epoch in range(_VIEWS)]
    return torch.stack([plain, *views], dim=1)


def _first_filters(net: nn.Module) -> Tensor | None:
    """The first convolution's weights (F, C, h, w)."""
    for layer in net.modules():
        weight = getattr(layer, "weight", None)
        if isinstance(weight, Tensor) and weight.ndim == 4:
            return weight.detach().float().cpu()
    return None


def _cost(path: Path, job: Job, learned: Learned, answering: nn.Module, pixels: Tensor) -> Cost:
    """Measured with the engine that predictions take, and with PyTorch as it is."""
    net, normalise = learned.net, job.preprocess.normalise
    where = next(net.parameters()).device

    @torch.inference_mode()
    def plain(batch: Tensor) -> Tensor:
        answer: Tensor = answering(normalise(batch.to(where)))
        return answer.cpu()

    name, fast = _engine(learned, answering, job)
    engines: dict[str, Callable[[Tensor], Tensor]] = {"torch": plain, name: fast}
    return Cost(
        params=sum(parameter.numel() for parameter in net.parameters()),
        macs=multiply_adds(net, normalise(pixels[:1].to(where))),
        file_size=(path / WEIGHTS).stat().st_size,
        train_seconds=learned.seconds,
        latency={name: _seconds(run, pixels[:1]) for name, run in engines.items()},
        throughput={name: len(pixels) / _seconds(fast, pixels)},
        engine=name,
        machine=_machine(where),
    )


def _engine(
    learned: Learned, answering: nn.Module, job: Job
) -> tuple[str, Callable[[Tensor], Tensor]]:
    """What answers about many pictures. One that has computed the features is not built again."""
    if learned.seen and isinstance(answering, Known):
        return learned.seen.name, answers_of(learned.seen, answering)
    engine = engine_for(answering, job.preprocess)
    return engine.name, engine


def _seconds(run: Callable[[Tensor], Tensor], pixels: Tensor) -> float:
    """The median of three, after one that nobody counts."""
    run(pixels)
    times = []
    for _ in range(3):
        began = time.perf_counter()
        run(pixels)
        times.append(time.perf_counter() - began)
    return median(times)


def _machine(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {torch.get_num_threads()} of {os.cpu_count()} threads"


def _origin(path: Path, job: Job) -> Origin:
    data = job.plan["data"]
    return Origin(
        run=str(path),
        command=command(job.plan),
        seed=job.recipe.seed,
        digest=data["digest"],
        versions=job.plan["versions"],
        written=time.strftime("%Y-%m-%d"),
        data_licence=data["licence"],
        caveat=caveat(job.plan),
    )
