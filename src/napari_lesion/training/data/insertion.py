"""Putting a nodule into a scan, on any grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesion.training.data.nodules import Nodule

FloatArray = npt.NDArray[np.float64]
LEAST_RISE_HU = 60.0
"""What an inserted nodule raises the HU by, at least..."""
_LEAST_IN_AIR = 0.5
"""...and the share of it that lies in aerated lung: one that is buried in a hilum or a vessel is seen by nobody."""
_AIR_HU = -400.0


def random_rotation(rng: np.random.Generator, *, axial_only: bool = False) -> FloatArray:
    """Draw a rotation (3, 3) of (z, y, x), with a mirroring half of the time."""
    if axial_only:
        angle = rng.uniform(0, 2 * np.pi)
        c, s = np.cos(angle), np.sin(angle)
        rotation = np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]])
    else:
        rotation, upper = np.linalg.qr(rng.standard_normal((3, 3)))
        rotation = rotation * np.sign(np.diag(upper))
    if rng.random() < 0.5:
        rotation = rotation @ np.diag([1.0, 1.0, -1.0])
    result: FloatArray = rotation
    return result


@dataclass(frozen=True)
class Inserted:
    """How much of an inserted nodule there is to be seen.

    Attributes
    ----------
    rise_hu : float
        Mean rise in HU within the nodule.
    in_air : float
        Share of the nodule that lies in aerated lung; the rest is buried in what was dense before.
    """

    rise_hu: float
    in_air: float

    @property
    def stands_out(self) -> bool:
        """Nothing could be told of one that does not: it is neither a nodule nor healthy."""
        return self.rise_hu >= LEAST_RISE_HU and self.in_air >= _LEAST_IN_AIR


def insert(
    image: npt.NDArray[np.float32],
    spacing: tuple[float, float, float],
    center: tuple[float, float, float],
    nodule: Nodule,
    *,
    diameter_mm: float,
    rotation: FloatArray,
    noise_hu: float,
    rng: np.random.Generator,
    slice_mm: float | None = None,
) -> Inserted:
    """Insert a nodule in place, with the partial volume and about the noise of the scan.

    Parameters
    ----------
    image : (z, y, x) float32
        HU; changed.
    spacing : (z, y, x), mm
    center : (z, y, x)
        Index of the nodule's centre in ``image``; may be fractional.
    nodule : Nodule
    diameter_mm : float
        Size that it gets.
    rotation : (3, 3)
        Of its (z, y, x) axes.
    noise_hu : float
        Standard deviation of the scan's noise in the lung.
    slice_mm : float, optional
        The grid is finer along z than the slices that it was interpolated from, which were this far apart: the nodule
        gets their partial volume.

    Returns
    -------
    Inserted
        How visible it is there.
    """
    scale = diameter_mm / nodule.diameter_mm
    extent = np.array(nodule.fraction.shape)
    reach = float(np.linalg.norm(np.maximum(extent - 1 - np.array(nodule.center), nodule.center))) * scale
    support = np.argwhere(nodule.fraction > 0.02)
    if len(support):
        reach = min(reach, float(np.linalg.norm(support - np.array(nodule.center), axis=1).max()) * scale)
    reach += 1.0 + (slice_mm or 0.0)
    low = [max(0, int(np.floor(c - reach / s))) for c, s in zip(center, spacing, strict=True)]
    high = [min(n, int(np.ceil(c + reach / s)) + 1) for c, s, n in zip(center, spacing, image.shape, strict=True)]
    if any(b <= a for a, b in zip(low, high, strict=True)):
        return Inserted(0.0, 0.0)
    region = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    # A thick slice averages what lies within it.
    samples = max(1, round(spacing[0] / 1.0))
    fraction = np.zeros([b - a for a, b in zip(low, high, strict=True)], np.float32)
    index = np.stack(
        np.meshgrid(*(np.arange(a, b, dtype=np.float64) for a, b in zip(low, high, strict=True)), indexing="ij")
    )
    for n in range(samples):
        offset = ((n + 0.5) / samples - 0.5) * np.array([1.0, 0, 0])
        mm = index + offset[:, None, None, None] - np.array(center)[:, None, None, None]
        mm *= np.array(spacing)[:, None, None, None]
        source = np.tensordot(rotation.T / scale, mm, 1) + np.array(nodule.center)[:, None, None, None]
        fraction += ndimage.map_coordinates(nodule.fraction, source, order=1, mode="constant", cval=0.0) / samples
    if slice_mm is not None and slice_mm > 1.2 * spacing[0]:
        fraction = in_slices(fraction, slice_mm / spacing[0], rng)
    patch = image[region]
    before = patch.copy()
    grain = noise(patch.shape, noise_hu, rng)
    # Only air is replaced: vessels, pleura and bone that are denser than the nodule stay as they are.
    patch += fraction * np.maximum(nodule.tissue_hu - patch, 0)
    patch += np.clip(fraction, 0, 1) * grain * (before < -300)
    inside = fraction > 0.3 * max(float(fraction.max()), 1e-6)
    if not inside.any():
        return Inserted(0.0, 0.0)
    in_air = float(fraction[before < _AIR_HU].sum() / fraction.sum())
    return Inserted(float((patch - before)[inside].mean()), in_air)


def in_slices(image: npt.NDArray[np.float32], thickness: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Average along z over slices of so many voxels, anywhere in between, and interpolate back linearly."""
    count = len(image)
    start = rng.uniform(0, thickness)
    slices = np.arange(-1, int(np.ceil(count / thickness)) + 2) * thickness + start
    index = np.arange(count)
    cover = np.clip(thickness / 2 + 0.5 - np.abs(index - slices[:, None]), 0, 1)
    weights = cover.sum(axis=1, keepdims=True)
    kept = weights[:, 0] > 0.5 * thickness
    averaged = (cover / np.maximum(weights, 1e-6)).astype(np.float32)[kept]
    at = (index - slices[kept][0]) / thickness
    low = np.clip(np.floor(at).astype(int), 0, max(kept.sum() - 2, 0))
    share = np.clip(at - low, 0, 1)
    back = np.zeros((count, int(kept.sum())), np.float32)
    back[index, low] += 1 - share
    back[index, np.minimum(low + 1, back.shape[1] - 1)] += share
    result: npt.NDArray[np.float32] = np.tensordot(back @ averaged, image, 1).astype(np.float32)
    return result


def noise(shape: tuple[int, ...], deviation_hu: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Draw noise with about the grain of a scan: (z, y, x), HU."""
    grain = ndimage.gaussian_filter(rng.standard_normal(shape).astype(np.float32), (0.3, 0.6, 0.6))
    result: npt.NDArray[np.float32] = grain * (deviation_hu / (grain.std() + 1e-6))
    return result


def lung_noise(hu: npt.NDArray[np.float32], lungs: npt.NDArray[np.bool_]) -> float:
    """Measure the standard deviation of the noise in the lung (robust, vessels aside), HU."""
    residual = hu - ndimage.gaussian_filter(hu, 1.0)
    values = residual[lungs & (hu < -700)]
    if values.size < 100:
        return 20.0
    return float(1.4826 * np.median(np.abs(values - np.median(values))))
