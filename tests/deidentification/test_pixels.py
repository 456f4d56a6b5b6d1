"""Text in pixels, and what else lies in their bytes."""

from __future__ import annotations

import itertools
from pathlib import Path

import dicom_factory as factory
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from napari_lesion.deidentification import burned_in, text_search
from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.options import options_of
from napari_lesion.deidentification.pixels import Extent, text_search_of
from napari_lesion.deidentification.run import Outcome, deidentify

KEY = Key(bytes(range(32)))


@pytest.fixture
def image() -> Dataset:
    """One image of a person."""
    made = factory.ct_slices(factory.asymmetric_phantom(), "some")[9]
    made.PatientName, made.PatientID, made.BurnedInAnnotation = "Doe^Jane", "MRN-90210", "NO"
    return made


def _run(image: Dataset, folder: Path, *clean: str) -> tuple[Outcome, list[Dataset]]:
    factory.write([image], folder / "in")
    outcome = deidentify([folder / "in"], folder / "out", options_of((), clean), KEY)
    return outcome, [dcmread(folder / "out" / file.written) for file in outcome.files if file.written]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ImageType": ["DERIVED", "SECONDARY", "AXIAL"]}, "may have text"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "may have text"),
        ({"BurnedInAnnotation": "YES"}, "may have text"),
        ({"BurnedInAnnotation": ""}, "may have text"),
    ],
)
def test_what_may_have_text_does_not_leave_unsearched(
    image: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], why: str
) -> None:
    monkeypatch.setattr(burned_in, "is_available", lambda: False)
    for keyword, value in changes.items():
        setattr(image, keyword, value)
    outcome, written = _run(image, tmp_path)
    assert written == []
    [file] = outcome.files
    assert file.what == "quarantined"
    assert why in file.why


def test_text_is_masked_where_that_was_asked_for_and_else_quarantined(
    image: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image.BurnedInAnnotation = "YES"
    values = image.pixel_array.copy()
    values[4:9, 6:20] = values.max()
    image.PixelData = values.tobytes()

    def bright(frame: np.ndarray, windows: object, **_: bool) -> list[burned_in.Box]:
        return [(4, 9, 6, 20)] if frame[4:9, 6:20].min() == values.max() else []

    monkeypatch.setattr(burned_in, "is_available", lambda: True)
    monkeypatch.setattr(text_search, "text_in", bright)
    outcome, written = _run(image, tmp_path / "no")
    assert (outcome.count("quarantined"), written) == (1, [])
    outcome, [masked] = _run(image, tmp_path / "yes", "pixels")
    assert outcome.count("masked") == 1
    left = masked.pixel_array
    assert (left[4:9, 6:20] == values.min()).all()
    left[4:9, 6:20] = values[4:9, 6:20]
    assert np.array_equal(left, values)
    assert masked.BurnedInAnnotation == "NO"
    assert "113101" in [item.CodeValue for item in masked.DeidentificationMethodCodeSequence]


@pytest.mark.parametrize(
    ("changes", "search"),
    [
        ({}, Extent.NOTHING),
        ({"BurnedInAnnotation": ""}, Extent.LOOK_FIRST),
        ({"BurnedInAnnotation": "YES"}, Extent.ALL),
        ({"ImageType": ["DERIVED", "SECONDARY", "AXIAL"]}, Extent.ALL),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, Extent.ALL),
        ({"ImageType": ""}, Extent.LOOK_FIRST),
        ({"BitsAllocated": 8}, Extent.ALL),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, Extent.ALL),
    ],
)
def test_only_original_axial_ct_that_says_that_it_has_no_text_is_not_searched(
    image: Dataset, changes: dict[str, object], search: Extent
) -> None:
    for keyword, value in changes.items():
        setattr(image, keyword, value)
    assert text_search_of(image).extent is search


@pytest.mark.parametrize(("seen", "searched"), [(False, 0), (True, 1)])
def test_ct_that_does_not_say_is_searched_where_a_first_look_sees_something(
    image: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: bool, searched: int
) -> None:
    image.BurnedInAnnotation = ""
    calls = []
    monkeypatch.setattr(burned_in, "is_available", lambda: True)
    monkeypatch.setattr(text_search, "may_have_text", lambda frame: seen)
    monkeypatch.setattr(text_search, "text_in", lambda frame, windows, **_: calls.append(windows) or [])
    image.WindowCenter, image.WindowWidth = [40, -600], [400, 1500]
    image.RescaleSlope, image.RescaleIntercept = 2, -1024
    outcome, [made] = _run(image, tmp_path)
    assert outcome.count("written") == 1
    assert made.BurnedInAnnotation == "NO"
    assert calls == [((432.0, 632.0), (-163.0, 587.0))] * searched  # as stored


@pytest.mark.parametrize(
    ("text", "score", "counts"),
    [
        ("DOE JANE", 0.9, True),
        ("F 63Y", 0.9, True),
        ("DOE JANE", 0.5, False),
        ("Li", 0.99, False),
        ("III", 0.95, False),
        ("0OO", 0.95, False),
        ("ⅢIⅢ", 0.95, False),
        ("...", 0.95, False),
    ],
)
def test_what_counts_as_text_in_one_rendering(text: str, score: float, counts: bool) -> None:
    assert text_search.is_text(text_search.Reading(text, score, (0, 9, 0, 50))) is counts


@pytest.mark.parametrize(
    ("readings", "found"),
    [
        ([("Smith", 0.65, 0), ("SMITH", 0.7, 2)], True),
        ([("Smith", 0.65, 0), ("Smitb", 0.7, 2)], True),
        ([("Smith", 0.65, 0), ("SMITH", 0.7, 200)], False),
        ([("Smith", 0.65, 0), ("Garcia", 0.7, 2)], False),
        ([("Smith", 0.65, 0), ("", 0.0, 2)], False),
        ([("7B", 0.95, 0), ("7B", 0.95, 2)], True),
        ([("7B", 0.95, 0), ("7B", 0.7, 2)], False),
    ],
)
def test_weak_readings_count_where_two_renderings_agree(
    monkeypatch: pytest.MonkeyPatch, readings: list[tuple[str, float, int]], found: bool
) -> None:
    read = iter([[text_search.Reading(text, score, (at, at + 9, 0, 50))] for text, score, at in readings])
    monkeypatch.setattr(text_search, "_read", lambda rendering: next(read, []))
    frame = np.arange(64 * 64, dtype=np.int16).reshape(64, 64) ** 2
    assert bool(text_search.text_in(frame, [(0, 90)])) is found


def test_large_images_are_looked_at_in_tiles_that_overlap() -> None:
    for length in (100, 1024, 1100, 1500, 3000):
        starts = text_search._starts(length)
        assert starts[0] == 0
        assert starts[-1] + 1024 >= length
        assert all(0 < next_ - one <= 1024 - 64 for one, next_ in itertools.pairwise(starts))


@pytest.mark.parametrize(
    ("height", "value", "turn", "inverted"), [(20, 1200, 0, False), (11, 3071, 0, False), (18, 300, 1, True)]
)
def test_the_ocr_reads_what_is_burned_in(height: int, value: int, turn: int, inverted: bool) -> None:
    pytest.importorskip("rapidocr", reason="the extra deidentify is not installed")
    from matplotlib import get_data_path
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), height)
    canvas = Image.new("L", (256, 256))
    ImageDraw.Draw(canvas).text((30, 100), "DOE JANE 4711", font=font, fill=255)
    frame = (-900 + 20 * np.random.default_rng(0).normal(size=(256, 256))).astype(np.int16)
    ink = np.rot90(np.asarray(canvas) > 100, turn)
    assert not text_search.may_have_text(frame)
    assert text_search.text_in(frame, inverted=inverted) == []
    frame[ink] = value
    assert text_search.may_have_text(frame)
    boxes = text_search.text_in(frame, inverted=inverted)
    rows, columns = np.nonzero(ink)
    inside = np.zeros(frame.shape, bool)
    for top, bottom, left, right in boxes:
        inside[top:bottom, left:right] = True
    assert inside[rows, columns].all()


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, RLELossless])
def test_comments_in_compressed_pixels_go_and_pixels_stay(image: Dataset, tmp_path: Path, syntax) -> None:
    was = image.pixel_array
    packed = factory.encode(image, syntax)
    if syntax != RLELossless:
        [frame] = generate_frames(packed.PixelData, number_of_frames=1)
        note = b"Doe, Jane 90210."
        marker = b"\xff\x64" if syntax == JPEG2000Lossless else b"\xff\xfe"
        segment = marker + (2 + len(note)).to_bytes(2, "big") + note
        at = 4 + int.from_bytes(frame[4:6], "big") if syntax == JPEG2000Lossless else 2  # behind SIZ, behind SOI
        packed.PixelData = encapsulate([frame[:at] + segment + frame[at:] + note])
    _, [made] = _run(packed, tmp_path)
    assert made.file_meta.TransferSyntaxUID == syntax
    assert b"Jane" not in made.PixelData
    assert np.array_equal(made.pixel_array, was)


def test_an_overlay_in_unused_bits_goes_and_what_is_behind_the_pixels(image: Dataset, tmp_path: Path) -> None:
    image.BitsStored, image.HighBit, image.PixelRepresentation = 12, 11, 0
    values = np.arange(image.Rows * image.Columns, dtype=np.uint16).reshape(image.Rows, image.Columns) % 4096
    image.PixelData = (values | (values % 2 << 15)).astype("<u2").tobytes() + b"Jane Doe"
    image.add_new(0x60000102, "US", 15)
    _, [made] = _run(image, tmp_path)
    assert made.PixelData == values.astype("<u2").tobytes()
