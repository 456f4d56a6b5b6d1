"""Where each place of a scan lies in an earlier scan: rigid, then deformable registration with SimpleITK.

Both scans are averaged to voxels of 3 mm, and only the lungs count. First the best shift of all (by the correlation
of the whole chests at 6 mm), then a rigid turn, then a smooth deformation (diffeomorphic demons), for no two breaths
are alike. Then it is judged: lungs that overlap say that the outlines fit, vessels that correlate say that it is the
same patient the right way round. What fails is refused, with its numbers in a sentence.

No step draws random numbers, and the work is always split in two, so that a repetition gives the same on any machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 - as its own documentation has it
from scipy import ndimage

from napari_lesion.comparison.aligned import Aligned, Chest, SitkImage, to_sitk
from napari_lesion.comparison.alignment_quality import GRID_MM, assess_alignment, fit_of, sampled
from napari_lesion.model.compared import Alignment
from napari_lesion.model.volume import FloatArray, Volume, apply_affine
from napari_lesion.support.errors import LungsNotFoundError
from napari_lesion.support.progress import Progress, silent

_THREADS = 2
_HU = (-1000.0, 0.0)
_MARGIN_MM = 20.0
_COARSE_MM = 6.0
_LEAST_OVERLAP = 0.3
_LEVELS = ((4, 60), (2, 40), (1, 20))
"""Of the deformation: how many voxels are averaged along each axis, and the iterations."""
_STIFFNESS = 1.5
"""Standard deviation of the Gaussian that smooths the deformation in each iteration, voxels."""
_RIM = 2
"""How far beyond the lungs the deformation looks, voxels: ribs do not slide with the lung."""
_STEEPEST = 0.9
"""Change of the displacement from voxel to voxel, mm a mm: below 1 it cannot fold."""
_TAMING = 20


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
    fixed = to_sitk(current.hu, current.affine)
    moving = to_sitk(before.hu, before.affine)
    affine, shape = _grid(current)
    rigid = _rigid(fixed, moving, current, progress)
    stiff = Aligned(rigid, np.zeros((*shape, 3), np.float32), affine, volume, prior)
    aligned = replace(stiff, displacement=_deformation(current, before, stiff, progress))
    progress(90, 100, "checking the alignment")
    alignment = assess_alignment(fit_of(current, before, stiff), fit_of(current, before, aligned))
    progress(100, 100, "aligned")
    return alignment, aligned if alignment.accepted else None


def _chest(volume: Volume) -> Chest:
    from napari_lesion.imaging.preprocess import canonical, coarse_grid, find_search_region

    region = find_search_region(volume)
    hu, _ = coarse_grid(canonical(volume))
    return Chest(np.clip(hu, *_HU), region.lungs, region.affine)


def _grid(chest: Chest) -> tuple[FloatArray, tuple[int, int, int]]:
    """Affine and shape of a grid along the patient's axes around the lungs."""
    mm = apply_affine(chest.affine, np.argwhere(chest.lungs))
    low, high = mm.min(axis=0) - _MARGIN_MM, mm.max(axis=0) + _MARGIN_MM
    x, y, z = (int(n) for n in np.ceil((high - low) / GRID_MM) + 1)
    affine = np.eye(4)
    affine[:3, :3] = np.fliplr(np.eye(3)) * GRID_MM
    affine[:3, 3] = low
    return affine, (z, y, x)


def _rigid(fixed: SitkImage, moving: SitkImage, current: Chest, progress: Progress) -> FloatArray:
    """Find the rigid motion (4, 4) from the current scan to the prior."""
    center = apply_affine(current.affine, np.argwhere(current.lungs).mean(axis=0))
    transform = sitk.Euler3DTransform()
    transform.SetCenter(center.tolist())
    transform.SetTranslation(_best_shift(fixed, moving).tolist())
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsCorrelation()
    near = ndimage.binary_dilation(current.lungs, iterations=4)
    method.SetMetricFixedMask(to_sitk(near.astype(np.uint8), current.affine))
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


def _deformation(current: Chest, before: Chest, stiff: Aligned, progress: Progress) -> npt.NDArray[np.float32]:
    """Find the displacement (z, y, x, 3), mm, that is left after the rigid step, on the grid of ``stiff``."""
    mm = apply_affine(stiff.affine, np.moveaxis(np.indices(stiff.displacement.shape[:3]), 0, -1))
    lungs, hu, seen = sampled(current, mm)
    prior_lungs, prior_hu, prior_seen = sampled(before, stiff.to_prior(mm))
    # What only one of them has in view would be squeezed into nothing.
    lungs &= prior_seen
    prior_lungs &= seen
    if not lungs.any() or not prior_lungs.any():
        return stiff.displacement
    # Breathed in deeper, the lung is darker.
    prior_hu += np.median(hu[lungs]) - np.median(prior_hu[prior_lungs])
    fixed, moving = (
        to_sitk(np.where(ndimage.binary_dilation(mask, iterations=_RIM), np.clip(values, *_HU), _HU[1]), stiff.affine)
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
