"""Imports only go down the floors; sideways arrows are listed here, each with its reason."""

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "striate"

FLOORS = {
    "errors": 0, "files": 0, "fetch": 0, "archives": 0, "preprocess": 0,
    "processes": 0, "locks": 0, "lazy": 0,
    "signal": 1, "layers": 1, "anatomy": 1, "metrics": 1,
    "models": 2, "data": 2,
    "training": 3, "transfer": 3, "evaluating": 3, "dense": 3, "explaining": 3, "exporting": 3,
    "pipeline": 4, "recipes": 4, "report": 4, "tasks": 4, "sequential": 4,
    "cli": 5, "serve": 5, "studio": 5,
}  # fmt: skip

SIDEWAYS = {
    ("archives", "errors"): "every room speaks with the one error type",
    ("archives", "files"): "an unpacked archive lands in one rename, as files do",
    ("fetch", "errors"): "every room speaks with the one error type",
    ("fetch", "files"): "a download lands in one rename, as files do",
    ("files", "errors"): "every room speaks with the one error type",
    ("pipeline", "recipes"): "a run may be a named one, and small colour pictures get one",
    ("pipeline", "report"): "the main job ends with a report",
    ("preprocess", "errors"): "every room speaks with the one error type",
    ("processes", "errors"): "every room speaks with the one error type",
    ("transfer", "training"): "fine-tuning is training by a recipe",
}

# The front door names every room for its lazy exports, and `python -m` starts the command line.
FRONT_DOOR = {"__init__", "__main__"}


def room(module: str) -> str:
    """`striate.signal.pad` lives in the room `signal`."""
    return module.split(".")[1]


def imports(path: Path) -> list[str]:
    """Every striate module that a file imports, at top level or inside a function."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name for name in found if name.startswith("striate.")]


def forbidden(importer: str, imported: str) -> str | None:
    """Why an import of one room by another is not allowed, or None."""
    if importer == imported:
        return None
    if FLOORS[imported] > FLOORS[importer]:
        return "goes up"
    if FLOORS[imported] == FLOORS[importer] and (importer, imported) not in SIDEWAYS:
        return "goes sideways, and the arrow is not listed"
    return None


def edges() -> list[tuple[Path, str, str]]:
    return [
        (path, room_of_file(path), room(name))
        for path in SRC.rglob("*.py")
        if room_of_file(path) not in FRONT_DOOR
        for name in imports(path)
        if room(name) in FLOORS  # `import striate` alone is the version
    ]


def room_of_file(path: Path) -> str:
    return path.relative_to(SRC).parts[0].removesuffix(".py")


def test_every_room_has_a_floor() -> None:
    rooms = {room_of_file(path) for path in SRC.rglob("*.py")} - FRONT_DOOR
    assert rooms <= FLOORS.keys()


def test_imports_only_go_down() -> None:
    wrong = [
        f"{path.relative_to(SRC)} imports {imported}: {why}"
        for path, importer, imported in edges()
        if (why := forbidden(importer, imported))
    ]
    assert not wrong, "\n".join(wrong)


def test_every_listed_arrow_is_used() -> None:
    used = {(importer, imported) for _, importer, imported in edges()}
    assert SIDEWAYS.keys() <= used


@pytest.mark.parametrize(
    ("importer", "imported"), [("signal", "training"), ("layers", "anatomy"), ("models", "data")]
)
def test_the_rule_itself_can_fail(importer: str, imported: str) -> None:
    assert forbidden(importer, imported)
