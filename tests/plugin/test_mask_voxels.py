"""Masks of many findings in one array, each with its number."""

from __future__ import annotations

import numpy as np

from napari_lesion.model.mask import Mask
from napari_lesion.plugin.viewer.mask_voxels import MaskVoxels

SHAPE = (10, 10, 10)


def voxel(n: int) -> Mask:
    """Make a mask of the nth voxel."""
    return Mask.of(np.ones((1, 1, 1), bool), tuple(int(i) for i in np.unravel_index(n, SHAPE)))


def test_more_findings_than_fit_a_byte_keep_their_voxels() -> None:
    widened: list[np.dtype] = []
    voxels = MaskVoxels(lambda: widened.append(voxels.array.dtype))
    voxels.begin(SHAPE)
    assert voxels.array.dtype == np.uint8
    masks = {f"finding {n}": voxel(n) for n in range(400)}
    assert voxels.draw(masks)
    assert widened == [np.uint16]
    for id_, mask in masks.items():
        assert voxels.array[mask.region] == voxels.number(id_)
    assert len(np.unique(voxels.array)) == 401
    assert not voxels.draw(masks), "they are there already"


def test_what_is_not_wanted_any_more_goes_and_nothing_else() -> None:
    voxels = MaskVoxels(lambda: None)
    voxels.begin(SHAPE)
    voxels.draw({"one": voxel(1), "two": voxel(2)})
    assert voxels.draw({"two": voxel(2), "three": voxel(1)})
    assert voxels.array.ravel()[1] == voxels.number("three")
    assert voxels.array.ravel()[2] == voxels.number("two")
    voxels.draw({})
    assert not voxels.array.any()


def test_a_stroke_far_from_a_finding_becomes_one_of_its_own() -> None:
    voxels = MaskVoxels(lambda: None)
    voxels.begin(SHAPE)
    voxels.draw({"one": voxel(0)})
    number = voxels.number("one")
    stroke = voxel(999).region
    voxels.array[stroke] = number  # as a brush does
    new = voxels.separate(number, stroke)
    assert new != number
    assert voxels.painted(new, stroke, None) == voxel(999)
    assert voxels.painted(number, voxel(0).region, None) == voxel(0)
    voxels.take("two", new, voxel(999))
    assert voxels.id_of(new, {"one", "two"}) == "two"
