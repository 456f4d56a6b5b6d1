"""A canary in every attribute of PS3.15 Table E.1-1, wherever a file can have it: none may be left.

``benchmarks/canaries.py`` does this for every combination of options; here any two options are together in every way.
"""

from __future__ import annotations

from pathlib import Path

import canary_case
import pytest

from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.options import options_of
from napari_lesion.deidentification.run import deidentify

KEY = Key(bytes(range(32)))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, canary_case.Planted]:
    """By place: a CT, report, segmentation and key images with canaries everywhere."""
    return {place: canary_case.planted(tmp_path_factory.mktemp(place), place) for place in canary_case.PLACES}


@pytest.mark.parametrize("place", canary_case.PLACES)
@pytest.mark.parametrize(("retain", "clean"), canary_case.covering(2))
def test_no_canary_is_left(
    planted: dict[str, canary_case.Planted], tmp_path: Path, place: str, retain: tuple[str, ...], clean: tuple[str, ...]
) -> None:
    one = planted[place]
    options = options_of(retain, clean)
    outcome = deidentify([one.folder], tmp_path / "out", options, KEY)  # and the verifier does not see any, either
    assert outcome.count("written") == sum(path.is_file() for path in one.folder.rglob("*")) == 4
    left, words = one.left(tmp_path / "out", options)
    assert [(canary.row["tag"], canary.row["name"], canary.text) for canary in left] == []
    assert words == []


def test_a_dicomdir_does_not_leave(tmp_path: Path) -> None:
    canary_case.with_dicomdir(tmp_path / "listed")
    outcome = deidentify([tmp_path / "listed"], tmp_path / "out", options_of((), ()), KEY)
    assert [file.why for file in outcome.files if file.what == "left out"] == [
        "a DICOMDIR, which names patients and old files"
    ]
    data = b"".join(one.read_bytes() + str(one).encode() for one in (tmp_path / "out").rglob("*") if one.is_file())
    assert b"CANARYDIR" not in data
