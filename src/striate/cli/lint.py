"""`striate lint`: what is wrong with a network, before it is trained."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from striate.cli.network import Input, Network, input_of, network_from
from striate.cli.output import Json, guest_code, print_json, results
from striate.errors import FAILED

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from striate.anatomy.lint import Finding


def lint(
    network: Network,
    shape: Input = None,
    json: Json = False,
    loss: Annotated[
        str | None, typer.Option("--loss", metavar="NAME", help="Trained with: cross-entropy.")
    ] = None,
) -> None:
    """Say what is wrong with a network, why, and how to mend it; nothing is trained.

    An error means that it cannot run or cannot learn, and the exit code is then 1. A warning runs,
    but hardly as it was meant; a hint is worth a thought. With --loss the rules about the last
    layer are strict. The network is followed without numbers; only one that can't be is run, as a
    copy, once, on a blank sample.

    \b
    striate lint nets.py:LeNet --input 1,28,28
    striate lint nets.py:make_resnet --input 3,224,224 --loss cross-entropy
    striate lint nets.py:net --input 3,32,32 --json
    striate lint resnet50
    """
    sizes = input_of(network, shape)

    from striate.anatomy.lint import lint as findings_of

    with guest_code():
        findings = findings_of(network_from(network), sizes, loss=loss)
    if json:
        print_json({"findings": [finding.to_dict() for finding in findings]})
    else:
        _print(findings, network, shape)
    if any(finding.level == "error" for finding in findings):
        raise typer.Exit(FAILED)


def _print(findings: list[Finding], network: str, shape: str | None) -> None:
    """A heading per level, and under it layer, rule, reason and mend, indented."""
    from rich.text import Text

    console = results()
    if not findings:
        at = f" ({shape})" if shape else ""
        console.print(f"{network}{at}: no rule fired.")
    style = {"error": "bold red", "warning": "bold yellow", "hint": "bold cyan"}
    for level in dict.fromkeys(finding.level for finding in findings):
        group = [finding for finding in findings if finding.level == level]
        plural = "s" if len(group) > 1 else ""
        console.print(Text(f"{len(group)} {level}{plural}", style[level]))
        for finding in group:
            title = Text(f"{finding.layer or 'the whole net'}: {finding.rule}", "bold")
            _indented(console, title, 2)
            _indented(console, Text(finding.reason), 4)
            _indented(console, Text(f"Mend: {finding.mend}"), 4)


def _indented(console: Console, text: Text, by: int) -> None:
    """Wrapped on a terminal (or to COLUMNS); whole lines in a pipe, for grep."""
    from rich.padding import Padding
    from rich.text import Text

    if console.is_terminal or "COLUMNS" in os.environ:
        console.print(Padding(text, (0, 0, 0, by), expand=False))
    else:
        console.print(Text(" " * by) + text, soft_wrap=True)
