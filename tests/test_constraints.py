"""constraints.txt: what it pins can be installed wherever the package says that it runs."""

import tomllib
from importlib import metadata
from pathlib import Path

from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]


def _pins() -> dict[str, str]:
    """The version of each pinned package."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {name: version.strip() for name, version in pairs}


def test_every_pin_takes_the_oldest_python_promised():
    """Only what is installed here can be asked; `make test` installs nearly all of it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=") + ".0"
    asked, refused = 0, {}
    for name, version in _pins().items():
        try:
            installed = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        wanted = installed.metadata["Requires-Python"] or ""
        if installed.version == version:
            asked += 1
            if oldest not in SpecifierSet(wanted):
                refused[f"{name}=={version}"] = wanted
    assert asked > 50
    assert not refused, f"pins that Python {oldest} can't install"
