"""What the plugin remembers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from napari_lesion.plugin.settings import ENVIRONMENT, setting, store


@pytest.mark.parametrize("value", ["Ärzte, 医生", 3, 2.5, True, ["a", "b"], {"width": 1500, "level": -600.0}, ""])
def test_what_was_stored_is_there_in_the_next_session_with_its_type(value: object) -> None:
    default = type(value)()
    assert setting("test/value", default) == default
    store("test/value", value)
    again = setting("test/value", default)
    assert again == value
    assert type(again) is type(value)


def test_a_setting_that_makes_no_sense_is_the_default() -> None:
    store("test/opacity", "much")
    assert setting("test/opacity", 0.5) == 0.5
    store("test/opacity", 1)
    assert setting("test/opacity", 0.5) == 1.0
    path = Path(os.environ[ENVIRONMENT])
    path.write_text("[test]\nopacity=not { json\nflag=true\n", encoding="utf-8")
    assert setting("test/opacity", 0.5) == 0.5
    assert setting("test/flag", False) is True
    store("test/flag", 1)
    assert setting("test/flag", False) is False


def test_tests_have_settings_of_their_own(tmp_path: Path) -> None:
    assert setting("test/value", "none yet") == "none yet"
    assert Path(os.environ[ENVIRONMENT]).is_relative_to(tmp_path.parent)
