"""A canary in every attribute of PS3.15 Table E.1-1, wherever a file can have it: none may be left."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import canary_case
import pytest

from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.options import CLEAN, RETAIN, options_of
from napari_lesion.deidentification.run import deidentify

KEY = Key(bytes(range(32)))
_PIXELS_LEFT_OUT = tuple(name for name in CLEAN if name != "pixels")  # needs text in pixels
#: In CI: nothing, each option alone that changes what is kept of text, and all. By hand: every combination.
SAMPLE = [
    ((), ()),
    (("dates-shifted",), ()),
    (("device", "institution", "patient-characteristics"), ("descriptors",)),
    (RETAIN, CLEAN),
]
ALL = [
    (retain, clean)
    for n in range(len(RETAIN) + 1)
    for retain in itertools.combinations(RETAIN, n)
    for m in range(len(_PIXELS_LEFT_OUT) + 1)
    for clean in itertools.combinations(_PIXELS_LEFT_OUT, m)
]
COMBINATIONS = ALL if os.environ.get("NAPARI_LESION_ALL_CANARIES") else SAMPLE
PLACES = ("top", "deep", "private")


Planted = dict[str, tuple[Path, list[canary_case.Canary], list[str]]]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """By place: a CT, report, segmentation and key images with canaries everywhere."""
    made: Planted = {}
    letters = iter(map("".join, itertools.product("QXZ", "JKV", "WQX")))
    for place in PLACES:
        folder = tmp_path_factory.mktemp(place)
        canaries: list[canary_case.Canary] = []
        words: list[str] = []
        for path in canary_case.study(folder).values():
            one = next(letters)
            canaries += canary_case.plant(path, place, one)
            words += canary_case.plant_around(path, one)[1]
        made[place] = folder, canaries, words
    return made


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("retain", "clean"), COMBINATIONS)
def test_no_canary_is_left(
    planted: Planted, tmp_path: Path, place: str, retain: tuple[str, ...], clean: tuple[str, ...]
) -> None:
    folder, canaries, words = planted[place]
    options = options_of(retain, clean)
    outcome = deidentify([folder], tmp_path / "out", options, KEY)  # and the verifier does not see any, either
    assert outcome.count("written") == sum(path.is_file() for path in folder.rglob("*"))
    on = [name for name in vars(options) if getattr(options, name)]
    left = [one for one in canary_case.found(tmp_path / "out", canaries) if not one.may_stay(on)]
    assert [(one.row["tag"], one.row["name"], one.text) for one in left] == []
    data = b"".join(one.read_bytes() + str(one).encode() for one in (tmp_path / "out").rglob("*") if one.is_file())
    assert [word for word in words if word.encode() in data] == []


def test_a_dicomdir_does_not_leave(tmp_path: Path) -> None:
    canary_case.with_dicomdir(tmp_path / "listed")
    outcome = deidentify([tmp_path / "listed"], tmp_path / "out", options_of((), ()), KEY)
    assert [file.why for file in outcome.files if file.what == "left out"] == [
        "a DICOMDIR, which names patients and old files"
    ]
    data = b"".join(one.read_bytes() + str(one).encode() for one in (tmp_path / "out").rglob("*") if one.is_file())
    assert b"CANARYDIR" not in data
