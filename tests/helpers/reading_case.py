"""What the tests of reading studies share: a clock to turn by hand, a detector's report, and a whole reading."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fake_scan import make_volume

from napari_lesion.model.findings import Candidate, ModelReference, Point, Report
from napari_lesion.pipeline import findings_of
from napari_lesion.reading_study.journal import Journal, path_of


@dataclass
class Clock:
    """Says when it is; `wait` lets time pass."""

    time: datetime = field(default=datetime(2026, 3, 1, 8, 0, tzinfo=UTC))

    def wait(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def __call__(self) -> datetime:
        return self.time


def report_with(*candidates: tuple[Point, float], series_uid: str = "1.2.3", threshold: float = 0.5) -> Report:
    """What a detector found: places (LPS mm) with scores, 8 mm each."""
    volume = make_volume(shape=(4, 8, 8), series_uid=series_uid)
    findings = findings_of(volume, [Candidate(place, 8.0, score) for place, score in candidates], "blobs", 0.0)
    return Report(
        series_uid=series_uid,
        series=volume.series,
        findings=findings,
        certificate=volume.certificate,
        model=ModelReference(id="blobs", version="1", sha256="ab" * 32, threshold=threshold),
        device="cpu",
        versions={},
        timings_s={"total": 1.0},
        created="2026-03-01T08:00:00Z",
    )


def read_scan(
    folder: Path,
    reader: str,
    report: Report,
    *,
    marks: tuple[tuple[Point, int], ...] = (),
    decisions: tuple[int | None, ...] = (),
    seen_before: bool = False,
    blind_s: float = 60.0,
    assisted_s: float = 20.0,
) -> Journal:
    """Read a scan from start to finish; decisions are on the findings that the reader has not marked, in order."""
    clock = Clock()
    path = path_of(folder, reader, report.series_uid)
    journal = Journal.start(path, reader, report.series_uid, seen_before=seen_before, clock=clock)
    for place, confidence in marks:
        journal.mark(place, confidence)
    clock.wait(blind_s)
    journal.reveal(report)
    clock.wait(assisted_s)
    for finding, confidence in zip(journal.reading.undecided, decisions, strict=True):
        journal.decide(finding.id, confidence)
    journal.finish()
    return journal
