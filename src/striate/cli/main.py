"""The `striate` command: parse, call, print. No command imports torch before it needs to."""

from __future__ import annotations

import signal
import sys
import traceback
from types import FrameType
from typing import Annotated

import typer

import striate
from striate.cli import anatomy as anatomy_commands
from striate.cli import cache as cache_commands
from striate.cli import signal as signal_commands
from striate.cli.augment import augment
from striate.cli.check import check
from striate.cli.datasets import app as datasets_app
from striate.cli.diagram import diagram
from striate.cli.evaluate import evaluate
from striate.cli.export import export
from striate.cli.lint import lint
from striate.cli.models import models
from striate.cli.predict import predict
from striate.cli.profile import profile
from striate.cli.runs import compare, runs
from striate.cli.train import train
from striate.cli.transfer_compare import transfer_compare
from striate.errors import FAILED, INTERRUPTED, TERMINATED, StriateError

app = typer.Typer(
    name="striate",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: 0.1 s instead of 0.3 s, and examples paste cleanly
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"striate {striate.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback behind an error (any position).")
    ] = False,
) -> None:
    """Convolutional networks: from the first filter to a trained, honest classifier.

    \b
    striate train                      train on the digits that ship inside
    striate predict RUN digit.png      ask a trained run
    striate filter photo.png sobel-x   a hand-made filter
    striate COMMAND --help             what a command takes, with examples
    """


app.command("train")(train)
app.command("predict")(predict)
app.command("evaluate")(evaluate)
app.command("export")(export)
app.command("runs")(runs)
app.command("compare")(compare)
app.command("transfer-compare")(transfer_compare)
app.command("filter")(signal_commands.filter_image)
app.command("match")(signal_commands.match_image)
app.command("check")(check)
app.command("augment")(augment)
app.command("models", context_settings={"allow_extra_args": True})(models)
app.command("summary")(anatomy_commands.summary)
app.command("lint")(lint)
app.command("profile")(profile)
app.command("diagram")(diagram)
app.add_typer(datasets_app, name="datasets")
app.add_typer(cache_commands.app, name="cache")


def main(argv: list[str] | None = None) -> None:
    """Run one command and leave with a documented exit code (see `striate.errors`)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app(args=[word for word in arguments if word != "--debug"], prog_name="striate")
    except StriateError as error:
        _complain(str(error), debug)
        sys.exit(error.exit_code)
    except SystemExit as left:
        if left.code in (INTERRUPTED, TERMINATED):  # typer turns Ctrl-C into the first of them
            _complain("interrupted", debug)
        raise
    except Exception as error:  # the last floor: a bug of ours, said in one line
        _complain(
            f"unexpected {type(error).__name__}: {error}. "
            "This is a bug; --debug shows the traceback to report",
            debug,
        )
        sys.exit(FAILED)


def _terminate(number: int, frame: FrameType | None) -> None:
    """Leave by an exception, so that whatever is under way cleans up behind itself."""
    sys.exit(TERMINATED)


def _complain(line: str, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    print(f"striate: {' '.join(line.split())}", file=sys.stderr)


if __name__ == "__main__":
    main()
