"""The small fast detector: a 2D network slides over the axial slices, then judges the candidates in three planes.

A single slice, or a slab of a few, is searched slice by slice, without the other planes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from torch import nn

from napari_lesion.detection.candidates import REFERENCE_DIAMETER_MM, find_candidates
from napari_lesion.detection.false_positive_reduction import PlaneClassifier, predict_patches, scaled
from napari_lesion.detection.package_detector import PackageDetector, Steps
from napari_lesion.imaging import preprocess
from napari_lesion.imaging.inference import choose_device
from napari_lesion.model.findings import Candidate, Detection, Heatmap
from napari_lesion.model.volume import FloatArray, Volume
from napari_lesion.models.networks import PATCH_SIZE, PATCH_STRIDE
from napari_lesion.models.packages import ModelPackage
from napari_lesion.support.errors import LungsNotFoundError
from napari_lesion.support.progress import Progress, part, silent

FEWEST_SLICES = 5
"""With fewer slices there are no lungs to be found in 3D, and no other planes to look at."""
_STEP_MM = 2.0
"""Distance of the slices that are searched."""
_FLOOR = 0.05
_MOST = 100
_AIR_HU = -320.0
_LEAST_AIR_MM2 = 300.0
_WIDEN_MM = 8.0
_SCALE = 100
_FOUND, _SEARCHED = 15, 90


@dataclass(frozen=True)
class _Area:
    """Where a scan is searched: on its own canonical axes, coarsely."""

    search: npt.NDArray[np.bool_]
    affine: FloatArray
    warnings: tuple[str, ...] = ()


class PatchDetector(PackageDetector):
    """Finds lung nodules with the network of a patch classifier.

    Raises
    ------
    ModelError
        If the package's weights are missing or damaged, or were trained on another preprocessing.
    """

    def __init__(self, package: ModelPackage) -> None:
        super().__init__(package)
        self._classifier = PlaneClassifier(self._network, self._metadata.preprocessing.spacing_mm)

    def detect(self, volume: Volume, *, device: str = "auto", progress: Progress = silent) -> Detection:
        """Search a CT volume (HU), or a single CT slice, for nodules.

        Raises
        ------
        LungsNotFoundError
            If no lung is in view.
        ConfigError
            If the device is not there.
        """
        target = choose_device(device)
        steps = Steps()
        scan = preprocess.canonical(volume)
        flat = min(scan.shape) < FEWEST_SLICES
        progress(0, _SCALE, "finding the lungs")
        area = _air(scan) if flat else _lungs(volume)
        steps.ended("prepare")
        heatmap, log_diameter = slide(
            self._classifier.network,
            scan,
            area,
            self._classifier.pixel_mm,
            device=device,
            progress=part(progress, _FOUND, _SEARCHED, _SCALE),
        )
        steps.ended("network")
        progress(_SEARCHED, _SCALE, "reducing false positives")
        offsets = np.zeros((3, *heatmap.values.shape), np.float32)
        candidates = find_candidates(heatmap, log_diameter, offsets, floor=_FLOOR, most=_MOST)
        heatmap, candidates = self._calibrated(heatmap, self._classified(candidates, volume, flat, device))
        steps.ended("candidates")
        progress(_SCALE, _SCALE, f"{len(candidates)} candidates")
        return Detection(
            heatmap=heatmap, candidates=candidates, device=target.type, timings_s=steps.seconds, warnings=area.warnings
        )

    def _classified(
        self, candidates: tuple[Candidate, ...], volume: Volume, flat: bool, device: str
    ) -> tuple[Candidate, ...]:
        """Score the candidates by the mean of the planes; of a slab by its slices alone."""
        planes = slice(0, 1) if flat else slice(None)
        logits, sizes = self._classifier(volume, [c.center_mm for c in candidates], device)
        scores = 1 / (1 + np.exp(-logits[:, planes].mean(axis=1)))
        diameters = np.clip(REFERENCE_DIAMETER_MM * np.exp(sizes[:, planes].mean(axis=1)), 3.0, 60.0)
        order = np.argsort(-scores, kind="stable")
        return tuple(replace(candidates[n], score=float(scores[n]), diameter_mm=float(diameters[n])) for n in order)


def _lungs(volume: Volume) -> _Area:
    region = preprocess.find_search_region(volume)
    return _Area(region.search, region.affine, region.warnings)


def _air(scan: Volume) -> _Area:
    """In single slices: the air that does not reach the image's edge, widened as the lungs are."""
    search = np.zeros(scan.shape, bool)
    pitch = scan.spacing[1:]
    for k, plane in enumerate(scan.voxels):
        regions, count = ndimage.label(plane < _AIR_HU)
        edge = np.unique(np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]]))
        inner = [n for n in range(1, count + 1) if n not in edge]
        sizes = ndimage.sum_labels(np.ones_like(regions), regions, inner) * pitch[0] * pitch[1]
        lungs = np.isin(regions, [n for n, size in zip(inner, sizes, strict=True) if size >= _LEAST_AIR_MM2])
        if lungs.any():  # a large nodule is a hole in them
            outside = ~ndimage.binary_fill_holes(lungs)
            search[k] = ndimage.distance_transform_edt(outside, sampling=pitch) <= _WIDEN_MM
    if not search.any():
        raise LungsNotFoundError(
            f"series {scan.series.series_uid}: no lung is in view: no slice shows air within the body. Choose a CT "
            "slice through the chest."
        )
    return _Area(search, scan.affine, ("Too few slices to find the lungs: all air within the body was searched.",))


def slide(
    network: nn.Module, scan: Volume, area: _Area, pixel_mm: float, *, device: str = "auto", progress: Progress = silent
) -> tuple[Heatmap, npt.NDArray[np.float32]]:
    """Run a network like ``PatchNet`` over the axial slices of a scan in canonical orientation.

    Returns
    -------
    Heatmap, (d, h, w) float32
        Probability of a nodule, 0 outside the area, and ln(diameter / 8 mm); every ``_STEP_MM`` along z where the
        slices are as near, and every 4 pixels of the network in the slice.
    """
    dz, dy, dx = scan.spacing
    step = max(1, round(_STEP_MM / dz))
    pitch = np.array([step, PATCH_STRIDE * pixel_mm / dy, PATCH_STRIDE * pixel_mm / dx])
    shape = tuple(int((n - 1) / p) + 1 for n, p in zip(scan.shape, pitch, strict=True))
    affine = scan.affine @ np.diag([*pitch, 1.0])
    search = preprocess.resample(area.search, area.affine, affine, shape, outside=0.0) > 0.5
    values, sizes = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    wanted = np.flatnonzero(search.any(axis=(1, 2)))
    for done, k in enumerate(wanted):
        progress(done, len(wanted), "searching the slices")
        rows, columns = (np.flatnonzero(search[k].any(axis=axis)) for axis in (1, 0))
        box = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
        plane = _plane(scan, int(k) * step, box, pixel_mm)
        logit, size = predict_patches(network, scaled(plane)[None, None], device)[0].numpy()
        values[k][box], sizes[k][box] = 1 / (1 + np.exp(-logit)), size
    values *= search
    return Heatmap(values=values, affine=affine), sizes


def _plane(scan: Volume, k: int, box: tuple[slice, slice], pixel_mm: float) -> npt.NDArray[np.float32]:
    """Slice k in the network's pixels, so that its outputs lie on the part ``box`` of the heatmap's grid."""
    size = [PATCH_SIZE + PATCH_STRIDE * (part.stop - part.start - 1) for part in box]
    shift = [PATCH_STRIDE * part.start - (PATCH_SIZE - 1) / 2 for part in box]
    grid = np.eye(4)
    grid[1:3, 1:3] = np.diag(pixel_mm / np.asarray(scan.spacing[1:]))
    grid[:3, 3] = [0, *(s * pixel_mm / pitch for s, pitch in zip(shift, scan.spacing[1:], strict=True))]
    low, _ = preprocess.HU_WINDOW
    result: npt.NDArray[np.float32] = preprocess.resample(
        scan.voxels[k : k + 1], np.eye(4), grid, (1, size[0], size[1]), outside=low
    )[0]
    return result
