from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from fake_scan import AXIAL, CORONAL, make_heatmap, make_volume

from napari_lesion.model.findings import Candidate
from napari_lesion.report.nifti import load_heatmap, save_heatmap
from napari_lesion.support.errors import ConfigError

SPOTS = (Candidate((52.0, -15.0, -250.0), 9.0, 0.9), Candidate((-48.0, -33.0, -228.0), 6.0, 0.5))
OBLIQUE = AXIAL.copy()
_ANGLE = np.deg2rad(20)
OBLIQUE[:3, :3] = (
    np.array([[np.cos(_ANGLE), -np.sin(_ANGLE), 0], [np.sin(_ANGLE), np.cos(_ANGLE), 0], [0, 0, 1]]) @ AXIAL[:3, :3]
)


@pytest.fixture(params=[AXIAL, CORONAL, OBLIQUE], ids=["axial", "coronal", "oblique"])
def saved(request, tmp_path) -> tuple[Path, object]:
    volume = make_volume(request.param)
    save_heatmap(make_heatmap(volume, SPOTS), volume, tmp_path / "heatmap.nii.gz")
    return tmp_path / "heatmap.nii.gz", volume


def test_nibabel_sees_the_hot_spot_where_the_finding_is(saved):
    path, volume = saved
    image = nib.load(path)
    values = image.get_fdata()

    assert image.shape == volume.shape[::-1]
    at = np.unravel_index(values.argmax(), values.shape)
    right, front, up = (image.affine @ [*at, 1])[:3]
    assert np.allclose([-right, -front, up], SPOTS[0].center_mm, atol=2.6)
    assert values.max() == pytest.approx(0.9, abs=0.1)
    assert image.get_data_dtype() == np.uint8


def test_simpleitk_sees_both_spots_where_the_findings_are(saved):
    path, _ = saved
    image = sitk.ReadImage(str(path))
    for spot in SPOTS:
        index = image.TransformPhysicalPointToIndex(spot.center_mm)  # ITK's space is LPS
        assert image[index] == pytest.approx(spot.score, abs=0.12)
    mirrored = (-SPOTS[0].center_mm[0], *SPOTS[0].center_mm[1:])
    assert image[image.TransformPhysicalPointToIndex(mirrored)] < 0.05


def test_the_grid_is_the_scanners(saved):
    path, volume = saved
    image = sitk.ReadImage(str(path))
    for index in ((0, 0, 0), (5, 17, 29), (39, 99, 149)):
        place = image.TransformIndexToPhysicalPoint(index[::-1])
        assert np.allclose(place, volume.to_patient(index), atol=1e-3)


def test_where_nothing_was_searched_the_heatmap_is_0(saved):
    values = nib.load(saved[0]).get_fdata()
    assert values[:3].max() == 0
    assert values[:, :, -2:].max() == 0


def test_a_scan_of_more_slices_than_a_slab_is_whole(tmp_path):
    affine = AXIAL.copy()
    affine[:3, 0] = (0, 0, 1)
    volume = make_volume(affine, (150, 40, 60))
    spots = tuple(Candidate(tuple(volume.to_patient((k, 20, 30))), 6.0, 0.8) for k in (20, 63.5, 120))
    heatmap = make_heatmap(volume, spots)
    save_heatmap(heatmap, volume, tmp_path / "heatmap.nii")

    from napari_lesion.imaging.preprocess import to_scanner_grid

    stored = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "heatmap.nii")))
    assert np.abs(stored - to_scanner_grid(heatmap, volume)).max() <= 0.5 / 255 + 1e-6


def test_a_heatmap_that_is_read_again_glows_in_the_same_places(saved):
    path, volume = saved
    heatmap = load_heatmap(path)
    assert heatmap.values.dtype == np.float32
    assert heatmap.values.size < np.prod(volume.shape) / 2, "what is empty around it is left out"
    hottest = heatmap.affine @ [*np.unravel_index(heatmap.values.argmax(), heatmap.values.shape), 1]
    assert np.allclose(hottest[:3], SPOTS[0].center_mm, atol=2.6)
    for spot in SPOTS:
        k, j, i, _ = np.rint(np.linalg.inv(heatmap.affine) @ [*spot.center_mm, 1]).astype(int)
        assert heatmap.values[k, j, i] == pytest.approx(spot.score, abs=0.12)


def test_what_is_no_heatmap_is_refused_with_its_name(tmp_path):
    path = tmp_path / "heatmap.nii.gz"
    path.write_bytes(b"no NIfTI")
    with pytest.raises(ConfigError, match="heatmap"):
        load_heatmap(path)
    nib.save(nib.Nifti1Image(np.zeros((3, 4, 5), np.int16), np.eye(4)), path)
    with pytest.raises(ConfigError, match="int16"):
        load_heatmap(path)


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (70, np.int16(0)),  # a type of voxels that there is none of
        (42, np.int16([32767] * 3)),  # more voxels than a scan has
        (280, np.float32([np.nan] * 4)),  # a place that is none
        (280, np.float32([0] * 12)),
    ],
)
def test_a_heatmap_whose_header_is_damaged_is_refused(offset, value, tmp_path):
    volume = make_volume()
    save_heatmap(make_heatmap(volume, SPOTS), volume, tmp_path / "h.nii")
    content = bytearray((tmp_path / "h.nii").read_bytes())
    content[offset : offset + value.nbytes] = value.tobytes()
    (tmp_path / "h.nii").write_bytes(content)
    with pytest.raises(ConfigError, match="not a heatmap of this program"):
        load_heatmap(tmp_path / "h.nii")


def test_a_heatmap_whose_packing_is_damaged_is_refused(tmp_path):
    volume = make_volume()
    save_heatmap(make_heatmap(volume, SPOTS), volume, tmp_path / "h.nii.gz")
    content = bytearray((tmp_path / "h.nii.gz").read_bytes())
    content[20:40] = b"\xff" * 20
    (tmp_path / "h.nii.gz").write_bytes(content)
    with pytest.raises(ConfigError, match="not a heatmap of this program"):
        load_heatmap(tmp_path / "h.nii.gz")
