"""The findings of one scan back through its priors, as plots show them: date, diameter and volume."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from napari_lesion.model.compared import day_of
from napari_lesion.model.findings import Finding, Report

_Z95 = 1.96


@dataclass(frozen=True)
class HistoryPoint:
    """A lesion at one date; what was not measured, or is not known any more, is None.

    Attributes
    ----------
    when : date
    diameter_mm : float, optional
    volume_mm3 : float, optional
    volume_sd_mm3 : float, optional
        Standard deviation of measuring.
    """

    when: date
    diameter_mm: float | None
    volume_mm3: float | None
    volume_sd_mm3: float | None

    @property
    def is_measured(self) -> bool:
        """Whether there is a number at all."""
        return self.diameter_mm is not None or self.volume_mm3 is not None

    @property
    def volume_error_mm3(self) -> float:
        """Half of the 95 % interval of measuring; 0 where it is not known."""
        return _Z95 * self.volume_sd_mm3 if self.volume_sd_mm3 is not None else 0.0

    @property
    def diameter_error_mm(self) -> float:
        """The same of the diameter, as that of a ball with this volume; 0 where it is not known."""
        if not self.volume_mm3 or self.diameter_mm is None:
            return 0.0
        return self.diameter_mm * self.volume_error_mm3 / (3 * self.volume_mm3)


@dataclass(frozen=True)
class LesionHistory:
    """One finding over time.

    Attributes
    ----------
    finding_id : str
    number : int
        Of the finding.
    points : tuple of HistoryPoint
        The earliest first; at least two, each with a number.
    """

    finding_id: str
    number: int
    points: tuple[HistoryPoint, ...]


def lesion_histories(
    report: Report, prior_report: Callable[[str], Report | None] = lambda _uid: None
) -> tuple[LesionHistory, ...]:
    """Follow each finding of a report through the priors that it was compared with.

    Parameters
    ----------
    report : Report
        With its comparisons. What a reader rejected does not count.
    prior_report : callable, optional
        Gives the report of a prior by its series UID, where it is at hand: how sure its volumes are is in there.

    Returns
    -------
    tuple of Followed
        Those that were measured at two dates at least, in the report's order.
    """
    now = day_of(report.series.study_date)
    found = []
    for finding in report.findings:
        if finding.status == "rejected" or now is None:
            continue
        points = {now: _point(now, finding)}
        for comparison in report.comparisons:
            change = comparison.of(finding.id)
            when = comparison.prior_day(now)
            if change is None or change.prior_finding_id is None or when is None:
                continue
            prior = prior_report(comparison.prior_series_uid)
            before = prior.findings if prior is not None else ()
            known = next((_point(when, one) for one in before if one.id == change.prior_finding_id), None)
            points[when] = known or HistoryPoint(when, change.prior_diameter_mm, change.prior_volume_mm3, None)
        measured = tuple(points[when] for when in sorted(points) if points[when].is_measured)
        if len(measured) > 1:
            found.append(LesionHistory(finding.id, finding.number, measured))
    return tuple(found)


def _point(when: date, finding: Finding) -> HistoryPoint:
    measured = finding.measurement
    if measured is None:
        return HistoryPoint(when, None, None, None)
    return HistoryPoint(when, measured.mean_diameter_mm, measured.volume_mm3, measured.volume_sd_mm3)
