"""A nodule that was known in a few slices only is whole again, in its size, and ends softly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_lesion.training.data.completing import complete
from napari_lesion.training.data.lidc import RATINGS, Crop


def ball(diameter: float, spacing: tuple[float, float, float], texture: int = 5, tissue: float = 20.0) -> Crop:
    """A ball as LIDC has it: slices of some thickness, from the first that holds tissue to the last."""
    count = int(np.floor(diameter / spacing[0]))
    z, y, x = np.indices((count, 60, 60)) - np.array([(count - 1) / 2, 29.5, 29.5])[:, None, None, None]
    share = np.zeros(z.shape)
    for offset in np.linspace(-0.45, 0.45, 10):
        mm = ((z + offset) * spacing[0]) ** 2 + (y * spacing[1]) ** 2 + (x * spacing[2]) ** 2
        share += (mm < (diameter / 2) ** 2) / 10
    ratings = {**dict.fromkeys(RATINGS, 1), "texture": texture}
    return Crop(
        patient="LIDC-IDRI-9999",
        name="LIDC-IDRI-9999/1",
        hu=(-850 + share * (tissue + 850)).astype(np.int16),
        mask=share > 0.2,
        spacing_mm=spacing,
        diameter_mm=diameter,
        ratings=ratings,
        readers=4,
        noise_hu=10.0,
        contrast_hu=800.0,
        wall_share=0.0,
    )


@pytest.mark.parametrize("thickness", [0.6, 1.25, 2.5])
@pytest.mark.parametrize("diameter", [8.0, 15.0])
def test_it_has_its_size_and_is_round_again(diameter: float, thickness: float) -> None:
    nodule = complete(ball(diameter, (thickness, 0.7, 0.7)))
    volume = float(np.clip(nodule.fraction, 0, 1).sum())
    assert (6 / np.pi * volume) ** (1 / 3) == pytest.approx(diameter, rel=0.08)
    along = (nodule.fraction[:, nodule.fraction.shape[1] // 2, nodule.fraction.shape[2] // 2] > 0.5).sum()
    across = (nodule.fraction[nodule.fraction.shape[0] // 2, nodule.fraction.shape[1] // 2] > 0.5).sum()
    assert abs(int(along) - int(across)) <= 2
    faces = [nodule.fraction.take(i, axis).max() for axis in range(3) for i in (0, -1)]
    assert max(faces) == 0


def test_above_its_last_slice_it_shrinks_and_ends_within_half_a_slice() -> None:
    crop = ball(12.0, (2.5, 0.7, 0.7))
    nodule = complete(crop)
    areas = (nodule.fraction > 0.4).sum(axis=(1, 2))
    top = np.flatnonzero(areas)[-1]
    assert areas[top] < areas[top - 2]
    assert abs(top - nodule.center[0]) <= len(crop.mask) * 2.5 / 2 + 0.5


def test_a_vessel_beyond_the_outline_stays_behind() -> None:
    crop = ball(8.0, (1.25, 0.7, 0.7))
    hu = crop.hu.copy()
    hu[:, 28:32, :] = np.maximum(hu[:, 28:32, :], 0)
    nodule = complete(replace(crop, hu=hu))
    columns = np.abs(np.arange(nodule.fraction.shape[2]) - nodule.center[2])
    assert nodule.fraction[:, :, columns > 4 + 3].max() == 0


def test_from_thick_slices_it_is_not_turned_out_of_the_plane() -> None:
    assert complete(ball(8.0, (2.5, 0.7, 0.7))).thick
    assert not complete(ball(8.0, (1.25, 0.7, 0.7))).thick
    assert complete(ball(8.0, (1.25, 0.7, 0.7), texture=1)).type == "ground-glass"
