"""The public names are complete, sorted, importable; and the front door does not import torch."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import striate

SRC = Path(striate.__file__).parent
PACKAGES = sorted(
    f"striate.{path.parent.name}"
    for path in SRC.glob("*/__init__.py")
    if path.parent.name != "cli"  # the command line is its own interface
)


def reexports(init: Path) -> list[str]:
    """The names a package hands on with `from x import y as y`."""
    names = []
    for node in ast.walk(ast.parse(init.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert all(alias.name != "*" for alias in node.names)
            names += [alias.name for alias in node.names if alias.asname == alias.name]
    return names


def constants_then_classes_then_the_rest(name: str) -> tuple[bool, bool, str]:
    return not name.isupper(), not name[0].isupper(), name


@pytest.mark.parametrize("package", ["striate", *PACKAGES])
def test_all_is_complete_and_sorted(package: str) -> None:
    module = importlib.import_module(package)
    names = set(reexports(Path(module.__file__ or "")))
    assert list(module.__all__) == sorted(names, key=constants_then_classes_then_the_rest)


@pytest.mark.parametrize("package", ["striate", *PACKAGES])
def test_every_public_name_exists_and_is_documented(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        thing = getattr(module, name)
        assert not callable(thing) or thing.__doc__, f"{package}.{name} has no docstring"


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = striate.nothing


def test_dir_lists_the_public_names() -> None:
    assert set(striate.__all__) <= set(dir(striate))


@pytest.mark.parametrize("code", ["import striate", "import striate.cli.main"])
def test_the_front_door_does_not_import_torch(code: str) -> None:
    program = f"{code}; import sys; print({{'torch', 'numpy', 'PIL'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stdout + done.stderr
