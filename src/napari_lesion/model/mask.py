"""The voxels of one finding: a small crop at its place in the scan's own grid, packed to bits."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import scipy
from pydantic import BaseModel, ConfigDict

from napari_lesion.model.volume import FloatArray, apply_affine, spacing_of
from napari_lesion.support.errors import AnnotationError

BoolArray = npt.NDArray[np.bool_]
Index = tuple[int, int, int]

Box = tuple[slice, slice, slice]


def box_of(voxels: BoolArray, margin: Sequence[int] = (0, 0, 0)) -> Box | None:
    """Give the smallest part of an array that holds all voxels that are set, and a margin; None where none is set."""
    ends = []
    for axis, more in enumerate(margin):
        hits = np.flatnonzero(voxels.any(axis=tuple(other for other in range(3) if other != axis)))
        if not hits.size:
            return None
        ends.append(slice(max(int(hits[0]) - more, 0), min(int(hits[-1]) + more + 1, voxels.shape[axis])))
    z, y, x = ends
    return z, y, x


class Mask(BaseModel):
    """Voxels of a scan, stored as their smallest crop. Never empty, and equal only to a mask of the same voxels."""

    model_config = ConfigDict(frozen=True)

    offset: Index
    """(k, j, i) of the crop's first voxel in the scan."""
    shape: Index
    """Of the crop."""
    bits: str
    """The crop in C order, eight voxels a byte, zlib, base64."""

    @classmethod
    def of(cls, voxels: npt.NDArray[np.generic], offset: Index = (0, 0, 0)) -> Mask:
        """Pack voxels.

        Parameters
        ----------
        voxels : (z, y, x) bool
            A whole scan or a part of it.
        offset : (k, j, i)
            Where that part begins in the scan.

        Raises
        ------
        AnnotationError
            If no voxel is set.
        """
        inside = np.asarray(voxels) != 0
        box = box_of(inside)
        if box is None:
            raise AnnotationError("A mask needs at least one voxel.")
        crop = np.ascontiguousarray(inside[box])
        packed = zlib.compress(np.packbits(crop).tobytes(), 6)
        k, j, i = (int(o + part.start) for o, part in zip(offset, box, strict=True))
        z, y, x = crop.shape
        return cls(offset=(k, j, i), shape=(z, y, x), bits=base64.b64encode(packed).decode("ascii"))

    @property
    def voxels(self) -> BoolArray:
        """The crop.

        Raises
        ------
        AnnotationError
            If what is stored is damaged.
        """
        count = int(np.prod(self.shape))
        try:
            packed = np.frombuffer(zlib.decompress(base64.b64decode(self.bits, validate=True)), np.uint8)
            return np.unpackbits(packed, count=count).astype(bool).reshape(self.shape)
        except (ValueError, zlib.error) as error:
            raise AnnotationError(f"The mask at voxel {self.offset} is damaged ({error}).") from error

    @property
    def region(self) -> tuple[slice, slice, slice]:
        """Where the crop lies in the scan."""
        k, j, i = (slice(o, o + n) for o, n in zip(self.offset, self.shape, strict=True))
        return k, j, i

    def put(self, array: npt.NDArray[np.generic], value: float = True) -> None:
        """Set its voxels in an array on the scan's grid."""
        array[self.region][self.voxels] = value

    def fits(self, shape: tuple[int, int, int]) -> bool:
        """Whether it lies within a scan of a shape."""
        return all(o >= 0 and o + n <= size for o, n, size in zip(self.offset, self.shape, shape, strict=True))

    @property
    def count(self) -> int:
        """Number of voxels."""
        return int(self.voxels.sum())

    def volume_mm3(self, affine: FloatArray) -> float:
        """Volume in a scan with that affine, mm³."""
        return self.count * abs(float(np.linalg.det(affine[:3, :3])))

    def diameter_mm(self, affine: FloatArray) -> float:
        """Diameter of the ball of the same volume, mm."""
        return float((6 * self.volume_mm3(affine) / np.pi) ** (1 / 3))

    def center_mm(self, affine: FloatArray) -> FloatArray:
        """Centre of mass, LPS mm (x, y, z)."""
        return apply_affine(affine, np.argwhere(self.voxels).mean(axis=0) + self.offset)

    def slices(self, axis: int = 0) -> list[int]:
        """List the slices along an axis that it has voxels in."""
        other = tuple(a for a in range(3) if a != axis)
        return [int(n) + self.offset[axis] for n in np.flatnonzero(self.voxels.any(axis=other))]


def gap_mm(a: Box, b: Box, spacing: Sequence[float]) -> float:
    """Way between two boxes of voxels, mm; 0 where they touch or meet.

    Parameters
    ----------
    a, b : (k, j, i) of slice
    spacing : (k, j, i)
        mm.
    """
    steps = [max(one.start - other.stop, other.start - one.stop, 0) for one, other in zip(a, b, strict=True)]
    return float(np.linalg.norm(np.multiply(steps, spacing)))


def in_common(a: Mask, b: Mask) -> tuple[BoolArray, BoolArray]:
    """Both masks in the smallest crop that holds both."""
    low = np.minimum(a.offset, b.offset)
    high = np.maximum(np.add(a.offset, a.shape), np.add(b.offset, b.shape))
    pair = (np.zeros(high - low, bool), np.zeros(high - low, bool))
    for mask, array in zip((a, b), pair, strict=True):
        start = np.subtract(mask.offset, low)
        array[tuple(slice(s, s + n) for s, n in zip(start, mask.shape, strict=True))] = mask.voxels
    return pair


def dice(a: Mask, b: Mask) -> float:
    """Twice the voxels in common over the sum of both, 0 to 1."""
    one, other = in_common(a, b)
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def surface_distance_mm(a: Mask, b: Mask, affine: FloatArray) -> float:
    """Mean distance between the surfaces, both ways, mm.

    The surface is the layer of voxels that touch the outside by a face; distances are those of voxel centres.
    """
    one, other = (np.pad(crop, 1) for crop in in_common(a, b))
    spacing = spacing_of(affine)
    edges = [crop & ~scipy.ndimage.binary_erosion(crop) for crop in (one, other)]
    distances = [scipy.ndimage.distance_transform_edt(~edge, sampling=spacing) for edge in edges]
    both = np.concatenate([distances[1][edges[0]], distances[0][edges[1]]])
    return float(both.mean())


def fill_between(mask: Mask, affine: FloatArray, axis: int = 0) -> Mask:
    """Fill the slices between those that were drawn, by interpolating the shape.

    Each drawn slice becomes a map of the signed distance to its outline; between two drawn ones these maps are
    shifted to a common centre and mixed, and the new slice is where the mixture is inside (Raya and Udupa, IEEE
    TMI 9, 1990). Slices that were drawn stay as they are.

    Parameters
    ----------
    mask : Mask
    affine : (4, 4)
        Of the scan.
    axis : int
        Of the scan's grid, across the slices.

    Raises
    ------
    AnnotationError
        If there is nothing between.
    """
    crop = np.moveaxis(mask.voxels, axis, 0)
    drawn = np.flatnonzero(crop.any(axis=(1, 2)))
    if (np.diff(drawn) <= 1).all():
        raise AnnotationError("There is no slice to fill: draw the finding on two slices with undrawn ones in between.")
    pixel = [s for a, s in enumerate(spacing_of(affine)) if a != axis]
    filled = crop.copy()
    for below, above in pairwise(drawn):
        if above - below < 2:
            continue
        centers = [np.array(scipy.ndimage.center_of_mass(crop[n])) for n in (below, above)]
        distances = [_signed_distance_mm(crop[n], pixel) for n in (below, above)]
        for n in range(below + 1, above):
            share = (n - below) / (above - below)
            center = (1 - share) * centers[0] + share * centers[1]
            one, other = (
                scipy.ndimage.shift(distance, center - own, order=1, mode="nearest")
                for distance, own in zip(distances, centers, strict=True)
            )
            filled[n] = (1 - share) * one + share * other > 0
    return Mask.of(np.moveaxis(filled, 0, axis), mask.offset)


def _signed_distance_mm(plane: BoolArray, pixel_mm: list[float]) -> FloatArray:
    """Distance to the outline, positive inside, mm; the outline runs between the voxels."""
    padded = np.pad(plane, 1)
    inside = scipy.ndimage.distance_transform_edt(padded, sampling=pixel_mm)
    outside = scipy.ndimage.distance_transform_edt(~padded, sampling=pixel_mm)
    half = min(pixel_mm) / 2
    signed: FloatArray = np.where(padded, inside - half, half - outside)[1:-1, 1:-1]
    return signed
