"""Faces are cut off CT of heads, brains are not; what is not sure does not leave."""

from __future__ import annotations

from pathlib import Path

import dicom_factory as factory
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import JPEGLSLossless
from synthetic_head import FACE, Head, head

from napari_lesion.deidentification import defacing
from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.options import options_of
from napari_lesion.deidentification.pixels import PixelError
from napari_lesion.deidentification.run import Outcome, deidentify

KEY = Key(bytes(range(32)))
CLEAN = options_of((), ("faces",))


def cut_off(made: Head) -> np.ndarray:
    """HU (k, j, i) after it."""
    cut = defacing.find_cut(made.slices)
    for one in made.slices:
        defacing.without_face(one, one, cut, one.file_meta.TransferSyntaxUID)
    return np.array([one.pixel_array for one in made.slices]) - 1024.0


def rendered(made: Head, hu: np.ndarray) -> np.ndarray:
    """The surface as one sees it who looks at the face: how far in front (mm) it is, by 3 mm left and up; else -200."""
    seen = made.points[hu > -300]
    left, up = (np.clip(((seen[:, axis] + 160) / 3).astype(int), 0, 106) for axis in (0, 2))
    depth = np.full((107, 107), -200.0)
    np.maximum.at(depth, (up, left), seen[:, 1])
    return depth


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"nod": 20},
        {"turn": 20},
        {"tilt": 15},
        {"orientation": "feet-first-prone"},
        {"orientation": "sagittal"},
        {"lowest": -60},
    ],
    ids=str,
)
def test_no_surface_shows_a_face_and_the_brain_is_as_it_was(how: dict) -> None:
    made = head(**how)
    before = np.array([one.pixel_array for one in made.slices]) - 1024.0
    after = cut_off(made)
    for name in FACE:
        assert (after[made.parts[name]] == -1000).all(), name
    assert (after[made.parts["brain"]] == before[made.parts["brain"]]).all()
    assert (after <= before).all()
    up = slice(33, 49)  # from below the nose to the eyes
    was, now = rendered(made, before)[up, 35:72], rendered(made, after)[up, 35:72]
    assert was.max() > 110
    assert now.max() < 85  # behind where eyes were


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"highest": 30}, "not all of it is in view"),
        ({"lowest": 0}, "no face was found"),
        ({"turn": 180}, "no face was found"),
        ({"turn": 50}, "turned too far"),
        ({"nod": -20}, "not as in a head"),
        ({"nod": -35}, "not as in a head"),
    ],
    ids=str,
)
def test_what_is_not_sure_is_refused(how: dict, why: str) -> None:
    with pytest.raises(PixelError, match=why):
        defacing.find_cut(head(**how).slices)


def test_a_series_with_a_hole_or_without_a_head_is_refused() -> None:
    slices = head(lowest=-60).slices
    with pytest.raises(PixelError, match="missing"):
        defacing.find_cut([*slices[:20], *slices[22:]])
    with pytest.raises(PixelError, match="no brain"):
        defacing.find_cut(factory.ct_slices(factory.asymmetric_phantom()))


def cleaned(sources: Path, out: Path) -> Outcome:
    return deidentify([sources], out, CLEAN, KEY, jobs=1)


def test_a_study_leaves_without_the_face_and_its_headers_say_so(tmp_path: Path) -> None:
    made = head(lowest=-60)
    made.slices[3] = factory.encode(made.slices[3], JPEGLSLossless)
    slices, scout = made.slices, factory.localizer(factory.asymmetric_phantom(), "scout")
    chest = factory.ct_slices(factory.asymmetric_phantom(), "chest")[:2]
    scout.BodyPartExamined, scout.StudyInstanceUID = "HEAD", slices[0].StudyInstanceUID
    for one in (*slices, scout, *chest):
        one.PatientName, one.PatientID, one.BurnedInAnnotation = "Doe^Jane", "MRN-90210", "NO"
    factory.write([*slices, scout, *chest], tmp_path / "in")
    outcome = cleaned(tmp_path / "in", tmp_path / "out")
    assert outcome.count("written") == len(slices) + 2
    [refused] = [one for one in outcome.files if one.what == "quarantined"]
    assert refused.why.startswith("its face cannot be removed for sure")
    written = {one.source.name: dcmread(tmp_path / "out" / one.written) for one in outcome.files if one.written}
    order = [written[f"IM{k + 1:04d}.dcm"] for k in range(len(slices))]
    after = np.array([one.pixel_array for one in order]) - 1024.0
    assert (after[made.parts["nose"]] == -1000).all()
    assert (after[made.parts["brain"]] == 35).all()
    for one, source in zip(order, slices, strict=True):
        codes = [code.CodeValue for code in one.DeidentificationMethodCodeSequence]
        assert one.RecognizableVisualFeatures == "NO"
        assert "113102" in codes
        assert one.ImagePositionPatient == source.ImagePositionPatient
    for one in (written[f"IM{len(slices) + 2 + k:04d}.dcm"] for k in range(2)):
        assert "RecognizableVisualFeatures" not in one
        assert "113102" not in [code.CodeValue for code in one.DeidentificationMethodCodeSequence]


def test_a_head_that_cannot_be_cleaned_does_not_leave(tmp_path: Path) -> None:
    slices = head(highest=30, lowest=-20).slices
    factory.write(slices, tmp_path / "in")
    outcome = cleaned(tmp_path / "in", tmp_path / "out")
    assert outcome.count("quarantined") == len(slices)
    assert not list((tmp_path / "out").rglob("*.dcm"))
