"""A prior that lies on the scan's grid: the deformation, and the way there and back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 - as its own documentation has it
from scipy import ndimage

from napari_lesion.model.volume import FloatArray, Volume, apply_affine, spacing_of

SitkImage: TypeAlias = Any


_TOLERANCE_MM = 1e-3


@dataclass(frozen=True)
class Aligned:
    """Two scans of one patient, place by place.

    Attributes
    ----------
    rigid : (4, 4)
        From the current scan, after its displacement, to the prior; LPS mm.
    displacement : (z, y, x, 3) float32
        What is added to a place of the current scan before the rigid step, mm as (x, y, z); 0 outside.
    affine : (4, 4)
        Of the displacement's grid: index (k, j, i) → LPS mm of the current scan.
    current, prior : Volume
    """

    rigid: FloatArray
    displacement: npt.NDArray[np.float32] = field(repr=False)
    affine: FloatArray
    current: Volume = field(repr=False)
    prior: Volume = field(repr=False)

    def to_prior(self, mm: npt.ArrayLike) -> FloatArray:
        """Go from the current scan to the prior, LPS mm (..., 3) as (x, y, z)."""
        points = np.asarray(mm, dtype=np.float64)
        return apply_affine(self.rigid, points + self._displaced(points))

    def to_current(self, mm: npt.ArrayLike) -> FloatArray:
        """Go back: prior → current, LPS mm (..., 3) as (x, y, z), found step by step to 0.001 mm."""
        wanted = apply_affine(np.linalg.inv(self.rigid).astype(np.float64), mm)
        points = wanted.copy()
        for _ in range(60):
            step = wanted - points - self._displaced(points)
            points += step
            if not step.size or np.abs(step).max() < _TOLERANCE_MM:
                break
        return points

    def prior_on_current(self, prior: Volume) -> Volume:
        """Interpolate the prior's voxels (linearly) on the grid of the current scan, to be shown beside it.

        Where the prior has nothing to show stands the lowest value of the prior. It has no acquired planes.
        """
        lowest = float(prior.voxels.min())
        transform = sitk.CompositeTransform(3)
        matrix = sitk.AffineTransform(3)
        matrix.SetMatrix(self.rigid[:3, :3].ravel())
        matrix.SetTranslation(self.rigid[:3, 3])
        transform.AddTransform(matrix)  # the last one added is applied first
        vectors = np.ascontiguousarray(self.displacement, dtype=np.float64)
        transform.AddTransform(sitk.DisplacementFieldTransform(to_sitk(vectors, self.affine, vector=True)))
        like = to_sitk(np.zeros((1, 1, 1), np.uint8), self.current.affine)
        resampler = sitk.ResampleImageFilter()
        resampler.SetSize([int(n) for n in reversed(self.current.shape)])
        resampler.SetOutputOrigin(like.GetOrigin())
        resampler.SetOutputSpacing(like.GetSpacing())
        resampler.SetOutputDirection(like.GetDirection())
        resampler.SetDefaultPixelValue(lowest)
        resampler.SetTransform(transform)
        image = resampler.Execute(to_sitk(np.ascontiguousarray(prior.voxels), prior.affine))
        return replace(prior, voxels=sitk.GetArrayFromImage(image), affine=self.current.affine, instances=())

    def _displaced(self, points: FloatArray) -> FloatArray:
        index = apply_affine(np.linalg.inv(self.affine).astype(np.float64), points)
        flat = index.reshape(-1, 3).T
        parts = [ndimage.map_coordinates(self.displacement[..., n], flat, order=1) for n in range(3)]
        result: FloatArray = np.stack(parts, axis=-1).astype(np.float64).reshape(points.shape)
        return result


@dataclass(frozen=True)
class Chest:
    """A scan on a coarse grid in canonical orientation, and its lungs."""

    hu: npt.NDArray[np.float32]
    lungs: npt.NDArray[np.bool_]
    affine: FloatArray


def to_sitk(array: npt.NDArray[Any], affine: FloatArray, *, vector: bool = False) -> SitkImage:
    """Make an image of SimpleITK of an array (z, y, x) on a grid; its axes are i, j, k."""
    image = sitk.GetImageFromArray(array, isVector=vector)
    spacing = np.array(spacing_of(affine))
    image.SetOrigin(affine[:3, 3].tolist())
    image.SetSpacing(spacing[::-1].tolist())
    image.SetDirection((affine[:3, :3] / spacing)[:, ::-1].ravel().tolist())
    return image
