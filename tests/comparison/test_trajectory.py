"""Lesions over several dates, and their table."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from fake_scan import make_volume
from followed_scan import a_finding, report_of

from napari_lesion.assessment.measure.measure import measure
from napari_lesion.comparison.trajectory import save_table, trajectories
from napari_lesion.model.findings import Report
from napari_lesion.model.mask import Mask

DATES = ("20240101", "20240331", "20240629")


def reports() -> list[Report]:
    """One lesion that doubles every 90 days, and one that is seen once."""
    scan = make_volume()
    mask = Mask.of(make_volume(nodules=(((52.0, -20.0, -240.0), 12.0),)).voxels > scan.voxels)
    number = measure(scan, mask, method="test")
    found = []
    for n, day in enumerate(DATES):
        size = number.model_copy(update={"volume_mm3": 100.0 * 2**n, "volume_sd_mm3": 3.0 * 2**n})
        lesion = a_finding(f"seen {n}", (52.0, -20.0, -240.0), 12.0)
        lesion = lesion.model_copy(update={"measurement": size, "tracking_uid": "2.25.7"})
        other = a_finding(f"other {n}", (-45.0, 5.0, -270.0), 6.0).model_copy(
            update={"status": "candidate" if n == 0 else "rejected"}
        )
        report = report_of(scan, (lesion, other))
        series = report.series.model_copy(update={"study_date": day})
        found.append(report.model_copy(update={"series": series, "series_uid": f"1.2.{n}"}))
    return found


def test_a_lesion_is_followed_over_all_dates_whatever_their_order() -> None:
    timeline = trajectories(reports()[::-1])
    assert [[one.date for one in trajectory.seen] for trajectory in timeline] == [list(DATES), ["20240101"]]
    trend = timeline[0].trend
    assert trend is not None
    assert trend.doubling_days == pytest.approx(90.0)
    assert trend.exceeds_noise
    assert timeline[1].trend is None


def test_the_table_has_a_row_for_each_date(tmp_path: Path) -> None:
    save_table(trajectories(reports()), tmp_path / "timeline.csv")
    rows = list(csv.DictReader((tmp_path / "timeline.csv").open(encoding="utf-8")))
    assert [(row["date"], row["days"], row["volume_mm3"], row["doubling_days"]) for row in rows] == [
        ("20240101", "0", "100.0", ""),
        ("20240331", "90", "200.0", ""),
        ("20240629", "180", "400.0", "90"),
        ("20240101", "0", "", ""),
    ]
