"""A network named on the command line: `FILE.py:NAME` in the user's own code."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from striate.errors import WRONG_INPUT, StriateError, unknown_name

_EXAMPLE = "Name a network as FILE.py:NAME, for instance nets.py:LeNet"


def net_from(spec: str) -> nn.Module:
    """The network `FILE.py:NAME`: a module, a module class, or a function that makes one.

    The file is run, as `python FILE.py` would import it, with its own folder on the path; classes
    and functions are called without arguments.
    """
    file, colon, name = spec.rpartition(":")
    if not colon or not file or not name:
        raise StriateError("no network named", where=spec, remedy=_EXAMPLE, exit_code=WRONG_INPUT)
    with _beside(Path(file)):
        found = _look_up(_imported(Path(file), spec), name, spec)
        if not isinstance(found, nn.Module) and callable(found):
            found = _called(found, spec)
    if not isinstance(found, nn.Module):
        raise StriateError(
            f"is a {type(found).__name__}, not a torch.nn.Module",
            where=spec,
            remedy="Name a module, a module class, or a function without arguments that makes one",
            exit_code=WRONG_INPUT,
        )
    return found


@contextlib.contextmanager
def _beside(file: Path) -> Iterator[None]:
    """The file's folder on the path, and what its code prints on stderr: stdout is for results."""
    folder = str(file.resolve().parent)
    sys.path.insert(0, folder)  # so that the file can import its neighbours
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        with contextlib.suppress(ValueError):  # the file may have taken it off itself
            sys.path.remove(folder)


def _imported(file: Path, spec: str) -> ModuleType:
    if not file.is_file():
        kind = "is a folder" if file.is_dir() else "no such file"
        raise StriateError(kind, where=str(file), remedy=_EXAMPLE, exit_code=WRONG_INPUT)
    outline = importlib.util.spec_from_file_location(file.stem, file)
    if file.suffix != ".py" or outline is None or outline.loader is None:
        raise StriateError(
            "is not a Python file", where=str(file), remedy=_EXAMPLE, exit_code=WRONG_INPUT
        )
    module = importlib.util.module_from_spec(outline)
    before = sys.modules.get(file.stem)
    sys.modules[file.stem] = module  # dataclasses look their module up while it runs
    try:
        outline.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[file.stem]
        raise _their_own(error, spec, "fails on import") from error
    finally:
        if before is not None:
            sys.modules[file.stem] = before
    return module


def _look_up(module: ModuleType, name: str, spec: str) -> Any:
    if name in vars(module):
        return vars(module)[name]
    own = [
        key
        for key, value in vars(module).items()
        if isinstance(value, nn.Module)
        or (callable(value) and getattr(value, "__module__", None) == module.__name__)
    ]
    if not own:
        raise StriateError(f"has no {name!r}, nor any network", where=spec, exit_code=WRONG_INPUT)
    raise unknown_name("network", name, own)


def _called(make: Any, spec: str) -> Any:
    try:
        return make()
    except (Exception, SystemExit) as error:
        raise _their_own(error, spec, "fails when called without arguments") from error


def _their_own(error: BaseException, spec: str, what: str) -> StriateError:
    """The user's own error in one line, with the line of their file that led to it."""
    file = spec.rpartition(":")[0]
    lines = [
        line
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename == file or frame.f_code.co_filename == str(Path(file))
    ]
    at = f" (line {lines[-1]})" if lines else ""
    return StriateError(
        f"{what}: {type(error).__name__}: {' '.join(str(error).split())}{at}",
        where=spec,
        remedy="Mend the file first",
        exit_code=WRONG_INPUT,
    )
