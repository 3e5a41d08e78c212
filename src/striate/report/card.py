"""The model card: what people read where the model is kept, and machines on the Hugging Face hub.

Its header is YAML; every text in it is written as a JSON string, which YAML reads as it is.
"""

from __future__ import annotations

import json
import re

from striate.errors import in_plain_sight
from striate.report.findings import Findings
from striate.report.usage import usage
from striate.report.words import (
    cautions,
    class_name,
    counted,
    file_size,
    percent,
    seconds,
    verdict,
)

_CLASSES = 100  # named in the card; the config names all


def card(found: Findings) -> str:
    """Markdown with a header in YAML."""
    parts = [_header(found), f"# {_text(found.model.name)} on {_text(found.data)}", _what(found)]
    parts += [_how_good(found), _limits(found), _how_to_use(found), _made(found)]
    return "\n\n".join(parts) + "\n"


def _header(found: Findings) -> str:
    scores = found.scores
    rows = [
        "---",
        "license: unknown",
        "library_name: striate",
        "pipeline_tag: image-classification",
        "tags:",
        "- image-classification",
        "- striate",
        f"- {_yaml(found.model.name)}",
        "metrics:",
        "- accuracy",
        "- f1",
        "model-index:",
        f"- name: {_yaml(f'{found.model.name} on {found.data}')}",
        "  results:",
        "  - task:",
        "      type: image-classification",
        "    dataset:",
        f"      name: {_yaml(found.data)}",
        f"      type: {_yaml(found.data)}",
        f"      split: {found.part}",
        "    metrics:",
    ]
    for name, value in (("accuracy", scores.accuracy), ("f1", scores.macro_f1)):
        rows += [f"    - type: {name}", f"      value: {value:.6f}"]
    return "\n".join([*rows, "---"])


def _what(found: Findings) -> str:
    p = found.preprocess
    begun = f", begun from {found.model.weights}" if found.model.weights else ""
    colour = "grey" if p.channels == 1 else "colour"
    names = ", ".join(_text(name) for name in found.classes[:_CLASSES])
    more = len(found.classes) - _CLASSES
    return "\n".join(
        [
            "## What it is",
            "",
            f"A classifier of pictures into {counted(len(found.classes), 'class', 'classes')}: "
            f"{_text(found.model.name)}, {counted(found.cost.params, 'parameter')}, trained by "
            f"Striate (mode {_text(found.model.mode)}{_text(begun)}).",
            f"It sees {colour} pictures of {p.size[1]} x {p.size[0]} pixels (fit: {p.fit}); the "
            "model file holds the preprocessing.",
            "",
            f"Classes: {names}{f' and {more:,} more' if more > 0 else ''}.",
            "",
            "## Data",
            "",
            f"{_text(found.data)}: {counted(int(found.learnt.sum()), 'picture')} to learn from, "
            + (
                "cross-validated"
                if found.model.mode == "features"
                else f"{found.val.n:,} to validate"
            )
            + (f", {found.test.n:,} to test." if found.test else "; none was left to test on."),
            f"Licence of the data: {_text(found.origin.data_licence) or 'unknown'}. "
            f"SHA-256 `{found.origin.digest}`.",
        ]
    )


def _how_good(found: Findings) -> str:
    s = found.scores
    low, high = s.interval
    rows = [
        "## How good it is",
        "",
        _text(verdict(found)),
        "",
        f"| {found.part} part | |",
        "|---|---|",
        f"| pictures | {s.n:,} |",
        f"| accuracy | {percent(s.accuracy)} |",
        f"| 95 % interval | {percent(low)} to {percent(high)} |",
        f"| mean F1 of the classes | {percent(s.macro_f1)} |",
        f"| negative log likelihood | {s.nll:.3f} |",
        f"| calibration error | {percent(s.ece)} |",
    ]
    return "\n".join(rows)


def _limits(found: Findings) -> str:
    lines = [_text(line) for line in cautions(found)]
    calibration = found.calibration
    if calibration and calibration.familiar:
        lines.append("A picture that is unlike those of every class is answered `unknown`; not all")
        lines[-1] += " such pictures are found out."
    else:
        lines.append("It knows its classes and nothing else: a picture of something else gets one")
        lines[-1] += " of them all the same."
    if calibration and calibration.threshold:
        share = percent(calibration.threshold)
        lines.append(f"Where no class has a probability of {share}, the answer is `unknown`.")
    lines.append("Pictures of another origin than the data above may be answered worse than these.")
    lines.append("The licence of the model is unknown: whoever publishes it must choose one.")
    return "\n".join(["## Limits", "", *[f"- {line}" for line in lines]])


def _how_to_use(found: Findings) -> str:
    use = usage(found)
    return "\n".join(
        [
            "## How to use it",
            "",
            *_fenced("sh", f"{use.predict}\n{use.export}"),
            "",
            *_fenced("python", use.python),
        ]
    )


def _made(found: Findings) -> str:
    made = [f"Trained in {seconds(found.cost.train_seconds)}; the model file has "]
    made[0] += f"{file_size(found.cost.file_size)}. Seed {found.origin.seed}."
    versions = [f"- {_text(name)} {_text(v)}" for name, v in found.origin.versions.items()]
    command = _fenced("sh", found.origin.command)
    caveat = [_text(found.origin.caveat), ""] if found.origin.caveat else []
    return "\n".join(["## How it was made", "", *made, "", *command, "", *caveat, *versions])


def _fenced(language: str, code: str) -> list[str]:
    """A block of code, whose fence is longer than any inside."""
    runs = [len(run) for run in re.findall("`+", code)]
    fence = "`" * max(3, 1 + max(runs, default=0))
    lines = [in_plain_sight(line) for line in code.split("\n")]
    return [f"{fence}{language}", *lines, fence]


def _text(text: str) -> str:
    """Text as Markdown shows it letter by letter."""
    plain = text.replace("\N{NO-BREAK SPACE}", " ")
    plain = in_plain_sight(plain).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]|#~])", r"\\\1", plain)


def _yaml(text: str) -> str:
    return json.dumps(class_name(text), ensure_ascii=True)
