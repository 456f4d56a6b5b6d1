"""The same chest in another breath: a scan deformed by a known smooth field, turned and shifted, on another grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from napari_lesion.comparison.aligned import Aligned
from napari_lesion.model.volume import FloatArray, SeriesIdentity, Volume, spacing_of

_GRID_MM = 8.0


def breathe(
    volume: Volume,
    seed: int,
    *,
    largest_mm: float = 15.0,
    smooth_mm: float = 35.0,
    turn_deg: float = 4.0,
    shift_mm: tuple[float, float, float] = (8.0, -12.0, 60.0),
    spacing: tuple[float, float, float] = (2.0, 0.8, 0.8),
    noise_hu: float = 10.0,
) -> tuple[Volume, Aligned]:
    """Deform a scan by random smooth displacements, turn it, and shift it.

    Parameters
    ----------
    volume : Volume
        The original, with axes along the patient's (z, y, x).
    seed : int
        Of the displacements and the noise.
    largest_mm : float
        Largest displacement.
    smooth_mm : float
        Standard deviation of the Gaussian that smooths the field: how far neighbours move together.
    turn_deg : float
        About each of the three axes.
    shift_mm : (x, y, z)
    spacing : (z, y, x), mm
        Of the deformed scan, which has the field of view of the original.
    noise_hu : float
        Standard deviation of the noise that is added.

    Returns
    -------
    deformed : Volume
    truth : Aligned
        From the deformed scan (there "current") to the original ("prior"), and back.
    """
    rng = np.random.default_rng([seed, 51])
    affine = volume.affine.copy()
    affine[:3, :3] *= np.array(spacing) / spacing_of(volume.affine)
    affine[:3, 3] += shift_mm
    z, y, x = (max(round(n * o / s), 1) for n, o, s in zip(volume.shape, volume.spacing, spacing, strict=True))
    certificate = volume.certificate.model_copy(update={"shape": (z, y, x), "spacing_mm": spacing})
    # No voxels yet: a view of one value.
    grid = Volume(np.broadcast_to(np.int16(0), (z, y, x)), affine, SeriesIdentity(series_uid=""), certificate)
    low, high = grid.to_patient([[0, 0, 0], [z - 1, y - 1, x - 1]])
    field = np.eye(4)
    field[:3, :3] = np.fliplr(np.eye(3)) * _GRID_MM
    field[:3, 3] = low - 2 * _GRID_MM
    shape = np.ceil((high - low) / _GRID_MM).astype(int)[::-1] + 5
    smooth = ndimage.gaussian_filter(
        rng.standard_normal((*shape, 3)), (*[smooth_mm / _GRID_MM] * 3, 0), mode=("wrap",) * 3 + ("nearest",)
    )
    displacement = (smooth * largest_mm / np.linalg.norm(smooth, axis=-1).max()).astype(np.float32)
    center = (low + high) / 2
    rigid = np.eye(4)
    rigid[:3, :3] = _turn(np.radians(turn_deg))
    rigid[:3, 3] = center - shift_mm - rigid[:3, :3] @ center
    truth = Aligned(rigid, displacement, field, grid, volume)
    clean = truth.prior_on_current(volume)
    noisy = clean.voxels + rng.normal(0, noise_hu, clean.shape).astype(np.float32)
    return replace(clean, voxels=np.rint(noisy).astype(np.int16), certificate=certificate), truth


def _turn(angle: float) -> FloatArray:
    """Turn about x, y and z in this order, by the same angle (radians)."""
    c, s = float(np.cos(angle)), float(np.sin(angle))
    about_x = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    about_y = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    about_z = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
    result: FloatArray = about_z @ about_y @ about_x
    return result
