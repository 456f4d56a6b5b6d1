"""Lesions over any number of dates: the timeline, as a type and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from napari_lesion.assessment.guidelines.growth import Growth, Size, trend
from napari_lesion.model.compared import days_between
from napari_lesion.model.findings import Report
from napari_lesion.support.tables import write_table

COLUMNS = (
    *("lesion", "date", "days", "series_uid", "finding_id", "mean_diameter_mm", "long_axis_mm", "short_axis_mm"),
    *("volume_mm3", "volume_sd_mm3", "doubling_days", "doubling_low_days", "doubling_high_days"),
)


class Seen(BaseModel):
    """A lesion at one date; what was not measured is None."""

    model_config = ConfigDict(frozen=True)

    date: str
    """YYYYMMDD; empty where it is unknown."""
    series_uid: str
    finding_id: str
    mean_diameter_mm: float | None = None
    long_axis_mm: float | None = None
    short_axis_mm: float | None = None
    volume_mm3: float | None = None
    volume_sd_mm3: float | None = None


class Trajectory(BaseModel):
    """One lesion over time."""

    model_config = ConfigDict(frozen=True)

    lesion_uid: str
    seen: tuple[Seen, ...]
    """The earliest first."""

    @property
    def trend(self) -> Growth | None:
        """One doubling time through all volumes with a date; None with fewer than two."""
        dated = [one for one in self.seen if one.volume_mm3 and days_between(one.date, one.date) is not None]
        return trend(
            [
                Size(days_between(dated[0].date, one.date) or 0, one.volume_mm3 or 0.0, one.volume_sd_mm3)
                for one in dated
            ]
        )


def trajectories(reports: Sequence[Report]) -> tuple[Trajectory, ...]:
    """Put the findings of one patient's scans together by their lesion.

    Parameters
    ----------
    reports : sequence of Report
        Whose findings know their lesion (`compare.tracked`). What a reader rejected does not count.

    Returns
    -------
    tuple of Trajectory
        Those that were seen most recently, then most often, first.
    """
    found: dict[str, list[Seen]] = {}
    for report in sorted(reports, key=lambda one: one.series.study_date):
        for finding in report.active:
            measured = finding.measurement
            found.setdefault(finding.lesion_uid, []).append(
                Seen(
                    date=report.series.study_date,
                    series_uid=report.series_uid,
                    finding_id=finding.id,
                    mean_diameter_mm=measured.mean_diameter_mm if measured else None,
                    long_axis_mm=measured.long_axis.length_mm if measured else None,
                    short_axis_mm=measured.short_axis.length_mm if measured else None,
                    volume_mm3=measured.volume_mm3 if measured else None,
                    volume_sd_mm3=measured.volume_sd_mm3 if measured else None,
                )
            )
    every = [Trajectory(lesion_uid=uid, seen=tuple(seen)) for uid, seen in found.items()]
    return tuple(sorted(every, key=lambda one: (one.seen[-1].date, len(one.seen)), reverse=True))


def save_table(timeline: Sequence[Trajectory], path: Path) -> None:
    """Write a row for each lesion at each date (CSV), with the doubling time through all dates in its last row."""
    rows = []
    for trajectory in timeline:
        for one in trajectory.seen:
            row: dict[str, object] = {"lesion": trajectory.lesion_uid, **one.model_dump()}
            row["days"] = days_between(trajectory.seen[0].date, one.date)
            if one is trajectory.seen[-1] and (line := trajectory.trend) is not None:
                row["doubling_days"] = _whole(line.doubling_days)
                row["doubling_low_days"] = _whole(line.low_days)
                row["doubling_high_days"] = _whole(line.high_days)
            rows.append({name: "" if value is None else value for name, value in row.items()})
    write_table(COLUMNS, rows, path)


def _whole(days: float | None) -> int | None:
    return None if days is None else round(days)
