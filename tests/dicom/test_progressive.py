"""Scans that are shown while they are read: the same volume as read at once, and never a part taken for the whole."""

from __future__ import annotations

from pathlib import Path

import dicom_factory as factory
import numpy as np
import pytest
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless

from napari_lesion import analyse
from napari_lesion.dicom.index.preview import preview
from napari_lesion.dicom.index.series import Series, find_series
from napari_lesion.dicom.read.precheck import precheck
from napari_lesion.dicom.read.progressive import ProgressiveLoading, obstacle
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.support.errors import Cancelled, LesionError


def series_in(folder: Path) -> Series:
    (series,) = find_series(folder)
    return series


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEG2000Lossless], ids=["plain", "JPEG 2000"])
@pytest.mark.parametrize("orientation", ["axial-descending", "coronal", "decubitus"])
def test_the_volume_is_that_of_reading_at_once(tmp_path: Path, orientation: str, syntax: UID) -> None:
    factory.write_phantom(tmp_path, orientation, syntax)
    series = series_in(tmp_path)
    assert not obstacle(series)
    at_once = read_series(series)

    reading = ProgressiveLoading(series)
    middle = len(at_once.voxels) // 2
    assert reading.volume.load_state.present.tolist() == [k == middle for k in range(len(at_once.voxels))]
    assert np.array_equal(reading.volume.voxels[middle], at_once.voxels[middle]), "the middle slice is there at once"
    assert not reading.volume.complete

    whole = reading.finish()
    assert whole.complete
    assert whole.voxels.dtype == at_once.voxels.dtype
    assert np.array_equal(whole.voxels, at_once.voxels)
    assert np.array_equal(whole.affine, at_once.affine)
    assert whole.certificate == at_once.certificate
    assert whole.series == at_once.series


@pytest.mark.real_data
def test_real_scans_are_the_same_too(real_data: Path) -> None:
    seen = 0
    for series in find_series(real_data / "ct"):
        if series.kind != "volume" or obstacle(series):
            continue
        at_once, whole = read_series(series), ProgressiveLoading(series).finish()
        assert np.array_equal(whole.voxels, at_once.voxels)
        assert np.array_equal(whole.affine, at_once.affine)
        assert whole.certificate == at_once.certificate
        seen += 1
    assert seen >= 3


def test_the_slices_next_to_what_is_looked_at_come_first(tmp_path: Path) -> None:
    factory.write_phantom(tmp_path)
    reading = ProgressiveLoading(series_in(tmp_path))
    load_state = reading.volume.load_state
    load_state.focus = 2
    first: list[list[int]] = []

    def look(done: int, total: int, what: str) -> None:
        first.append(np.flatnonzero(load_state.present).tolist())

    reading.finish(look)
    middle = load_state.total // 2
    assert sorted(set(first[3]) - {middle})[-1] <= 4, "slices far from the one that is looked at come later"


def test_a_cancelled_reading_is_no_scan(tmp_path: Path) -> None:
    factory.write_phantom(tmp_path)
    reading = ProgressiveLoading(series_in(tmp_path))

    def stop(done: int, total: int, what: str) -> None:
        if done > 4:
            raise Cancelled

    with pytest.raises(Cancelled):
        reading.finish(stop)
    assert not reading.volume.complete
    with pytest.raises(LesionError):
        analyse(reading.volume)


def test_a_damaged_slice_is_named_and_the_volume_never_counts_as_whole(tmp_path: Path) -> None:
    factory.write_phantom(tmp_path)
    series = series_in(tmp_path)
    reading = ProgressiveLoading(series)
    last = series.frames[-1].file.path
    last.write_bytes(last.read_bytes()[:-200])
    with pytest.raises(LesionError, match=last.name):
        reading.finish()
    assert not reading.volume.complete


def test_the_mark_of_a_series_is_what_reading_it_gives(tmp_path: Path) -> None:
    factory.write_phantom(tmp_path / "fine")
    assert precheck(series_in(tmp_path / "fine")).outlook == "fine"

    factory.write_phantom(tmp_path / "gap")
    series = series_in(tmp_path / "gap")
    for frame in series.frames[5:7]:
        frame.file.path.unlink()
    broken = series_in(tmp_path / "gap")
    checked = precheck(broken)
    assert checked.outlook == "refused"
    assert "2 slices" in " ".join(checked.reasons)
    with pytest.raises(LesionError) as told:
        read_series(broken)
    assert checked.reasons[0] in str(told.value), "the same sentence as reading says"
    assert obstacle(broken)


def test_the_picture_of_a_series_is_its_middle_slice(tmp_path: Path) -> None:
    factory.write_phantom(tmp_path)
    series = series_in(tmp_path)
    volume = read_series(series)
    small = preview(series)
    step = max(1, max(series.size) // 160)
    stored = volume.voxels[len(volume.voxels) // 2][::step, ::step].astype(float)
    if small.grey.shape == stored.shape:
        assert np.corrcoef(small.grey.ravel(), np.clip(stored, -1350, 150).ravel())[0, 1] > 0.9
    else:
        pytest.fail("the picture has another shape than the slice")
