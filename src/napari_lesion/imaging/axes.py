"""Axes of a scan turned so that they grow to the head, the back and the left: no voxel is changed or copied."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesion.model.volume import FloatArray, spacing_of

_ORDERS = tuple(permutations(range(3)))


def canonical_axes(affine: FloatArray) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """Which index axis lies nearest to z, y and x, and whether it runs against the head, the back or the left.

    The patient is never mirrored: where mirroring would fit some very oblique planes better, it is left out.
    """
    cosines = affine[:3, :3] / np.array(spacing_of(affine))  # columns: directions of k, j, i
    towards = cosines[::-1]  # rows: along z, y and x

    def fit(order: tuple[int, ...]) -> float:
        along = np.array([towards[row, axis] for row, axis in enumerate(order)])
        signs = np.where(along < 0, -1.0, 1.0)
        mirrored = np.linalg.det(towards[:, order] * signs) < 0
        return -np.inf if mirrored else float(np.abs(along).sum())

    k, j, i = max(_ORDERS, key=fit)
    z, y, x = (bool(towards[row, axis] < 0) for row, axis in enumerate((k, j, i)))
    return (k, j, i), (z, y, x)


def turned(voxels: npt.NDArray[Any], affine: FloatArray) -> tuple[npt.NDArray[Any], FloatArray]:
    """Swap and reverse the axes of an array so that they grow to the head, the back and the left, as well as they fit.

    Parameters
    ----------
    voxels : (z, y, x)
    affine : (4, 4)
        Index (k, j, i) → LPS mm.

    Returns
    -------
    voxels, affine
        A view and its affine.
    """
    order, against = canonical_axes(affine)
    result, matrix = voxels.transpose(order), affine[:, [*order, 3]].copy()
    for axis, flip in enumerate(against):
        if flip:
            matrix[:3, 3] += matrix[:3, axis] * (result.shape[axis] - 1)
            matrix[:3, axis] *= -1
    return result[tuple(slice(None, None, -1 if flip else 1) for flip in against)], matrix
