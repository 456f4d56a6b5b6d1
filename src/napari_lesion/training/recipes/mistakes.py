"""What a detector gets wrong in the validation scans, as a picture: what it missed, and what it found wrongly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from napari_lesion.evaluation.froc import Evaluation, ScoredPoint
from napari_lesion.support.atomic import whole_file
from napari_lesion.training.recipes.detector_validation import ValidationScan

MOST = 6
"""Of each kind."""
_HALF_MM = 20
_WINDOW_HU = (-1000, 400)


@dataclass(frozen=True)
class Mistake:
    """A nodule that was missed, or a place that was taken for one, at one false positive a scan."""

    kind: Literal["missed", "false"]
    uid: str
    center_mm: tuple[float, float, float]
    """LPS mm."""
    diameter_mm: float
    """0 where it is no nodule."""
    score: float | None
    """None where there was no candidate at all."""


def mistakes_of(
    scans: Sequence[ValidationScan], points: Mapping[str, Sequence[ScoredPoint]], evaluation: Evaluation
) -> tuple[Mistake, ...]:
    """Choose the worst: false findings with the highest scores, nodules with the lowest, where one a scan is allowed.

    Parameters
    ----------
    scans : sequence of ValidationScan
    points : mapping
        What was found, by scan.
    evaluation : Evaluation
        Of these points.
    """
    false = sorted(
        (
            Mistake("false", scan.uid, point.center_mm, 0.0, point.score)
            for scan in scans
            for point in points[scan.uid]
            if not any(
                np.linalg.norm(np.subtract(point.center_mm, mark.center_mm)) <= mark.diameter_mm / 2
                for mark in (*scan.truth, *scan.excluded)
            )
        ),
        key=lambda one: -(one.score or 0),
    )
    limit = (false[len(scans) - 1].score or 0.0) if len(false) >= len(scans) else 0.0
    missed = sorted(
        (
            Mistake("missed", mark.series_uid, mark.center_mm, mark.diameter_mm, score)
            for mark, score in evaluation.outcomes
            if score is None or score <= limit
        ),
        key=lambda one: one.score if one.score is not None else -1.0,
    )
    return (*missed[:MOST], *(one for one in false[:MOST] if (one.score or 0) >= limit))


def draw_mistakes(path: Path, mistakes: Sequence[Mistake], scans: Sequence[ValidationScan], step: int) -> None:
    """Draw the axial plane through each, 40 mm wide, with what it is, as PNG."""
    from matplotlib.figure import Figure

    by_uid = {scan.uid: scan for scan in scans}
    figure = Figure(figsize=(2 * MOST, 5), layout="constrained", facecolor="white")
    figure.suptitle(f"Step {step}, validation scans: missed (above) and found wrongly at 1 false positive a scan")
    axes = figure.subplots(2, MOST)
    for one in axes.flat:
        one.set_axis_off()
    for row, kind in enumerate(("missed", "false")):
        chosen = [mistake for mistake in mistakes if mistake.kind == kind]
        for column, mistake in enumerate(chosen[:MOST]):
            plane = _plane(by_uid[mistake.uid], mistake.center_mm)
            place = axes[row, column]
            place.imshow(plane, cmap="gray", vmin=_WINDOW_HU[0], vmax=_WINDOW_HU[1], interpolation="nearest")
            said = "no candidate" if mistake.score is None else f"score {mistake.score:.2f}"
            place.set_title(f"{mistake.diameter_mm:.0f} mm, {said}" if mistake.diameter_mm else said, fontsize=9)
    with whole_file(path) as new:
        figure.savefig(new, dpi=80, format="png")


def _plane(scan: ValidationScan, center_mm: tuple[float, float, float]) -> np.ndarray:
    index = np.linalg.solve(scan.affine[:3, :3], np.asarray(center_mm) - scan.affine[:3, 3])
    pitch = float(np.linalg.norm(scan.affine[:3, 1]))
    half = round(_HALF_MM / pitch)
    k, j, i = (round(float(one)) for one in index)
    plane = np.full((2 * half + 1, 2 * half + 1), _WINDOW_HU[0], np.float32)
    hu = scan.hu[min(max(k, 0), len(scan.hu) - 1)]
    j0, i0 = max(j - half, 0), max(i - half, 0)
    part = hu[j0 : max(j + half + 1, 0), i0 : max(i + half + 1, 0)]
    plane[j0 - (j - half) :, i0 - (i - half) :][: part.shape[0], : part.shape[1]] = part
    return plane
