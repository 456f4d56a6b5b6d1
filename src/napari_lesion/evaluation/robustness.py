"""How findings hold when a scan is made otherwise: thicker slices, other kernels, less dose, contrast, slabs, flips.

Scans with a known truth are perturbed in ways that leave the lesions what they are; where the perturbation moves or
cuts them, the truth is moved and cut with them. What is lost is judged against the same lesions in the same part of the
scan as it was.

The perturbations imitate acquisitions from the image alone, not from raw data: they tell what a detector depends on,
not how good it is on another scanner.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_lesion.detection.operating import false_positives_at
from napari_lesion.evaluation import froc
from napari_lesion.evaluation.froc import Mark, ScoredPoint
from napari_lesion.evaluation.perturbations import Perturbation, Perturbed, default_perturbations, radius_of
from napari_lesion.model.findings import ModelReference
from napari_lesion.model.volume import Volume, apply_affine
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import ConfigError, LungsNotFoundError
from napari_lesion.support.progress import Progress, part, silent
from napari_lesion.support.tables import write_table

if TYPE_CHECKING:
    from napari_lesion.models.card import Detector

FILE_NAMES = ("robustness.csv", "robustness.json", "robustness.md")

_SCALE = 1000


@dataclass(frozen=True)
class RobustnessRow:
    """What became of the findings under one perturbation."""

    name: str
    scans: int
    nodules: int
    """Of the truth, in the part of the scans that is left."""
    cpm: float
    cpm_low: float
    cpm_high: float
    """95 % interval, by bootstrap over scans."""
    cpm_unchanged: float
    """Of the same nodules in the same part of the same scans as they were."""
    sensitivity: float
    """At the model's default threshold."""
    sensitivity_unchanged: float
    fp_per_scan: float
    """At the model's default threshold."""
    fp_per_scan_unchanged: float
    refused: int
    """Scans in which no lungs were found, so that all nodules were missed."""


@dataclass(frozen=True)
class Robustness:
    """The table, and what it was measured with."""

    rows: tuple[RobustnessRow, ...]
    model: ModelReference
    series_uids: tuple[str, ...]


# -- the perturbations ------------------------------------------------------------------------------------------------


# -- the table --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Outcome:
    """One scan under one perturbation."""

    truth: tuple[Mark, ...]
    excluded: tuple[Mark, ...]
    points: tuple[ScoredPoint, ...]
    reference: tuple[ScoredPoint, ...]
    """Findings in the scan as it was, moved and cut like the truth."""
    refused: bool


def measure(
    scans: Iterable[Volume],
    truth: Sequence[Mark],
    detector: Detector,
    *,
    excluded: Sequence[Mark] = (),
    perturbations: Mapping[str, Perturbation] | None = None,
    count: int | None = None,
    device: str = "auto",
    bootstraps: int = 1000,
    progress: Progress = silent,
) -> Robustness:
    """Run a detector on scans that are perturbed in every way, and score it each time.

    Parameters
    ----------
    scans : iterable of Volume
        Read one after the other; CT in HU.
    truth, excluded : sequence of Mark
        As for ``froc.evaluate``; those of other scans are ignored.
    detector : Detector
    perturbations : mapping, optional
        By name; by default all. The scans as they are, are always searched.
    count : int, optional
        How many scans there will be, for the scale of ``progress``.
    device : str
        As for ``Detector.detect``.
    bootstraps : int
        Resamples of the scans for the intervals.
    progress : Progress
        One scale over all scans.

    Returns
    -------
    Robustness

    Raises
    ------
    ConfigError
        If there are no scans, or none of the nodules lies in them.
    LungsNotFoundError
        If a scan as it is shows no lungs.
    """
    from napari_lesion.imaging.preprocess import canonical

    ways = dict(default_perturbations() if perturbations is None else perturbations)
    outcomes: dict[str, dict[str, _Outcome]] = {name: {} for name in ways}
    whole = _SCALE * (count or 1)
    for number, scan in enumerate(scans):
        volume = canonical(scan)
        uid = volume.series.series_uid
        nodules = [mark for mark in truth if mark.series_uid == uid]
        places = [mark for mark in excluded if mark.series_uid == uid]
        start = min(number, (count or 1) - 1) * _SCALE
        step = _SCALE / (len(ways) + 1)
        found = _search(detector, volume, device, part(progress, start, start + round(step), whole))
        for n, (name, way) in enumerate(ways.items(), 1):
            inner = part(progress, start + round(n * step), start + round((n + 1) * step), whole)
            inner(0, 1, f"{uid}: {name}")
            made = way(volume, nodules)
            if made is None:
                continue
            points, refused = found, False
            if made.volume is not volume:
                try:
                    points = _search(detector, made.volume, device, inner)
                except LungsNotFoundError:
                    points, refused = (), True
            outcomes[name][uid] = _outcome(volume, made, nodules, places, found, points, refused)
    uids = sorted({uid for by_scan in outcomes.values() for uid in by_scan})
    if not uids:
        raise ConfigError("There are no scans to perturb.")
    threshold = detector.card.threshold
    rows = [_row(name, by_scan, threshold, bootstraps) for name, by_scan in outcomes.items()]
    card = detector.card
    progress(whole, whole, "done")
    return Robustness(
        rows=tuple(row for row in rows if row is not None),
        model=ModelReference(
            id=card.id,
            version=card.version,
            sha256=card.sha256,
            threshold=threshold,
            false_positives_per_scan=false_positives_at(card, threshold),
        ),
        series_uids=tuple(uids),
    )


def _search(detector: Detector, volume: Volume, device: str, progress: Progress) -> tuple[ScoredPoint, ...]:
    detection = detector.detect(volume, device=device, progress=progress)
    return tuple(ScoredPoint(candidate.center_mm, candidate.score) for candidate in detection.candidates)


def _outcome(
    volume: Volume,
    made: Perturbed,
    nodules: Sequence[Mark],
    places: Sequence[Mark],
    found: Sequence[ScoredPoint],
    points: tuple[ScoredPoint, ...],
    refused: bool,
) -> _Outcome:
    """Move the truth and what was found in the scan as it was, and drop what is out of view now."""
    truth: list[Mark] = []
    excluded: list[Mark] = []
    for mark in nodules:
        moved = replace(mark, center_mm=_moved(made, mark.center_mm))
        radius = radius_of(mark)
        # What a slab cuts, or only touches, counts neither way.
        cut = not _in_view(made.volume, moved.center_mm, radius) and _in_view(volume, mark.center_mm, radius)
        (truth if _in_view(made.volume, moved.center_mm) and not cut else excluded).append(moved)
    excluded += [replace(mark, center_mm=_moved(made, mark.center_mm)) for mark in places]
    reference = (replace(point, center_mm=_moved(made, point.center_mm)) for point in found)
    return _Outcome(
        truth=tuple(truth),
        excluded=tuple(excluded),
        points=points,
        reference=tuple(point for point in reference if _in_view(made.volume, point.center_mm)),
        refused=refused,
    )


def _row(name: str, by_scan: Mapping[str, _Outcome], threshold: float, bootstraps: int) -> RobustnessRow | None:
    truth = [mark for one in by_scan.values() for mark in one.truth]
    excluded = [mark for one in by_scan.values() for mark in one.excluded]
    if not truth:
        return None
    now = froc.evaluate(
        truth, {uid: one.points for uid, one in by_scan.items()}, excluded=excluded, bootstraps=bootstraps
    )
    before = froc.evaluate(truth, {uid: one.reference for uid, one in by_scan.items()}, excluded=excluded, bootstraps=0)
    sensitivity, fp = _at(now, threshold)
    sensitivity_before, fp_before = _at(before, threshold)
    low, high = now.overall.cpm_interval
    return RobustnessRow(
        name=name,
        scans=len(by_scan),
        nodules=len(truth),
        cpm=now.overall.cpm,
        cpm_low=low,
        cpm_high=high,
        cpm_unchanged=before.overall.cpm,
        sensitivity=sensitivity,
        sensitivity_unchanged=sensitivity_before,
        fp_per_scan=fp,
        fp_per_scan_unchanged=fp_before,
        refused=sum(one.refused for one in by_scan.values()),
    )


def _at(evaluation: froc.Evaluation, threshold: float) -> tuple[float, float]:
    """Sensitivity and false positives a scan where everything from a score on is reported."""
    curve = evaluation.overall
    reached = int(np.flatnonzero(curve.threshold >= threshold)[-1])  # the first is infinite
    return float(curve.sensitivity[reached]), float(curve.fp_per_scan[reached])


def _moved(made: Perturbed, point: tuple[float, float, float]) -> tuple[float, float, float]:
    x, y, z = apply_affine(made.moved, point)
    return float(x), float(y), float(z)


def _in_view(volume: Volume, point: tuple[float, float, float], radius: float = 0.0) -> bool:
    """Whether a point lies in the scan, by at least a distance from its first and last slice."""
    index = volume.to_index(point)
    margin = np.array([radius / volume.spacing[0], 0.0, 0.0])
    return bool((index - margin >= -0.5).all() and (index + margin <= np.asarray(volume.shape) - 0.5).all())


def save_robustness(result: Robustness, folder: Path) -> None:
    """Write the table as CSV, JSON and Markdown, each whole or not at all."""
    names = [one.name for one in fields(RobustnessRow)]
    write_table(names, (_plain(row) for row in result.rows), folder / FILE_NAMES[0])
    content = {
        "protocol": "LUNA16",
        "model": result.model.model_dump(),
        "series_uids": list(result.series_uids),
        "rows": [_plain(row) for row in result.rows],
    }
    with whole_file(folder / FILE_NAMES[1]) as temporary:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    with whole_file(folder / FILE_NAMES[2]) as temporary:
        temporary.write_text(as_markdown(result), encoding="utf-8")


def as_markdown(result: Robustness) -> str:
    """Put the table in Markdown, as it stands in a model card: after each figure that of the unchanged scans."""
    head = (
        "| scans | n | nodules | CPM | unchanged | sensitivity | unchanged | false positives a scan | unchanged |\n"
        "|---|---|---|---|---|---|---|---|---|\n"
    )
    lines = [
        f"| {row.name}{f' ({row.refused} refused)' if row.refused else ''} | {row.scans} | {row.nodules} "
        f"| {row.cpm:.3f} | {row.cpm_unchanged:.3f} | {row.sensitivity:.3f} | {row.sensitivity_unchanged:.3f} "
        f"| {row.fp_per_scan:.2f} | {row.fp_per_scan_unchanged:.2f} |"
        for row in result.rows
    ]
    note = (
        f"\n{result.model.id} {result.model.version}; sensitivity and false positives at its default threshold "
        f'({result.model.threshold:.4g}). "Unchanged" are the same nodules in the same part of the same scans as they '
        "were.\n"
    )
    return head + "\n".join(lines) + "\n" + note


def _plain(row: RobustnessRow) -> dict[str, float | int | str | None]:
    """Round a row for files; what is not a number is left empty."""
    return {
        name: None
        if isinstance(value, float) and math.isnan(value)
        else round(value, 6)
        if isinstance(value, float)
        else value
        for name, value in asdict(row).items()
    }
