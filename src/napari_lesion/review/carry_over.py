"""What a reader did to earlier findings, carried over to those of a new search."""

from __future__ import annotations

import math

from napari_lesion.model.drawn import Drawing, numbered_drawings
from napari_lesion.model.findings import Finding, Report, numbered
from napari_lesion.review.review import Provenance, Review, ReviewChange
from napari_lesion.support.errors import ReviewError


def carried_over(old: Review, start: Report, by: Provenance) -> Review:
    """Start a review of a new report that keeps what readers did in an old one of the same scan.

    Numbers go on: a finding of the new report is called what it was called in the old one, where that has it or, from
    another model, an untouched one at the same place; all others get numbers that were never given.
    Findings that a reader judged, moved, commented or added take the place of those with the same id, and what was
    entered of the patient that of what the headers say, as one change, which can be undone. Targets and non-targets
    stay as they were chosen, drawings as they were drawn, and those of the new report come to them. Comparisons with
    priors are of the old findings, and end with them.

    Raises
    ------
    ReviewError
        If the reports are of different series.
    """
    if old.start.series_uid != start.series_uid:
        raise ReviewError(f"The review is of series {old.start.series_uid}, the report of {start.series_uid}.")
    start = _numbered_as(old, start)
    known = {finding.id: finding for finding in start.findings}
    kept = tuple(finding for finding in old.findings if finding.history and known.get(finding.id) != finding)
    patient = old.patient if old.patient != old.start.patient else None
    lesions = old.lesions if old.lesions != start.lesions else None
    drawings, last_drawing = _drawn_in_both(old, start)
    start = start.model_copy(update={"last_drawing": last_drawing})
    review = Review(start, measured=old.measured)
    if not kept and patient is None and lesions is None and drawings == start.drawings:
        return review
    before = tuple(known[finding.id] for finding in kept if finding.id in known)
    change = ReviewChange(
        what="carried over", time=by.time, reader=by.reader, before=before, after=kept, patient=patient
    )
    update = {"lesions": lesions, "drawings": drawings if drawings != start.drawings else None}
    return review.done(change.model_copy(update=update))


def _drawn_in_both(old: Review, start: Report) -> tuple[tuple[Drawing, ...], int]:
    """Put the drawings of a review and those of a report together; one that both have is as the review has it."""
    known = {one.id for one in old.drawings}
    news = tuple(one for one in start.drawings if one.id not in known)
    return numbered_drawings((*old.drawings, *news), max(old.last_drawing, start.last_drawing))


def _numbered_as(old: Review, start: Report) -> Report:
    """Give the findings of a new report the numbers that they have in a review of the same scan."""
    if not old.last_number:
        return numbered(start)
    ids = {finding.id for finding in start.findings}
    known = {finding.id: finding.number for finding in old.findings}
    left = [finding for finding in old.findings if not finding.history and finding.id not in ids]
    findings: list[Finding] = []
    for finding in start.findings:
        number = known.get(finding.id, 0)
        if not number and left:
            nearest = min(left, key=lambda one: math.dist(one.center_mm, finding.center_mm))
            if math.dist(nearest.center_mm, finding.center_mm) < max(nearest.size_mm, finding.size_mm) / 2:
                number = nearest.number
                left.remove(nearest)
        findings.append(finding.model_copy(update={"number": number}))
    update = {"findings": tuple(findings), "last_number": max(old.last_number, start.last_number)}
    return numbered(start.model_copy(update=update))
