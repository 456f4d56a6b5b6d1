"""Is a scan within the range of the models? What is not becomes a sentence in the report, never a silent number.

What cannot be searched at all is refused elsewhere: another modality, no HU, a single image (``pipeline``), missing
slices (``dicom.reader``), no lungs in view, as in a head (``lungs``). Here are the scans that can be searched, but
whose findings deserve less trust than the model's card says. The limits are those of the scans on which the models that
come with the package were trained and tested.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesion.model.volume import FloatArray, Volume, spacing_of

MAX_SLICE_MM = 5.0
MAX_PIXEL_MM = 2.0
MAX_NOISE_HU = 120.0
"""In soft tissue; the sharpest lung kernel that was trained on has 75."""
TISSUE_HU = (-150.0, 130.0)
"""Where the commonest value of a body lies: fat at about −100, muscle and blood at 50, with contrast some more."""
LUNG_HU = (-950.0, -600.0)
"""Median of the lungs."""
MIN_LUNGS_ML = 1500.0
"""Of an adult."""

_TOLERANCE_MM = 0.05
_BODY_HU = (-300, 600)
_CUT_SHARE = 0.05
_CUT_CM2 = 5.0
"""An end of the scan cuts the lungs where it shows so much of them, and such a share of their largest section."""
_BLOCK = 8
_SLICES = 9
_MIN_BLOCKS = 30


def of_scan(volume: Volume) -> tuple[str, ...]:
    """Why findings in a CT scan deserve less trust, by its grid and its values: a sentence each.

    Scans of other modalities have no HU to be judged by, and get none.
    """
    if volume.series.modality != "CT":
        return ()
    return (*_of_grid(volume), *_of_values(volume))


def of_lungs(lungs: npt.NDArray[np.bool_], hu: npt.NDArray[np.floating[Any]], affine: FloatArray) -> tuple[str, ...]:
    """Why findings deserve less trust, by the lungs: cut off, small, too dense or too empty; a sentence each.

    Parameters
    ----------
    lungs : (z, y, x) bool
        As ``lungs.find_lungs`` gives them, on a grid in canonical orientation that covers the whole scan.
    hu : (z, y, x)
    affine : (4, 4)
        Index (k, j, i) → LPS mm.
    """
    spacing = spacing_of(affine)
    warnings = [*_cut_along(lungs, spacing), *_cut_across(lungs, spacing)]
    volume_ml = float(lungs.sum() * np.prod(spacing)) / 1000
    if not warnings and volume_ml < MIN_LUNGS_ML:
        warnings.append(
            f"The lungs hold only {volume_ml:.0f} ml: a child's, or much of them is not aerated. The models that come "
            "with napari-lesion were made for adults' lungs."
        )
    median = float(np.median(hu[lungs]))
    if not LUNG_HU[0] <= median <= LUNG_HU[1]:
        what = "dense: breathed out, diseased" if median > LUNG_HU[1] else "empty: severe emphysema"
        warnings.append(
            f"The lungs are unusually {what}, or the values are not HU (median {_signed(median)} HU; usual is "
            f"{_signed(LUNG_HU[0])} to {_signed(LUNG_HU[1])}). The model has hardly seen such lungs."
        )
    return tuple(warnings)


def noise_hu(volume: Volume) -> float:
    """Noise in soft tissue: the spread (standard deviation, HU) within blocks of 8 × 8 pixels of a slice.

    The median over the blocks of soft tissue in nine slices; 0 where there is too little soft tissue.
    """
    spread = []
    for k in np.unique(np.linspace(0, len(volume.voxels) - 1, _SLICES + 2).astype(int)[1:-1]):
        rows, columns = (n // _BLOCK for n in volume.voxels.shape[1:])
        plane = volume.voxels[k, : rows * _BLOCK, : columns * _BLOCK].astype(np.float32)
        blocks = plane.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2).reshape(-1, _BLOCK**2)
        mean = blocks.mean(axis=1)
        spread.append(blocks[(mean > 0) & (mean < 100)].std(axis=1))
    values = np.concatenate(spread)
    return float(np.median(values)) if len(values) >= _MIN_BLOCKS else 0.0


def _of_grid(volume: Volume) -> list[str]:
    warnings = []
    step, thickness = volume.spacing[0], volume.certificate.slice_thickness_mm or 0.0
    if max(step, thickness) > MAX_SLICE_MM + _TOLERANCE_MM:
        said = f"{thickness:.3g} mm thick" if thickness > step else f"{step:.3g} mm apart"
        warnings.append(
            f"Slices are {said}; the models that come with napari-lesion know slices up to {MAX_SLICE_MM:g} mm. "
            "Smaller lesions may be missed, and sizes are rough."
        )
    pixel = max(volume.spacing[1:])
    if pixel > MAX_PIXEL_MM + _TOLERANCE_MM:
        warnings.append(f"Pixels are {pixel:.3g} mm wide: too coarse for small lesions.")
    return warnings


def _of_values(volume: Volume) -> list[str]:
    warnings = []
    sample = volume.voxels[::4, ::4, ::4].astype(np.float32)
    body = sample[(sample > _BODY_HU[0]) & (sample < _BODY_HU[1])]
    if body.size:
        counts, edges = np.histogram(body, bins=(_BODY_HU[1] - _BODY_HU[0]) // 10, range=_BODY_HU)
        common = float(edges[np.convolve(counts, np.ones(3), "same").argmax()] + 5)
        if not TISSUE_HU[0] <= common <= TISSUE_HU[1]:
            warnings.append(
                f"The values do not look like HU: the commonest in the body is {_signed(common)}, where fat has about "
                "−100 and muscle 50. Check the rescale of the export; scores may mean nothing here."
            )
    noise = noise_hu(volume)
    if noise > MAX_NOISE_HU:
        warnings.append(
            f"The scan is very noisy ({noise:.0f} HU in soft tissue; up to {MAX_NOISE_HU:.0f} is usual with sharp "
            "kernels). Expect more false findings and missed small lesions; a softer kernel may help."
        )
    return warnings


def _signed(value: float) -> str:
    return f"{value:.0f}".replace("-", "−")


def _cut_along(lungs: npt.NDArray[np.bool_], spacing: tuple[float, float, float]) -> list[str]:
    """Where the first or the last slice is not the end of the lungs."""
    area = lungs.sum(axis=(1, 2)) * spacing[1] * spacing[2] / 100
    below, above = (bool(end > max(_CUT_CM2, _CUT_SHARE * area.max())) for end in (area[0], area[-1]))
    if below and above:
        return [
            f"Only a slab of the lungs is in view, {len(area) * spacing[0]:.0f} mm high: they go on above and below, "
            "and nothing was searched there."
        ]
    if below or above:
        where, slice_, end = ("below", "lowest", area[0]) if below else ("above", "highest", area[-1])
        return [
            f"The lungs go on {where} the {slice_} slice, which cuts {end:.0f} cm² of them: nothing was searched there."
        ]
    return []


def _cut_across(lungs: npt.NDArray[np.bool_], spacing: tuple[float, float, float]) -> list[str]:
    """Where the field of view cuts the lungs off."""
    cut = []
    for axis, names in ((2, ("right", "left")), (1, ("front", "back"))):
        face = spacing[0] * spacing[3 - axis] / 100
        cut += [
            name for end, name in zip((0, -1), names, strict=True) if np.take(lungs, end, axis).sum() * face > _CUT_CM2
        ]
    if not cut:
        return []
    return [f"The field of view cuts the lungs off on the {' and '.join(cut)}: nothing was searched beyond it."]
