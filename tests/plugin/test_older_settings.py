"""Settings that earlier versions kept hold."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from napari_lesion.plugin import settings

OLD = Path(__file__).parents[1] / "older_files" / "settings.ini"


def test_what_was_set_before_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(OLD, tmp_path / "settings.ini")
    monkeypatch.setenv(settings.ENVIRONMENT, str(tmp_path / "settings.ini"))
    assert settings.option("views/four_up") is True
    assert settings.option("language") == "de"
    assert settings.reader_name() == "Dr. Röntgen"
    assert settings.setting("hanging/choices", {}) == {"CT chest": {"window": "lung", "four_up": True, "prior": False}}
