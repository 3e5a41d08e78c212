"""From JPEG files to probabilities, beside a plain Pillow loop on three machineries.

    python bench/bench_predict.py --out predict.json [--data-dir FOLDER] [--repeats 5] [--files 240]

FOLDER holds photographs, in folders or not (`STRIATE_DATA/ants-bees/train` by default; without it,
made ones). The network is efficientnet_lite0 with its published weights, at 224 pixels. Ours is
what `striate predict` does, ranking included. The peers decode, resize and crop with Pillow and
normalise with NumPy, one picture after the other, then compute in batches of 16: PyTorch as it
comes, ONNX Runtime and OpenVINO on the file that PyTorch's own exporter writes. The second table
row leaves the files out: pixels in memory to logits.

Before anything is timed, all sides answer the same pictures, and are compared.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import openvino
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from striate.data import pixels_of
from striate.exporting.engines import engine_for
from striate.pipeline import Classifier, load_pretrained
from striate.preprocess import Preprocess
from timing import interleaved, machine

NAME, SIDE, BATCH = "efficientnet_lite0", 224, 16
AGREED = 0.9  # of the top answers: fractions of a pixel move a few
Compute = Callable[[NDArray[np.float32]], NDArray[np.float32]]
Case = Callable[[], list[str]]
"""The class of every picture."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("predict.json"))
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--files", type=int, default=240)
    options = parser.parse_args()
    ours = load_pretrained(NAME)
    with tempfile.TemporaryDirectory() as scratch:
        paths = photographs(options.data_dir, Path(scratch), options.files)
        peers = raw(ours.net, Path(scratch))
        rows = [
            row(f"{len(paths)} JPEG files to probabilities", end_to_end(ours, paths,
                peers), options.repeats, len(paths)),
            row(f"pixels in memory to logits, batch {BATCH}", in_memory(ours, paths,
                peers), 4 * options.repeats, BATCH),
        ]  # fmt: skip
    report = {
        "title": f"Predicting with {NAME}, {SIDE} px",
        "about": f"float32, {torch.get_num_threads()} threads. The peers read files one after the"
        f" other with Pillow and compute batches of {BATCH}; ours, which is what `striate predict`"
        " does, decodes in other processes meanwhile, large JPEGs at a fraction of their size."
        " Building an engine is not in these seconds.",
        "machine": machine(),
        "rows": rows,
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")
    for one in rows:
        print(one["name"], one["seconds"], one["notes"])


def row(name: str, cases: dict[str, Case], repeats: int, pictures: int) -> dict[str, Any]:
    """Agreement first, then the medians."""
    answers = {case: run() for case, run in cases.items()}
    for case, answer in answers.items():
        same = statistics.mean(
            one == other for one, other in zip(answer, answers["striate"], strict=True)
        )
        assert same >= AGREED, f"{name}: {case} agrees with ours on {same:.0%} only"
    medians = {
        case: statistics.median(times) for case, times in interleaved(cases, repeats).items()
    }
    fastest = min(seconds for case, seconds in medians.items() if case != "striate")
    told = ", ".join(f"{case} {pictures / seconds:,.0f}" for case, seconds in medians.items())
    ratio = medians["striate"] / fastest
    return {"name": name, "seconds": medians, "ratio": ratio, "notes": f"pictures/s: {told}"}


def raw(net: nn.Module, scratch: Path) -> dict[str, Compute]:
    """The machineries as one would call them without Striate; floats `(B, C, H, W)` in."""
    file = scratch / "raw.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net, (torch.rand(2, 3, SIDE, SIDE),), file, dynamo=True, external_data=False,
            verbose=False, input_names=["x"], dynamic_shapes={"x": {0: torch.export.Dim("n")}},
        )  # fmt: skip
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "THROUGHPUT"}
    compiled = openvino.Core().compile_model(str(file), "CPU", settings)

    def eager(images: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return net(torch.from_numpy(images)).numpy()

    return {
        "torch eager": eager,
        "onnxruntime": lambda images: session.run(None, {"x": images})[0],
        "openvino": lambda images: compiled(images)[0],
    }


def end_to_end(
    classifier: Classifier, paths: list[Path], peers: dict[str, Compute]
) -> dict[str, Case]:
    def ours() -> list[str]:
        return [row.answer.label for row in classifier.rows(paths, top=1) if row.answer]

    def looped(compute: Compute) -> Case:
        def run() -> list[str]:
            found = []
            for part in parts(paths):
                images = np.stack([plain(path, classifier.preprocess) for path in part])
                found.append(softmax(compute(images)))
            return named(np.concatenate(found), classifier)

        return run

    return {"striate": ours, **{name: looped(compute) for name, compute in peers.items()}}


def in_memory(
    classifier: Classifier, paths: list[Path], peers: dict[str, Compute]
) -> dict[str, Case]:
    preprocess = classifier.preprocess
    engine = engine_for(classifier.net, preprocess)
    pixels = torch.stack([pixels_of(path, preprocess) for path in paths[:BATCH]])
    floats = preprocess.normalise(pixels).contiguous().numpy()
    pixels = pixels.contiguous(memory_format=torch.channels_last)

    def of(compute: Compute) -> Case:
        return lambda: named(compute(floats), classifier)

    return {
        "striate": lambda: named(engine(pixels).numpy(), classifier),
        **{name: of(compute) for name, compute in peers.items()},
    }


def named(answers: NDArray[np.float32], classifier: Classifier) -> list[str]:
    return [classifier.classes[index] for index in answers.argmax(1)]


def plain(path: Path, preprocess: Preprocess) -> NDArray[np.float32]:
    """The usual loop's body: the shorter side to its length, the middle, then floats."""
    image = Image.open(path).convert("RGB")
    scale = round(SIDE / preprocess.crop_share) / min(image.size)
    method = Image.Resampling[preprocess.interpolation.upper()]
    image = image.resize((round(image.width * scale), round(image.height * scale)), method)
    left, top = (image.width - SIDE) // 2, (image.height - SIDE) // 2
    pixels = np.asarray(image.crop((left, top, left + SIDE, top + SIDE)), np.float32) / 255
    mean, std = (np.array(values, np.float32) for values in (preprocess.mean, preprocess.std))
    return ((pixels - mean) / std).transpose(2, 0, 1)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def parts(paths: list[Path]) -> Iterator[list[Path]]:
    remaining = iter(paths)
    while part := list(itertools.islice(remaining, BATCH)):
        yield part


def photographs(folder: Path | None, scratch: Path, count: int) -> list[Path]:
    """The given photographs; or made ones, where there are none."""
    data = os.environ.get("STRIATE_DATA")
    folder = folder or (Path(data) / "ants-bees" / "train" if data else None)
    if folder and folder.is_dir():
        return sorted(folder.resolve().rglob("*.jpg"))[:count]
    rng = np.random.default_rng(0)
    for k in range(count):
        coarse = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC)
        picture.save(scratch / f"{k:04}.jpg", quality=90)
    return sorted(scratch.glob("*.jpg"))


if __name__ == "__main__":
    main()
