"""Axial, coronal and sagittal patches around points of a scan."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

PLANES = ("axial", "coronal", "sagittal")
_ACROSS = ((1, 2), (0, 2), (0, 1))
"""Axes (of z, y, x) along the rows and the columns of each plane."""


def orthogonal_patches(
    image: npt.NDArray[np.generic],
    centers: npt.ArrayLike,
    *,
    size: int,
    pixel: npt.ArrayLike,
    outside: float,
) -> npt.NDArray[np.float32]:
    """Cut the three planes through each point out of a scan in canonical orientation, linearly interpolated.

    Parameters
    ----------
    image : (d, h, w)
        z to the head, y to the back, x to the left.
    centers : (n, 3)
        (z, y, x) index, fractions allowed; they become the patches' middles.
    size : int
        Side of a patch, pixels.
    pixel : float or (3,)
        Side of a pixel along z, y and x, in voxels.
    outside : float
        Value beyond the image.

    Returns
    -------
    (n, 3, size, size) float32
        ``PLANES``. Rows grow to the back in the axial plane and to the head in the others; columns grow to the left,
        in the sagittal plane to the back.
    """
    points = np.asarray(centers, dtype=np.float64).reshape(-1, 3)
    steps = (np.arange(size) - (size - 1) / 2)[:, None] * np.broadcast_to(pixel, 3)
    out = np.empty((len(points), 3, size, size), np.float32)
    for plane, (rows, columns) in enumerate(_ACROSS):
        where = [points[:, axis, None, None] for axis in range(3)]
        where[rows] = where[rows] + steps[:, rows, None]
        where[columns] = where[columns] + steps[None, :, columns]
        out[:, plane] = _interpolate(image, where[0], where[1], where[2], outside)
    return out


def _interpolate(
    image: npt.NDArray[np.generic],
    z: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    x: npt.NDArray[np.float64],
    outside: float,
) -> npt.NDArray[np.float32]:
    """Interpolate linearly at positions that broadcast against each other; only the voxels around them are read."""
    lows, shares, insides = [], [], []
    for position, length in zip((z, y, x), image.shape, strict=True):
        low = np.clip(np.floor(position).astype(np.int64), 0, max(length - 2, 0))
        lows.append(low)
        shares.append(np.clip(position - low, 0, 1).astype(np.float32))
        insides.append((position >= -0.5) & (position <= length - 0.5))
    total: npt.NDArray[np.float32] = np.zeros(np.broadcast_shapes(z.shape, y.shape, x.shape), np.float32)
    for corner in product((0, 1), repeat=3):
        index = tuple(
            np.minimum(low + step, length - 1) for low, step, length in zip(lows, corner, image.shape, strict=True)
        )
        weights = [share if step else 1 - share for share, step in zip(shares, corner, strict=True)]
        total += image[index] * (weights[0] * weights[1] * weights[2])
    return np.where(insides[0] & insides[1] & insides[2], total, np.float32(outside))
