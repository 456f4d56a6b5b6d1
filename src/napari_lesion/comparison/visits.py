"""The visits that RECIST judges, out of a scan and its priors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from napari_lesion.assessment.guidelines.recist import Lesion, State, Visit
from napari_lesion.model.compared import Comparison
from napari_lesion.model.findings import Finding, Report

_CONFIRMED = ("accepted", "edited", "added")


def linked(
    report: Report, comparisons: Sequence[Comparison], prior_report: Callable[[str], Report | None]
) -> tuple[Report, ...]:
    """Give findings of the priors the lesion that they are in the scan.

    Returns
    -------
    tuple of Report
        Of the priors that are at hand and aligned, and of the scan; the earliest first.
    """
    uids = {finding.id: finding.lesion_uid for finding in report.findings}
    reports = [report]
    for comparison in comparisons:
        prior = prior_report(comparison.prior_series_uid)
        if prior is None or not comparison.alignment.accepted:
            continue
        now = {one.prior_finding_id: uids[one.finding_id] for one in comparison.changes if one.finding_id in uids}
        findings = tuple(
            one.model_copy(update={"tracking_uid": now.get(one.id, one.tracking_uid)}) for one in prior.findings
        )
        reports.append(prior.model_copy(update={"findings": findings}))
    return tuple(sorted(reports, key=lambda one: one.series.study_date))


def visits_of(
    reports: Sequence[Report], comparisons: Sequence[Comparison], lesions: Sequence[Lesion]
) -> tuple[Visit, ...]:
    """Describe what was seen of the chosen lesions at each date.

    A lesion without a finding was not evaluated, unless the comparison says that it resolved by the last date. New is
    what the comparison with the first date calls new, once a reader has confirmed it. A non-target has progressed where
    a reader says so, and only there.

    Parameters
    ----------
    reports : sequence of Report
        From `linked`.
    comparisons : sequence of Comparison
        Of the last report with its priors.
    lesions : sequence of Lesion
    """
    first, last = reports[0], reports[-1]
    gone, new = set(), set()
    for comparison in comparisons:
        for change in comparison.changes:
            prior = next((one for one in reports if one.series_uid == comparison.prior_series_uid), None)
            found = _finding(prior, change.prior_finding_id)
            if change.fate == "resolved" and found is not None:
                gone.add(found.lesion_uid)
            now = _finding(last, change.finding_id)
            if prior is first and change.fate == "new" and now is not None and now.status in _CONFIRMED:
                new.add(now.lesion_uid)
    followed = {lesion.uid for lesion in lesions}
    visits = []
    for report in reports:
        seen = {finding.lesion_uid: finding for finding in report.active}
        absent = gone - seen.keys() if report is last else set()
        sizes: dict[str, float | None] = {}
        states: dict[str, State] = {}
        for lesion in lesions:
            if lesion.role == "target":
                sizes[lesion.uid] = 0.0 if lesion.uid in absent else _size(seen.get(lesion.uid), lesion.node)
            elif report.series_uid in lesion.progressed:
                states[lesion.uid] = "progressed"
            elif lesion.uid in seen:
                states[lesion.uid] = "present"
            elif lesion.uid in absent:
                states[lesion.uid] = "absent"
        news = tuple(sorted((new & seen.keys()) - followed)) if report is not first else ()
        visits.append(Visit(date=report.series.study_date, sizes_mm=sizes, states=states, new_lesions=news))
    return tuple(visits)


def _finding(report: Report | None, id_: str | None) -> Finding | None:
    return next((one for one in report.findings if one.id == id_), None) if report is not None else None


def _size(finding: Finding | None, node: bool) -> float | None:
    measured = finding.measurement if finding is not None else None
    if measured is None:
        return None
    return round((measured.short_axis if node else measured.long_axis).length_mm, 1)
