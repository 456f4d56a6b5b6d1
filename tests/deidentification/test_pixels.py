"""Text in pixels, and what else lies in their bytes."""

from __future__ import annotations

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
    return outcome, [dcmread(folder / "out" / fate.written) for fate in outcome.fates if fate.written]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ImageType": ["DERIVED", "SECONDARY", "AXIAL"]}, "may have text"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "may have text"),
        ({"BurnedInAnnotation": "YES"}, "may have text"),
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
    [fate] = outcome.fates
    assert fate.what == "quarantined"
    assert why in fate.why


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


def test_the_ocr_reads_what_is_burned_in() -> None:
    pytest.importorskip("rapidocr", reason="the extra deidentify is not installed")
    from matplotlib import get_data_path
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), 20)
    canvas = Image.new("L", (256, 256))
    ImageDraw.Draw(canvas).text((30, 100), "DOE JANE 4711", font=font, fill=255)
    frame = np.full((256, 256), -900, np.int16)
    frame[np.asarray(canvas) > 100] = 1200
    boxes = text_search.text_in(frame)
    rows, columns = np.nonzero(frame > 0)
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
