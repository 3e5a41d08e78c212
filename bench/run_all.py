"""Run every benchmark and write `bench/results/NAME.json` and the table in `docs/benchmarks.md`.

python bench/run_all.py             measure everything (some minutes; keep the machine idle)
python bench/run_all.py filters     measure one, keep the other results
python bench/run_all.py --table     only rewrite the table from the results
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PAGE = HERE.parent / "docs" / "benchmarks.md"

HEAD = """# Benchmarks

Each table is written by `make bench` from the results of one script in `bench/`. Peers run in the
same process on the same data, taking turns; seconds are medians. Machines differ and are noisy:
read the ratios. A ratio is our time over the fastest peer's, so below 1 is faster than every peer.
"""


def main(words: list[str]) -> None:
    """Measure what was named (all by default), then write the page."""
    names = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    unknown = set(words) - {"--table", *names}
    if unknown:
        raise SystemExit(f"unknown: {', '.join(unknown)}. Known: --table, {', '.join(names)}")
    RESULTS.mkdir(exist_ok=True)
    for name in [] if words == ["--table"] else words or names:
        print(f"== {name}", flush=True)
        script, result = HERE / f"bench_{name}.py", RESULTS / f"{name}.json"
        subprocess.run([sys.executable, script, "--out", result], check=True)
    reports = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    PAGE.write_text("\n".join([HEAD, *(section(report) for report in reports)]))
    print(f"wrote {PAGE}")


def section(report: dict[str, Any]) -> str:
    """One benchmark as Markdown: title, machine, a row a case."""
    peers = list(report["rows"][0]["seconds"])
    header = ["case", *(f"{peer}, ms" for peer in peers), "ratio", "notes"]
    lines = [f"## {report['title']}", "", report["about"], "", machine_line(report["machine"]), ""]
    lines += [row(header), row(["---", *["---:"] * (len(peers) + 1), "---"])]
    for case in report["rows"]:
        seconds = case["seconds"]
        cells = [f"{1000 * seconds[peer]:,.1f}" if peer in seconds else "" for peer in peers]
        ratio = f"{case['ratio']:.2f}" if "ratio" in case else ""  # where no peer ran
        lines.append(row([case["name"], *cells, ratio, case.get("notes", "")]))
    return "\n".join([*lines, ""])


def machine_line(machine: dict[str, Any]) -> str:
    """Which machine and which versions."""
    versions = ", ".join(f"{name} {v}" for name, v in machine["versions"].items() if v)
    return f"*{machine['cpu']}, {machine['cores']} cores; Python {machine['python']}, {versions}.*"


def row(cells: list[str]) -> str:
    """One Markdown table row."""
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main(sys.argv[1:])
