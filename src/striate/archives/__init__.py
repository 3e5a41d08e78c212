"""Archives from strangers, unpacked so that nothing can land outside, and nothing half done."""

from striate.archives.extract import extract as extract

__all__ = ["extract"]
