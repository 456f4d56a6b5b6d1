"""One click outlines a nodule, wherever in it one clicks, and stays off wall and vessels; else it says why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ball_scan import MIDDLE, SHAPE, SPACING, scan

from napari_lesion.assessment.measure.grow import grow
from napari_lesion.model.mask import Mask, dice
from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume
from napari_lesion.support.errors import AnnotationError


@pytest.mark.parametrize("kind", [{}, {"vessel": True}, {"wall": True}, {"hu": -600.0, "radius_mm": 8.0}])
def test_a_click_outlines_the_ball_alone(kind: dict) -> None:
    volume, ball = scan(**kind)
    for off in ((0, 0, 0), (2, -3, -2)):
        grown = grow(volume, volume.to_patient(np.add(MIDDLE, off)))
        assert dice(grown, ball) > 0.8, (kind, off)
        assert grown.diameter_mm(volume.affine) == pytest.approx(ball.diameter_mm(volume.affine), rel=0.15)


def test_a_click_beside_the_nodule_finds_it_and_one_in_lung_says_so() -> None:
    volume, ball = scan(radius_mm=4.0)
    grown = grow(volume, volume.to_patient((25, 50, 56)))
    assert dice(grown, ball) > 0.75
    with pytest.raises(AnnotationError, match="hardly stands out"):
        grow(volume, volume.to_patient((25, 80, 80)))
    with pytest.raises(AnnotationError, match="outside the scan"):
        grow(volume, (500, 0, 0))
    certificate = volume.certificate.model_copy(update={"unit": "none"})
    with pytest.raises(AnnotationError, match="needs HU"):
        grow(replace(volume, certificate=certificate), volume.to_patient(MIDDLE))


def test_growing_in_the_body_stays_within_its_limit() -> None:
    volume, _ = scan()
    body = replace(volume, voxels=np.full(SHAPE, 40, np.int16))
    grown = grow(body, body.to_patient(MIDDLE), max_diameter_mm=20)
    assert grown.diameter_mm(volume.affine) <= 20 + 2 * max(SPACING)


@pytest.mark.real_data
def test_real_nodules_are_outlined_as_docs_say(real_data: Path) -> None:
    """Every tenth of the cubes; docs/annotation.md has the numbers of all."""
    cubes = np.load(real_data / "nodules" / "lidc_cubes.npz")
    affine = np.eye(4)[[2, 1, 0, 3]]
    scores = []
    for hu, mask in zip(cubes["hu"][::10], cubes["mask"][::10], strict=True):
        certificate = GeometryCertificate(shape=hu.shape, spacing_mm=(1, 1, 1), orientation="axial", axes="HPL")
        volume = Volume(hu, affine, SeriesIdentity(series_uid="1"), certificate)
        truth = Mask.of(mask)
        scores.append(dice(grow(volume, truth.center_mm(affine)), truth))
    assert np.median(scores) > 0.68
    assert min(scores) > 0.2
