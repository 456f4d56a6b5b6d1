"""Explanations: maps of what a model looked at, by which method, and how far each can be believed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from napari_lesion.model.findings import Finding, Point
from napari_lesion.model.volume import FloatArray

METHODS = {
    "heatmap": "Heatmap",
    "grad-cam": "Grad-CAM",
    "occlusion": "Occlusion",
    "integrated-gradients": "Integrated gradients",
    "shap": "SHAP",
    "lime": "LIME",
}
"""Id of a method → its name."""
NEED_GRADIENTS = ("grad-cam", "integrated-gradients", "shap")


@dataclass(frozen=True)
class Deletion:
    """Outcome of a deletion test.

    Attributes
    ----------
    curve : tuple of float
        Score left after removing each of ``SHARES``, as a share of the score before.
    area : float
        Mean of the curve over the logarithm of the share: small is good.
    faithfulness : float or None
        1 − area / area of a random order; None where that is no measure (see ``deletion_test``).
    """

    curve: tuple[float, ...]
    area: float
    faithfulness: float | None


@dataclass(frozen=True)
class AttributionMap:
    """What one method says about one finding.

    Attributes
    ----------
    method : str
        A key of ``METHODS``.
    values : (z, y, x) float32
        Evidence for the finding; negative values speak against it.
    affine : (4, 4)
        Index (k, j, i) → LPS mm.
    deletion : Deletion or None
        How faithful it is; None where that could not be tested.
    note : str
        What else the method says of its own accuracy.
    """

    method: str
    values: npt.NDArray[np.float32] = field(repr=False)
    affine: FloatArray
    seconds: float
    deletion: Deletion | None = None
    note: str = ""

    @property
    def name(self) -> str:
        """Of the method, for people."""
        return METHODS[self.method]

    @property
    def faithfulness(self) -> float | None:
        """1: the score falls at once where the map says; 0: as with a random order; None: not known."""
        return self.deletion.faithfulness if self.deletion is not None else None

    @property
    def top(self) -> float:
        """Value that is shown brightest: that of the strongest two in a thousand voxels; above 0."""
        positive = self.values[self.values > 0]
        if not positive.size:
            return 1.0
        rank = min(positive.size, max(1, round(0.002 * self.values.size)))
        return float(np.partition(positive, positive.size - rank)[positive.size - rank])


@dataclass(frozen=True)
class Explanation:
    """Why a model reported one finding.

    Attributes
    ----------
    score : float or None
        Of the finding, worked out in the crop alone; None where that was not possible.
    left_out : dict
        Methods that could not be used, each with the reason as a sentence.
    """

    finding: Finding
    maps: tuple[AttributionMap, ...]
    target_mm: Point | None = None
    logit: float | None = None
    score: float | None = None
    crop_mm: tuple[float, float, float] | None = None
    replaced_by: str = ""
    left_out: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
