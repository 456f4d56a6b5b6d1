"""A nodule lands where it was put, in its size, and changes nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_lesion.training.data.insertion import in_slices, insert, lung_noise, random_rotation
from napari_lesion.training.data.nodules import synthesise


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.5, 0.7, 0.7), (0.8, 0.6, 0.6)])
def test_lands_where_it_was_put_in_its_size(spacing: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(0)
    shape = tuple(int(64 / s) for s in spacing)
    image = np.full(shape, -850, np.float32)
    center = tuple(n * 0.4 + 0.3 for n in shape)
    ball = synthesise(12, "solid", np.random.default_rng(2))
    insert(image, spacing, center, ball, diameter_mm=14, rotation=random_rotation(rng), noise_hu=0, rng=rng)
    tissue = image > -400
    found = np.array(ndimage.center_of_mass(tissue))
    assert np.abs((found - center) * spacing).max() < 1.0
    volume = tissue.sum() * np.prod(spacing)
    assert (6 / np.pi * volume) ** (1 / 3) == pytest.approx(14, rel=0.08)


def test_vessels_and_what_is_far_stay_as_they_are() -> None:
    rng = np.random.default_rng(0)
    image = rng.normal(-850, 20, (48, 48, 48)).astype(np.float32)
    image[24, 24, :] = 300
    before = image.copy()
    nodule = synthesise(8, "ground-glass", rng)
    insert(image, (1, 1, 1), (24, 24, 24), nodule, diameter_mm=8, rotation=random_rotation(rng), noise_hu=20, rng=rng)
    assert (image[24, 24] == before[24, 24]).all()
    distance = np.sqrt(((np.indices(image.shape) - 24) ** 2).sum(0))
    assert (image[distance > 12] == before[distance > 12]).all()
    assert image[(distance < 3) & (before < 0)].mean() > -750


def test_a_rotation_keeps_lengths() -> None:
    rng = np.random.default_rng(0)
    for axial in (True, False):
        rotation = random_rotation(rng, axial_only=axial)
        assert np.allclose(rotation @ rotation.T, np.eye(3))
        if axial:
            assert np.allclose(rotation[0], (1, 0, 0))


def test_noise_is_measured_in_the_lung() -> None:
    hu = np.random.default_rng(0).normal(-850, 30, (40, 40, 40)).astype(np.float32)
    assert lung_noise(hu, np.ones(hu.shape, bool)) == pytest.approx(30, rel=0.15)


def test_in_a_scan_of_thick_slices_a_small_nodule_loses_its_contrast() -> None:
    """As in slices of 5 mm: all of its tissue is still there, spread along z."""
    tissue, highest = [], []
    for slice_mm in (None, 5.0):
        rng = np.random.default_rng(3)
        image = np.full((40, 40, 40), -850, np.float32)
        ball = synthesise(5, "solid", np.random.default_rng(2))
        where = (20.0, 20.0, 20.0)
        insert(image, (1, 1, 1), where, ball, diameter_mm=5, rotation=np.eye(3), noise_hu=0, rng=rng, slice_mm=slice_mm)
        tissue.append(float((image + 850).sum()))
        highest.append(float(image.max()))
    assert tissue[1] == pytest.approx(tissue[0], rel=0.05)
    assert highest[1] < highest[0] - 100


def test_thick_slices_keep_what_does_not_change_along_z() -> None:
    image = np.random.default_rng(0).normal(0, 1, (1, 8, 8)).astype(np.float32).repeat(31, axis=0)
    out = in_slices(image, 3.7, np.random.default_rng(1))
    np.testing.assert_allclose(out, image, atol=1e-5)


def test_what_is_buried_in_dense_tissue_does_not_stand_out() -> None:
    """A ball whose middle lies in the lung, at its edge, and in the mediastinum."""
    told = []
    for x in (10.0, 22.0, 34.0):
        image = np.full((48, 48, 48), -850, np.float32)
        image[:, :, 24:] = 40
        ball, rng = synthesise(8, "solid", np.random.default_rng(2)), np.random.default_rng(0)
        inserted = insert(
            image, (1, 1, 1), (24.0, 24.0, x), ball, diameter_mm=8, rotation=np.eye(3), noise_hu=0, rng=rng
        )
        told.append(inserted)
    assert [one.stands_out for one in told] == [True, True, False]
    assert told[0].in_air == pytest.approx(1)
    assert 0.5 < told[1].in_air < 0.9
    assert told[2].in_air == 0
