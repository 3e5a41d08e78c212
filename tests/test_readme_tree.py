"""The README's tree names every file of the source, one line each, and nothing else."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def tree_in_readme() -> dict[str, str]:
    """Path under src/striate -> what the README says of it."""
    block = re.search(r"```text\nsrc/striate/\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert block, "README.md has no tree that starts with src/striate/"
    entries, folder = {}, ""
    for line in block.group(1).splitlines():
        match = re.fullmatch(r"( {2,4})(\S+) {2,}(\S.*)", line)
        assert match, f"not a tree line: {line!r}"
        indent, name, remark = match.groups()
        folder = "" if len(indent) == 2 else folder
        assert folder + name not in entries, f"twice in the tree: {folder + name}"
        entries[folder + name] = remark
        if name.endswith("/"):
            folder = name
    return entries


def tree_on_disk() -> set[str]:
    src = ROOT / "src" / "striate"
    files = {str(p.relative_to(src)) for p in src.rglob("*.py") if p.name != "__init__.py"}
    folders = {f"{p.relative_to(src)}/" for p in src.iterdir() if (p / "__init__.py").exists()}
    return files | folders | {"data/sample/", "__init__.py"}


def test_the_tree_is_complete_and_true() -> None:
    assert set(tree_in_readme()) == tree_on_disk()
