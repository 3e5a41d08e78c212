"""Snapshots are whole or absent, damage is found, and only own files go."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from striate.errors import StriateError
from striate.training import Checkpoints, Snapshot


def snapshot(step: int) -> Snapshot:
    values = torch.arange(100, dtype=torch.float32) + step
    return Snapshot(step, {"net.weight": values}, {"step": step, "words": ["a"]})


def saved(folder: Path, *steps: int) -> tuple[Checkpoints, list[str]]:
    warnings: list[str] = []
    checkpoints = Checkpoints(folder, warnings.append)
    for step in steps:
        checkpoints.save(snapshot(step))
    return checkpoints, warnings


def test_the_newest_comes_back_and_two_are_kept(tmp_path: Path) -> None:
    checkpoints, _ = saved(tmp_path, 1, 2, 3)
    found = checkpoints.newest()
    assert found is not None
    assert torch.equal(found.tensors["net.weight"], snapshot(3).tensors["net.weight"])
    assert found.facts == {"step": 3, "words": ["a"]}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000002", "step-000000003"]


def test_no_snapshot_is_no_error(tmp_path: Path) -> None:
    assert saved(tmp_path / "none")[0].newest() is None


def test_every_byte_is_vouched_for(tmp_path: Path) -> None:
    """One bit in turn of every byte of all three files, then every length of them."""
    checkpoints, warnings = saved(tmp_path, 1, 2)
    trials = 0
    for path in sorted((tmp_path / "step-000000002").iterdir()):
        whole = path.read_bytes()
        changes = [
            whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :]
            for at in range(len(whole))
        ]
        changes += [whole[:length] for length in range(0, len(whole), 7)]
        for changed in changes:
            path.write_bytes(changed)
            warnings.clear()
            found = checkpoints.newest()
            assert found is not None
            assert found.step == 1
            assert "step-000000002" in warnings[0]
            trials += 1
        path.write_bytes(whole)
    assert trials > 700


def test_when_all_are_damaged_nothing_is_loaded(tmp_path: Path) -> None:
    checkpoints, _ = saved(tmp_path, 1, 2)
    for path in tmp_path.glob("*/state.safetensors"):
        path.write_bytes(b"")
    with pytest.raises(StriateError, match="no whole checkpoint is left"):
        checkpoints.newest()


def test_foreign_files_stay(tmp_path: Path) -> None:
    foreign = ["step-1", "step-000000001x", "best", ".making-thesis", "notes.txt"]
    for name in foreign:
        (tmp_path / name).mkdir()
        (tmp_path / name / "thesis.txt").write_text("years of work")
    checkpoints, _ = saved(tmp_path, 1)
    (tmp_path / "step-000000001" / "mine.txt").write_text("mine")
    for step in (2, 3, 4):
        checkpoints.save(snapshot(step))
    assert all((tmp_path / name / "thesis.txt").read_text() for name in foreign)
    assert (tmp_path / "step-000000001" / "mine.txt").read_text() == "mine"
    assert not (tmp_path / "step-000000002").exists()


def test_what_a_killed_save_left_goes_with_the_next(tmp_path: Path) -> None:
    (tmp_path / ".making-0123456789abcdef").mkdir()
    (tmp_path / ".making-0123456789abcdef" / "state.safetensors").write_bytes(b"half")
    saved(tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000001"]


def test_a_second_save_of_a_step_takes_nothing_whole_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints, _ = saved(tmp_path, 1)

    def fall(*paths: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("striate.training.checkpoint.publish_folder", fall)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.save(snapshot(1))
    assert checkpoints.newest() is not None


def test_a_damaged_one_goes_with_the_next_save_and_takes_no_place(tmp_path: Path) -> None:
    checkpoints, _ = saved(tmp_path, 1, 9)
    (tmp_path / "step-000000009" / "state.json").write_text("{")
    checkpoints.newest()
    for step in (2, 3):
        checkpoints.save(snapshot(step))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000002", "step-000000003"]


def test_a_thousand_million_steps_are_newer_than_one_less(tmp_path: Path) -> None:
    found = saved(tmp_path, 10**9 - 1, 10**9)[0].newest()
    assert found is not None
    assert found.step == 10**9


def test_the_same_step_can_be_saved_again(tmp_path: Path) -> None:
    checkpoints, _ = saved(tmp_path, 1, 1, 1)
    found = checkpoints.newest()
    assert found is not None
    assert found.step == 1
