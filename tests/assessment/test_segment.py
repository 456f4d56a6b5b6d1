"""An outline holds the nodule that is pointed at, not what it touches; the same in every orientation, and each time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ball_scan import MIDDLE, SHAPE, scan

from napari_lesion.assessment.measure.segment import segment
from napari_lesion.detection.registry import list_models, load_detector
from napari_lesion.model.mask import Mask, dice
from napari_lesion.support.errors import AnnotationError, ModelError


@pytest.mark.parametrize("kind", [{}, {"vessel": True}, {"wall": True}])
def test_the_outline_is_the_ball_without_vessel_and_wall(kind: dict) -> None:
    volume, ball = scan(**kind)
    found = segment(volume, volume.to_patient(np.add(MIDDLE, (1, -1, 1))), 11.0)
    assert dice(found.mask, ball) > 0.78
    assert found.method.startswith("nodule-seg")
    assert 0 < found.spread_mm3 < 0.3 * ball.volume_mm3(volume.affine)


def test_the_same_each_time_and_in_other_axes() -> None:
    volume, _ = scan()
    center = volume.to_patient(MIDDLE)
    found = segment(volume, center, 12.0)
    assert segment(volume, center, 12.0) == found
    affine = volume.affine[:, [2, 0, 1, 3]].copy()
    affine[:3, 3] += affine[:3, 0] * (SHAPE[2] - 1)
    affine[:3, 0] *= -1
    turned = replace(volume, voxels=np.flip(volume.voxels.transpose(2, 0, 1), 0), affine=affine)
    other = segment(turned, center, 12.0).mask
    back = np.zeros(turned.shape, bool)
    other.put(back)
    assert dice(Mask.of(np.flip(back, 0).transpose(1, 2, 0)), found.mask) > 0.99


def test_lung_alone_and_places_outside_are_refused() -> None:
    volume, _ = scan()
    with pytest.raises(AnnotationError):
        segment(volume, volume.to_patient((25, 85, 85)), 6.0)
    with pytest.raises(AnnotationError, match="outside the scan"):
        segment(volume, (900.0, 0, 0), 6.0)


def test_the_segmenter_is_no_detector() -> None:
    assert "nodule-seg" not in [card.id for card in list_models()]
    with pytest.raises(ModelError, match="finds nothing"):
        load_detector("nodule-seg")
