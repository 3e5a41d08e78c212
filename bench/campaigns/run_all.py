"""The reliability campaigns of training, with their counts as arguments.

python bench/campaigns/run_all.py kills=50 signals=50 crowds=20 ...; without arguments, all of them
with the counts a release asks for. Linux; the fault injection needs strace and root.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # set before torch is loaded

import damage
import faults
import interruptions
import numbers_that_are_none
import teams
from ground import Outcome, pictures

CAMPAIGNS: dict[str, tuple[Callable[..., Outcome], int]] = {
    "kills": (interruptions.kills, 50),
    "syscalls": (faults.syscalls, 1000),
    "order": (faults.order, 100),
    "full": (faults.full, 60),
    "corruptions": (damage.corruptions, 11_100),
    "seeds": (teams.seeds, 60),
    "nonfinite": (numbers_that_are_none.nonfinite, 50),
    "teams": (teams.teams, 40),
    "signals": (interruptions.signals, 50),
    "crowds": (interruptions.crowds, 20),
}


def main() -> None:
    wanted = dict(word.split("=") for word in sys.argv[1:])
    if unknown := wanted.keys() - CAMPAIGNS.keys():
        sys.exit(f"unknown: {', '.join(unknown)}. Known: {', '.join(CAMPAIGNS)}")
    failed = False
    for name, (campaign, usual) in CAMPAIGNS.items():
        if wanted and name not in wanted:
            continue
        with tempfile.TemporaryDirectory(prefix="striate-campaign-") as temporary:
            folder, began = Path(temporary), time.monotonic()
            source = pictures(folder / "shapes")
            outcome = campaign(source, folder, int(wanted.get(name, usual)))
        verdict = f"{len(outcome.failures)} failures of {outcome.cases}"
        notes = "".join(f"; {note}" for note in outcome.notes)
        print(f"{outcome.name}: {verdict}{notes}; {time.monotonic() - began:.0f} s", flush=True)
        for failure in outcome.failures[:10]:
            print(f"  {failure}", flush=True)
        failed |= bool(outcome.failures)
    sys.exit(failed)


if __name__ == "__main__":
    main()
