"""A phantom looks like a chest, with its nodules where the truth says, on the side where it says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import ndimage

from napari_lesion.phantom import PhantomNodule, Pose, Scanner, make_scan
from napari_lesion.phantom.nodules import NoduleShape
from napari_lesion.phantom.patient import make_patient
from napari_lesion.support.errors import Cancelled, ConfigError

SPACING = (2.5, 1.6, 1.6)
QUIET = Scanner(noise_hu=0.0)
NODULES = (
    PhantomNodule(16, "solid", "lobulated", "parenchyma", seed=1),
    PhantomNodule(12, "solid", "spiculated", "parenchyma", seed=2),
    PhantomNodule(14, "ground-glass", seed=3),
    PhantomNodule(18, "part-solid", seed=4),
    PhantomNodule(8, "calcified", seed=5),
    PhantomNodule(14, "solid", "smooth", "pleura", seed=6),
    PhantomNodule(10, "solid", "smooth", "vessel", seed=7),
    PhantomNodule(12, "solid", "smooth", "mediastinum", seed=8),
)


@pytest.fixture(scope="module")
def scans():
    """With and without nodules, no noise: what differs is nodules."""
    with_nodules, truth = make_scan(3, NODULES, spacing=SPACING, scanner=QUIET)
    without, nothing = make_scan(3, spacing=SPACING, scanner=QUIET)
    assert nothing == ()
    return with_nodules, truth, without


@pytest.fixture(scope="module")
def lungs(scans):
    """Air inside of the body: (z, y, x) bool."""
    hu = ndimage.median_filter(scans[2].voxels, 3)
    air, _ = ndimage.label(hu < -500)
    edges = np.unique(
        np.concatenate([air[:, 0].ravel(), air[:, -1].ravel(), air[:, :, 0].ravel(), air[:, :, -1].ravel()])
    )
    return (air > 0) & ~np.isin(air, edges)


def test_every_nodule_is_where_the_truth_says_and_nowhere_else(scans):
    volume, truth, without = scans
    assert [placed.nodule for placed in truth] == list(NODULES)
    added = volume.voxels.astype(int) - without.voxels > 60
    unexplained = added.copy()
    positions = volume.to_patient(np.argwhere(added))
    distance = np.linalg.norm(positions[:, None] - [p.center_mm for p in truth], axis=2)
    unexplained = distance.min(axis=1) > [0.9 * truth[n].diameter_mm + 4 for n in distance.argmin(axis=1)]
    assert not unexplained.any()
    for n, placed in enumerate(truth):
        own = positions[distance.argmin(axis=1) == n]
        if placed.nodule.site == "parenchyma":  # elsewhere the wall or a vessel covers a part
            assert np.linalg.norm(own.mean(axis=0) - placed.center_mm) < 1.3, placed
        if placed.nodule.site == "parenchyma" and placed.nodule.margin != "spiculated":
            volume_mm3 = len(own) * np.prod(SPACING)
            assert 2 * np.cbrt(volume_mm3 * 3 / 4 / np.pi) == pytest.approx(placed.diameter_mm, rel=0.22), placed
        k, j, i = np.rint(volume.to_index(placed.center_mm)).astype(int)
        assert added[k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2].any(), placed


def test_textures_have_the_density_of_their_kind(scans):
    volume, truth, _ = scans
    ranges = {"solid": (-60, 130), "ground-glass": (-720, -440), "part-solid": (-120, 130), "calcified": (180, 800)}
    for placed in truth:
        k, j, i = np.rint(volume.to_index(placed.center_mm)).astype(int)
        low, high = ranges[placed.nodule.texture]
        assert low < volume.voxels[k, j, i] < high, placed


def test_a_nodule_on_the_pleura_touches_the_wall_and_one_in_the_lung_does_not(scans, lungs):
    volume, truth, _ = scans
    filled = ndimage.binary_closing(lungs, iterations=2)  # vessels belong to the lung
    inside_mm = ndimage.distance_transform_edt(filled, SPACING)
    for placed in truth:
        k, j, i = np.rint(volume.to_index(placed.center_mm)).astype(int)
        gap = inside_mm[k, j, i] - placed.diameter_mm / 2
        if placed.nodule.site == "pleura":
            assert gap < 0, placed
        if placed.nodule.site == "parenchyma":
            assert gap > 0, placed


def test_the_heart_is_on_the_left_the_liver_on_the_right_the_spine_at_the_back_the_apex_at_the_head(scans, lungs):
    volume = scans[2]
    where = volume.to_patient(np.argwhere(lungs))
    middle_x = (where[:, 0].min() + where[:, 0].max()) / 2
    left, right = where[where[:, 0] > middle_x], where[where[:, 0] < middle_x]
    # The heart takes room from the left lung.
    bottom, top = where[:, 2].min(), where[:, 2].max()
    heart = [np.abs(side[:, 2] - bottom - 0.42 * (top - bottom)) < 20 for side in (left, right)]
    assert heart[0].sum() < 0.85 * heart[1].sum()
    # The right dome, over the liver, stands higher: at its centre the lung begins further up.
    floor = [side[np.abs(side[:, 0] - middle_x - 64 * s) < 12][:, 2] for side, s in ((left, 1), (right, -1))]
    assert np.percentile(floor[1], 2) > np.percentile(floor[0], 2) + 4
    # The lungs narrow to the head.
    high, low = where[where[:, 2] > where[:, 2].max() - 25], where[np.abs(where[:, 2] - where[:, 2].mean()) < 12]
    assert np.ptp(high[:, 0]) < 0.7 * np.ptp(low[:, 0])
    # Most of the bone in the midline is spine, behind the lungs' middle.
    bone = volume.to_patient(np.argwhere(volume.voxels > 300))
    midline = bone[np.abs(bone[:, 0] - middle_x) < 15]
    assert np.median(midline[:, 1]) > where[:, 1].mean() + 30


def test_tissues_have_their_hu(scans, lungs):
    volume = scans[2]
    inside = ndimage.binary_erosion(lungs, iterations=3)
    assert -900 < np.median(volume.voxels[inside]) < -820
    histogram = np.bincount(np.clip(volume.voxels.ravel() + 1024, 0, 2000), minlength=2001)
    smooth = ndimage.gaussian_filter1d(histogram.astype(float), 4)
    assert abs(int(smooth[824:974].argmax()) + 824 - 1024 + 104) < 15  # fat
    assert abs(int(smooth[1024:1124].argmax()) - 50) < 20  # muscle, blood and liver


def test_dependent_lung_is_denser(scans, lungs):
    volume = scans[2]
    inside = ndimage.binary_erosion(lungs, iterations=3)
    j = np.argwhere(inside)[:, 1]
    hu = volume.voxels[inside]
    front, back = hu[j < np.percentile(j, 25)], hu[j > np.percentile(j, 75)]
    assert np.median(back) > np.median(front) + 20


def test_airways_reach_from_the_trachea_into_both_lungs(scans):
    volume = scans[2]
    air, _ = ndimage.label(volume.voxels < -930)
    trachea = air[-12, volume.shape[1] // 2 - 25 : volume.shape[1] // 2 + 40]
    names, counts = np.unique(trachea[trachea > 0], return_counts=True)
    sizes = {n: (air == n) for n in names[counts > 15]}
    tubes = [volume.to_patient(np.argwhere(m)) for m in sizes.values()]
    tube = max((t for t in tubes if np.ptp(t[:, 0]) < 250), key=lambda t: np.ptp(t[:, 2]))
    x = np.median(tube[tube[:, 2] > tube[:, 2].max() - 30][:, 0])
    low = tube[tube[:, 2] < tube[:, 2].max() - 90]
    assert low[:, 0].min() < x - 20 < x + 20 < low[:, 0].max()


def test_noise_is_as_strong_as_asked_and_correlated_as_a_kernel_leaves_it():
    box = {"spacing": (2.5, 0.8, 0.8), "shape": (6, 448, 448)}
    clean = make_scan(3, scanner=QUIET, **box)[0].voxels.astype(float)
    neighbours = {}
    for kernel in ("soft", "lung"):
        base = make_scan(3, scanner=Scanner(kernel, 0.0), **box)[0].voxels.astype(float)
        noise = make_scan(3, scanner=Scanner(kernel, 20.0), **box)[0].voxels - base
        deep = (clean > 0) & (clean < 100)
        deep &= ndimage.distance_transform_edt(clean > -300, (99, 1, 1)) > 8
        deep[:, :150], deep[:, 290:], deep[:, :, :120], deep[:, :, 330:] = False, False, False, False
        assert noise[deep].std() == pytest.approx(20, rel=0.12)
        both = deep[:, :, 1:] & deep[:, :, :-1]
        neighbours[kernel] = np.corrcoef(noise[:, :, 1:][both], noise[:, :, :-1][both])[0, 1]
    assert neighbours["soft"] > 0.35
    assert neighbours["lung"] < neighbours["soft"] - 0.2


def test_the_same_seed_is_the_same_scan_and_another_is_another_patient():
    small = {"spacing": (2.5, 1.6, 1.6), "shape": (3, 200, 224)}
    one, again = (make_scan(5, NODULES[:1], **small) for _ in range(2))
    np.testing.assert_array_equal(one[0].voxels, again[0].voxels)
    np.testing.assert_array_equal(one[0].affine, again[0].affine)
    assert one[1] == again[1]
    other, _ = make_scan(6, **small)
    assert (other.voxels != one[0].voxels).mean() > 0.2


def test_the_same_patient_lies_elsewhere_in_another_scan_but_is_the_same_inside():
    poses = (Pose((0, 0, -100), 0.0), Pose((6, -4, -350), 3.0))
    places = [make_scan(5, NODULES[:2], spacing=(5, 4, 4), shape=(3, 80, 90), pose=p)[1] for p in poses]
    for one, two in zip(*places, strict=True):
        assert one.body_mm == two.body_mm
        np.testing.assert_allclose(poses[1].to_body(two.center_mm), one.body_mm, atol=1e-9)
        assert np.linalg.norm(np.subtract(one.center_mm, two.center_mm)) > 200


def test_roll_turns_the_left_side_to_the_back():
    x, y, z = Pose((0, 0, 0), 10.0).to_scanner((100, 0, 0))
    assert (x > 0, y > 10, z) == (True, True, 0)


def test_spacing_does_not_move_anything():
    pose = Pose((2, -3, -200), 2.0)
    centres = []
    for spacing in ((2.5, 1.6, 1.6), (2.0, 1.2, 1.2)):
        volume, truth = make_scan(3, NODULES[:1], spacing=spacing, pose=pose, scanner=QUIET)
        index = np.rint(volume.to_index(truth[0].center_mm)).astype(int)
        reach = np.ceil(12 / np.array(spacing)).astype(int)
        box = tuple(slice(a - b, a + b + 1) for a, b in zip(index, reach, strict=True))
        labels, _ = ndimage.label(volume.voxels[box] > -400)
        core = np.argwhere(labels == labels[tuple(reach)])
        centres.append(volume.to_patient(core + [b.start for b in box]).mean(axis=0))
        assert np.linalg.norm(centres[-1] - truth[0].center_mm) < 2.0
    assert np.linalg.norm(centres[0] - centres[1]) < 1.0


def test_nodules_keep_apart():
    centers = make_patient(3).place([PhantomNodule(12, seed=n) for n in range(14)], 2)
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(centers, 2)) > 24


@pytest.mark.parametrize("margin", ["smooth", "lobulated", "spiculated"])
def test_a_shape_has_the_volume_of_its_sphere(margin):
    axis = np.arange(-10, 10.01, 0.4)
    offset = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    for seed in range(3):
        inside = NoduleShape(PhantomNodule(12, "solid", margin, seed=seed)).distance(offset) < 0
        assert inside.sum() * 0.4**3 == pytest.approx(np.pi / 6 * 12**3, rel=0.04)


def test_impossible_wishes_are_refused_in_a_sentence():
    with pytest.raises(ConfigError, match="not in a lung"):
        make_scan(3, [PhantomNodule(8, center_mm=(0.0, 70.0, -60.0))])  # in the spine
    with pytest.raises(ConfigError, match="no room"):
        make_scan(3, [PhantomNodule(200)])
    with pytest.raises(ConfigError, match="positive"):
        make_scan(3, spacing=(2.5, 0, 1))


def test_cancel_stops_between_slices():
    seen = []

    def cancel(done, total, what):
        seen.append(done)
        if len(seen) == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        make_scan(3, spacing=(1, 4, 4), shape=(60, 80, 90), progress=cancel)
    assert len(seen) == 2
