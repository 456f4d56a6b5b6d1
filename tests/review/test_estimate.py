"""The size of what a reader points at, as a first guess."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_scan import make_volume

from napari_lesion.model.volume import Volume
from napari_lesion.review.estimate import DEFAULT_MM, estimate_size

FINE = np.array([[0, 0, 0.8, 20], [0, 0.8, 0, -50], [1.0, 0, 0, -280], [0, 0, 0, 1.0]])


def a_nodule(diameter: float, affine=FINE, shape=(70, 90, 90), place=(52.0, -20.0, -240.0)) -> Volume:
    return make_volume(affine, shape, nodules=((place, diameter),))


@pytest.mark.parametrize("diameter", [4.0, 6.0, 10.0, 16.0, 25.0])
def test_a_round_nodule_has_its_size_and_centre_also_when_the_reader_points_beside_it(diameter: float) -> None:
    volume = a_nodule(diameter)
    offset = diameter / 2 * 0.7 / np.sqrt(3)
    for start in ((52, -20, -240), np.add((52, -20, -240), offset)):
        found = estimate_size(volume, start)
        assert found.edge_found
        assert found.diameter_mm == pytest.approx(diameter, abs=1.6)
        np.testing.assert_allclose(found.center_mm, (52, -20, -240), atol=1.0)


def test_a_nodule_in_thick_slices_is_still_found() -> None:
    found = estimate_size(make_volume(nodules=(((52.0, -20.0, -240.0), 14.0),)), (50, -19, -239))
    assert found.diameter_mm == pytest.approx(14, abs=3)


def test_a_vessel_that_touches_the_nodule_is_not_taken_along() -> None:
    volume = a_nodule(12.0)
    voxels = volume.voxels.copy()
    voxels[:, 36:39, 38:41] = 40  # 2.4 mm thick, from top to bottom through the nodule
    found = estimate_size(replace(volume, voxels=voxels), (52, -20, -240))
    assert found.diameter_mm == pytest.approx(12, abs=2)
    np.testing.assert_allclose(found.center_mm, (52, -20, -240), atol=1.5)


def test_where_nothing_stands_out_the_size_is_a_default_and_says_so() -> None:
    volume = a_nodule(8.0)
    place = (52.0, -20.0, -225.0)
    found = estimate_size(volume, place)
    assert (found.center_mm, found.diameter_mm, found.edge_found) == (place, DEFAULT_MM, False)
    outside = (-500.0, 0.0, 0.0)
    assert estimate_size(volume, outside).center_mm == outside


@pytest.mark.real_data
def test_real_nodules_have_about_the_size_that_readers_outlined(real_data: Path) -> None:
    cubes = np.load(real_data / "nodules" / "lidc_cubes.npz", allow_pickle=False)
    affine = np.diag([1.0, 1.0, 1.0, 1.0])[:, [2, 1, 0, 3]]
    template = make_volume(FINE, (3, 3, 3))
    ratios = []
    for hu, mask in zip(cubes["hu"][::4], cubes["mask"][::4], strict=True):
        volume = replace(template, voxels=hu, affine=affine)
        center = volume.to_patient(np.argwhere(mask).mean(axis=0))
        found = estimate_size(volume, center)
        ratios.append(found.diameter_mm / (6 * mask.sum() / np.pi) ** (1 / 3))
    assert 0.75 < np.median(ratios) < 1.25
    assert np.mean(np.abs(np.log(ratios)) < np.log(1.6)) > 0.75, "three of four within a factor of 1.6"
