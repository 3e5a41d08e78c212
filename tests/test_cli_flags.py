"""The command line's flags are frozen here: a new one is a decision, not an accident."""

import subprocess
import sys
import time

import pytest
import typer

from striate.cli.main import app

FLAGS = {
    "striate": "--debug --version",
    "augment": "--json --list --output --policy --seed image",
    "cache": "--json",
    "check": "--html --json --quiet --strict source",
    "filter": "--json --list --output --padding --side-by-side image kernel",
    "lint": "--input --json --loss network",
    "match": "--json --output image pattern",
    "profile": "--backward --batch --input --json --repeats network",
    "summary": "--html --input --json network",
    "diagram": "--input --output network",
    "datasets": "--json",
    "models": "--family --json",
    "compare": "--json folders",
    "evaluate": "--json --part run source",
    "export": "--int8 --json --onnx run",
    "transfer-compare": "--epochs --json --model --quiet --seed source",
    "predict": "--csv --engine --json --quiet --top --tta words",
    "runs": "--json folder",
    "train": "--budget --dry-run --epochs --group-by --json --mode --model --nproc --out --quiet "
    "--recipe --resume --seed --set --tensorboard source",
}

ROOT = typer.main.get_command(app)
BUILT_IN = {"--help", "--install-completion", "--show-completion"}


def flags(command: object) -> str:
    """A command's long flags and positional arguments, sorted."""
    names = [max(parameter.opts, key=len) for parameter in command.params]  # type: ignore[attr-defined]
    return " ".join(sorted(name for name in names if name not in BUILT_IN))


def test_commands_and_flags_are_the_listed_ones() -> None:
    found = {name: flags(command) for name, command in ROOT.commands.items()}  # type: ignore[attr-defined]
    assert {"striate": flags(ROOT), **found} == FLAGS


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "striate", *words], capture_output=True, text=True)


@pytest.mark.parametrize("command", [name for name in FLAGS if name != "striate"])
def test_help_has_examples_and_imports_no_torch(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert f"  striate {command}" in done.stdout  # an example, indented
    program = f"import sys; sys.argv[1:] = ['{command}', '--help']\n" + (
        "from striate.cli.main import main\n"
        "try: main()\n"
        "finally: sys.stderr.write(str('torch' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.endswith("False")


def test_help_is_quick() -> None:
    """The promise is 0.4 s; the quickest of several runs, for machines that do other work too."""

    def seconds() -> float:
        start = time.perf_counter()
        run("--help")
        return time.perf_counter() - start

    assert min(seconds() for _ in range(7)) < 0.4


def test_wrong_usage_leaves_with_2() -> None:
    for words in (["nosuch"], ["train", "--nosuch"], ["predict"]):
        done = run(*words)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
