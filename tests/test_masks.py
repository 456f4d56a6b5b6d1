"""Masks: stored small, read back the same, filled between slices, compared."""

from __future__ import annotations

import numpy as np
import pytest
from fake_scan import AXIAL, CORONAL
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_lesion.model.mask import Mask, dice, fill_between, surface_distance_mm
from napari_lesion.model.volume import apply_affine
from napari_lesion.support.errors import AnnotationError

SHAPE = (30, 60, 70)


def ball(center: tuple[float, ...], radius_mm: float, spacing: tuple[float, ...] = (2.5, 1.5, 1.5)) -> np.ndarray:
    index = np.indices(SHAPE) - np.array(center)[:, None, None, None]
    return np.sqrt(((index * np.array(spacing)[:, None, None, None]) ** 2).sum(0)) < radius_mm


@settings(max_examples=60, deadline=None)
@given(
    arrays(bool, st.tuples(*[st.integers(1, 9)] * 3)).filter(np.any),
    st.tuples(*[st.integers(0, 50)] * 3),
)
def test_any_mask_comes_back_as_it_was(voxels: np.ndarray, offset: tuple[int, int, int]) -> None:
    mask = Mask.model_validate_json(Mask.of(voxels, offset).model_dump_json())
    whole = np.zeros((60, 60, 60), bool)
    whole[tuple(slice(o, o + n) for o, n in zip(offset, voxels.shape, strict=True))] = voxels
    back = np.zeros_like(whole)
    mask.put(back)
    assert np.array_equal(back, whole)
    assert mask == Mask.of(whole), "the same voxels are the same mask, however they were cut out"
    assert mask.count == whole.sum()


def test_a_mask_of_a_large_scan_takes_little_room() -> None:
    voxels = ball((15, 30, 35), 12)
    mask = Mask.of(voxels)
    assert mask.shape == (9, 15, 15)
    assert len(mask.bits) < 1000


@pytest.mark.parametrize("affine", [AXIAL, CORONAL])
def test_centre_and_diameter_are_those_of_the_ball(affine: np.ndarray) -> None:
    spacing = tuple(np.linalg.norm(affine[:3, :3], axis=0))
    mask = Mask.of(ball((14, 30, 35), 12, spacing))
    assert np.allclose(mask.center_mm(affine), apply_affine(affine, (14, 30, 35)), atol=0.2)
    assert mask.diameter_mm(affine) == pytest.approx(24, abs=0.5)


def test_a_ball_drawn_on_every_fourth_slice_is_filled_to_a_ball() -> None:
    full = ball((15, 30, 35), 20)
    sparse = np.zeros_like(full)
    drawn = [8, 11, 15, 19, 22]
    sparse[drawn] = full[drawn]
    filled = fill_between(Mask.of(sparse), AXIAL)
    assert filled.slices() == list(range(8, 23))
    assert dice(filled, Mask.of(full)) > 0.95  # straight lines between the slices: a little within
    back = np.zeros_like(full)
    filled.put(back)
    assert np.array_equal(back[drawn], full[drawn]), "what was drawn stays"


def test_a_vessel_that_moves_aside_is_followed_in_any_direction() -> None:
    for axis in range(3):
        voxels = np.zeros((40, 40, 40), bool)
        voxels[5, 5:10, 5:10] = voxels[15, 25:30, 25:30] = True
        mask = fill_between(Mask.of(np.moveaxis(voxels, 0, axis)), np.eye(4), axis)
        middle = np.zeros((40, 40, 40), bool)
        mask.put(middle)
        middle = np.moveaxis(middle, axis, 0)[10]
        assert 16 <= middle.sum() <= 30
        assert np.allclose(np.argwhere(middle).mean(axis=0), (17, 17), atol=0.6)


def test_nothing_between_is_said() -> None:
    voxels = np.zeros(SHAPE, bool)
    voxels[4:6, 3, 3] = True
    with pytest.raises(AnnotationError, match="no slice to fill"):
        fill_between(Mask.of(voxels), AXIAL)
    with pytest.raises(AnnotationError, match="at least one voxel"):
        Mask.of(np.zeros(SHAPE, bool))


def test_dice_and_surface_distance_of_shifted_boxes() -> None:
    one, other = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    one[5:15, 10:30, 10:30] = True
    other[5:15, 10:30, 14:34] = True
    a, b = Mask.of(one), Mask.of(other)
    assert dice(a, b) == pytest.approx(0.8)
    assert dice(a, a) == 1
    assert surface_distance_mm(a, a, AXIAL) == 0
    # Two of the six faces are 6 mm away, of the others a part is on the other's surface.
    assert 1 < surface_distance_mm(a, b, AXIAL) < 4
    far = Mask.of(np.roll(one, 30, axis=2))
    assert dice(a, far) == 0
    assert surface_distance_mm(a, far, AXIAL) > 15


def test_a_damaged_mask_is_told() -> None:
    mask = Mask.of(np.ones((2, 2, 2), bool)).model_copy(update={"bits": "bm90IHppcA=="})
    with pytest.raises(AnnotationError, match="damaged"):
        _ = mask.voxels
