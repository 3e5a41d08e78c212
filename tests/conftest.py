"""What every test may use."""

import subprocess
import sys
from collections.abc import Callable

import pytest

Striate = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def striate_command(
    capfd: pytest.CaptureFixture[str],
) -> Striate:
    """Run `striate ...` in this process (no second torch import): code, stdout and stderr."""
    from striate.cli.main import main

    def run(*words: object) -> "subprocess.CompletedProcess[str]":
        arguments = [str(word) for word in words]
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main(arguments)
        sys.stdout.flush()
        out, err = capfd.readouterr()
        code = left.value.code
        return subprocess.CompletedProcess(
            arguments, code if isinstance(code, int) else 1, out, err
        )

    return run
