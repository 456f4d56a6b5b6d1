"""What a detector sees of one finding: a network of this project, or any detector from the outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from napari_lesion.explain.view import Gradients, ScoredCrop
from napari_lesion.imaging import inference, preprocess
from napari_lesion.imaging.windows import output_affine
from napari_lesion.model.findings import Finding, Heatmap
from napari_lesion.model.volume import FloatArray, Volume, apply_affine, spacing_of
from napari_lesion.models.card import Detector
from napari_lesion.models.networks import INPUT_MULTIPLE
from napari_lesion.support.errors import GeometryError, ModelError

CROP_MM = 64
"""Side of the crop around a finding; for ``NoduleNet`` a multiple of ``INPUT_MULTIPLE`` voxels of 1 mm."""
TARGET_MM = 4.0
"""The explained output is the highest one this near to the finding's centre (or a quarter of its diameter)."""
_LUNG_HU = (-980.0, -650.0)
_FEWEST = 500
"""Voxels that a median of the surroundings needs."""
_SHELL_MM = (3.0, 10.0)
_GRAD_CAM_STRIDE = 4
_LOWEST = 1e-6


@dataclass(frozen=True)
class _Intensities:
    """What the values of an image mean: scale × value + shift is HU, or nothing known."""

    scale: float = 1.0
    shift: float = 0.0
    in_hu: bool = True


class TargetLogit(nn.Module):
    """The logit of one output voxel of a ``NoduleNet``."""

    def __init__(self, network: nn.Module, voxel: tuple[int, int, int]) -> None:
        super().__init__()
        self.network = network
        self.voxel = voxel

    def forward(self, images: Tensor) -> Tensor:
        """(n, 1, d, h, w) → (n,)."""
        k, j, i = self.voxel
        logit: Tensor = self.network(images.contiguous(memory_format=_layout(images.device)))[:, 0, k, j, i]
        return logit


def nodule_view(
    network: nn.Module,
    box: preprocess.LungBox,
    finding: Finding,
    *,
    score: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]],
    device: str = "auto",
    notes: tuple[str, ...] = (),
) -> ScoredCrop:
    """Look at a finding through a ``NoduleNet``.

    The crop lies on the network's coarsest grid, so that what is far from its edges comes out as in the whole scan;
    where it reaches beyond the box it is filled as inference fills it.

    Parameters
    ----------
    network : nn.Module
        Of the form of ``NoduleNet``. It is copied; the original stays where it is.
    box : LungBox
        The scan as the network sees it.
    finding : Finding
    score : callable
        Probability in [0, 1] → score as reported.
    device : str
    notes : tuple of str
        Warnings that the explanation shall carry.

    Raises
    ------
    GeometryError
        If the finding lies outside of the box.
    """
    index = apply_affine(np.linalg.inv(box.affine).astype(np.float64), finding.center_mm)
    if (index < -0.5).any() or (index > np.array(box.image.shape) - 0.5).any():
        raise GeometryError(
            f"The finding at {_place(finding)} lies outside of the lungs and what is around them, where this model "
            "does not search; there is nothing to explain."
        )
    start = np.rint((index - CROP_MM / 2) / INPUT_MULTIPLE).astype(int) * INPUT_MULTIPLE
    image = _cut(box.image.numpy(), start, (CROP_MM,) * 3)
    lungs = _cut(box.lungs, start, (CROP_MM,) * 3)
    affine = box.affine.copy()
    affine[:3, 3] = apply_affine(box.affine, start)
    target = inference.choose_device(device)
    moved = _ready(network, target)
    with torch.no_grad():
        output = moved(torch.from_numpy(image)[None, None].to(target))[0, 0].cpu()
    grid = output_affine(affine)
    voxel = _strongest(output.numpy(), grid, finding)
    probability = torch.sigmoid(output).numpy()
    low, high = preprocess.HU_WINDOW
    intensities = _Intensities(scale=high - low, shift=low)
    plain, spread, words = _plain(image, lungs, index - start, finding.diameter_mm, spacing_of(affine), intensities)
    return ScoredCrop(
        image=image,
        affine=affine,
        center=index - start,
        target_mm=_point(apply_affine(grid, voxel)),
        logit=TargetLogit(moved, voxel),
        replacement=plain,
        replacement_spread=spread,
        replaced_by=words,
        heatmap=Heatmap(score(probability), grid),
        score=lambda logit: float(score(np.array([1 / (1 + np.exp(-logit))], np.float32))[0]),
        gradients=Gradients(moved.get_submodule("merge2"), _GRAD_CAM_STRIDE),
        device=str(target),
        notes=notes,
    )


def _ready(network: nn.Module, device: torch.device) -> nn.Module:
    """Copy a network in the form in which it runs fastest."""
    ready = inference.fold_batch_norm(network).to(device)
    ready.to(memory_format=_layout(device))  # type: ignore[call-overload]
    return ready


def _layout(device: torch.device) -> torch.memory_format:
    # MPS knows no channels_last_3d.
    return torch.contiguous_format if device.type == "mps" else torch.channels_last_3d


def black_box_view(detector: Detector, volume: Volume, finding: Finding, heatmap: Heatmap, device: str) -> ScoredCrop:
    """Look at a finding through any detector, by running it on a part of the scan: slow, and without gradients.

    The explained score is the highest of the detector's heatmap near the finding.

    Raises
    ------
    GeometryError
        If the finding lies outside of the scan.
    LesionError
        If the detector does not work on a part of the scan, or does not find the finding there.
    """
    index = volume.to_index(finding.center_mm)
    shape = np.array(volume.shape)
    if (index < -0.5).any() or (index > shape - 0.5).any():
        raise GeometryError(f"The finding at {_place(finding)} lies outside of the scan; there is nothing to explain.")
    half = CROP_MM / 2 / np.array(volume.spacing)
    low = np.maximum(np.rint(index - half).astype(int), 0)
    high = np.minimum(np.rint(index + half).astype(int) + 1, shape)
    image = volume.voxels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].astype(np.float32)
    affine = volume.affine.copy()
    affine[:3, 3] = volume.to_patient(low)
    certificate = volume.certificate.model_copy(update={"shape": image.shape})
    crop = replace(volume, voxels=image, affine=affine, certificate=certificate, instances=())

    def probability(values: npt.NDArray[np.float32]) -> float:
        rounded = np.rint(values) if np.issubdtype(volume.voxels.dtype, np.integer) else values
        found = detector.detect(replace(crop, voxels=rounded.astype(volume.voxels.dtype)), device=device).heatmap
        near = _near(found.values.shape, found.affine, finding)
        return float(found.values[near].max()) if near.any() else 0.0

    def logit(images: Tensor) -> Tensor:
        values = [np.clip(probability(one[0].cpu().numpy()), _LOWEST, 1 - _LOWEST) for one in images]
        return torch.logit(torch.tensor(values, dtype=torch.float32))

    alone = probability(image)
    if alone < finding.score / 2:
        raise ModelError(f"there it gives the finding a score of {alone:.2f}, not {finding.score:.2f}")
    values = preprocess.to_scanner_grid(heatmap, crop)
    intensities = _Intensities(in_hu=volume.series.modality == "CT")
    plain, spread, words = _plain(image, None, index - low, finding.diameter_mm, volume.spacing, intensities)
    return ScoredCrop(
        image=image,
        affine=affine,
        center=index - low,
        target_mm=finding.center_mm,
        logit=logit,
        replacement=plain,
        replacement_spread=spread,
        replaced_by=words,
        heatmap=Heatmap(values, affine),
        score=lambda value: float(1 / (1 + np.exp(-value))),
    )


def _plain(
    image: npt.NDArray[np.float32],
    lungs: npt.NDArray[np.bool_] | None,
    center: FloatArray,
    diameter_mm: float,
    spacing: tuple[float, float, float],
    intensities: _Intensities,
) -> tuple[float, tuple[float, ...], str]:
    """How a finding's place looks without it: as plain lung if there is some, else as what surrounds it."""
    hu = image * np.float32(intensities.scale) + np.float32(intensities.shift)
    lung = (hu > _LUNG_HU[0]) & (hu < _LUNG_HU[1])
    if lungs is not None:
        lung &= lungs
    if intensities.in_hu and lung.sum() >= _FEWEST:
        values, what = image[lung], "plain lung, the median of the lung in the crop"
    else:
        offsets = [(np.arange(n) - c) * s for n, c, s in zip(image.shape, center, spacing, strict=True)]
        z, y, x = np.ix_(*offsets)
        distance = np.sqrt(z**2 + y**2 + x**2)
        shell = (distance > diameter_mm / 2 + _SHELL_MM[0]) & (distance < diameter_mm / 2 + _SHELL_MM[1])
        values, what = image[shell], f"the median of what lies {_SHELL_MM[0]:.0f} to {_SHELL_MM[1]:.0f} mm around it"
    median = float(np.median(values))
    spread = tuple(float(value) for value in np.percentile(values, (10, 30, 50, 70, 90)))
    shown = f"{median * intensities.scale + intensities.shift:.0f}{' HU' if intensities.in_hu else ''}"
    return median, spread, f"{what} ({shown})"


def _strongest(output: npt.NDArray[np.float32], affine: FloatArray, finding: Finding) -> tuple[int, int, int]:
    near = _near(output.shape, affine, finding)
    k, j, i = np.unravel_index(np.where(near, output, -np.inf).argmax(), output.shape)
    return int(k), int(j), int(i)


def _near(shape: tuple[int, ...], affine: FloatArray, finding: Finding) -> npt.NDArray[np.bool_]:
    points = apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1))
    squared = ((points - np.asarray(finding.center_mm)) ** 2).sum(axis=-1)
    result: npt.NDArray[np.bool_] = squared <= max(TARGET_MM, finding.diameter_mm / 4) ** 2
    return result


def _cut(
    array: npt.NDArray[np.generic], start: FloatArray | npt.NDArray[np.int_], shape: tuple[int, ...]
) -> npt.NDArray:  # type: ignore[type-arg]
    """Part of an array that may reach beyond it, 0 there."""
    out = np.zeros(shape, array.dtype)
    source, goal = [], []
    for first, size, length in zip(map(int, start), shape, array.shape, strict=True):
        a, b = max(first, 0), min(first + size, length)
        source.append(slice(a, b))
        goal.append(slice(a - first, b - first))
    out[tuple(goal)] = array[tuple(source)]
    return out


def _point(values: FloatArray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _place(finding: Finding) -> str:
    return "(" + ", ".join(f"{value:.0f}" for value in finding.center_mm) + ") mm"
