"""Where each place of a scan lies in an earlier scan: rigid, then deformable registration with SimpleITK.

Both scans are averaged to voxels of 3 mm, and only the lungs count. First the best shift of all (by the correlation
of the whole chests at 6 mm), then a rigid turn, then a smooth deformation (diffeomorphic demons), for no two breaths
are alike. Then it is judged: lungs that overlap say that the outlines fit, vessels that correlate say that it is the
same patient the right way round. What fails is refused, with its numbers in a sentence.

No step draws random numbers, and the work is always split in two, so that a repetition gives the same on any machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 - as its own documentation has it
from scipy import ndimage

from napari_lesion.model.compared import Alignment
from napari_lesion.model.volume import FloatArray, Volume, apply_affine, spacing_of
from napari_lesion.support.errors import LungsNotFoundError
from napari_lesion.support.progress import Progress, silent

GRID_MM = 3.0
LEAST_DICE = 0.90
"""Of the lungs, where both scans have them in view."""
LEAST_VESSELS = 0.65
"""Correlation of what lies inside the lungs; other patients and mirror images stayed below 0.6 when it was measured."""
LEAST_IN_COMMON = 0.2
"""Share of the current lungs that the prior must have in view."""
MOST_BACK_MM = 0.5
"""How far beside itself a place of the lungs may come back from the prior."""
METHOD = "rigid (Euler, correlation), then diffeomorphic demons at 3 mm in the lungs (SimpleITK)"

SitkImage: TypeAlias = Any
_THREADS = 2
_HU = (-1000.0, 0.0)
_MARGIN_MM = 20.0
_COARSE_MM = 6.0
_LEAST_OVERLAP = 0.3
_DETAIL_MM = 9.0
_LEVELS = ((4, 60), (2, 40), (1, 20))
"""Of the deformation: how many voxels are averaged along each axis, and the iterations."""
_STIFFNESS = 1.5
"""Standard deviation of the Gaussian that smooths the deformation in each iteration, voxels."""
_RIM = 2
"""How far beyond the lungs the deformation looks, voxels: ribs do not slide with the lung."""
_TOLERANCE_MM = 1e-3
_EACH = 7
_STEEPEST = 0.9
"""Change of the displacement from voxel to voxel, mm a mm: below 1 it cannot fold."""
_TAMING = 20


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
        transform.AddTransform(sitk.DisplacementFieldTransform(_image(vectors, self.affine, vector=True)))
        like = _image(np.zeros((1, 1, 1), np.uint8), self.current.affine)
        resampler = sitk.ResampleImageFilter()
        resampler.SetSize([int(n) for n in reversed(self.current.shape)])
        resampler.SetOutputOrigin(like.GetOrigin())
        resampler.SetOutputSpacing(like.GetSpacing())
        resampler.SetOutputDirection(like.GetDirection())
        resampler.SetDefaultPixelValue(lowest)
        resampler.SetTransform(transform)
        image = resampler.Execute(_image(np.ascontiguousarray(prior.voxels), prior.affine))
        return replace(prior, voxels=sitk.GetArrayFromImage(image), affine=self.current.affine, instances=())

    def _displaced(self, points: FloatArray) -> FloatArray:
        index = apply_affine(np.linalg.inv(self.affine).astype(np.float64), points)
        flat = index.reshape(-1, 3).T
        parts = [ndimage.map_coordinates(self.displacement[..., n], flat, order=1) for n in range(3)]
        result: FloatArray = np.stack(parts, axis=-1).astype(np.float64).reshape(points.shape)
        return result


@dataclass(frozen=True)
class _Chest:
    """A scan on a coarse grid in canonical orientation, and its lungs."""

    hu: npt.NDArray[np.float32]
    lungs: npt.NDArray[np.bool_]
    affine: FloatArray


def align(volume: Volume, prior: Volume, *, progress: Progress = silent) -> tuple[Alignment, Aligned | None]:
    """Bring a scan and an earlier one of the same chest together.

    Parameters
    ----------
    volume, prior : Volume
        CT in HU, of any spacing and orientation.

    Returns
    -------
    Alignment
        Whether it can be relied on, and the numbers.
    Aligned or None
        None where it cannot.

    Raises
    ------
    Cancelled
        If ``progress`` raised it.
    """
    progress(0, 100, "finding the lungs of both scans")
    try:
        current = _chest(volume)
        progress(10, 100, "finding the lungs of both scans")
        before = _chest(prior)
    except LungsNotFoundError as error:
        return Alignment(accepted=False, says=f"The scans cannot be brought together: {error}"), None
    progress(20, 100, "aligning")
    fixed = _image(current.hu, current.affine)
    moving = _image(before.hu, before.affine)
    affine, shape = _grid(current)
    rigid = _rigid(fixed, moving, current, progress)
    stiff = Aligned(rigid, np.zeros((*shape, 3), np.float32), affine, volume, prior)
    aligned = replace(stiff, displacement=_deformation(current, before, stiff, progress))
    progress(90, 100, "judging the alignment")
    alignment = _judge(_fit(current, before, stiff), _fit(current, before, aligned))
    progress(100, 100, "aligned")
    return alignment, aligned if alignment.accepted else None


def _chest(volume: Volume) -> _Chest:
    from napari_lesion.imaging.preprocess import canonical, coarse_grid, find_search_region

    region = find_search_region(volume)
    hu, _ = coarse_grid(canonical(volume))
    return _Chest(np.clip(hu, *_HU), region.lungs, region.affine)


def _image(array: npt.NDArray[Any], affine: FloatArray, *, vector: bool = False) -> SitkImage:
    """Make an image of SimpleITK of an array (z, y, x) on a grid; its axes are i, j, k."""
    image = sitk.GetImageFromArray(array, isVector=vector)
    spacing = np.array(spacing_of(affine))
    image.SetOrigin(affine[:3, 3].tolist())
    image.SetSpacing(spacing[::-1].tolist())
    image.SetDirection((affine[:3, :3] / spacing)[:, ::-1].ravel().tolist())
    return image


def _grid(chest: _Chest) -> tuple[FloatArray, tuple[int, int, int]]:
    """Affine and shape of a grid along the patient's axes around the lungs."""
    mm = apply_affine(chest.affine, np.argwhere(chest.lungs))
    low, high = mm.min(axis=0) - _MARGIN_MM, mm.max(axis=0) + _MARGIN_MM
    x, y, z = (int(n) for n in np.ceil((high - low) / GRID_MM) + 1)
    affine = np.eye(4)
    affine[:3, :3] = np.fliplr(np.eye(3)) * GRID_MM
    affine[:3, 3] = low
    return affine, (z, y, x)


def _rigid(fixed: SitkImage, moving: SitkImage, current: _Chest, progress: Progress) -> FloatArray:
    """Find the rigid motion (4, 4) from the current scan to the prior."""
    center = apply_affine(current.affine, np.argwhere(current.lungs).mean(axis=0))
    transform = sitk.Euler3DTransform()
    transform.SetCenter(center.tolist())
    transform.SetTranslation(_best_shift(fixed, moving).tolist())
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsCorrelation()
    near = ndimage.binary_dilation(current.lungs, iterations=4)
    method.SetMetricFixedMask(_image(near.astype(np.uint8), current.affine))
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentagePerLevel([0.5, 0.2], seed=1)  # regular samples are jittered within their voxel
    method.SetInterpolator(sitk.sitkLinear)
    method.SetShrinkFactorsPerLevel([3, 2])
    method.SetSmoothingSigmasPerLevel([4.0, 2.0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetOptimizerAsRegularStepGradientDescent(4.0, 0.02, 60, relaxationFactor=0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(transform, inPlace=True)
    _run(method, lambda: method.Execute(fixed, moving), progress, 20, 40, 120, "aligning: turn and shift", 1)
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(transform.GetMatrix(), (3, 3))
    matrix[:3, 3] = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    return matrix


def _best_shift(fixed: SitkImage, moving: SitkImage) -> FloatArray:
    """Find the shift (x, y, z), mm, that makes both chests most alike, whatever part of them is in view."""
    one, other = (_coarse_box(image) for image in (fixed, moving))
    between = np.subtract(other.GetOrigin(), one.GetOrigin())
    other.SetOrigin(one.GetOrigin())
    masks = [sitk.Cast(image >= _HU[0], sitk.sitkFloat32) for image in (one, other)]
    found = sitk.GetArrayFromImage(
        sitk.MaskedFFTNormalizedCorrelation(one, other, masks[0], masks[1], 0, _LEAST_OVERLAP)
    )
    best = np.array(np.unravel_index(int(found.argmax()), found.shape))[::-1]
    # Entry n of the correlation stands for the moving image shifted by n - (its size - 1) voxels.
    result: FloatArray = between - (best - np.array(other.GetSize()) + 1) * _COARSE_MM
    return result


def _coarse_box(image: SitkImage) -> SitkImage:
    """Interpolate a whole scan at 6 mm, along the patient's axes."""
    ends = np.array(np.meshgrid(*([0, n - 1] for n in image.GetSize()), indexing="ij")).reshape(3, -1).T
    corners = np.array([image.TransformIndexToPhysicalPoint([int(n) for n in end]) for end in ends])
    low = corners.min(axis=0)
    size = np.ceil((corners.max(axis=0) - low) / _COARSE_MM).astype(int) + 1
    smooth = sitk.SmoothingRecursiveGaussian(image, _COARSE_MM / 2)
    like = sitk.Image(size.tolist(), sitk.sitkFloat32)
    like.SetOrigin(low.tolist())
    like.SetSpacing([_COARSE_MM] * 3)
    return sitk.Resample(smooth, like, sitk.Transform(), sitk.sitkLinear, _HU[0] - 1)


def _deformation(current: _Chest, before: _Chest, stiff: Aligned, progress: Progress) -> npt.NDArray[np.float32]:
    """Find the displacement (z, y, x, 3), mm, that is left after the rigid step, on the grid of ``stiff``."""
    mm = apply_affine(stiff.affine, np.moveaxis(np.indices(stiff.displacement.shape[:3]), 0, -1))
    lungs, hu, seen = _sampled(current, mm)
    prior_lungs, prior_hu, prior_seen = _sampled(before, stiff.to_prior(mm))
    # What only one of them has in view would be squeezed into nothing.
    lungs &= prior_seen
    prior_lungs &= seen
    if not lungs.any() or not prior_lungs.any():
        return stiff.displacement
    # Breathed in deeper, the lung is darker.
    prior_hu += np.median(hu[lungs]) - np.median(prior_hu[prior_lungs])
    fixed, moving = (
        _image(np.where(ndimage.binary_dilation(mask, iterations=_RIM), np.clip(values, *_HU), _HU[1]), stiff.affine)
        for mask, values in ((lungs, hu), (prior_lungs, prior_hu))
    )
    field = None
    steps, done = sum(count for _, count in _LEVELS), 0
    for shrink, count in _LEVELS:
        demons = sitk.DiffeomorphicDemonsRegistrationFilter()
        demons.SetNumberOfIterations(count)
        demons.SetStandardDeviations(_STIFFNESS)
        demons.SetMaximumUpdateStepLength(2.0)
        pair = [sitk.BinShrink(image, [shrink] * 3) for image in (fixed, moving)]
        if field is not None:
            pair.append(sitk.Resample(field, pair[0], sitk.Transform(), sitk.sitkLinear, 0.0))
        start, stop = (40 + round(50 * n / steps) for n in (done, done + count))
        field = _run(demons, partial(demons.Execute, *pair), progress, start, stop, count, "aligning: breath")
        done += count
    return _tamed(sitk.GetArrayFromImage(sitk.Resample(field, fixed)).astype(np.float32))


def _tamed(displacement: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Smooth a displacement where it changes so fast that it would fold, and could not be inverted step by step."""
    for _ in range(_TAMING):
        steps = [np.diff(displacement, axis=axis, append=np.take(displacement, [-1], axis)) for axis in range(3)]
        slope = np.sqrt(sum((step**2).sum(axis=-1) for step in steps)) / GRID_MM
        steep = slope > _STEEPEST
        if not steep.any():
            break
        weight = ndimage.gaussian_filter(ndimage.binary_dilation(steep, iterations=2).astype(np.float32), 1.0)
        smooth = ndimage.gaussian_filter(displacement, (1.5, 1.5, 1.5, 0))
        displacement = displacement + weight[..., None] * (smooth - displacement)
    return displacement


def _run(
    process: Any,
    work: Callable[[], Any],
    progress: Progress,
    start: int,
    stop: int,
    steps: int,
    what: str,
    threads: int = _THREADS,
) -> Any:
    """Run a filter of SimpleITK, and say after each iteration how far it is; what ``progress`` raises stops it."""
    raised: list[BaseException] = []
    done = 0

    def look() -> None:
        nonlocal done
        done += 1
        try:
            progress(start + round(min(done / steps, 1.0) * (stop - start)), 100, what)
        except BaseException as error:  # the way through C++ would change it
            raised.append(error)
            process.StopRegistration() if hasattr(process, "StopRegistration") else process.Abort()

    process.SetNumberOfThreads(threads)
    process.SetNumberOfWorkUnits(threads)
    process.AddCommand(sitk.sitkIterationEvent, look)
    try:
        result = work()
    except RuntimeError:
        if not raised:
            raise
    if raised:
        raise raised[0]
    return result


@dataclass(frozen=True)
class _Fit:
    """How well two scans lie on each other, where both have something to show."""

    in_common: float
    """Share of the current lungs that the prior has in view."""
    dice: float
    surface_mm: float
    vessels: float
    back_mm: float
    """Largest distance from where a place of the lungs comes back to: the deformation must not fold."""


def _fit(current: _Chest, before: _Chest, aligned: Aligned) -> _Fit:
    """Measure on the grid of the displacement."""
    index = np.moveaxis(np.indices(aligned.displacement.shape[:3]), 0, -1)
    mm = apply_affine(aligned.affine, index)
    there = aligned.to_prior(mm)
    lungs, hu, seen = _sampled(current, mm)
    prior_lungs, prior_hu, prior_seen = _sampled(before, there)
    both = seen & prior_seen
    in_common = float((lungs & both).sum() / max(lungs.sum(), 1))
    one, other = lungs & both, prior_lungs & both
    if not one.any() or not other.any():
        return _Fit(in_common, 0.0, float("inf"), 0.0, float("inf"))
    dice = float(2 * (one & other).sum() / (one.sum() + other.sum()))
    inside = ndimage.binary_erosion(one & other, iterations=2)
    places = mm[one][::_EACH]
    back_mm = float(np.linalg.norm(aligned.to_current(there[one][::_EACH]) - places, axis=-1).max())
    return _Fit(in_common, dice, _surface_mm(one, other, both), _detail_correlation(hu, prior_hu, inside), back_mm)


def _sampled(
    chest: _Chest, mm: FloatArray
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Look up the lungs, the HU, and whether there is anything to see, at places (LPS mm)."""
    index = np.moveaxis(apply_affine(np.linalg.inv(chest.affine).astype(np.float64), mm), -1, 0)
    lungs = ndimage.map_coordinates(chest.lungs.astype(np.float32), index, order=1) > 0.5
    hu = ndimage.map_coordinates(chest.hu, index, order=1, mode="nearest")
    seen = np.all([(n >= -0.5) & (n <= size - 0.5) for n, size in zip(index, chest.hu.shape, strict=True)], axis=0)
    return lungs, hu, seen


def _surface_mm(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_], seen: npt.NDArray[np.bool_]) -> float:
    """Mean distance between two surfaces, both ways, mm; the edges of what is in view are none."""
    inside = ndimage.binary_erosion(seen, iterations=2)
    edges = [mask & ~ndimage.binary_erosion(mask) & inside for mask in (one, other)]
    if not all(edge.any() for edge in edges):
        return float("inf")
    away = [ndimage.distance_transform_edt(~edge, sampling=GRID_MM) for edge in edges]
    return float(np.concatenate([away[1][edges[0]], away[0][edges[1]]]).mean())


def _detail_correlation(
    one: npt.NDArray[np.float32], other: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_]
) -> float:
    """Correlate what is smaller than some 2 cm: vessels and lesions, not the lungs' outline or density."""
    if inside.sum() < 100:
        return 0.0
    weight = ndimage.gaussian_filter(inside.astype(np.float32), _DETAIL_MM / GRID_MM)
    details = []
    for hu in (one, other):
        smooth = ndimage.gaussian_filter(np.where(inside, hu, 0.0), _DETAIL_MM / GRID_MM)
        details.append((hu - smooth / np.maximum(weight, 1e-3))[inside])
    return float(np.corrcoef(*details)[0, 1])


def _judge(rigid: _Fit, fit: _Fit) -> Alignment:
    """Accept or refuse, in a sentence with the numbers."""
    numbers = f"lungs overlap by {fit.dice:.2f} (Dice), their vessels correlate by {fit.vessels:.2f}"
    why = ""
    if fit.in_common < LEAST_IN_COMMON:
        why = (
            f"the prior shows only {100 * fit.in_common:.0f} % of these lungs (at least "
            f"{100 * LEAST_IN_COMMON:.0f} % are needed)"
        )
    elif fit.dice < LEAST_DICE:
        why = f"their outlines do not fit (at least {LEAST_DICE:.2f} is needed): {numbers}"
    elif fit.vessels < LEAST_VESSELS:
        why = (
            f"the vessels in the lungs are not the same ones (a correlation of at least {LEAST_VESSELS:.2f} is "
            f"needed): {numbers}. Another patient, or one of the scans is mirrored?"
        )
    elif fit.back_mm > MOST_BACK_MM:
        why = f"the deformation folds: places of the lungs come back up to {fit.back_mm:.1f} mm beside themselves"
    said = f"The scans could not be brought together: {why.rstrip('.?')}{'?' if why.endswith('?') else '.'}"
    if not why:
        said = (
            f"The scans were brought together: {numbers}, {fit.surface_mm:.1f} mm are left between their surfaces, and "
            f"the prior shows {100 * fit.in_common:.0f} % of these lungs."
        )
    return Alignment(
        accepted=not why,
        quality=round(fit.dice, 4),
        rigid_quality=round(rigid.dice, 4),
        vessels=round(fit.vessels, 4),
        residual_mm=round(fit.surface_mm, 3) if np.isfinite(fit.surface_mm) else None,
        method=METHOD,
        says=said,
    )
