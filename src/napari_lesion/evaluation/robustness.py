"""How findings hold when a scan is made otherwise: slices, kernel, dose, contrast, motion, scanner; and for whom.

Scans with a known truth are perturbed in ways that leave the lesions what they are; where the perturbation moves or
cuts them, the truth is moved and cut with them. What is lost is judged against the same lesions in the same part of the
scan as it was. Intervals draw patients again, and a change is tested by flipping signs over patients.

The perturbations imitate acquisitions from the image alone, not from raw data: they tell what a detector depends on,
not how good it is on another scanner.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_lesion.detection.operating_points import false_positives_at
from napari_lesion.evaluation import froc
from napari_lesion.evaluation.froc import Counts, Mark, ScoredPoint
from napari_lesion.evaluation.perturbations import Perturbation, default_perturbations
from napari_lesion.evaluation.remade_scans import Perturbed, radius_of
from napari_lesion.evaluation.resampling import drawn_scans, holm, interval, share, sign_flip_p
from napari_lesion.evaluation.scan_facts import ScanFacts, facts_of
from napari_lesion.evaluation.scan_groups import FEW, GroupRow, Searched, group_rows
from napari_lesion.model.findings import ModelReference
from napari_lesion.model.volume import Volume, apply_affine
from napari_lesion.support.errors import ConfigError, LungsNotFoundError
from napari_lesion.support.progress import Progress, part, silent

if TYPE_CHECKING:
    from napari_lesion.models.card import Detector

_SCALE = 1000
Interval = tuple[float, float]


@dataclass(frozen=True)
class RobustnessRow:
    """What became of the findings under one perturbation; intervals are of 95 %, by bootstrap over patients."""

    name: str
    kind: str
    strength: float
    scans: int
    patients: int
    nodules: int
    """Of the truth, in the part of the scans that is left."""
    cpm: float
    cpm_interval: Interval
    cpm_unchanged: float
    """Of the same nodules in the same part of the same scans as they were."""
    cpm_change: float
    cpm_change_interval: Interval
    sensitivity: float
    """At the model's default threshold."""
    sensitivity_interval: Interval
    sensitivity_unchanged: float
    sensitivity_change: float
    sensitivity_change_interval: Interval
    p: float
    """Of the change of sensitivity, two-sided: signs flipped over patients; NaN where nothing was changed."""
    p_corrected: float
    """For the number of rows that were tested (Holm)."""
    fp_per_scan: float
    """At the model's default threshold."""
    fp_per_scan_interval: Interval
    fp_per_scan_unchanged: float
    refused: int
    """Scans in which no lungs were found, so that all nodules were missed."""
    few: bool
    """So few patients that no claim is made from the row."""


@dataclass(frozen=True)
class Robustness:
    """The tables, and what they were measured with."""

    rows: tuple[RobustnessRow, ...]
    groups: tuple[GroupRow, ...]
    """Of the scans as they are."""
    model: ModelReference
    series_uids: tuple[str, ...]
    patients: int
    bootstraps: int


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
    facts: Mapping[str, ScanFacts] | None = None,
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
    facts : mapping of str to ScanFacts, optional
        Whose the scans are and where they come from, by series UID; by default what their volumes say.
    count : int, optional
        How many scans there will be, for the scale of ``progress``.
    device : str
        As for ``Detector.detect``.
    bootstraps : int
        Resamples of the patients for the intervals.
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
    searched: dict[str, Searched] = {}
    whole = _SCALE * (count or 1)
    for number, scan in enumerate(scans):
        volume = canonical(scan)
        uid = volume.series.series_uid
        nodules = [mark for mark in truth if mark.series_uid == uid]
        places = [mark for mark in excluded if mark.series_uid == uid]
        start = min(number, (count or 1) - 1) * _SCALE
        step = _SCALE / (len(ways) + 1)
        found = _search(detector, volume, device, part(progress, start, start + round(step), whole))
        known = (facts or {}).get(uid) or facts_of(volume.series)
        searched[uid] = Searched(known, tuple(nodules), tuple(places), found)
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
    if not searched:
        raise ConfigError("There are no scans to perturb.")
    patients = {uid: one.facts.patient or uid for uid, one in searched.items()}
    threshold = detector.card.threshold
    rows = [_row(ways[name], by_scan, patients, threshold, bootstraps) for name, by_scan in outcomes.items()]
    progress(whole, whole, "done")
    return Robustness(
        rows=_corrected([row for row in rows if row is not None]),
        groups=group_rows(searched, threshold, bootstraps),
        model=_reference(detector),
        series_uids=tuple(sorted(searched)),
        patients=len(set(patients.values())),
        bootstraps=bootstraps,
    )


def _reference(detector: Detector) -> ModelReference:
    card = detector.card
    return ModelReference(
        id=card.id,
        version=card.version,
        sha256=card.sha256,
        threshold=card.threshold,
        false_positives_per_scan=false_positives_at(card, card.threshold),
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


def _row(
    way: Perturbation, by_scan: Mapping[str, _Outcome], patients: Mapping[str, str], threshold: float, bootstraps: int
) -> RobustnessRow | None:
    truth = [mark for one in by_scan.values() for mark in one.truth]
    excluded = [mark for one in by_scan.values() for mark in one.excluded]
    if not truth:
        return None
    now = {uid: one.points for uid, one in by_scan.items()}
    before = {uid: one.reference for uid, one in by_scan.items()}
    curve, curve_before = (
        froc.evaluate(truth, points, excluded=excluded, bootstraps=bootstraps, patients=patients).overall
        for points in (now, before)
    )
    counts, counts_before = (froc.counts_at(threshold, truth, points, excluded=excluded) for points in (now, before))
    of_scans = [patients[uid] for uid in sorted(by_scan)]
    drawn = drawn_scans(of_scans, bootstraps)
    ones = np.ones_like(counts.nodules)
    found, found_before = (int(one.hits.sum()) / len(truth) for one in (counts, counts_before))
    return RobustnessRow(
        name=way.name,
        kind=way.kind,
        strength=way.strength,
        scans=len(by_scan),
        patients=len(set(of_scans)),
        nodules=len(truth),
        cpm=curve.cpm,
        cpm_interval=curve.cpm_interval,
        cpm_unchanged=curve_before.cpm,
        cpm_change=curve.cpm - curve_before.cpm,
        cpm_change_interval=interval(curve.drawn.mean(axis=1) - curve_before.drawn.mean(axis=1)),
        sensitivity=found,
        sensitivity_interval=interval(share(counts.hits, counts.nodules, drawn)),
        sensitivity_unchanged=found_before,
        sensitivity_change=found - found_before,
        sensitivity_change_interval=interval(share(counts.hits - counts_before.hits, counts.nodules, drawn)),
        p=_p_of_change(counts, counts_before, of_scans) if way.kind else math.nan,
        p_corrected=math.nan,
        fp_per_scan=float(counts.false.mean()),
        fp_per_scan_interval=interval(share(counts.false, ones, drawn)),
        fp_per_scan_unchanged=float(counts_before.false.mean()),
        refused=sum(one.refused for one in by_scan.values()),
        few=len(set(of_scans)) < FEW,
    )


def _p_of_change(now: Counts, before: Counts, patients: Sequence[str]) -> float:
    names, of_scan = np.unique(patients, return_inverse=True)
    change = np.bincount(of_scan, now.hits - before.hits, minlength=len(names))
    return sign_flip_p(change.astype(np.float64))


def _corrected(rows: Sequence[RobustnessRow]) -> tuple[RobustnessRow, ...]:
    tested = [n for n, row in enumerate(rows) if not math.isnan(row.p)]
    corrected = dict(zip(tested, holm([rows[n].p for n in tested]), strict=True))
    return tuple(replace(row, p_corrected=corrected.get(n, math.nan)) for n, row in enumerate(rows))


def _moved(made: Perturbed, point: tuple[float, float, float]) -> tuple[float, float, float]:
    x, y, z = apply_affine(made.moved, point)
    return float(x), float(y), float(z)


def _in_view(volume: Volume, point: tuple[float, float, float], radius: float = 0.0) -> bool:
    """Whether a point lies in the scan, by at least a distance from its first and last slice."""
    index = volume.to_index(point)
    margin = np.array([radius / volume.spacing[0], 0.0, 0.0])
    return bool((index - margin >= -0.5).all() and (index + margin <= np.asarray(volume.shape) - 0.5).all())
