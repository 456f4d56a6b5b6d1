"""What a detector does for its readers: three FROC curves of each, and what the second read changed.

Every finished reading becomes three reports on its scan: the reader alone, the detector alone, and the reader with the
detector. They are written in the form of ``analyse``, so that ``napari-lesion evaluate`` takes them, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_lesion.evaluation import results as tables
from napari_lesion.evaluation.compare import Difference, ModelComparison, compare_models, difference
from napari_lesion.evaluation.froc import FP_RATES, Curve, Evaluation, Mark, evaluate
from napari_lesion.model.findings import Finding, ModelReference, Point, Report
from napari_lesion.reading_study.journal import SUFFIX, load
from napari_lesion.reading_study.reading import LEVELS, MARK_MM, Reading
from napari_lesion.report.json import FILE_NAME, save_report
from napari_lesion.security.roles import May, require
from napari_lesion.support.atomic import whole_folder
from napari_lesion.support.errors import ReadingError
from napari_lesion.support.uids import name_of

ALONE, DETECTOR, TOGETHER = ARMS = ("reader-alone", "detector", "reader-with-detector")
ARM_NAMES = {ALONE: "reader alone", DETECTOR: "detector", TOGETHER: "reader with detector"}


@dataclass(frozen=True)
class Readings:
    """All readings of a study."""

    finished: tuple[Reading, ...]
    left_out: tuple[tuple[Path, str], ...]
    """Files that do not count, each with the reason."""

    @property
    def by_reader(self) -> dict[str, tuple[Reading, ...]]:
        """Readings of each reader."""
        readers = sorted({reading.reader for reading in self.finished})
        return {one: tuple(reading for reading in self.finished if reading.reader == one) for one in readers}


@dataclass(frozen=True)
class ReaderResult:
    """One reader: three curves, and reader with detector against reader alone."""

    reader: str
    readings: tuple[Reading, ...]
    arms: Mapping[str, Evaluation]
    """By `ARMS`."""
    gain: ModelComparison


def load_readings(folder: Path) -> Readings:
    """Read all readings below a folder.

    Raises
    ------
    ReadingError
        If none is finished, or if a reader read a scan twice. One that was changed after it was written is left out.
    """
    require(May.SEE_OTHERS, folder)
    finished: list[Reading] = []
    left_out: list[tuple[Path, str]] = []
    seen: dict[tuple[str, ...], Path] = {}
    for path in sorted(folder.rglob(f"*{SUFFIX}")):
        try:
            reading = load(path)
        except ReadingError as error:
            left_out.append((path, str(error).removeprefix(f"{path}: ").rstrip(".")))
            continue
        key = reading.reader, reading.series_uid, reading.stack
        if key in seen:
            raise ReadingError(f"{path}: {reading.reader} read this scan in {seen[key]} as well. Remove one.")
        seen[key] = path
        if reading.phase != "finished":
            left_out.append((path, f"not finished ({reading.phase})"))
        elif not reading.blind:
            left_out.append((path, "not blind: the findings had been on the screen before the reveal"))
        else:
            finished.append(reading)
    if not finished:
        said = "; ".join(f"{path.name}: {reason}" for path, reason in left_out[:3])
        raise ReadingError(f"{folder}: there is no finished blind reading ({SUFFIX} file) in it. {said}".strip())
    return Readings(tuple(finished), tuple(left_out))


def reports_of(reading: Reading) -> dict[str, Report]:
    """Make the three reports of a reading, by `ARMS`.

    The reader's confidence becomes a score: level 1 of 5 is 0.2, level 5 is 1. The detector's report holds all
    candidates, so that its curve is whole; the reader saw those over the model's threshold.

    Raises
    ------
    ReadingError
        If it is not finished.
    """
    report = reading.report
    if report is None or reading.phase != "finished":
        raise ReadingError(f"The reading of series {reading.series_uid} by {reading.reader} is not finished.")
    alone = [_finding(mark.id, mark.center_mm, MARK_MM, mark.confidence) for mark in reading.blind_marks]
    together = [_finding(mark.id, mark.center_mm, MARK_MM, mark.confidence) for mark in reading.marks]
    together += [_finding(f.id, f.center_mm, f.diameter_mm, level) for f, level in reading.taken_over]
    detector = report.model.model_copy(update={"threshold": 0.0, "false_positives_per_scan": None})
    return {
        ALONE: _by_reader(report, alone, reading.reader, "alone"),
        DETECTOR: report.model_copy(update={"model": detector}),
        TOGETHER: _by_reader(report, together, f"{reading.reader} with {report.model.id}", report.model.version),
    }


def save_results(readings: Iterable[Reading], folder: Path) -> None:
    """Write ``folder/ARM/SERIES/findings.json`` of one reader's readings, for each of `ARMS`.

    Each of the three folders is replaced as a whole, so that no result of an earlier state of the study stays.
    """
    made = [(f"{name_of(one.series_uid)}{f'_{one.stack}' if one.stack else ''}", reports_of(one)) for one in readings]
    for arm in ARMS:
        with whole_folder(folder / arm, private=True) as new:
            for name, reports in made:
                place = new / name
                place.mkdir()
                save_report(reports[arm], place / FILE_NAME)


def score(
    readings: Sequence[Reading],
    folder: Path,
    truth: Sequence[Mark],
    *,
    excluded: Sequence[Mark] = (),
    missing: tables.Missing = "error",
    bootstraps: int = 1000,
    seed: int = 0,
) -> ReaderResult:
    """Score the three results of one reader, as `save_results` wrote them.

    Raises
    ------
    ConfigError
        As for ``froc.evaluate``, or if the readings are with several detectors.
    """
    points = {}
    for arm in ARMS:
        loaded = tables.load_results(folder / arm)
        truth, points[arm], _ = tables.settle_missing(truth, loaded, missing)
    arms = {arm: evaluate(truth, points[arm], excluded=excluded, bootstraps=bootstraps, seed=seed) for arm in ARMS}
    gain = compare_models(truth, points[ALONE], points[TOGETHER], excluded=excluded, bootstraps=bootstraps, seed=seed)
    return ReaderResult(readings[0].reader, tuple(readings), arms, gain)


def same_scans(results: Sequence[ReaderResult]) -> bool:
    """Whether all readers read the same scans."""
    return len({frozenset(reading.series_uid for reading in result.readings) for result in results}) <= 1


def mean_gain(results: Sequence[ReaderResult]) -> tuple[Difference, ...]:
    """Average readers: reader with detector against reader alone, CPM and sensitivities.

    The interval is for other scans and these readers: scans are resampled, the same for all readers.

    Raises
    ------
    ReadingError
        If the readers did not read the same scans.
    """
    if not same_scans(results):
        raise ReadingError("There is no mean over readers who did not read the same scans.")

    def mean(arm: str) -> tuple[list[float], np.ndarray]:
        curves: list[Curve] = [result.arms[arm].overall for result in results]
        values = np.mean([[curve.cpm, *curve.at_rates] for curve in curves], axis=0)
        drawn = np.mean([np.column_stack([curve.drawn.mean(axis=1), curve.drawn]) for curve in curves], axis=0)
        return values.tolist(), drawn

    (a, drawn_a), (b, drawn_b) = mean(ALONE), mean(TOGETHER)
    names = ("CPM", *(f"sensitivity at {rate:g}" for rate in FP_RATES))
    return tuple(difference(*row) for row in zip(names, a, b, (drawn_b - drawn_a).T, strict=True))


CASE_COLUMNS = (
    "reader",
    "seriesuid",
    "blind_s",
    "assisted_s",
    "interruptions",
    "marks_blind",
    "findings_shown",
    "on_own_mark",
    "taken_over",
    "rejected",
    "marks_added",
    "marks_removed",
    "marks_changed",
)


def case_row(reading: Reading) -> tuple[str, ...]:
    """Sum up a finished reading: times without pauses, and what the reveal changed (`CASE_COLUMNS`)."""
    blind = {mark.id: mark for mark in reading.blind_marks}
    now = {mark.id: mark for mark in reading.marks}
    own = sum(reading.mark_at(finding) is not None for finding in reading.shown)
    numbers = (
        reading.interruptions,
        len(blind),
        len(reading.shown),
        own,
        len(reading.taken_over),
        len(reading.shown) - own - len(reading.taken_over),
        len(now.keys() - blind.keys()),
        len(blind.keys() - now.keys()),
        sum(now[id] != mark for id, mark in blind.items() if id in now),
    )
    times = (f"{reading.blind_s:.1f}", f"{reading.assisted_s:.1f}")
    return reading.reader, reading.series_uid, *times, *map(str, numbers)


def _finding(id: str, center: Point, diameter: float, level: int) -> Finding:
    x, y, z = center
    radius = diameter / 2
    return Finding(
        id=id,
        center_mm=center,
        diameter_mm=diameter,
        box_mm=((x - radius, y - radius, z - radius), (x + radius, y + radius, z + radius)),
        score=level / LEVELS,
        status="added",
    )


def _by_reader(report: Report, findings: Iterable[Finding], name: str, version: str) -> Report:
    """Put a reader's findings in the place of a detector's."""
    return report.model_copy(
        update={
            "findings": tuple(sorted(findings, key=lambda finding: -finding.score)),
            "model": ModelReference(id=name, version=version, sha256="", threshold=0.0),
            "device": "",
            "timings_s": {},
            "warnings": (),
        }
    )
