"""Two readers that share no code with ours, SimpleITK (GDCM) and dcm2niix, see the same values in the same places.

Where one of the two cannot read a series, or is known to read it differently, the tables below say why, and the other
one and the truth of the factory remain.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import dcm2niix
import nibabel
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
import SimpleITK
from dicom_factory import (
    CENTER_MM,
    MARKS,
    ORIENTATIONS,
    SERIES,
    Truth,
    asymmetric_phantom,
    ct_slices,
    distance_to_marks,
    hu_at,
    positions,
    shuffled,
    write,
)
from scipy.ndimage import map_coordinates

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.model.volume import Volume

FloatArray = npt.NDArray[np.float64]
POSITION_TOLERANCE_MM = 0.001
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

#: Series whose values or frame order SimpleITK does not give as stored; test_simpleitk_... still compares the rest.
SIMPLEITK_INVERTS = {"pixels-monochrome1": "ITK turns MONOCHROME1 into its negative before the rescale"}
SIMPLEITK_KEEPS_FRAME_ORDER = {
    "enhanced-ct-shuffled-frames",
    "enhanced-ct-jpeg-ls",
    "enhanced-ct-feet-first",
    "enhanced-mr-rescale-per-frame",
}
SIMPLEITK_USES_ONE_RESCALE = {"enhanced-mr-rescale-per-frame": "ITK applies the first frame's rescale to all frames"}
DCM2NIIX_CANNOT = {
    "syntax-deflated": "dcm2niix has no inflate",
    "signed-deflated": "dcm2niix has no inflate",
    "syntax-jpeg-extended": "dcm2niix has no 12-bit lossy JPEG",
    "syntax-htj2k-lossless-rpcl": "dcm2niix does not know transfer syntax .202",
    "signed-htj2k-lossless-rpcl": "dcm2niix does not know transfer syntax .202",
    "signed-jpeg-lossless": "dcm2niix's own decoder is wrong where predictor 6 wraps around 16 bits",
    "enhanced-ct-jpeg-ls": "dcm2niix does not reorder the frames of a compressed multiframe object",
}
#: How far two correct decoders of a lossy syntax may lie apart, HU: one level of the inverse transform's rounding.
DECODER_SPREAD_HU = {
    "syntax-jpeg-baseline": 8.0,
    "syntax-jpeg-extended": 1.0,
    "syntax-jpeg-2000": 1.0,
    "syntax-htj2k": 1.0,
}


def read(path: Path) -> Volume:
    """Read the only volume in a folder."""
    index = find_series(path)
    assert len(index) == 1, list(index)
    return read_series(index[0])


def read_with_simpleitk(files: Sequence[Path]) -> tuple[FloatArray, FloatArray]:
    """Values and affine (k, j, i) → LPS mm of files in the given order."""
    image = SimpleITK.ReadImage([str(file) for file in files] if len(files) > 1 else str(files[0]))
    columns = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine = np.eye(4)
    affine[:3, :3] = columns[:, ::-1]
    affine[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image).astype(np.float64), affine


def read_with_dcm2niix(folder: Path, out: Path) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Values (i, j, k) and affine → LPS mm of every image that dcm2niix makes, by file name."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)

    command = [dcm2niix.bin, "-z", "n", "-b", "n", "-f", "image", "-o", str(out), str(folder)]
    subprocess.run(command, check=False, capture_output=True, timeout=120)
    images = {}
    for path in sorted(out.glob("*.nii")):
        image = nibabel.load(path)
        images[path.stem] = (np.asarray(image.get_fdata()), LPS_TO_RAS @ image.affine)
    return images


def in_order_of_position(files: Sequence[Path]) -> list[Path]:
    """Files along the normal of the first, by pydicom alone."""
    headers = [pydicom.dcmread(file, stop_before_pixels=True) for file in files]
    row, column = np.reshape([float(v) for v in headers[0].ImageOrientationPatient], (2, 3))
    normal = np.cross(row, column)
    place = [float(np.dot([float(v) for v in ds.ImagePositionPatient], normal)) for ds in headers]
    return [files[n] for n in np.argsort(place)]


def assert_same_scan(
    voxels: npt.NDArray[np.generic],
    affine: FloatArray,
    other_voxels: npt.NDArray[np.generic],
    other_affine: FloatArray,
    tolerance_hu: float = 0.0,
    tolerance_mm: float | None = None,
) -> None:
    """Same values at the same places, whichever way the axes of the two arrays run.

    The index transform between the two must be a signed permutation of the axes; then all corners must agree in mm,
    and all voxels in value.
    """
    transform = np.linalg.inv(other_affine) @ affine
    steps = np.rint(transform[:3, :3]).astype(int)
    assert (np.abs(steps).sum(axis=0) == 1).all(), f"not the same grid:\n{transform}"
    assert (np.abs(steps).sum(axis=1) == 1).all(), f"not the same grid:\n{transform}"
    axes = np.abs(steps).argmax(axis=0)
    signs = steps.sum(axis=0)
    aligned = np.transpose(other_voxels, axes)
    assert aligned.shape == voxels.shape
    aligned = aligned[tuple(slice(None, None, int(sign)) for sign in signs)]

    ends = np.array([(0, n - 1) for n in voxels.shape])
    corners = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)
    other_corners = np.empty_like(corners)
    for axis, (other_axis, sign) in enumerate(zip(axes, signs, strict=True)):
        n = voxels.shape[axis]
        other_corners[:, other_axis] = corners[:, axis] if sign > 0 else n - 1 - corners[:, axis]
    apart = (corners @ affine[:3, :3].T + affine[:3, 3]) - (
        other_corners @ other_affine[:3, :3].T + other_affine[:3, 3]
    )
    assert np.linalg.norm(apart, axis=-1).max() < (tolerance_mm or POSITION_TOLERANCE_MM)
    assert np.abs(voxels.astype(np.float64) - aligned).max() <= tolerance_hu


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory):
    """Write a series of the factory once: name → its folder and truth."""
    made: dict[str, tuple[Path, Truth]] = {}

    def make(name: str) -> tuple[Path, Truth]:
        if name not in made:
            folder = tmp_path_factory.mktemp("series") / name
            made[name] = (folder, SERIES[name](folder))
        return made[name]

    return make


@pytest.mark.parametrize("name", SERIES)
def test_reads_what_the_factory_wrote(name: str, written) -> None:
    folder, truth = written(name)
    volume = read(folder)
    assert_same_scan(volume.voxels, volume.affine, truth.hu, truth.affine, truth.tolerance_hu)
    assert volume.certificate.verdict == "as acquired"
    assert volume.certificate.gaps == ()


@pytest.mark.parametrize("name", SERIES)
def test_agrees_with_simpleitk(name: str, written) -> None:
    folder, truth = written(name)
    volume = read(folder)
    files = sorted(folder.iterdir())
    theirs, affine = read_with_simpleitk(in_order_of_position(files) if len(files) > 1 else files)
    if name in SIMPLEITK_INVERTS:
        theirs = theirs.max() + theirs.min() - theirs
        theirs += truth.hu.min() - theirs.min()
    if name in SIMPLEITK_KEEPS_FRAME_ORDER:
        frames = pydicom.dcmread(files[0], stop_before_pixels=True).PerFrameFunctionalGroupsSequence
        place = np.array([frame.PlanePositionSequence[0].ImagePositionPatient for frame in frames], dtype=float)
        order = np.argsort(place @ truth.affine[:3, 0])
        theirs, affine = theirs[order], truth.affine  # the places of shuffled frames are beyond SimpleITK
    if name in SIMPLEITK_USES_ONE_RESCALE:
        pytest.skip(SIMPLEITK_USES_ONE_RESCALE[name])
    assert_same_scan(volume.voxels, volume.affine, theirs, affine, DECODER_SPREAD_HU.get(name, 0.0))


@pytest.mark.parametrize("name", [name for name in SERIES if name not in DCM2NIIX_CANNOT])
def test_agrees_with_dcm2niix(name: str, written, tmp_path: Path) -> None:
    folder, _ = written(name)
    volume = read(folder)
    ((theirs, affine),) = read_with_dcm2niix(folder, tmp_path / "nifti").values()
    assert_same_scan(volume.voxels, volume.affine, theirs, affine, DECODER_SPREAD_HU.get(name, 0.0))


@pytest.mark.parametrize("name", DCM2NIIX_CANNOT)
def test_what_dcm2niix_cannot_read_is_still_beyond_it(name: str, written, tmp_path: Path) -> None:
    """Keeps the table of exceptions honest: an entry that is no longer needed fails here."""
    folder, truth = written(name)
    images = read_with_dcm2niix(folder, tmp_path / "nifti")
    for theirs, affine in images.values():
        with pytest.raises(AssertionError):
            assert_same_scan(truth.hu, truth.affine, theirs, affine)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_left_is_left_front_is_front_and_head_is_head(orientation: str, written) -> None:
    folder, _ = written(f"orientation-{orientation}")
    volume = read(folder)
    for mark in MARKS:
        k, j, i = np.rint(volume.to_index(mark.center_mm)).astype(int)
        assert volume.voxels[k, j, i] == mark.hu, mark.name
        mirrored = 2 * np.array(CENTER_MM) - mark.center_mm
        k, j, i = np.rint(volume.to_index(mirrored)).astype(int)
        assert volume.voxels[k, j, i] != mark.hu, f"{mark.name} is on both sides"


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_planes_a_finding_refers_to_are_the_files_that_show_it(orientation: str, written) -> None:
    folder, _ = written(f"orientation-{orientation}")
    volume = read(folder)
    headers = [pydicom.dcmread(file, stop_before_pixels=True) for file in folder.iterdir()]
    for mark in MARKS:
        row, column = np.reshape([float(v) for v in headers[0].ImageOrientationPatient], (2, 3))
        normal = np.cross(row, column)
        off = [abs(np.dot(np.subtract(mark.center_mm, ds.ImagePositionPatient), normal)) for ds in headers]
        instance = volume.nearest_instance(mark.center_mm)
        assert instance is not None
        named = [n for n, ds in enumerate(headers) if ds.SOPInstanceUID == instance.sop_instance_uid]
        assert [off[n] for n in named] == [pytest.approx(min(off))]  # two are equally near a mark between them


# -------------------------------------------------------------------------------------------------- gantry tilt


@pytest.mark.parametrize("orientation", ["axial", "axial-descending", "feet-first", "prone"])
@pytest.mark.parametrize("tilt_deg", [-18.5, 4.0, 25.0])
def test_a_tilted_gantry_is_resampled_onto_an_upright_grid(tmp_path: Path, orientation: str, tilt_deg: float) -> None:
    phantom = asymmetric_phantom(orientation, (30, 60, 44), (2.0, 1.5, 1.5), tilt_deg=tilt_deg)
    write(shuffled(ct_slices(phantom)), tmp_path / "tilted")
    volume = read(tmp_path / "tilted")

    axes = volume.affine[:3, :3] / volume.spacing
    assert np.abs(axes.T @ axes - np.eye(3)).max() < 1e-6, "the grid is not upright"
    assert abs(volume.certificate.tilt_deg) == pytest.approx(abs(tilt_deg), abs=0.01)
    assert volume.certificate.verdict == "corrected"

    where = positions(volume.affine, volume.shape)
    acquired = where.reshape(-1, 3) @ np.linalg.inv(phantom.affine)[:3, :3].T + np.linalg.inv(phantom.affine)[:3, 3]
    inside = ((acquired >= 0) & (acquired <= np.array(phantom.hu.shape) - 1)).all(-1).reshape(volume.shape)
    plain = inside & (distance_to_marks(where) > 4.0)  # away from edges of marks, where interpolation blurs
    assert plain.sum() > 0.3 * inside.size
    assert np.abs(volume.voxels - hu_at(where))[plain].max() <= 1.0  # half a HU of rounding, twice
    for mark in MARKS:
        k, j, i = np.rint(volume.to_index(mark.center_mm)).astype(int)
        assert volume.voxels[k, j, i] == pytest.approx(mark.hu, abs=1), mark.name


# ---------------------------------------------------------------------------------------------------- real data

REAL_CT = (
    "cptac-C3N-00247",
    "lungfcp-01-0001",
    "cmb-crc-01068",
    "rider-pilot-0117",
    "acrin-flt-breast-001",
)
#: dcm2niix takes the slice distance from the first two slices, which this scanner wrote as 0.799988 mm where the others
#: are 0.8 mm on average; over 95 slices it adds up to this much.
DCM2NIIX_STEP_MM = {"ct/rider-pilot-0117": 0.0015}
REAL_SMALL = ("edge-cases/dcmqi/ct-3slice", "edge-cases/dcmqi/24x38x3/image")


@pytest.mark.real_data
@pytest.mark.parametrize("name", [*(f"ct/{name}" for name in REAL_CT), *REAL_SMALL])
def test_real_series_agree_with_both_readers(real_data: Path, name: str, tmp_path: Path) -> None:
    folder = real_data / name
    volume = read(folder)
    files = in_order_of_position([file for file in sorted(folder.iterdir()) if file.suffix == ".dcm"])
    theirs, affine = read_with_simpleitk(files)
    assert_same_scan(volume.voxels, volume.affine, theirs, affine)
    ((theirs, affine),) = read_with_dcm2niix(folder, tmp_path / "nifti").values()
    assert_same_scan(volume.voxels, volume.affine, theirs, affine, tolerance_mm=DCM2NIIX_STEP_MM.get(name))


@pytest.mark.real_data
def test_a_real_multiframe_object_agrees_with_its_single_slices(real_data: Path) -> None:
    folder = real_data / "edge-cases/dcmqi/24x38x3"
    single, multi = read(folder / "image"), read(folder / "multiframe")
    assert_same_scan(multi.voxels, multi.affine, single.voxels, single.affine)


@pytest.mark.real_data
def test_a_real_tilted_series_lies_where_dcm2niix_puts_its_slices(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "edge-cases/Philips-tilt-neg"
    volume = read(folder)
    assert abs(volume.certificate.tilt_deg) == pytest.approx(18.5, abs=0.05)

    files = in_order_of_position([file for file in folder.iterdir() if file.name.startswith("I")])
    first, last = (pydicom.dcmread(file) for file in (files[0], files[-1]))
    stored = np.stack([pydicom.dcmread(file).pixel_array for file in files])
    hu = stored * float(first.RescaleSlope) + float(first.RescaleIntercept)
    row, column = np.reshape([float(v) for v in first.ImageOrientationPatient], (2, 3))
    acquired = np.eye(4)
    acquired[:3, 0] = np.subtract(last.ImagePositionPatient, first.ImagePositionPatient) / (len(files) - 1)
    acquired[:3, 1] = column * first.PixelSpacing[0]
    acquired[:3, 2] = row * first.PixelSpacing[1]
    acquired[:3, 3] = first.ImagePositionPatient

    def off_by(voxels: npt.NDArray[np.generic], affine: FloatArray) -> float:
        """Largest difference to the acquired slices, interpolated linearly at the voxels' places."""
        index = np.stack(np.meshgrid(*(np.arange(0, n, 3) for n in voxels.shape), indexing="ij"), axis=-1)
        to_acquired = np.linalg.inv(acquired) @ affine
        there = index @ to_acquired[:3, :3].T + to_acquired[:3, 3]
        inside = ((there >= 0) & (there <= np.array(hu.shape) - 1)).all(-1)
        assert inside.mean() > 0.5
        linear = map_coordinates(hu, np.moveaxis(there, -1, 0), order=1, mode="nearest")
        return float(np.abs(voxels[tuple(np.moveaxis(index, -1, 0))] - linear)[inside].max())

    assert off_by(volume.voxels, volume.affine) < 1.0
    # dcm2niix chooses another upright grid (its slices stay parallel to the gantry), but the same patient.
    assert off_by(*read_with_dcm2niix(folder, tmp_path / "nifti")["image_Tilt_1"]) < 1.0
