"""A scan, a report of it and a reader, for tests of the review."""

from __future__ import annotations

from fake_scan import FakeDetector, make_volume

from napari_lesion.model.findings import Candidate, Report
from napari_lesion.model.volume import Volume
from napari_lesion.pipeline import analyse
from napari_lesion.review.review import Provenance, Review

CANDIDATES = (
    Candidate((52.0, -20.0, -240.0), 20.0, 0.9),
    Candidate((-45.0, 5.0, -270.0), 14.0, 0.6),
    Candidate((-41.0, 6.0, -268.0), 6.0, 0.6),
    Candidate((48.0, 10.0, -220.0), 8.0, 0.3),
)
READER = Provenance("Dr. Röntgen", "2026-11-24T12:00:00.000+00:00")


def a_report(scan: Volume) -> Report:
    return analyse(scan, detector=FakeDetector(CANDIDATES), threshold=0.0, measure=False).report


def a_review(scan: Volume | None = None) -> Review:
    return Review(a_report(scan or make_volume()))
