"""Lines to copy: how to use a model, and how to come to it again."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from striate.errors import printable
from striate.report.findings import Findings


@dataclass(frozen=True, slots=True)
class Usage:
    """Blocks of lines for a terminal and for Python."""

    predict: str
    evaluate: str
    export: str
    script: str
    python: str


def usage(found: Findings) -> Usage:
    """The lines for this run, its path quoted as a shell and as Python need it."""
    run = printable(found.origin.run)
    quoted = shlex.quote(run)
    return Usage(
        predict=f"striate predict {quoted} photos/ --csv answers.csv",
        evaluate=f"striate evaluate {quoted} labelled-photos/",
        export=f"striate export {quoted} --onnx",
        script=f"python {shlex.quote(run + '/export/predict_onnx.py')} photo.jpg",
        python="import striate\n\n"
        f"classifier = striate.load({run!r})\n"
        'answer = classifier.predict("photo.jpg")\n'
        "print(answer.label, answer.probability)",
    )
