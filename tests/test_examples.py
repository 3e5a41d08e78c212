"""The examples run as a person runs them: as programs of their own, in an empty folder."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(folder: Path, *words: str) -> str:
    """What a Python program prints, which must end well."""
    done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_properties_of_convolution_hold(tmp_path: Path) -> None:
    assert "holds" in run(tmp_path, str(EXAMPLES / "convolution_properties.py"))


def test_the_demo_finds_its_held_out_digit(tmp_path: Path) -> None:
    """All of the demo but the training, which the slow test and the command's own tests see to."""
    program = (
        f"import sys; sys.path.insert(0, {str(EXAMPLES)!r})\n"
        "from pathlib import Path\n"
        "from demo import save_held_out_digit\n"
        "print(save_held_out_digit(Path('digit.png')))"
    )
    assert run(tmp_path, "-c", program).strip() in set("0123456789")
    assert (tmp_path / "digit.png").stat().st_size > 100


@pytest.mark.slow
def test_the_demo_keeps_its_promise(tmp_path: Path) -> None:
    assert "Test accuracy 9" in run(tmp_path, str(EXAMPLES / "demo.py"))
