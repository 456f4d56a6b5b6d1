"""Single images and series are shown as their headers ask, and say what their distances are."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.model.display import Window
from napari_lesion.model.volume import Volume

PIXELS = np.arange(64, dtype=np.uint16).reshape(8, 8) * 16
"""0 to 1008, of 10 bits."""


def image(folder: Path, modality: str, **tags: Any) -> Volume:
    """Write one image, and read it."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.SeriesInstanceUID = dataset.StudyInstanceUID = generate_uid()
    dataset.Modality = modality
    dataset.Rows, dataset.Columns = PIXELS.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 10, 9, 0
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    dataset.PixelData = PIXELS.tobytes()
    dataset.save_as(folder / "image.dcm", enforce_file_format=True)
    [series] = find_series(folder)
    return read_series(series)


def lut(first: int, greys: list[int], bits: int = 8) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(greys), first, bits]
    item["LUTDescriptor"].VR = "US"
    item.add_new("LUTData", "US", greys)
    return item


def test_windows_come_in_the_order_of_the_header(tmp_path: Path) -> None:
    volume = image(tmp_path, "CR", WindowCenter=[500, 300], WindowWidth=[900, 200])
    assert volume.display.windows == (Window(500, 900), Window(300, 200))
    assert volume.display.curve == ()


@pytest.mark.parametrize("tags", [{"WindowCenter": 5, "WindowWidth": 0}, {"WindowCenter": 5}])
def test_windows_without_sense_are_none(tmp_path: Path, tags: dict[str, Any]) -> None:
    assert image(tmp_path, "CR", **tags).display.windows == ()


def test_monochrome1_is_turned_with_its_window(tmp_path: Path) -> None:
    volume = image(tmp_path, "DX", PhotometricInterpretation="MONOCHROME1", WindowCenter=300, WindowWidth=200)
    [[*_, [*_, last]]] = volume.voxels.tolist()
    assert last == 1023 - 1008
    assert volume.display.windows == (Window(1023 - 300, 200),)
    assert not volume.display.inverted, "the values are turned already"


def test_a_voi_lut_is_a_curve_over_the_values_that_it_maps(tmp_path: Path) -> None:
    volume = image(tmp_path, "MG", VOILUTSequence=[lut(100, [0, 51, 102, 255])], WindowCenter=500, WindowWidth=900)
    assert volume.display.windows[0].limits == (100, 103)
    assert volume.display.windows[1] == Window(500, 900)
    np.testing.assert_allclose(volume.display.curve, [0, 0.2, 0.4, 1])


def test_a_voi_lut_of_monochrome1_is_turned_in_both_directions(tmp_path: Path) -> None:
    volume = image(tmp_path, "MG", PhotometricInterpretation="MONOCHROME1", VOILUTSequence=[lut(100, [0, 51, 255])])
    assert volume.display.windows[0].limits == (1023 - 102, 1023 - 100)
    np.testing.assert_allclose(volume.display.curve, [0, 0.8, 1])


def test_a_sigmoid_is_a_curve(tmp_path: Path) -> None:
    volume = image(tmp_path, "MG", WindowCenter=500, WindowWidth=200, VOILUTFunction="SIGMOID")
    low, high = volume.display.windows[0].limits
    steps = np.linspace(low, high, len(volume.display.curve))
    np.testing.assert_allclose(volume.display.curve, 1 / (1 + np.exp(-4 * (steps - 500) / 200)), atol=1e-6)


def test_a_damaged_lut_and_a_modality_lut_are_said(tmp_path: Path) -> None:
    item = lut(0, [0, 1, 2])
    item.LUTDescriptor = [3, 0, 40]
    volume = image(tmp_path, "DX", VOILUTSequence=[item], ModalityLUTSequence=[lut(0, [1, 2])])
    assert volume.display.curve == volume.display.windows == ()
    notes = " ".join(volume.certificate.notes)
    assert "VOI LUT is damaged" in notes
    assert "Modality LUT" in notes


@pytest.mark.parametrize(
    ("modality", "tags", "scale", "said"),
    [
        ("DX", {"ImagerPixelSpacing": [0.2, 0.2]}, "detector", "at the detector"),
        ("DX", {"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.2, 0.2]}, "detector", "not calibrated"),
        ("CR", {"PixelSpacing": [0.2, 0.2]}, "detector", "not calibrated"),
        ("DX", {"PixelSpacing": [0.18, 0.18], "ImagerPixelSpacing": [0.2, 0.2]}, "patient", "calibrated"),
        (
            "DX",
            {"PixelSpacing": [0.2, 0.2], "PixelSpacingCalibrationType": "FIDUCIAL"},
            "patient",
            "calibrated (fiducial)",
        ),
        ("US", {}, "none", "in pixels, not mm"),
        ("MR", {"PixelSpacing": [0.2, 0.2]}, "patient", ""),
    ],
)
def test_what_distances_are_is_said(tmp_path: Path, modality: str, tags: dict[str, Any], scale: str, said: str) -> None:
    volume = image(tmp_path, modality, **tags)
    assert volume.display.scale == scale
    assert said in " ".join(volume.certificate.notes)
    assert volume.certificate.unit == "", "only CT is in HU"


@pytest.mark.parametrize(
    ("written", "sides"),
    [(["L", "F"], ("L", "F")), (["A", "FR"], ("A", "FR")), (["L"], ("", "")), (["X", "Y"], ("", ""))],
)
def test_a_projection_knows_its_sides(tmp_path: Path, written: list[str], sides: tuple[str, str]) -> None:
    assert image(tmp_path, "DX", PatientOrientation=written).display.sides == sides


def test_a_real_mr_image_has_its_window_and_no_hu(tmp_path: Path) -> None:
    path = shutil.copy(str(get_testdata_file("MR_small.dcm", read=False)), tmp_path)
    [series] = find_series(tmp_path)
    header = pydicom.dcmread(path)
    volume = read_series(series)
    assert volume.display.windows[0] == Window(float(header.WindowCenter), float(header.WindowWidth))
    assert volume.certificate.unit == ""


def test_slices_that_ask_for_different_windows_are_shown_with_the_middle_one(tmp_path: Path) -> None:
    from napari_lesion.dicom.read.presentation import display_of_stack

    series = []
    for name, level in (("a", 10), ("b", 30), ("c", 80)):
        (tmp_path / name).mkdir()
        image(tmp_path / name, "MR", WindowCenter=level, WindowWidth=100, PixelSpacing=[1, 1])
        series += list(find_series(tmp_path / name))
    assert display_of_stack([one.frames[0] for one in series]).windows == (Window(30, 100),)
    assert display_of_stack([series[0].frames[0]]).windows == (Window(10, 100),)
