"""A scan and one of its priors in front of a reader: read, searched where nobody has yet, measured, aligned, compared.

What was found in the prior goes into its journal, so that nobody has to search it again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_lesion import pipeline
from napari_lesion.model.compared import Comparison
from napari_lesion.model.findings import Finding, Report
from napari_lesion.model.volume import Volume
from napari_lesion.review.carry_over import carried_over
from napari_lesion.review.journal import Journal, journal_path, take_over_earlier
from napari_lesion.review.review import Provenance, Review, is_searched, reported, with_measurements
from napari_lesion.support.journal_file import is_there
from napari_lesion.support.nameless import short_hash
from napari_lesion.support.progress import Progress, part, silent

if TYPE_CHECKING:
    from napari_lesion.comparison.aligned import Aligned
    from napari_lesion.dicom.index.series import Series

_LOG = logging.getLogger(__name__)
_STEPS = 1000


@dataclass(frozen=True)
class Prior:
    """An earlier scan of the patient, and how it compares.

    Attributes
    ----------
    volume : Volume
    report : Report
        Its findings, measured.
    comparison : Comparison
        Of the scan with it.
    aligned : Aligned, optional
        None where the alignment was refused: places of one say nothing about the other.
    """

    volume: Volume
    report: Report
    comparison: Comparison
    aligned: Aligned | None = field(repr=False)


@dataclass(frozen=True)
class FollowedUp:
    """What came of comparing a scan with a prior.

    Attributes
    ----------
    prior : Prior
    measured : tuple of Finding
        Findings of the scan that had not been measured before.
    tracking_uids : dict
        UID of the lesion of each finding of the scan, by the finding's id.
    """

    prior: Prior
    measured: tuple[Finding, ...]
    tracking_uids: dict[str, str]


def follow_up(
    volume: Volume,
    report: Report,
    source: Series | Volume,
    *,
    model: str,
    by: Provenance,
    known: Review | None = None,
    other_id: bool = False,
    progress: Progress = silent,
) -> FollowedUp:
    """Read a prior, find and measure its lesions where that was not done before, and compare the scan with it.

    Parameters
    ----------
    volume : Volume
    report : Report
        Findings of the scan.
    source : Series or Volume
        The prior.
    model : str
        Id or folder of the model that searches where nobody has.
    by : Provenance
        Who does it.
    known : Review, optional
        Of the prior, where it is open; else it is looked for in its journal.
    other_id : bool
        Compare although the headers name two patients: the reader knows better.
    progress : Progress

    Raises
    ------
    LesionError
        If the prior cannot be read, searched or measured, or its journal not be kept.
    Cancelled
        If ``progress`` raised it.
    """
    volume.wait(progress)
    if isinstance(source, Volume):
        before = source
        before.wait(progress)
    else:
        from napari_lesion.dicom.read.reader import read_series

        before = read_series(source, progress=part(progress, 0, 100, _STEPS))
    review = known if known is not None else _from_journal(before)
    if review is None or not (is_searched(review.start) or review.findings):
        found = pipeline.search(before, detector=model, progress=part(progress, 100, 600, _STEPS))
        # Where somebody has only measured, that stays.
        review = Review(found.report) if review is None else carried_over(review, found.report, by)
        if known is None:
            _write(before, review, by)
    prior_report = reported(review, review.start.model.threshold)
    report, here = pipeline.measured(report, volume, progress=part(progress, 600, 700, _STEPS))
    prior_report, there = pipeline.measured(prior_report, before, progress=part(progress, 700, 800, _STEPS))
    if there and known is None:
        _write(before, with_measurements(review, there), by, since=review)
    report, compared = pipeline.compared_with(
        report, volume, prior_report, before, other_id=other_id, progress=part(progress, 800, _STEPS, _STEPS)
    )
    return FollowedUp(
        Prior(before, prior_report, compared.comparison, compared.aligned),
        tuple(here),
        {finding.id: finding.tracking_uid for finding in report.findings},
    )


def _from_journal(volume: Volume) -> Review | None:
    """Get the review of a scan that is not open, from its journal."""
    take_over_earlier(volume)
    path = journal_path(volume)
    if not is_there(path):
        return None
    journal = Journal(path, volume.series)
    try:
        review = journal.recover()
    finally:
        journal.close()
    if journal.warning:
        warning = journal.warning.replace(str(path), "its review on this computer")
        _LOG.warning("series %s: %s", short_hash(volume.series.series_uid), warning)
    return review


def _write(volume: Volume, review: Review, by: Provenance, since: Review | None = None) -> None:
    """Write down what was found in a scan that is not open, so that nobody searches it again."""
    journal = Journal(journal_path(volume), volume.series)
    try:
        if since is None:
            journal.begin(review, by)
        else:
            journal.record(since, review, by)
    finally:
        journal.close()
