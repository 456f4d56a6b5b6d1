"""FROC as LUNA16 scores it: sensitivity against false positives a scan, the CPM, and how sure they are.

References
----------
Setio et al., "Validation, comparison, and combination of algorithms for automatic detection of pulmonary nodules in
computed tomography images: the LUNA16 challenge", Medical Image Analysis 42 (2017), and its evaluation script.
Niemeijer et al., "On combining computer-aided detection systems", IEEE TMI 30 (2011): the CPM.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_lesion.evaluation.resampling import drawn_scans, interval
from napari_lesion.support.errors import ConfigError, InputFileError
from napari_lesion.support.tables import read_table

FP_RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False positives a scan at which sensitivity is read; the CPM is the mean of the seven."""
BAND_RATES = np.geomspace(FP_RATES[0], FP_RATES[-1], 60)
"""False positives a scan at which the interval of the whole curve is drawn."""
MARKS_PER_SCAN = 100
"""Findings of a scan that are scored at most, as in LUNA16's evaluation script."""
UNKNOWN_DIAMETER_MM = 10.0
"""Diameter of a mark whose own is not given (negative in LUNA16's list of irrelevant findings)."""

SIZE_BANDS: Mapping[str, Callable[[float], bool]] = {
    "< 6 mm": lambda d: d < 6,
    "6 to < 10 mm": lambda d: 6 <= d < 10,
    "10 to 20 mm": lambda d: 10 <= d <= 20,
    "> 20 mm": lambda d: d > 20,
    "≥ 6 mm": lambda d: d >= 6,
}

Vector = tuple[float, float, float]
FloatArray = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Mark:
    """A nodule in the truth, or a place that does not count."""

    series_uid: str
    center_mm: Vector
    """LPS mm."""
    diameter_mm: float
    type: str = ""


@dataclass(frozen=True)
class ScoredPoint:
    """A finding, reduced to what counts here."""

    center_mm: Vector
    """LPS mm."""
    score: float


@dataclass(frozen=True)
class Curve:
    """A FROC curve and what is read from it."""

    name: str
    """Which nodules it counts."""
    nodules: int
    scans: int
    found: int
    """Nodules hit at any score."""
    fp_per_scan: FloatArray = field(repr=False)
    sensitivity: FloatArray = field(repr=False)
    threshold: FloatArray = field(repr=False)
    """Score of each operating point; the first is infinite, where nothing is reported."""
    at_rates: tuple[float, ...]
    """Sensitivity at ``FP_RATES``."""
    at_rates_interval: tuple[tuple[float, float], ...]
    """95 % interval of each."""
    cpm: float
    cpm_interval: tuple[float, float]
    """95 % interval, by bootstrap over scans."""
    drawn: FloatArray = field(repr=False)
    """Sensitivity at ``FP_RATES`` in every resample of the scans (n, 7), NaN where a resample has no nodule."""
    band: tuple[FloatArray, FloatArray] = field(repr=False)
    """95 % interval of sensitivity at ``BAND_RATES``."""

    @property
    def end(self) -> float:
        """False positives a scan where the curve ends; beyond it, sensitivity is continued level."""
        return float(self.fp_per_scan[-1])


@dataclass(frozen=True)
class Evaluation:
    """The overall curve, and those of the nodules by size and by type."""

    overall: Curve
    by_size: tuple[Curve, ...]
    by_type: tuple[Curve, ...]
    outcomes: tuple[tuple[Mark, float | None], ...]
    """Each nodule with the score of its best hit, None where it was missed."""

    def __repr__(self) -> str:
        curve = self.overall
        return f"Evaluation(CPM {curve.cpm:.3f}: {curve.nodules} nodules in {curve.scans} scans)"


def load_marks(path: Path) -> tuple[Mark, ...]:
    """Read marks in the form of LUNA16: ``seriesuid,coordX,coordY,coordZ,diameter_mm`` (LPS mm).

    A column ``type`` (or ``texture``, as LIDC calls it) groups the nodules. What spreadsheets make of a CSV is read,
    too (`tables.read_table`).

    Raises
    ------
    ConfigError
        If a column is missing, or a value is no finite number; it names the line.
    """
    needed = ("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm")
    marks = []
    table = read_table(path, needed)
    for number, row in table.rows():
        try:
            x, y, z, diameter = (table.number(row, name) for name in needed[1:])
        except ValueError as error:
            raise InputFileError(f"{path}: line {number}: {error}.") from error
        if not all(map(math.isfinite, (x, y, z, diameter))):
            raise InputFileError(f"{path}: line {number}: a position or diameter is not finite.")
        kind = row.get("type") or row.get("texture") or ""
        marks.append(Mark(row["seriesuid"], (x, y, z), diameter, kind))
    return tuple(marks)


def evaluate(
    truth: Iterable[Mark],
    results: Mapping[str, Sequence[ScoredPoint]],
    *,
    excluded: Iterable[Mark] = (),
    bootstraps: int = 1000,
    seed: int = 0,
    patients: Mapping[str, str] | None = None,
) -> Evaluation:
    """Score findings against the truth by the rules of LUNA16.

    A finding closer to a nodule's centre than the nodule's radius hits it. Of several hits the best score counts and
    the others are ignored, as are findings inside an excluded mark. Every other finding is a false positive. Where
    nodules of one size or type are scored, hits on the other nodules are ignored and all false positives count.
    Of a scan with more than ``MARKS_PER_SCAN`` findings those with a higher score than the next one are scored.

    Parameters
    ----------
    truth : iterable of Mark
        The nodules, each in a scan of ``results``.
    results : mapping of str to sequence of ScoredPoint
        Findings of each scan that was searched, by series UID; a scan without nodules counts, too.
    excluded : iterable of Mark
        Places that are neither nodules nor false positives.
    bootstraps : int
        Resamples of the scans for the 95 % intervals.
    seed : int
        Of the resampling.
    patients : mapping of str to str, optional
        Whose scan each is: those of one patient are drawn together. Without it each scan is drawn by itself.

    Returns
    -------
    Evaluation

    Raises
    ------
    ConfigError
        If there are no scans or no nodules, or a nodule has no diameter or is in a scan without results.
    """
    nodules = tuple(truth)
    _refuse_unusable(nodules, results)
    scans = sorted(results)
    number_of = {uid: number for number, uid in enumerate(scans)}
    scan_of_nodule = np.array([number_of[nodule.series_uid] for nodule in nodules])
    best, fp_scan, fp_score = _match(nodules, _by_scan(excluded), results, scans)
    # All curves use the same resamples, so that they can be compared.
    resamples = drawn_scans([patients.get(uid, uid) for uid in scans] if patients else scans, bootstraps, seed)

    def curve(name: str, keep: npt.NDArray[np.bool_]) -> Curve:
        return _curve(name, best[keep], scan_of_nodule[keep], fp_score, fp_scan, len(scans), resamples)

    diameters = np.array([nodule.diameter_mm for nodule in nodules])
    types = sorted({nodule.type for nodule in nodules if nodule.type})
    by_size = [(name, np.array([band(d) for d in diameters])) for name, band in SIZE_BANDS.items()]
    by_type = [(name, np.array([nodule.type == name for nodule in nodules])) for name in types]
    return Evaluation(
        overall=curve("all", np.ones(len(nodules), bool)),
        by_size=tuple(curve(name, keep) for name, keep in by_size if keep.any()),
        by_type=tuple(curve(name, keep) for name, keep in by_type),
        outcomes=tuple(
            (nodule, float(score) if np.isfinite(score) else None) for nodule, score in zip(nodules, best, strict=True)
        ),
    )


@dataclass(frozen=True)
class Counts:
    """What is found in each scan where everything from a score on is reported; all are (scans,)."""

    nodules: Whole
    hits: Whole
    false: Whole


def counts_at(
    threshold: float,
    truth: Sequence[Mark],
    results: Mapping[str, Sequence[ScoredPoint]],
    *,
    excluded: Iterable[Mark] = (),
) -> Counts:
    """Count nodules, found ones and false positives of each scan, by the rules of `evaluate`.

    Parameters
    ----------
    threshold : float
        Findings with this score and higher ones count.
    truth, results, excluded
        As for `evaluate`.

    Returns
    -------
    Counts
        In the order of the sorted UIDs of ``results``.
    """
    scans = sorted(results)
    number_of = {uid: number for number, uid in enumerate(scans)}
    best, fp_scan, fp_score = _match(truth, _by_scan(excluded), results, scans)
    where = np.array([number_of[one.series_uid] for one in truth], dtype=np.int64)
    size = len(scans)
    return Counts(
        nodules=np.bincount(where, minlength=size),
        hits=np.bincount(where[best >= threshold], minlength=size),
        false=np.bincount(fp_scan[fp_score >= threshold], minlength=size),
    )


def _refuse_unusable(nodules: Sequence[Mark], results: Mapping[str, Sequence[ScoredPoint]]) -> None:
    if not results:
        raise ConfigError("There are no results to score.")
    if not nodules:
        raise ConfigError("The truth holds no nodules, so there is no sensitivity to measure.")
    for nodule in nodules:
        if nodule.series_uid not in results:
            raise ConfigError(f"series {nodule.series_uid}: in the truth, but without results.")
        if nodule.diameter_mm <= 0:
            raise ConfigError(f"series {nodule.series_uid}: a nodule with a diameter of {nodule.diameter_mm} mm.")


def _by_scan(marks: Iterable[Mark]) -> dict[str, list[Mark]]:
    ordered = sorted(marks, key=lambda mark: mark.series_uid)
    return {uid: list(group) for uid, group in groupby(ordered, key=lambda mark: mark.series_uid)}


def _match(
    nodules: Sequence[Mark],
    excluded: Mapping[str, Sequence[Mark]],
    results: Mapping[str, Sequence[ScoredPoint]],
    scans: Sequence[str],
) -> tuple[FloatArray, npt.NDArray[np.int64], FloatArray]:
    """Best score on each nodule (−inf where missed), then the scan and the score of each false positive."""
    numbers: dict[str, list[int]] = {}
    for number, nodule in enumerate(nodules):
        numbers.setdefault(nodule.series_uid, []).append(number)
    best = np.full(len(nodules), -np.inf)
    fp_scan: list[int] = []
    fp_score: list[float] = []
    for scan, uid in enumerate(scans):
        for point in _first(results[uid]):
            hits = [n for n in numbers.get(uid, ()) if lies_on(point, nodules[n])]
            for n in hits:
                best[n] = max(best[n], point.score)
            if not hits and not any(lies_on(point, mark) for mark in excluded.get(uid, ())):
                fp_scan.append(scan)
                fp_score.append(point.score)
    return best, np.array(fp_scan, dtype=np.int64), np.array(fp_score, dtype=np.float64)


def _first(points: Sequence[ScoredPoint]) -> Sequence[ScoredPoint]:
    """Leave out what ``MARKS_PER_SCAN`` forbids; of equal scores at the limit, none is kept."""
    if len(points) <= MARKS_PER_SCAN:
        return points
    limit = sorted((point.score for point in points), reverse=True)[MARKS_PER_SCAN]
    return [point for point in points if point.score > limit]


def lies_on(point: ScoredPoint, mark: Mark) -> bool:
    """Whether a finding is closer to a mark's centre than the mark's radius."""
    diameter = mark.diameter_mm if mark.diameter_mm > 0 else UNKNOWN_DIAMETER_MM
    return math.dist(point.center_mm, mark.center_mm) < diameter / 2


def _curve(
    name: str,
    best: FloatArray,
    nodule_scan: npt.NDArray[np.int64],
    fp_score: FloatArray,
    fp_scan: npt.NDArray[np.int64],
    scans: int,
    resamples: npt.NDArray[np.int64],
) -> Curve:
    found = np.isfinite(best)
    score = np.concatenate([best[found], fp_score])
    scan = np.concatenate([nodule_scan[found], fp_scan])
    is_hit = np.arange(len(score)) < found.sum()
    order = np.argsort(-score, kind="stable")
    score, scan, is_hit = score[order], scan[order], is_hit[order]
    # Equal scores are one operating point: they cannot be told apart by a threshold.
    last_of_score = np.flatnonzero(np.append(score[1:] != score[:-1], len(score) > 0))

    def points(times: npt.NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Count false positives a scan and sensitivity, where each scan is counted so many times."""
        weight = times[scan]
        total = times[nodule_scan].sum()
        hits = np.concatenate([[0], np.cumsum(weight * is_hit)[last_of_score]])
        misses = np.concatenate([[0], np.cumsum(weight * ~is_hit)[last_of_score]])
        return misses / times.sum(), hits / total if total else np.full(len(hits), np.nan)

    fp, sensitivity = points(np.ones(scans, np.int64))
    at_rates = _read(fp, sensitivity)
    resampled = [points(times) for times in resamples]
    every = np.array([_read(*one) for one in resampled]).reshape(-1, len(FP_RATES))
    drawn = every[~np.isnan(every).any(axis=1)]  # resamples without any nodule say nothing about sensitivity
    wide = np.array([np.interp(BAND_RATES, *one) for one in resampled]).reshape(-1, len(BAND_RATES))
    low, high = np.nanpercentile(wide, (2.5, 97.5), axis=0) if len(drawn) else np.full((2, len(BAND_RATES)), np.nan)
    return Curve(
        name=name,
        nodules=len(best),
        scans=scans,
        found=int(found.sum()),
        fp_per_scan=fp,
        sensitivity=sensitivity,
        threshold=np.concatenate([[np.inf], score[last_of_score]]),
        at_rates=tuple(float(value) for value in at_rates),
        at_rates_interval=tuple(interval(column) for column in drawn.T),
        cpm=float(at_rates.mean()),
        cpm_interval=interval(drawn.mean(axis=1)),
        drawn=every,
        band=(low, high),
    )


def _read(fp: FloatArray, sensitivity: FloatArray) -> FloatArray:
    """Sensitivity at ``FP_RATES``, linear between operating points and level beyond the last, as LUNA16 has it."""
    return np.interp(FP_RATES, fp, sensitivity)
