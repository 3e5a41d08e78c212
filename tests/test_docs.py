"""Every code block of README and docs is executed: python as python, `$ striate` lines as commands.

A page is one story: its blocks run top to bottom in one namespace, in an empty folder that holds
`photo.jpg`. A command is expected to end well unless its line ends in `# exit N`.
"""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from conftest import Striate

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROSE = {"text", "json", "html", "toml", "yaml", "bibtex"}
# Commands for a person's own shell: what they do is tested by running CI itself.
SETTING_UP = ("make ", "git clone", "cd ", "pip install", "source ")


class Block(NamedTuple):
    language: str
    line: int
    text: str


def blocks(page: Path) -> Iterator[Block]:
    source = page.read_text()
    for match in re.finditer(r"^```(\w*)[^\n]*\n(.*?)^```", source, re.S | re.M):
        yield Block(match[1], source.count("\n", 0, match.start()) + 2, match[2])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, striate_command: Striate
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "docs" / "img" / "photo.jpg", tmp_path)
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.language == "python":
            padded = "\n" * (block.line - 1) + block.text  # so that a traceback names the line
            exec(compile(padded, str(page), "exec"), namespace)
        elif block.language == "console":
            run_commands(block, striate_command)
        else:
            assert block.language in PROSE, f"{page}:{block.line}: fence says {block.language!r}"


def run_commands(block: Block, striate_command: Striate) -> None:
    for line in block.text.splitlines():
        if not line.startswith("$ "):
            continue  # what the command printed, for the reader
        command, _, expected = line[2:].partition("# exit ")
        if command.startswith(SETTING_UP):
            continue
        words = shlex.split(command)
        assert words[0] == "striate", f"line {block.line}: cannot run {line!r}"
        done = striate_command(*words[1:])
        assert done.returncode == int(expected or 0), f"{line}\n{done.stderr}"
