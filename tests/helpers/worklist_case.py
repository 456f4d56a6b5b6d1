"""Results of studies as ``analyse`` writes them, and worklists of them with a clock of their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from judged_nodules import nodule

from napari_lesion.model.assessed import Advice, Judgement
from napari_lesion.model.findings import Finding, ModelReference, Report
from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity
from napari_lesion.report import summary
from napari_lesion.report.json import FILE_NAME, save_report
from napari_lesion.report.summary import SeriesOutcome, cells
from napari_lesion.worklist.rule import Rule
from napari_lesion.worklist.store import Worklist

DAWN = 1_700_000_000.0
"""When tests begin, seconds since 1970."""
HOUR = 3600.0
CERTIFICATE = GeometryCertificate(shape=(9, 9, 9), spacing_mm=(1, 1, 1), orientation="axial", axes="HPL")
MODEL = ModelReference(id="nodule-3d", version="1", sha256="ab", threshold=0.5)


@dataclass
class Clock:
    now: float = DAWN

    def __call__(self) -> float:
        return self.now


def result(
    number: int, *findings: Finding, category: str = "", at: float = DAWN, searched: bool = True, **identity: Any
) -> Report:
    """Make the report of the study of patient P<number>."""
    known: dict[str, Any] = {
        "series_uid": f"1.2.{number}.1",
        "study_uid": f"1.2.{number}",
        "patient_id": f"P{number}",
        "patient_name": f"Kanarienvogel^Nr{number}",
        "study_date": "20260105",
        "modality": "CT",
    }
    advice = Advice(guideline="Lung-RADS v2022", applies=True, category=category)
    nothing = Advice(guideline="Fleischner", applies=False)
    return Report(
        series_uid=(known | identity)["series_uid"],
        series=SeriesIdentity(**(known | identity)),
        findings=findings,
        certificate=CERTIFICATE,
        model=MODEL if searched else MODEL.model_copy(update={"id": "none"}),
        device="cpu",
        versions={},
        timings_s={},
        created=datetime.fromtimestamp(at, UTC).isoformat(),
        judgement=Judgement(lung_rads=advice, fleischner=nothing) if category else None,
    )


def results(folder: Path, *reports: Report, failed: dict[str, str] | None = None, source: str = "") -> Path:
    """Write reports, and a row for each series that failed with its reason."""
    rows = []
    for report in reports:
        path = folder / report.series_uid
        path.mkdir(parents=True, exist_ok=True)
        save_report(report, path / FILE_NAME)
        rows.append(SeriesOutcome(report.series_uid, "done", folder=path.name, source=source))
    for uid, reason in (failed or {}).items():
        rows.append(SeriesOutcome(uid, "failed", reason=reason, patient_id="P99", source=source))
    folder.mkdir(parents=True, exist_ok=True)
    summary.save_summary(map(cells, rows), folder / summary.FILE_NAME)
    return folder


def small(number: int, **values: Any) -> Report:
    """A study with a small nodule."""
    return result(number, nodule(4.0), category="2", **values)


def large(number: int, **values: Any) -> Report:
    """A study with a large one."""
    return result(number, nodule(22.0), category="4B", **values)


def worklist_of(folder: Path, *places: Path, clock: Clock | None = None, rule: Rule | None = None) -> Worklist:
    """Make a worklist of folders of results."""
    made = Worklist(folder / "list" / "worklist.sqlite", rule, clock or Clock())
    for place in places:
        made.add(place)
    assert made.refresh() == []
    return made


def numbers(studies: Any) -> list[str]:
    """Say whose studies those are, in their order."""
    return [one.identity.patient_id for one in studies]


MONDAY = datetime(2026, 1, 5)


def expected_at(time: datetime, holidays: frozenset[date] = frozenset()) -> float:
    """Studies an hour that are made up: many in the day, few at night and on free days."""
    free = time.weekday() >= 5 or time.date() in holidays
    day = 7.0 + (2.0 if time.weekday() == 0 else 0.0) if 8 <= time.hour < 17 else 1.0
    return day * (0.2 if free else 1.0)


def made_up(
    weeks: int, seed: int = 1, dispersion: float = 1.0, holidays: frozenset[date] = frozenset()
) -> list[datetime]:
    """Make up arrivals, from a Monday on."""
    random = np.random.default_rng(seed)
    times = []
    for hour in range(weeks * 168 + 1):
        begin = MONDAY + timedelta(hours=hour)
        mean = expected_at(begin, holidays)
        if dispersion > 1:
            mean = random.gamma(mean / (dispersion - 1), dispersion - 1)
        count = random.poisson(mean)
        times += [begin + timedelta(hours=float(part)) for part in random.random(count)]
    return [MONDAY - timedelta(minutes=1), *times, MONDAY + timedelta(weeks=weeks, minutes=1)]
