"""A scan against an earlier one: brought together, and what became of each lesion."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_lesion.comparison.aligned import Aligned
from napari_lesion.comparison.match import changes
from napari_lesion.comparison.register import align
from napari_lesion.model.compared import Alignment, Comparison, days_between
from napari_lesion.model.findings import Report
from napari_lesion.model.volume import SeriesIdentity, Volume
from napari_lesion.support.progress import Progress, part, silent


@dataclass(frozen=True)
class Compared:
    """What came of comparing a scan with a prior.

    Attributes
    ----------
    comparison : Comparison
        What is stored with the report.
    aligned : Aligned or None
        Where each place of the scan lies in the prior, and back; None where the scans could not be brought together.
    """

    comparison: Comparison
    aligned: Aligned | None = field(repr=False)

    def __repr__(self) -> str:
        return f"Compared({self.comparison!r})"


def compare(
    report: Report,
    volume: Volume,
    prior_report: Report,
    prior_volume: Volume,
    *,
    other_id: bool = False,
    progress: Progress = silent,
) -> Compared:
    """Compare a scan with an earlier one of the same patient.

    Parameters
    ----------
    report, prior_report : Report
        Findings with measurements, where sizes are to be compared. What a reader rejected does not count.
    volume, prior_volume : Volume
        CT in HU, of any spacing and orientation.
    other_id : bool
        Compare although patient ID, birth date or sex differ: the user knows that it is the same patient.
    progress : Progress

    Returns
    -------
    Compared
        Where the scans cannot be brought together, ``comparison.alignment`` says why, and there are no changes.

    Raises
    ------
    Cancelled
        If ``progress`` raised it.
    """
    now, before = volume.series, prior_volume.series
    days = days_between(before.study_date, now.study_date)
    refusal = _refusal(now, before, days, other_id)
    if refusal:
        alignment, aligned = Alignment(accepted=False, says=refusal), None
    else:
        alignment, aligned = align(volume, prior_volume, progress=part(progress, 0, 90, 100))
    progress(90, 100, "matching the findings")
    comparison = Comparison(
        prior_series_uid=prior_report.series_uid,
        prior_study_date=before.study_date,
        days=days,
        alignment=alignment,
        changes=changes(report, prior_report, aligned) if aligned else (),
    )
    progress(100, 100, "compared")
    return Compared(comparison, aligned)


def tracked(report: Report, comparison: Comparison, prior_report: Report) -> Report:
    """Give each finding the UID of its lesion: that of the prior's finding where it was recognised, else its own."""
    before = {finding.id: finding.lesion_uid for finding in prior_report.findings}
    same = {
        change.finding_id: before[change.prior_finding_id]
        for change in comparison.changes
        if change.finding_id and change.prior_finding_id in before
    }
    findings = tuple(
        finding.model_copy(update={"tracking_uid": same.get(finding.id, finding.lesion_uid)})
        for finding in report.findings
    )
    return report.model_copy(update={"findings": findings})


def _refusal(now: SeriesIdentity, before: SeriesIdentity, days: int | None, other_id: bool) -> str:
    """Why two series are not compared, by their headers, as a sentence; empty where they are."""
    if now.series_uid and now.series_uid == before.series_uid:
        return "Not compared: this is the same series. Choose an earlier one."
    if days is not None and days < 0:
        return (
            f"Not compared: the prior was made {-days} days after this scan. Open the later scan, and choose the "
            "earlier one as its prior."
        )
    if other_id:
        return ""
    differs = [
        f"{name} {one or 'none'} and {other or 'none'}"
        for name, one, other, known in (
            ("patient ID", now.patient_id, before.patient_id, True),
            ("birth date", now.patient_birth_date, before.patient_birth_date, False),
            ("sex", now.patient_sex, before.patient_sex, False),
        )
        if one != other and (known or (one and other))
    ]
    if differs:
        return (
            f"Not compared: by their headers these are two patients ({', '.join(differs)}). If you know that they are "
            "one, compare them all the same."
        )
    return ""
