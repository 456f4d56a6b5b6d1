"""Rulers, angles, regions and pins measure in the patient, on any grid and plane, in the scan's own voxels."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
import SimpleITK
from dicom_factory import asymmetric_phantom, ct_slices, grid, positions, rotation, write
from fake_scan import AXIAL, FIRST, UID, make_volume
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lesion.assessment.measure.planar import angle_deg, measured
from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.model.display import Display
from napari_lesion.model.drawn import Drawing, Slab
from napari_lesion.model.volume import GeometryCertificate, Instance, SeriesIdentity, Volume
from napari_lesion.support.errors import GeometryError

EXAMPLES = int(os.environ.get("NAPARI_LESION_EXAMPLES", "40"))
AXES = np.eye(3)
PLANES = {"axial": 2, "coronal": 1, "sagittal": 0}
"""Axis of LPS through each plane."""
GRIDS = {
    "axial, thick slices": grid("axial", (24, 60, 50), (5.0, 0.7, 0.7)),
    "axial, oblong pixels": grid("axial", (30, 60, 40), (2.5, 0.6, 1.1)),
    "coronal": grid("coronal", (50, 40, 60), (1.5, 0.8, 0.8)),
    "sagittal from the left": grid("sagittal-left-last", (50, 40, 60), (1.2, 0.9, 0.7)),
    "oblique": grid("axial", (40, 60, 60), (2.0, 0.8, 0.8), turn=rotation(11, -17, 23)),
}


def volume_of(affine: np.ndarray, hu: np.ndarray, **certificate: object) -> Volume:
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return Volume(
        voxels=hu,
        affine=affine,
        series=SeriesIdentity(series_uid="1.2", series_number="3"),
        certificate=GeometryCertificate(
            shape=hu.shape,
            spacing_mm=tuple(np.linalg.norm(affine[:3, :3], axis=0)),
            orientation="axial",
            axes="HPL",
            **certificate,
        ),
        instances=tuple(
            Instance(f"1.2.{k}", tuple(affine[:3, 3] + k * affine[:3, 0]), tuple(directions[:, 0]), number=k + 70)
            for k in range(hu.shape[0])
        ),
    )


def ball(
    affine: np.ndarray, radius_mm: float = 11.0, inside: int = 40, outside: int = -850
) -> tuple[Volume, np.ndarray]:
    """A ball of a known density around the middle voxel; and its centre."""
    shape = {id(one): size for one, size in zip(GRIDS.values(), SHAPES, strict=True)}.get(id(affine), (40, 60, 60))
    centre = affine[:3, :3] @ (np.array(shape) // 2) + affine[:3, 3]
    distance = np.linalg.norm(positions(affine, shape) - centre, axis=-1)
    return volume_of(affine, np.where(distance < radius_mm, inside, outside).astype(np.int16)), centre


SHAPES = [(24, 60, 50), (30, 60, 40), (50, 40, 60), (50, 40, 60), (40, 60, 60)]


def drawn(tool: str, points: object, normal: object, volume: Volume, **more: object) -> Drawing:
    points = tuple(tuple(map(float, point)) for point in points)
    new = Drawing(id="a", number=1, tool=tool, points_mm=points, normal=tuple(map(float, normal)), **more)
    return measured(new, volume)


def ellipse(centre: np.ndarray, a: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
    return [centre - a, centre + a, centre - b, centre + b]


def rectangle(centre: np.ndarray, a: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
    return [centre - a - b, centre + a - b, centre + a + b, centre - a + b]


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("plane", PLANES)
def test_a_ball_of_known_density_has_it_on_every_grid_and_plane(name: str, plane: str) -> None:
    volume, centre = ball(GRIDS[name])
    normal, (u, v) = AXES[PLANES[plane]], np.delete(AXES, PLANES[plane], axis=0)
    # Well inside of the ball, also by half a voxel's diagonal.
    inside = drawn("ellipse", ellipse(centre, 6 * u, 5 * v), normal, volume)
    read = inside.values
    # On the oblique grid they are interpolated: to rounding.
    assert (read.mean, read.sd, read.lowest, read.highest) == pytest.approx((40, 0, 40, 40), abs=1e-9)
    assert inside.values.area == pytest.approx(math.pi * 30)
    assert inside.values.unit == "HU"
    assert inside.plane == plane
    across = drawn("rectangle", rectangle(centre + 11 * u, 6 * u, 2 * v), normal, volume)
    assert (across.values.lowest, across.values.highest) == pytest.approx((-850, 40)), (
        "half of it lies outside of the ball"
    )
    assert across.values.area == pytest.approx(12 * 4)
    pin = drawn("pin", [centre + 5 * u], normal, volume)
    assert pin.values.value == pytest.approx(40)
    assert drawn("pin", [centre + 14 * v], normal, volume).values.value == pytest.approx(-850)
    diameter = drawn("ruler", [centre - 11 * u, centre + 11 * u], normal, volume)
    assert diameter.values.length == pytest.approx(22)


@pytest.mark.parametrize("name", GRIDS)
def test_a_region_on_the_scans_own_planes_is_what_simpleitk_finds_there(name: str) -> None:
    affine = GRIDS[name]
    shape = SHAPES[list(GRIDS).index(name)]
    hu = np.random.default_rng(5).integers(-1000, 400, shape).astype(np.int16)
    volume = volume_of(affine, hu)
    image = SimpleITK.GetImageFromArray(hu)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    directions = affine[:3, :3] / spacing
    image.SetSpacing([float(one) for one in spacing[::-1]])
    image.SetDirection(directions[:, ::-1].ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    for axis in range(3):
        others = [one for one in range(3) if one != axis]
        u, v = directions[:, others[0]], directions[:, others[1]]
        middle = np.array(shape) // 2
        centre = np.array(image.TransformIndexToPhysicalPoint([int(one) for one in middle[::-1]])) + 0.31 * u - 0.17 * v
        a, b = 7.3 * u, 4.4 * v
        mask = np.zeros(shape, np.uint8)
        for index in np.ndindex(*(shape[one] for one in others)):
            place = np.empty(3, int)
            place[others], place[axis] = index, middle[axis]
            offset = np.array(image.TransformIndexToPhysicalPoint([int(one) for one in place[::-1]])) - centre
            mask[tuple(place)] = (offset @ u / 7.3) ** 2 + (offset @ v / 4.4) ** 2 <= 1
        labels = SimpleITK.GetImageFromArray(mask)
        labels.CopyInformation(image)
        truth = SimpleITK.LabelStatisticsImageFilter()
        truth.Execute(image, labels)
        values = drawn("ellipse", ellipse(centre, a, b), directions[:, axis], volume).values
        count = truth.GetCount(1)
        assert values.voxels == count > 10
        assert values.mean == pytest.approx(truth.GetMean(1))
        # SimpleITK estimates the SD of a larger population.
        assert values.sd == pytest.approx(truth.GetSigma(1) * math.sqrt((count - 1) / count))
        assert (values.lowest, values.highest) == (truth.GetMinimum(1), truth.GetMaximum(1))


angles = st.floats(-180, 180)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    turn=st.tuples(angles, angles, angles),
    spacing=st.tuples(*[st.floats(0.3, 5)] * 3),
    axis=st.integers(0, 2),
    sides=st.tuples(st.floats(6, 30), st.floats(6, 30)),
    bend=st.floats(0, 180),
    tool=st.sampled_from(["ellipse", "rectangle"]),
)
def test_sizes_are_the_patients_whatever_the_grid(turn, spacing, axis, sides, bend, tool) -> None:
    shape = tuple(int(np.clip(40 / one, 4, 120)) for one in spacing)
    affine = grid("axial", shape, spacing, turn=rotation(*turn))
    volume = volume_of(affine, np.full(shape, 7, np.int16))
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    normal, (u, v) = directions[:, axis], np.delete(directions.T, axis, axis=0)
    middle = np.array(shape) // 2
    centre = affine[:3, :3] @ middle + affine[:3, 3]
    points = (ellipse if tool == "ellipse" else rectangle)(centre, u * sides[0] / 2, v * sides[1] / 2)
    values = drawn(tool, points, normal, volume).values
    area = sides[0] * sides[1] * (math.pi / 4 if tool == "ellipse" else 1)
    assert values.area == pytest.approx(area)
    assert values.voxels == 0 or (values.mean, values.sd) == (7, 0)
    # As many voxels as the area has, give or take those along its line, and what is cut off at the scan's edge.
    p, q = np.delete(spacing, axis)
    around = 2 * (sides[0] + sides[1]) * math.hypot(p, q)
    inside = all(
        side / 2 < (n // 2 - 1) * step for side, n, step in zip(sides, np.delete(shape, axis), (p, q), strict=True)
    )
    if inside:
        assert abs(values.voxels * p * q - area) <= around
    arm = math.cos(math.radians(bend)) * u + math.sin(math.radians(bend)) * v
    assert drawn("angle", [centre + 5 * u, centre, centre + 9 * arm], normal, volume).values.angle_deg == (
        pytest.approx(bend, abs=1e-6)
    )
    assert drawn("ruler", [centre, centre + sides[0] * arm], normal, volume).values.length == pytest.approx(sides[0])


def test_an_angle_is_exact_where_its_cosine_is_flat() -> None:
    tiny = math.radians(1e-5)
    assert angle_deg((1, 0, 0), (0, 0, 0), (math.cos(tiny), math.sin(tiny), 0)) == pytest.approx(1e-5, rel=1e-6)
    assert angle_deg((1, 0, 0), (0, 0, 0), (-1, 0, 0)) == 180
    assert angle_deg((0, 0, 0), (0, 0, 0), (-1, 0, 0)) == 0


def test_a_drawing_names_the_image_that_it_lies_on() -> None:
    volume = make_volume()
    on_slice = np.array([10.0, -20.0, -300 + 2.5 * 12])
    drawing = drawn("ruler", [on_slice, on_slice + np.array([9, 0, 0])], AXES[2], volume)
    assert (drawing.sop_instance_uid, drawing.instance_number) == (f"{UID}.13", FIRST + 12)
    assert drawing.on_image
    assert drawing.notes == ()
    between = drawn("ruler", [on_slice + np.array([0, 0, 1]), on_slice + np.array([9, 0, 1])], AXES[2], volume)
    assert not between.on_image
    coronal = drawn("ellipse", ellipse(on_slice, 6 * AXES[0], 5 * AXES[2]), AXES[1], volume)
    assert not coronal.on_image
    assert "made of several images (coronal)" in coronal.notes[0]


def test_a_slab_is_measured_as_it_is_shown_and_says_so() -> None:
    hu = np.zeros((9, 20, 20), np.int16)
    hu[:] = np.array([0, 10, 20, 30, 40, 100, -50, 5, 6])[:, None, None]
    volume = volume_of(np.diag([2.0, 1.0, 1.0, 1.0])[[2, 1, 0, 3]], hu)
    centre = volume.to_patient([4, 10, 10])
    for projection, value in (("max", 100), ("min", -50), ("mean", 28)):
        slab = Slab(projection=projection, slices=5)
        pin = drawn("pin", [centre], AXES[2], volume, slab=slab)
        assert pin.values.value == value
        assert not pin.on_image
        assert "of 5 slices" in pin.notes[0]
        region = drawn("ellipse", ellipse(centre, 4 * AXES[0], 3 * AXES[1]), AXES[2], volume, slab=slab)
        assert (region.values.mean, region.values.sd) == (value, 0)
    assert drawn("pin", [centre], AXES[2], volume).values.value == 40


def test_slices_that_were_interpolated_are_named() -> None:
    affine = GRIDS["axial, thick slices"]
    volume = volume_of(affine, np.zeros((24, 60, 50), np.int16), interpolated_slices=(11,))
    for k, words in ((11, True), (12, False)):
        centre = volume.to_patient([k, 30, 25])
        region = drawn("ellipse", ellipse(centre, 4 * AXES[0], 3 * AXES[1]), AXES[2], volume)
        assert any("interpolated where acquired ones are missing" in one for one in region.notes) is words
    coronal = drawn("ellipse", ellipse(volume.to_patient([9, 30, 25]), 4 * AXES[0], 12 * AXES[2]), AXES[1], volume)
    assert any("interpolated" in one for one in coronal.notes)


def test_what_is_not_hu_gets_no_hu() -> None:
    volume = make_volume(unit="", modality="MR")
    centre = volume.to_patient([20, 50, 70])
    region = drawn("rectangle", rectangle(centre, 5 * AXES[0], 5 * AXES[1]), AXES[2], volume)
    assert region.values.unit == ""
    assert region.notes == ("The values of this scan are not in HU.",)


@pytest.mark.parametrize(("scale", "unit"), [("none", "px"), ("detector", "mm at the detector")])
def test_lengths_say_where_they_are_none_of_the_patient(scale: str, unit: str) -> None:
    volume = volume_of(AXIAL, np.zeros((1, 30, 30), np.int16))
    volume = Volume(**{**vars(volume), "display": Display(scale=scale)})
    start = volume.to_patient([0, 3, 3])
    ruler = drawn("ruler", [start, start + np.array([15, 0, 0])], AXES[2], volume)
    assert ruler.values.length_unit == unit
    assert len(ruler.notes) == 1


def test_what_lies_outside_of_the_scan_or_in_no_plane_is_refused() -> None:
    volume = make_volume()
    inside = volume.to_patient([20, 50, 70])
    with pytest.raises(GeometryError, match="outside of the scan"):
        drawn("pin", [inside + np.array([500, 0, 0])], AXES[2], volume)
    with pytest.raises(GeometryError, match="not in one plane"):
        drawn("ruler", [inside, inside + np.array([0, 0, 5])], AXES[2], volume)
    for points in ([inside], [inside, inside, inside, inside], rectangle(inside, 3 * AXES[0], AXES[0] + AXES[1])):
        with pytest.raises(ValueError, match=r"points|right angles"):
            drawn("rectangle", points, AXES[2], volume)


def test_a_region_without_a_voxels_centre_has_no_values_and_says_why() -> None:
    volume = make_volume()
    place = volume.to_patient([20, 50.5, 70.5])
    region = drawn("ellipse", ellipse(place, 0.3 * AXES[0], 0.3 * AXES[1]), AXES[2], volume)
    assert (region.values.voxels, region.values.mean) == (0, None)
    assert "no voxel's centre" in region.notes[-1]
    assert region.values.area == pytest.approx(math.pi * 0.09)


def test_on_a_tilted_gantry_lengths_are_the_patients_and_no_drawing_claims_an_acquired_image(tmp_path) -> None:
    phantom = asymmetric_phantom(tilt_deg=14)
    write(ct_slices(phantom), tmp_path)
    (series,) = find_series(tmp_path)
    volume = read_series(series)
    assert volume.certificate.verdict == "corrected"
    bright = max(phantom.marks, key=lambda mark: mark.hu)
    index = np.rint(volume.to_index(bright.center_mm))
    centre = volume.to_patient(index)
    u, v, normal = (volume.affine[:3, n] / np.linalg.norm(volume.affine[:3, n]) for n in (2, 1, 0))
    pin = drawn("pin", [centre], normal, volume)
    assert pin.values.value == pytest.approx(bright.hu, abs=60), "the mark is where the patient has it"
    ruler = drawn("ruler", [centre, centre + 3 * u + 4 * v], normal, volume)
    assert ruler.values.length == pytest.approx(5)
    assert not ruler.on_image
