"""MkDocs' hook that adds the gallery to the documentation while it is built."""

from __future__ import annotations

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and pictures: they stand in no folder."""
    # MkDocs lets a hook import its neighbours only while it is read, and that is too early: the
    # processes that draw need them too.
    scripts = str(Path(__file__).parent)
    if scripts not in sys.path:
        sys.path.insert(0, scripts)
    from gallery.drawing import drawings
    from gallery.pages import pages
    from striate.models.catalogue import BY_NAME

    for path, content in pages(drawings(tuple(BY_NAME))).items():
        reached = path.endswith((".svg", "index.md"))
        inclusion = InclusionLevel.UNDEFINED if reached else InclusionLevel.NOT_IN_NAV
        files.append(File.generated(config, path, content=content, inclusion=inclusion))
    return files
