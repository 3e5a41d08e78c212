import importlib.util
from pathlib import Path

import pytest

from striate.data import load_source
from striate.errors import StriateError


@pytest.mark.parametrize("files", [("dataset_dict.json",), ("dataset_info.json", "state.json")])
def test_a_saved_data_set_asks_for_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: tuple[str, ...]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for name in files:
        (tmp_path / name).write_text("{}")
    with pytest.raises(StriateError, match=r"`datasets`, which is not installed. pip install 'str"):
        load_source(tmp_path)
