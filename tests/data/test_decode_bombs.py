"""No file can make the machine hold more than it should."""

import subprocess
import sys
from pathlib import Path

from bomb_memory import bombs
from PIL import Image


def test_forty_bombs_are_refused_before_their_pixels_are_made(tmp_path: Path) -> None:
    for number, content in enumerate(bombs()):
        (tmp_path / f"{number:02}").write_bytes(content)
    Image.new("RGB", (64, 64)).save(tmp_path / "good.png")
    script = Path(__file__).with_name("bomb_memory.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path], capture_output=True, text=True, check=True
    )
    *words, grown = done.stdout.split("\n")[:-1]
    assert len(words) == 40
    assert set(words) <= {"too-many-pixels", "bomb"}, words
    assert int(grown) < 200_000_000
    assert not done.stderr
