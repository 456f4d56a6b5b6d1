"""What a DICOMDIR says of a file that the file itself contradicts is told; the file counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_factory import asymmetric_phantom, ct_slices, uid, write_dicomdir

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series

PHANTOM = asymmetric_phantom(shape=(5, 24, 20))
CHANGES = {
    "PatientID": lambda ds: setattr(ds, "PatientID", "SOMEBODY ELSE"),
    "PatientName": lambda ds: setattr(ds, "PatientName", "Else^Somebody"),
    "StudyInstanceUID": lambda ds: setattr(ds, "StudyInstanceUID", uid("another study")),
    "SeriesInstanceUID": lambda ds: setattr(ds, "SeriesInstanceUID", uid("another series")),
}


def medium(folder: Path) -> tuple[Path, list[Path]]:
    dicomdir = write_dicomdir(ct_slices(PHANTOM, "medium"), folder)
    return dicomdir, sorted(path for path in folder.rglob("*") if path.is_file() and path != dicomdir)


def change(path: Path, keyword: str) -> None:
    ds = pydicom.dcmread(path)
    CHANGES[keyword](ds)
    ds.save_as(path)


@pytest.mark.parametrize("opened", ["the DICOMDIR", "its folder"])
@pytest.mark.parametrize("keyword", CHANGES)
def test_an_index_of_another_patient_or_series_is_told(keyword: str, opened: str, tmp_path: Path) -> None:
    dicomdir, files = medium(tmp_path)
    for path in files:
        change(path, keyword)
    (series,) = find_series(dicomdir if opened == "the DICOMDIR" else tmp_path)
    volume = read_series(series)
    assert np.array_equal(volume.voxels, PHANTOM.hu)
    told = [note for note in volume.certificate.notes if "DICOMDIR" in note]
    assert len(told) == 1
    assert "5 files" in told[0]
    assert f"another {keyword}" in told[0]
    assert "Else" not in told[0]
    assert "ELSE" not in told[0]


def test_an_instance_under_the_name_of_another_is_told(tmp_path: Path) -> None:
    dicomdir, files = medium(tmp_path)
    one, other = files[1].read_bytes(), files[2].read_bytes()
    files[1].write_bytes(other)
    files[2].write_bytes(one)
    (series,) = find_series(dicomdir)
    told = [note for note in series.notes if "DICOMDIR" in note]
    assert len(told) == 1
    assert "2 files" in told[0]
    assert "SOPInstanceUID" in told[0]
    assert np.array_equal(read_series(series).voxels, PHANTOM.hu)


def test_an_index_that_agrees_says_nothing(tmp_path: Path) -> None:
    dicomdir, _ = medium(tmp_path)
    for path in (dicomdir, tmp_path):
        (series,) = find_series(path)
        assert not [note for note in series.notes if "DICOMDIR" in note]


def test_an_index_with_damaged_offsets_contradicts_nothing(tmp_path: Path) -> None:
    dicomdir, files = medium(tmp_path)
    ds = pydicom.dcmread(dicomdir)
    ds.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = 3
    for record in ds.DirectoryRecordSequence:
        record.OffsetOfTheNextDirectoryRecord = 7
    ds.save_as(dicomdir)
    for path in files:
        change(path, "PatientID")
    (series,) = find_series(dicomdir)
    assert not [note for note in series.notes if "DICOMDIR" in note]
    assert np.array_equal(read_series(series).voxels, PHANTOM.hu)
