"""What is measured is what was put there: size, volume, density, side; in every orientation of the scan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from synthetic_chest import Chest

from napari_lesion.assessment.measure.measure import measure, measure_findings
from napari_lesion.assessment.measure.sides import find_lungs
from napari_lesion.model.findings import Finding, HistoryEntry, box_around
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import FloatArray, GeometryCertificate, SeriesIdentity, Volume, spacing_of
from napari_lesion.support.errors import AnnotationError


def as_volume(hu: np.ndarray, affine: FloatArray) -> Volume:
    spacing = spacing_of(affine)
    certificate = GeometryCertificate(shape=hu.shape, spacing_mm=spacing, orientation="axial", axes="HPL")
    return Volume(np.rint(hu).astype(np.int16), affine, SeriesIdentity(series_uid="1"), certificate)


def axial(spacing: tuple[float, float, float]) -> FloatArray:
    z, y, x = spacing
    return np.array([[0, 0, x, -30.0], [0, y, 0, -40.0], [z, 0, 0, -200.0], [0, 0, 0, 1.0]])


def body(
    spacing: tuple[float, float, float],
    radii: tuple[float, float, float],
    *,
    turn_deg: float = 0.0,
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> tuple[np.ndarray, FloatArray]:
    """An ellipsoid (z, y, x), turned about z, in the middle of a grid that just holds it."""
    shape = [2 * int(np.ceil((max(radii) + 4) / s)) + 1 for s in spacing]
    z, y, x = (
        (np.arange(n) - n // 2).reshape([-1 if axis == a else 1 for a in range(3)]) * s + d
        for axis, (n, s, d) in enumerate(zip(shape, spacing, shift_mm, strict=True))
    )
    angle = np.deg2rad(turn_deg)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    return (z / radii[0]) ** 2 + (v / radii[1]) ** 2 + (u / radii[2]) ** 2 <= 1, axial(spacing)


def measured(inside: np.ndarray, affine: FloatArray, hu: np.ndarray | None = None, **kwargs: object):
    volume = as_volume(np.where(inside, 30.0, -850.0) if hu is None else hu, affine)
    return measure(volume, Mask.of(inside), method="test", **kwargs)


@pytest.mark.parametrize("spacing", [(1.0, 0.7, 0.7), (2.0, 0.6, 0.9)])
@pytest.mark.parametrize("diameter", [6.0, 11.0, 24.0])
def test_a_ball_has_its_size_wherever_it_lies_between_the_voxels(spacing, diameter: float) -> None:
    rng = np.random.default_rng(0)
    errors, ratios, said = [], [], []
    for _ in range(12):
        shift = rng.uniform(-0.5, 0.5, 3) * spacing
        result = measured(*body(spacing, (diameter / 2,) * 3, shift_mm=tuple(shift)))
        errors.append(result.mean_diameter_mm - diameter)
        ratios.append(result.volume_mm3 / (np.pi / 6 * diameter**3))
        said.append(result.volume_sd_mm3 / result.volume_mm3)
        assert result.diameter_3d_mm == pytest.approx(diameter, abs=1.1 * max(spacing))
    assert abs(np.mean(errors)) < 0.35 * max(spacing[1:])
    assert np.mean(ratios) == pytest.approx(1, abs=0.02)
    # The uncertainty that is said covers what the voxels do, and is not far over it.
    assert np.std(ratios) < 2 * np.mean(said) < 0.4


def test_the_axes_are_those_of_an_ellipse_at_right_angles_on_its_slice() -> None:
    inside, affine = body((2.0, 0.7, 0.7), (6.0, 4.5, 10.0), turn_deg=30)
    result = measured(inside, affine)
    assert result.long_axis.length_mm == pytest.approx(20, abs=0.5)
    assert result.short_axis.length_mm == pytest.approx(9, abs=0.5)
    assert result.mean_diameter_mm == pytest.approx(14.5, abs=0.3)
    ends = {
        name: np.array([axis.start_mm, axis.end_mm])
        for name, axis in (("l", result.long_axis), ("s", result.short_axis))
    }
    middle = affine @ [*(n // 2 for n in inside.shape), 1]
    for both in ends.values():
        assert both[:, 2] == pytest.approx(middle[2])
    along, across = (np.diff(both, axis=0)[0] for both in ends.values())
    assert abs(along @ across) / np.linalg.norm(along) / np.linalg.norm(across) < 0.01
    assert abs(np.degrees(np.arctan(along[1] / along[0])) - 30) < 4


def in_other_axes(volume: Volume, order: tuple[int, int, int], flips: tuple[int, ...]) -> Volume:
    """The same patient, stored along other axes."""
    affine = volume.affine[:, [*order, 3]].copy()
    voxels = volume.voxels.transpose(order)
    for axis in flips:
        affine[:3, 3] += affine[:3, axis] * (voxels.shape[axis] - 1)
        affine[:3, axis] *= -1
        voxels = np.flip(voxels, axis)
    return replace(volume, voxels=np.ascontiguousarray(voxels), affine=affine)


def turned(volume: Volume, degrees: float) -> Volume:
    """The patient lies askew: everything, seen in the patient's axes, is turned about z."""
    a = np.deg2rad(degrees)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]
    return replace(volume, affine=turn @ volume.affine)


@pytest.fixture(scope="module")
def chest() -> tuple[Volume, dict[str, tuple[float, float, float]]]:
    """A chest that is not alike on both sides, and where its nodules are, LPS mm."""
    made = Chest()
    places = {"left upper": (60, 20, 85), "left middle": (0, 30, 95), "right lower": (-70, 20, -80)}
    for z, y, x in places.values():
        made.put(made.ball((z, y, x), (7, 7, 7)), 30.0)
    affine = np.array([[0, 0, 2.5, made.x.min()], [0, 2.5, 0, made.y.min()], [2.5, 0, 0, made.z.min()], [0, 0, 0, 1.0]])
    return as_volume(made.scan(), affine), {name: (x, y, z) for name, (z, y, x) in places.items()}


def ball_at(volume: Volume, center: FloatArray, radius: float) -> Mask:
    index = np.stack(np.meshgrid(*map(np.arange, volume.shape), indexing="ij"), -1)
    return Mask.of(np.linalg.norm(volume.to_patient(index) - center, axis=-1) <= radius)


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v,
        lambda v: in_other_axes(v, (0, 1, 2), (0, 2)),
        lambda v: in_other_axes(v, (1, 0, 2), (1,)),
        lambda v: in_other_axes(v, (2, 0, 1), (0, 1)),
        lambda v: turned(v, 25.0),
    ],
    ids=["axial", "feet first", "coronal", "sagittal", "oblique"],
)
def test_left_is_left_and_upper_is_upper_in_every_orientation(chest, change) -> None:
    volume, places = chest
    other = change(volume)
    lungs = find_lungs(other)
    assert lungs is not None
    move = other.affine @ np.linalg.inv(volume.affine) if other.shape == volume.shape else np.eye(4)
    if not np.allclose(move[:3, :3].T @ move[:3, :3], np.eye(3)) or np.linalg.det(move[:3, :3]) < 0:
        move = np.eye(4)
    if change(volume).voxels is not volume.voxels:
        move = np.eye(4)
    for name, center in places.items():
        at = (move @ [*center, 1])[:3]
        result = measure(other, ball_at(other, at, 7.0), method="test", lungs=lungs)
        assert f"{result.side} {result.zone}" == name
        assert result.hu.mean == pytest.approx(30, abs=25)
        assert result.mean_diameter_mm == pytest.approx(14, abs=1.2)


def test_a_mirrored_patient_has_left_and_right_exchanged(chest) -> None:
    volume, places = chest
    mirror = np.diag([-1.0, 1, 1, 1])
    mirrored = replace(volume, affine=mirror @ volume.affine)
    lungs = find_lungs(mirrored)
    x, y, z = places["left upper"]
    result = measure(mirrored, ball_at(mirrored, np.array([-x, y, z]), 7.0), method="test", lungs=lungs)
    assert (result.side, result.zone) == ("right", "upper")


def test_the_pleura_is_as_far_as_it_is_and_a_cut_lung_has_no_zones(chest) -> None:
    volume, _ = chest
    lungs = find_lungs(volume)
    # The left lung's side lies at x = 75 + 55 where y = 0, z = -10.
    near = measure(volume, ball_at(volume, np.array([110.0, 0, -10]), 7.0), method="test", lungs=lungs)
    assert near.pleura_distance_mm == pytest.approx(130 - 117, abs=3.0)
    touching = measure(volume, ball_at(volume, np.array([125.0, 0, -10]), 7.0), method="test", lungs=lungs)
    assert touching.pleura_distance_mm == 0
    slab = replace(volume, voxels=volume.voxels[:60])
    cut = measure(slab, ball_at(slab, np.array([95.0, 0, -50]), 7.0), method="test", lungs=find_lungs(slab))
    assert (cut.side, cut.zone) == ("left", "unknown")
    assert any("apex of the left lung" in note for note in cut.notes)


def test_depth_in_the_lungs_is_that_of_a_distance_transform_of_all_of_the_grid(chest) -> None:
    volume, places = chest
    lungs = find_lungs(volume)
    assert lungs is not None
    inside, spacing = lungs.labels > 0, spacing_of(lungs.affine)
    near = ndimage.distance_transform_edt(inside, sampling=spacing)
    far = ndimage.distance_transform_edt(~inside, sampling=spacing)
    depth = np.where(inside, near - min(spacing) / 2, min(spacing) / 2 - far)
    rng = np.random.default_rng(0)
    mm = np.concatenate([np.array(center) + rng.uniform(-40, 40, (200, 3)) for center in places.values()])
    index = (np.linalg.inv(lungs.affine) @ np.c_[mm, np.ones(len(mm))].T)[:3]
    expected = ndimage.map_coordinates(depth, index, order=1, mode="nearest")
    assert expected.min() < -10
    assert expected.max() > 20
    together = lungs.depth_at(mm)
    np.testing.assert_allclose(together, expected, atol=1e-6)
    np.testing.assert_allclose([lungs.depth_at(one[None])[0] for one in mm[::17]], expected[::17], atol=1e-6)


def made_of(kind: str) -> tuple[np.ndarray, FloatArray, np.ndarray]:
    inside, affine = body((1.0, 0.7, 0.7), (7.0,) * 3)
    core, _ = body((1.0, 0.7, 0.7), (3.5, 3.5, 3.5))
    pad = [(a - b) // 2 for a, b in zip(inside.shape, core.shape, strict=True)]
    core = np.pad(core, [(p, p) for p in pad])
    levels = {
        "solid": (30, 30),
        "part-solid": (-550, 20),
        "non-solid": (-600, -600),
        "calcified": (500, 500),
        "spot": (30, 500),
    }
    shell, middle = levels[kind]
    hu = np.where(core, middle, np.where(inside, shell, -850)).astype(np.float64)
    hu = ndimage.gaussian_filter(hu, 0.6) + np.random.default_rng(1).normal(0, 25, hu.shape)
    return inside, affine, hu


@pytest.mark.parametrize(
    ("kind", "told", "calcified", "solid_mm"),
    [
        ("solid", "solid", "none", 13.5),
        ("part-solid", "part-solid", "none", 7.0),
        ("non-solid", "non-solid", "none", 0.0),
        ("calcified", "solid", "complete", 14.2),
        ("spot", "solid", "partial", 13.5),
    ],
)
def test_the_type_and_calcium_are_told_by_density(kind: str, told: str, calcified: str, solid_mm: float) -> None:
    result = measured(*made_of(kind))
    assert result.type == told
    assert result.calcification == calcified
    assert result.solid_mean_diameter_mm == pytest.approx(solid_mm, abs=0.8)
    assert "HU" in result.type_rule
    assert result.mass_mg == pytest.approx(result.volume_mm3 * (result.hu.mean + 1000) / 1000, rel=0.01)


def test_a_small_faint_nodule_has_no_type() -> None:
    inside, affine = body((2.5, 0.7, 0.7), (2.2,) * 3)
    result = measured(inside, affine, np.where(inside, -500.0, -850.0))
    assert result.type == "unknown"
    assert result.solid_mean_diameter_mm is None
    assert any("its type is unknown" in note for note in result.notes)


def finding(name: str, center: FloatArray, diameter: float, **more: object) -> Finding:
    at = tuple(float(c) for c in center)
    return Finding(id=name, center_mm=at, diameter_mm=diameter, box_mm=box_around(at, diameter), score=0.9, **more)


def test_no_voxel_belongs_to_two_findings_but_one_lesion_found_twice_stays_whole() -> None:
    affine = axial((1.0, 1.0, 1.0))
    index = np.indices((40, 60, 60)).astype(float)
    distance = [np.sqrt(((index - np.reshape(c, (3, 1, 1, 1))) ** 2).sum(0)) for c in ([20, 30, 22], [20, 30, 36])]
    volume = as_volume(np.where(np.minimum(*distance) < 8, 30.0, -850.0), affine)
    found_before = measure(volume, Mask.of(distance[0] < 8), method="nodule-seg 1.0.0")
    drawn = (HistoryEntry(time="2026-01-01T00:00:00+00:00", reader="ann", what="outlined"),)
    one, other = (
        finding(name, volume.to_patient(c), 16.0, mask=Mask.of(d < 8.5), measurement=found_before)
        for name, c, d in (("A", [20, 30, 22], distance[0]), ("B", [20, 30, 36], distance[1]))
    )
    a, b = measure_findings(volume, (one, other))
    count = np.zeros(volume.shape, int)
    for found in (a, b):
        each = np.zeros(volume.shape, bool)
        found.mask.put(each)
        count += each
    assert count.max() == 1
    assert a.measurement.volume_mm3 == pytest.approx(b.measurement.volume_mm3, rel=0.05)
    place = "the finding at ({:.1f}, {:.1f}, {:.1f}) mm".format(*other.center_mm)
    assert any(f"touches {place}" in note for note in a.measurement.notes)
    # What a reader drew stays; the other one gives way.
    mine, theirs = measure_findings(volume, (one.model_copy(update={"history": drawn, "measurement": None}), other))
    assert mine.measurement.method == "outlined by ann"
    assert mine.mask == one.mask
    assert theirs.mask.count < other.mask.count
    assert any("which a reader outlined" in note for note in theirs.measurement.notes)
    twice = one.model_copy(update={"id": "C", "mask": Mask.of(distance[0] < 7.5)})
    whole, again = measure_findings(volume, (one, twice))
    assert (whole.mask, again.mask) == (one.mask, twice.mask)
    assert any("one lesion" in note for note in whole.measurement.notes)


def test_what_cannot_be_measured_says_why(chest) -> None:
    volume, places = chest
    (outside,) = measure_findings(volume, (finding("A", np.array([900.0, 0, 0]), 8.0),))
    assert outside.measurement is None
    assert "outside the scan" in outside.unmeasured
    (nothing,) = measure_findings(volume, (finding("A", np.array([0.0, -300, 0]), 8.0),))
    assert nothing.measurement is None
    assert nothing.unmeasured
    far = Mask.of(np.ones((2, 2, 2), bool), (500, 0, 0))
    with pytest.raises(AnnotationError, match="belongs to another one"):
        measure(volume, far, method="test")
    other = replace(volume, certificate=volume.certificate.model_copy(update={"unit": "none"}))
    with pytest.raises(AnnotationError, match="needs HU"):
        measure(other, Mask.of(np.ones((2, 2, 2), bool)), method="test")
    assert places
