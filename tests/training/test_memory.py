"""What a step gives back stays in the process, where the C library can be told so."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# Pages the system had to clear for 20 tensors of 40 MB, one after the other.
SCRIPT = """
import resource, sys, torch
from striate.training.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
for turn in range(21):
    torch.ones(10_000_000)
    if turn == 0:
        before = resource.getrusage(resource.RUSAGE_SELF)
after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_minflt - before.ru_minflt)
"""


def pages_cleared(mode: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, mode], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told")
def test_large_tensors_come_from_pages_that_were_there_before() -> None:
    # Not all of them: a hole between small blocks may be a little short.
    assert pages_cleared("keep") * 2 < pages_cleared("plain")
