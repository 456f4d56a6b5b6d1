"""Turning a scan's axes never mirrors the patient, and moves no voxel in space."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from fake_scan import make_volume
from scipy.spatial.transform import Rotation

from napari_lesion.imaging.axes import turned
from napari_lesion.imaging.preprocess import canonical
from napari_lesion.model.volume import apply_affine
from napari_lesion.plugin.viewer import layers

UPRIGHT = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])


def tilted(seed: int) -> np.ndarray:
    """A right-handed scan at any angle to the patient, with another pitch along each axis."""
    affine = np.eye(4)
    affine[:3, :3] = Rotation.random(random_state=seed).as_matrix() @ UPRIGHT @ np.diag([2.5, 0.7, 0.8])
    affine[:3, 3] = 12, -7, 300
    return affine


@pytest.mark.parametrize("seed", range(25))
def test_every_voxel_stays_where_it_is_and_sides_stay_sides(seed: int) -> None:
    affine = tilted(seed)
    voxels = np.arange(3 * 4 * 5).reshape(3, 4, 5)
    result, matrix = turned(voxels, affine)
    before = {int(voxels[index]): apply_affine(affine, index) for index in np.ndindex(voxels.shape)}
    for index in np.ndindex(result.shape):
        assert np.allclose(apply_affine(matrix, index), before[int(result[index])], atol=1e-9)
    assert np.linalg.det(matrix[:3, :3] @ UPRIGHT) > 0, "mirrored"


def test_a_scan_along_the_axes_grows_to_head_back_and_left() -> None:
    for order in permutations(range(3)):
        for signs in product((1, -1), repeat=3):
            affine = np.eye(4)
            affine[:3, :3] = (UPRIGHT * np.array(signs))[:, order]
            if np.linalg.det(affine[:3, :3]) * np.linalg.det(UPRIGHT) < 0:
                continue
            _, matrix = turned(np.zeros((3, 4, 5)), affine)
            assert np.allclose(matrix[:3, :3], UPRIGHT)


def test_networks_and_viewer_see_the_same_axes() -> None:
    volume = make_volume(shape=(6, 8, 10))
    shown, affine = layers.canonical(volume.voxels, volume.affine)
    seen = canonical(volume)
    assert np.array_equal(shown, seen.voxels)
    assert np.array_equal(affine, seen.affine)
