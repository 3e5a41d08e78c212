"""The demo of the laws prints every residual and ends well."""

import runpy
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "convolution_properties.py"


def test_the_demo_prints_which_laws_hold(capsys):
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    broken = [line.split("  ")[0] for line in lines if line.endswith("does not hold")]
    assert broken == ["correlate commutes", "correlate associates"]
