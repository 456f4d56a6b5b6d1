from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from synthetic_chest import AIR_HU, FOAM_HU, TISSUE_HU, Chest

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.imaging.lungs import beside_gas, find_lungs, opaque_lung, search_region
from napari_lesion.imaging.morphology import close, dilate
from napari_lesion.imaging.preprocess import LungBox, prepare
from napari_lesion.model.volume import apply_affine
from napari_lesion.support.errors import LungsNotFoundError


def share(part: np.ndarray, whole: np.ndarray) -> float:
    """How much of ``whole`` lies in ``part``."""
    assert whole.any()
    return float((part & whole).sum() / whole.sum())


def assert_lungs_of(chest: Chest, found: np.ndarray) -> None:
    assert share(found, chest.lungs) > 0.97
    assert share(chest.lungs, found) > 0.97


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="whole chest"),
        pytest.param({"spacing": (4.25, 1.9, 1.9)}, id="thick slices"),
        pytest.param({"z_range": (-30, 10), "spacing": (2.0, 2.0, 2.0)}, id="slab of 40 mm: lung at both ends"),
        pytest.param({"z_range": (20, 28)}, id="slab of 8 mm"),
        pytest.param({"x_range": (0, 110)}, id="the field of view cuts the chest wall off"),
        pytest.param({"noise_hu": 120}, id="sharp kernel"),
        pytest.param({"lung_hu": -700}, id="expiration"),
        pytest.param({"lung_hu": -930}, id="emphysema"),
    ],
)
def test_finds_both_lungs_and_nothing_else(changes):
    chest = Chest(**changes)
    found = find_lungs(chest.scan(), chest.spacing)
    assert_lungs_of(chest, found)
    assert not (found & chest.table).any()
    if chest.trachea.any():
        assert share(found, chest.trachea) < 0.02


def test_vessels_are_filled():
    chest = Chest()
    vessels = chest.lungs & (chest.hu == TISSUE_HU)
    assert share(find_lungs(chest.scan(), chest.spacing), vessels) > 0.95


@pytest.mark.parametrize("place", [(0, 0, 122), (30, 55, -70), (-60, -60, -70), (85, 0, 75)])
def test_nodule_on_the_pleura_stays_inside(place):
    chest = Chest()
    nodule = chest.put(chest.ball(place, (12, 12, 12)) & chest.lungs, TISSUE_HU)
    found = find_lungs(chest.scan(), chest.spacing)
    assert share(found, nodule) > 0.9
    assert share(search_region(found, chest.spacing), nodule) == 1


def test_nodule_beside_the_mediastinum_is_searched():
    chest = Chest()
    chest.put(chest.ball((50, 10, -24), (14.5, 14.5, 14.5)), TISSUE_HU)  # its centre lies 6 mm outside the lung
    middle = chest.ball((50, 10, -24), (2, 2, 2))
    assert share(search_region(find_lungs(chest.scan(), chest.spacing), chest.spacing), middle) == 1


def test_wide_mass_on_the_chest_wall_is_searched():
    chest = Chest()
    mass = chest.put(chest.ball((0, 0, 112), (29, 29, 29)) & chest.lungs, TISSUE_HU)
    found = find_lungs(chest.scan(), chest.spacing)
    assert share(found, mass) > 0.7
    assert share(search_region(found, chest.spacing), mass) > 0.97


def test_mass_enclosed_in_the_lung_is_filled_whatever_its_size():
    chest = Chest()
    mass = chest.put(chest.ball((45, 0, -75), (33, 33, 33)), TISSUE_HU)
    assert share(find_lungs(chest.scan(), chest.spacing), mass) > 0.99


@pytest.mark.parametrize("side", [-1, 1])
def test_consolidated_lower_lobe_is_estimated_from_the_other_lung(side):
    chest = Chest()
    lobe = chest.put(chest.ball((-30, 55, 75 * side), (60, 45, 60)) & chest.lungs, TISSUE_HU)
    hu = chest.scan()
    found = find_lungs(hu, chest.spacing)
    opaque = opaque_lung(found, hu, chest.spacing)
    assert share(found | opaque, lobe) > 0.9
    assert share(lobe, opaque) > 0.8


def test_lung_without_any_air_is_estimated_from_the_other_one():
    chest = Chest()
    white = chest.put(chest.lungs & (chest.x > 0), TISSUE_HU)
    hu = chest.scan()
    found = find_lungs(hu, chest.spacing)
    assert share(found, chest.lungs & (chest.x < 0)) > 0.98
    assert share(opaque_lung(found, hu, chest.spacing), white) > 0.9


def test_healthy_lungs_are_not_called_opaque():
    chest = Chest()
    hu = chest.scan()
    assert not opaque_lung(chest.lungs, hu, chest.spacing).any()


@pytest.mark.parametrize(
    ("center", "radii"),
    [
        pytest.param((-110, -20, 70), (28, 40, 45), id="stomach bubble"),
        pytest.param((-120, -60, -20), (15, 15, 80), id="transverse colon"),
        pytest.param((60, 38, 0), (60, 5, 6), id="air in the oesophagus"),
    ],
)
def test_gas_in_the_bowel_is_not_lung(center, radii):
    chest = Chest()
    gas = chest.put(chest.ball(center, radii) & ~chest.lungs, AIR_HU)
    found = find_lungs(chest.scan(), chest.spacing)
    assert_lungs_of(chest, found)
    assert share(found, gas) < 0.02


def test_gas_close_under_the_diaphragm_is_not_lung():
    chest = Chest()
    chest.lungs &= ~chest.put(chest.ball((-85, -10, 75), (30, 45, 45)), TISSUE_HU)
    gas = chest.put(chest.ball((-85, -10, 75), (26, 41, 41)), AIR_HU)
    found = find_lungs(chest.scan(), chest.spacing)
    assert_lungs_of(chest, found)
    assert not (found & gas).any()


def test_throat_is_not_lung():
    chest = Chest(z_range=(-100, 260))
    throat = chest.put(chest.ball((200, 0, 0), (60, 14, 20)), AIR_HU)
    found = find_lungs(chest.scan(), chest.spacing)
    assert_lungs_of(chest, found)
    assert not (found & throat).any()
    assert not (search_region(found, chest.spacing) & (chest.z > 160)).any()


def _without_lungs(hu: float) -> np.ndarray:
    chest = Chest(spacing=(4.0, 3.0, 3.0))
    chest.put(chest.lungs, TISSUE_HU)
    chest.hu[...] = hu if hu else chest.hu
    return chest.scan()


@pytest.mark.parametrize(
    "hu",
    [
        pytest.param(_without_lungs(0), id="body without lungs on a table"),
        pytest.param(_without_lungs(5.0), id="water"),
        pytest.param(_without_lungs(-1000.0), id="air"),
        pytest.param(_without_lungs(FOAM_HU), id="foam"),
        pytest.param(np.zeros((1, 1, 1), np.float32), id="one voxel"),
    ],
)
def test_says_that_no_lung_is_in_view(hu):
    with pytest.raises(LungsNotFoundError, match="no lung is in view"):
        find_lungs(hu, (4.0, 3.0, 3.0))


def test_abdomen_with_bowel_gas_has_no_lungs():
    chest = Chest(z_range=(-150, -80))
    chest.put(chest.ball((-120, -20, 40), (20, 40, 75)), AIR_HU)
    with pytest.raises(LungsNotFoundError):
        find_lungs(chest.scan(), chest.spacing)


def test_does_not_change_its_input_and_always_answers_the_same():
    chest = Chest(spacing=(3.0, 3.0, 3.0))
    hu = chest.scan()
    before = hu.copy()
    first, second = find_lungs(hu, chest.spacing), find_lungs(hu, chest.spacing)
    assert np.array_equal(first, second)
    assert np.array_equal(hu, before)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 2.0, 2.0), (4.0, 2.0, 2.0), (1.5, 0.7, 0.7)])
def test_search_region_reaches_its_margin_in_mm(spacing):
    lungs = np.zeros([int(60 / s) for s in spacing], dtype=bool)
    middle = tuple(n // 2 for n in lungs.shape)
    lungs[middle] = True
    region = search_region(lungs, spacing)
    for axis in range(3):
        line = region[tuple(slice(None) if a == axis else m for a, m in enumerate(middle))]
        reach = (np.flatnonzero(line)[-1] - middle[axis]) * spacing[axis]
        assert -spacing[axis] / 2 <= reach - 8 <= spacing[axis]
    distance = np.sqrt(sum(((i - m) * s) ** 2 for i, m, s in zip(np.nonzero(region), middle, spacing, strict=True)))
    assert distance.max() <= 8 * 1.6


def test_closing_keeps_what_was_there_and_treats_the_edge_as_open():
    mask = np.zeros((12, 20, 20), dtype=bool)
    mask[:, 2:9, :] = mask[:, 11:18, :] = True
    closed = close(mask, (1.0, 1.0, 1.0), 3.0)
    assert closed[mask].all()
    assert closed[:, 9:11, 4:-4].all()
    assert not closed[:, 0].any()
    assert dilate(mask, (1.0, 1.0, 1.0), 0.4).sum() == mask.sum()


def prepared(real_data: Path, name: str) -> LungBox:
    return prepare(read_series(find_series(real_data / "ct" / name)[0]))


def at(mask: np.ndarray, box: LungBox, place: tuple[float, float, float]) -> bool:
    """Whether a place (LPS mm) lies in a mask on the grid of the box."""
    index = np.rint(apply_affine(np.linalg.inv(box.affine), place)).astype(int)
    inside = all(0 <= i < n for i, n in zip(index, mask.shape, strict=True))
    return inside and bool(mask[tuple(index)])


# Places (LPS mm) that a look at the slices gave: lung, nodules, masses; then airways, bowel, throat, table.
REAL = {
    "cptac-C3N-00247": (
        [(-70, -150, -51), (60, -150, -51), (-80, -60, -141), (95, -90, -141), (-84, -88, -261)],
        [(-5, -155, -51), (-50, -249, -261), (0, -30, -141), (40, -20, -51), (0, -150, 0)],
    ),
    "lungfcp-01-0001": (
        [(-70, -150, 3.5), (70, -150, 3.5), (-60, -180, 43.5), (55, -185, 43.5)],
        [(7, -163, 3.5), (0, -210, 43.5), (0, 0, 3.5), (0, -20, 3.5)],
    ),
    "cmb-crc-01068": (
        [(84, -2, -111.5), (-60, 20, -111.5), (60, 60, -111.5), (-60, 0, -36.5), (50, 75, -211.5)],
        [(-3, -24, -36.5), (-60, 0, -211.5), (80, 10, -211.5), (0, 165, -111.5)],
    ),
    "rider-pilot-0117": (
        [(32, 22, -272.8), (37, 20, -242.4), (-120, 60, -242.4), (-130, 0, -219.2), (100, 0, -219.2)],
        [(-80, -40, -272.8), (0, -40, -242.4), (0, 120, -242.4)],
    ),
    "acrin-flt-breast-001": (
        [(-60, 0, -336.8), (65, 0, -336.8), (45, 20, -336.8)],
        [(0, 30, -336.8), (0, -20, -166.8), (0, 170, -336.8), (0, 90, -39.2)],
    ),
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_real_lungs(real_data, name):
    box = prepared(real_data, name)
    lung, other = REAL[name]
    assert [place for place in lung if not at(box.lungs, box, place)] == []
    assert [place for place in other if at(box.lungs, box, place)] == []
    assert (box.search >= box.lungs).all()
    # Where lung goes on beyond the scan, that is said; nothing else is to be said of these.
    assert all("nothing was searched" in warning for warning in box.warnings)


@pytest.mark.real_data
def test_head_has_no_lungs(real_data):
    head = read_series(find_series(real_data / "edge-cases" / "Philips-tilt-neg")[0])
    with pytest.raises(LungsNotFoundError, match=r"series 1\.3\.46.*no lung is in view"):
        prepare(head)


def test_what_lies_beside_the_gas_of_bowel_is_told_apart_and_the_lung_and_its_surface_are_not():
    chest = Chest()
    below = (chest.z.min() + 12, 0, 20)
    far = ~dilate(chest.lungs, chest.spacing, 8)
    gas = chest.put(chest.ball(below, (8, 14, 14)) & far, AIR_HU)
    scan = chest.scan()
    lungs = find_lungs(scan, chest.spacing)
    found = beside_gas(lungs, scan, chest.spacing)
    assert share(found, gas) > 0.95
    contents = chest.ball(below, (12, 18, 18)) & ~gas & far & (chest.hu == TISSUE_HU)
    assert share(found, contents) > 0.9
    assert share(found, chest.trachea & far) > 0.9  # the gullet lies beside it
    assert not (found & lungs).any()
    assert not beside_gas(lungs, np.where(chest.lungs, scan, TISSUE_HU), chest.spacing).any()
