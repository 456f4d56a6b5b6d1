"""Lung with a ball in it, with or without a vessel and a wall, for tests of outlines."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume

SPACING = (1.5, 0.8, 0.8)
SHAPE = (50, 100, 100)
MIDDLE = (25, 50, 50)


def scan(*, radius_mm: float = 6.0, wall: bool = False, vessel: bool = False, hu: float = 30.0) -> tuple[Volume, Mask]:
    """Lung with a ball, slightly blurred and noisy as a scanner would have it; and the ball."""
    z, y, x = (np.indices(SHAPE) - np.array(MIDDLE)[:, None, None, None]) * np.array(SPACING)[:, None, None, None]
    ball = np.sqrt(x**2 + y**2 + z**2) < radius_mm
    dense = np.full(SHAPE, -850.0)
    dense[ball] = hu
    if vessel:
        dense[np.sqrt(y**2 + z**2) < 1.6] = 40
    if wall:
        dense[np.sqrt((x + 60) ** 2 + y**2) > 60 + radius_mm - 2] = 40
        ball &= np.sqrt((x + 60) ** 2 + y**2) <= 60 + radius_mm - 2
    rng = np.random.default_rng(3)
    dense = ndimage.gaussian_filter(dense, np.array([0.7, 0.7, 0.7]) / SPACING) + rng.normal(0, 25, SHAPE)
    affine = np.array([[0, 0, SPACING[2], -40], [0, SPACING[1], 0, -70], [SPACING[0], 0, 0, -300], [0, 0, 0, 1.0]])
    certificate = GeometryCertificate(shape=SHAPE, spacing_mm=SPACING, orientation="axial", axes="HPL")
    return Volume(np.rint(dense).astype(np.int16), affine, SeriesIdentity(series_uid="1"), certificate), Mask.of(ball)
