import math
from pathlib import Path

import pytest
import torch
from PIL import Image

from striate.data import opening
from striate.data.opening import left_in_container
from striate.preprocess import Preprocess


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


def test_pixels_that_do_not_fit_into_memory_are_resized_as_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pictures = torch.randint(0, 256, (7, 1, 12, 10), dtype=torch.uint8)
    record = Preprocess((20, 24), 3, (0.5,) * 3, (0.5,) * 3)
    ids = torch.tensor([5, 0, 3])
    found = []
    for free in (1 << 30, 1):
        monkeypatch.setattr(opening, "_free_memory", lambda free=free: free)
        store = opening.open_store(pictures, record, report=lambda d, t: None, say=print)
        assert len(store) == 7
        ((pixels, readable),) = store.batches([ids])
        assert readable.all()
        assert pixels.is_contiguous(memory_format=torch.channels_last)
        found.append((type(store).__name__, pixels))
    assert [name for name, _ in found] == ["MemoryStore", "ResizingStore"]
    assert found[0][1].equal(found[1][1])
    grey = Image.fromarray(pictures[5, 0].numpy())
    assert found[0][1][0].equal(record.pixels(grey))
