import math
from pathlib import Path

import pytest

from striate.data.opening import left_in_container


@pytest.mark.parametrize(
    ("facts", "left"),
    [
        ({"memory.max": "1000\n", "memory.current": "400\n"}, 600),
        (
            {
                "memory.max": "1000\n",
                "memory.current": "900\n",
                "memory.stat": "anon 5\ninactive_file 300\n",
            },
            400,
        ),
        ({"memory.max": "max\n", "memory.current": "400\n"}, math.inf),
        ({"memory.max": "300\n", "memory.current": "400\n"}, 0),
        (
            {
                "memory/memory.limit_in_bytes": "1000\n",
                "memory/memory.usage_in_bytes": "900\n",
                "memory/memory.stat": "inactive_file 1\ntotal_inactive_file 200\n",
            },
            300,
        ),
        ({}, math.inf),
    ],
)
def test_the_limit_of_a_container_counts(
    tmp_path: Path, facts: dict[str, str], left: float
) -> None:
    for name, text in facts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert left_in_container(tmp_path) == left
