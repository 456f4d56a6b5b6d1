"""What became of a lesion: the words and the numbers that are kept say the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from napari_lesion.comparison import match
from napari_lesion.model.compared import Change


def test_a_change_of_volume_has_one_number_wherever_it_is_written() -> None:
    """220.501 %: rounded once it is 221, and 220 when what is kept (2.205) is rounded again."""

    def one(volume_mm3: float) -> Any:
        return SimpleNamespace(volume_mm3=volume_mm3, volume_sd_mm3=None)

    same = Change(finding_id="1", prior_finding_id="2", fate="stable", why="")
    change = match._by_volume(same, one(3205.01), one(1000.0), 365)
    assert change.volume_change is not None
    assert f"({100 * change.volume_change:+.0f} %)" in change.why
