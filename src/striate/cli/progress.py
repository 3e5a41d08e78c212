"""How long work shows what it does: bars on a terminal, lines in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from striate.pipeline import Talk
    from striate.training import Step


@contextmanager
def progress(console: Console, curves: bool = False) -> Iterator[Talk]:
    """Bars on a terminal; a line an epoch in a pipe; nothing when quiet."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from striate.pipeline import Talk

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    on_terminal = sys.stderr.isatty()
    with Progress(*columns, console=console, disable=not on_terminal, transient=True) as bar:
        reading = bar.add_task("reading", total=None, visible=False)
        training = bar.add_task("training", total=1.0, visible=False)

        def decoding(done: int, total: int) -> None:
            bar.update(reading, completed=done, total=total, visible=done < total)

        def step(now: Step) -> None:
            bar.update(training, completed=now.progress, visible=True)
            if now.val is not None:
                console.print(
                    f"epoch {now.epoch}: loss {now.loss:.3f}, "
                    f"validation accuracy {now.val.accuracy:.1%}"
                )

        yield Talk(step, decoding, partial(console.print, soft_wrap=True), curves)
