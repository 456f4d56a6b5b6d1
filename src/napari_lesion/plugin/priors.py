"""Earlier scans of the patient: read, searched where nobody has yet, aligned with the scan, compared with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy.typing as npt

from napari_lesion.compared import Comparison
from napari_lesion.findings import Report
from napari_lesion.volume import FloatArray, Volume


class Aligned(Protocol):
    """Where a place in one scan is in the other."""

    def to_prior(self, mm: npt.ArrayLike) -> FloatArray:
        """LPS mm (..., 3) in the scan → LPS mm (..., 3) in the prior."""
        ...

    def to_current(self, mm: npt.ArrayLike) -> FloatArray:
        """LPS mm (..., 3) in the prior → LPS mm (..., 3) in the scan."""
        ...


@dataclass(frozen=True)
class Prior:
    """An earlier scan of the patient, and how it compares.

    Attributes
    ----------
    volume : Volume
    report : Report
        Its findings.
    comparison : Comparison
        Of the scan with it.
    aligned : Aligned, optional
        None where the alignment was refused: places of one say nothing about the other.
    """

    volume: Volume
    report: Report
    comparison: Comparison
    aligned: Aligned | None
