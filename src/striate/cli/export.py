"""`striate export`: a trained run as files for other machines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from striate.cli.output import Json, print_json, results, talk
from striate.errors import in_plain_sight

if TYPE_CHECKING:
    from striate.exporting.delivery import Exported


def export(
    run: Annotated[Path, typer.Argument(help="A run folder, as `striate train` prints it.")],
    onnx: Annotated[
        bool, typer.Option("--onnx", help="One ONNX file, which is also what no option means.")
    ] = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="Beside it one in 8 bits, and what that costs.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a trained run as an ONNX file, and a short script that predicts with it.

    Class names, preprocessing and temperature are in the file; the script needs numpy, pillow and
    onnxruntime. Both are compared with the run on pictures that it held out, from the files' bytes
    to the probabilities. If they differ, nothing is written, and the exit code is 4.

    \b
    striate export runs/digits
    striate export runs/digits --int8
    striate export runs/digits --json | jq .engine_parity.max_difference
    """
    from striate.pipeline.delivering import export as export_run

    found = export_run(run, int8=int8, say=lambda line: talk().print(line, soft_wrap=True))
    if json:
        print_json(found.to_dict())
    else:
        _print(found)


def _print(found: Exported) -> None:
    from striate.anatomy.words import size

    same = found.parity
    lines = [
        f"{found.file} ({size(found.bytes)})",
        f"  from file bytes to probabilities on {same.n} held-out pictures: differs by at most "
        f"{same.max_difference:.1e}, {same.top1_equal} of {same.n} top answers equal",
        f"Try it: python {found.script} PICTURE",
    ]
    if small := found.int8:
        lines.insert(2, f"{small.file} ({size(small.bytes)})")
        lines.insert(3, f"  {small.top1_equal} of {small.n} top answers are those of 32 bits")
        if small.accuracy is not None and small.accuracy_float32 is not None:
            drop = 100 * (small.accuracy_float32 - small.accuracy)
            lines[3] += (
                f"; accuracy {small.accuracy:.1%} instead of {small.accuracy_float32:.1%}: "
                f"{abs(drop):.1f} points {'gained' if drop < 0 else 'lost'}"
            )
    for line in lines:
        results().print(in_plain_sight(line), soft_wrap=True)
