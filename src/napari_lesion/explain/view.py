"""What a detector shows of one finding, so that it can be explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from napari_lesion.model.findings import Finding, Heatmap, Point
from napari_lesion.model.volume import FloatArray, Volume
from napari_lesion.support.progress import Progress, silent

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Gradients:
    """What methods that follow gradients need of a network.

    Attributes
    ----------
    layer : nn.Module
        The layer that Grad-CAM looks at.
    layer_stride : int
        Voxels of the crop per voxel of that layer; its voxel k has its centre at index stride × k + (stride − 1) / 2.
    """

    layer: nn.Module
    layer_stride: int


@dataclass(frozen=True)
class ScoredCrop:
    """One finding as the model sees it, and the model's score there as a function of what it sees.

    Attributes
    ----------
    image : (d, h, w) float32
        The crop around the finding, in the intensities that the network takes.
    affine : (4, 4)
        Index (k, j, i) → LPS mm; axes parallel to those of the scan.
    center : (3,)
        The finding's centre as fractional index (k, j, i) of ``image``.
    target_mm : tuple
        Where the explained score lies, LPS mm.
    logit : callable
        (n, 1, d, h, w) images → (n,) logits at the target; differentiable where ``gradients`` is given.
    replacement : float
        Intensity that stands for nothing to be seen: plain lung near the finding, or what else surrounds it.
    replacement_spread : tuple of float
        Intensities from the low to the high end of what surrounds it.
    replaced_by : str
        The same in words.
    heatmap : Heatmap
        The model's own.
    score : callable
        Logit → score as reported.
    device : str
        Where images must be put.
    """

    image: npt.NDArray[np.float32] = field(repr=False)
    affine: FloatArray
    center: FloatArray
    target_mm: Point
    logit: Callable[[Tensor], Tensor] = field(repr=False)
    replacement: float
    replacement_spread: tuple[float, ...]
    replaced_by: str
    heatmap: Heatmap
    score: Callable[[float], float] = field(repr=False)
    gradients: Gradients | None = None
    device: str = "cpu"
    notes: tuple[str, ...] = ()


@runtime_checkable
class Explainable(Protocol):
    """A detector that can show what it sees of one finding."""

    def view(
        self, volume: Volume, finding: Finding, *, device: str = "auto", progress: Progress = silent
    ) -> ScoredCrop:
        """Crop the scan around a finding as the network sees it.

        Raises
        ------
        GeometryError
            If the finding lies where the model does not search.
        """
        ...
