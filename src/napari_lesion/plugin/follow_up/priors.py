"""Earlier scans of the patient: read, searched where nobody has yet, aligned with the scan, compared with it.

Get it with `priors`. All of that runs on a thread; what comes of it is part of the review, and the numbers follow
whenever findings change, as long as the prior's scan is at hand.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_lesion.dicom.index.series import Series
from napari_lesion.model.compared import Comparison
from napari_lesion.model.findings import Finding, Report
from napari_lesion.model.volume import SeriesIdentity, Volume
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.session.session import OpenScan
from napari_lesion.plugin.session.workstation import Workstation
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.layers import scan_key
from napari_lesion.plugin.viewer.view import volume_of
from napari_lesion.plugin.widgets.task import Task, sentence
from napari_lesion.plugin.widgets.torch_loading import load_torch
from napari_lesion.review import edits
from napari_lesion.review.journal import Journal, journal_path, take_over_earlier
from napari_lesion.review.review import (
    NO_MODEL,
    Review,
    Stamp,
    carried_over,
    is_unmeasured,
    reported,
    with_comparison,
    with_measurements,
)
from napari_lesion.support.errors import ConfigError, LesionError
from napari_lesion.support.journal_file import is_there
from napari_lesion.support.progress import Progress, part

_LOG = logging.getLogger(__name__)

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_lesion.comparison.register import Aligned

_UPDATE_MS = 300
"""Changes of findings within this time are followed once."""


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
    aligned: Aligned | None


@dataclass(frozen=True)
class Choice:
    """Something that the scan can be compared with: a series on a disk, or a scan that is open.

    Attributes
    ----------
    identity : SeriesIdentity
    source : Series or Volume
    """

    identity: SeriesIdentity
    source: Series | Volume


@dataclass(frozen=True)
class _Outcome:
    """What comes back from the thread."""

    prior: Prior
    measured: tuple[Finding, ...]
    """Findings of the scan that had not been measured before."""
    tracking_uids: dict[str, str]
    """By finding of the scan."""


def is_same_patient(one: SeriesIdentity, other: SeriesIdentity) -> bool:
    """Whether the headers name one patient: by the number, and what both say of birth date and sex.

    Without a number nobody knows: that is no.
    """
    if not one.patient_id.strip():
        return False
    said = ((one.patient_birth_date, other.patient_birth_date), (one.patient_sex, other.patient_sex))
    return one.patient_id == other.patient_id and all(not a or not b or a == b for a, b in said)


def compare_scans(
    volume: Volume,
    report: Report,
    source: Series | Volume,
    known: Review | None,
    model: str,
    by: Stamp,
    progress: Progress,
    *,
    other_id: bool = False,
) -> _Outcome:
    """Read a prior, find and measure its lesions where that was not done before, and compare; runs on the thread.

    Parameters
    ----------
    volume : Volume
    report : Report
        Findings of the scan.
    source : Series or Volume
        The prior.
    known : Review, optional
        Of the prior, where it is open; else it is looked for in its journal.
    model : str
        Id or folder of the model that searches where nobody has.
    by : Stamp
        Who does it.
    progress : Progress
    other_id : bool
        Compare although the headers name two patients: the reader knows better.
    """
    from napari_lesion.assessment.measure.measure import measure_findings
    from napari_lesion.comparison.compare import compare, tracked
    from napari_lesion.dicom.read.reader import read_series

    load_torch()  # what finds the lungs needs it as well
    volume.wait(progress)
    if isinstance(source, Volume):
        before = source
        before.wait(progress)
    else:
        before = read_series(source, progress=part(progress, 0, 100, 1000))
    review = known if known is not None else _kept(before)
    if review is None or (review.start.model == NO_MODEL and not review.findings):
        searched = _searched(before, model, part(progress, 100, 600, 1000))
        # Where somebody has only measured, that stays.
        review = searched if review is None else carried_over(review, searched.start, by)
        if known is None:
            _keep(before, review, by)
    prior_report = reported(review, review.start.model.threshold)

    def measured(scan: Volume, findings: Sequence[Finding], start: int, end: int) -> tuple[Finding, ...]:
        new = tuple(finding for finding in findings if is_unmeasured(finding) and finding.status != "rejected")
        return measure_findings(scan, new, progress=part(progress, start, end, 1000)) if new else ()

    here = measured(volume, report.findings, 600, 700)
    there = measured(before, prior_report.findings, 700, 800)
    if there and known is None:
        _keep(before, with_measurements(review, there), by, since=review)
    report, prior_report = _with(report, here), _with(prior_report, there)
    compared = compare(
        report, volume, prior_report, before, other_id=other_id, progress=part(progress, 800, 1000, 1000)
    )
    uids = {finding.id: finding.tracking_uid for finding in tracked(report, compared.comparison, prior_report).findings}
    return _Outcome(Prior(before, prior_report, compared.comparison, compared.aligned), here, uids)


def _with(report: Report, measured: Sequence[Finding]) -> Report:
    new = {finding.id: finding for finding in measured}
    return report.model_copy(update={"findings": tuple(new.get(one.id, one) for one in report.findings)})


def _kept(volume: Volume) -> Review | None:
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
    if journal.told:
        _LOG.warning("%s", journal.told)
    return review


def _keep(volume: Volume, review: Review, by: Stamp, since: Review | None = None) -> None:
    """Write down what was found in a scan that is not open, so that nobody searches it again."""
    journal = Journal(journal_path(volume), volume.series)
    try:
        if since is None:
            journal.begin(review, by)
        else:
            journal.record(since, review, by)
    finally:
        journal.close()


def _searched(volume: Volume, model: str, progress: Progress) -> Review:
    """Search a scan; all candidates are findings of its review, as when it is searched in the viewer."""
    from napari_lesion.pipeline import analyse, with_all_candidates

    return Review(with_all_candidates(analyse(volume, detector=model, measure=False, progress=progress)))


class Priors(QObject):
    """The priors of the scans of one viewer."""

    changed = Signal()
    """What the scan is compared with, or what came of it."""
    progressed = Signal(int, int, str)
    ended = Signal(str)
    """A comparison ended: with this sentence, or "" where all is well."""

    def __init__(self, station: Workstation) -> None:
        super().__init__(station)
        self._station = station
        self._view = findings_view(station)
        self._loaded: dict[str, dict[str, Prior]] = {}
        """By `layers.scan_key` of the scan, and series UID of the prior."""
        self._chosen: dict[str, str] = {}
        """Series UID of the prior that a scan is seen beside, by its key."""
        self._task: Task[_Outcome] | None = None
        self._compared: Image | None = None
        """Scan that is being compared."""
        self._later = QTimer(self, singleShot=True, interval=_UPDATE_MS)
        self._later.timeout.connect(self._update)
        station.scan_changed.connect(self._on_scan)
        station.review_changed.connect(self._on_review)
        station.session.closed.connect(self._on_closed)

    # -- what there is ------------------------------------------------------------------------------------------------

    def choices(self) -> tuple[Choice, ...]:
        """List what looks like an earlier scan of the same patient: open here, or found by the series browser."""
        scan = self._station.volume
        if scan is None:
            return ()
        found = [Choice(one.series, one) for layer in self._station.scans() if (one := volume_of(layer)) is not None]
        found += [Choice(one.identity, one) for one in self._station.series if one.kind == "volume"]
        fitting = {
            one.identity.series_uid: one
            for one in reversed(found)
            if one.identity.modality == "CT"
            and one.identity.series_uid != scan.series.series_uid
            and is_same_patient(one.identity, scan.series)
            and one.identity.study_date <= scan.series.study_date
        }
        return tuple(sorted(fitting.values(), key=lambda one: one.identity.study_date, reverse=True))

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Of the scan that is read, the latest prior first; those that were refused are not part of its report."""
        stored = self._stored
        known = {one.prior_series_uid for one in stored}
        refused = (
            prior.comparison for uid, prior in self._priors.items() if prior.aligned is None and uid not in known
        )
        return tuple(sorted((*stored, *refused), key=lambda one: one.prior_study_date, reverse=True))

    @property
    def _stored(self) -> tuple[Comparison, ...]:
        review = self._station.review
        return review.comparisons if review is not None else ()

    @property
    def _priors(self) -> dict[str, Prior]:
        volume = self._station.volume
        return self._loaded.get(scan_key(volume), {}) if volume is not None else {}

    def prior(self, series_uid: str) -> Prior | None:
        """Get a prior of the scan that is read, if its scan is at hand."""
        return self._priors.get(series_uid)

    @property
    def chosen(self) -> str:
        """Series UID of the prior that is looked at; "" if there is none."""
        volume = self._station.volume
        return self._chosen.get(scan_key(volume), "") if volume is not None else ""

    def choose(self, series_uid: str) -> None:
        """Look at one of the priors."""
        volume = self._station.volume
        if volume is not None:
            self._chosen[scan_key(volume)] = series_uid
            self._turn()
            self.changed.emit()

    def _turn(self) -> None:
        """Let the viewer see the scan beside the chosen prior, as long as it is compared with that."""
        known = {one.prior_series_uid for one in self.comparisons}
        self._station.set_comparison(self.prior(self.chosen) if self.chosen in known else None)

    @property
    def running(self) -> bool:
        """Whether a scan is being compared."""
        return self._task is not None

    @property
    def compared_scan(self) -> Image | None:
        """Layer of the scan that is being compared."""
        return self._compared

    def obstacle(self) -> str:
        """Why the scan cannot be compared with anything now, as a sentence; "" where it can."""
        volume, review = self._station.volume, self._station.review
        if volume is None:
            return tr("Open a CT scan first.")
        if self._station.blind:
            return tr("Priors are hidden in a blind read.")
        if review is None:
            return tr("Search this scan for lesions first (panel “Detect lesions”), or add a finding (E).")
        return ""

    # -- comparing ----------------------------------------------------------------------------------------------------

    def compare(self, source: Series | Volume, *, other_id: bool = False) -> None:
        """Compare the scan that is read with a prior.

        Raises
        ------
        ConfigError
            If there is nothing to compare.
        """
        scan, volume, report = self._station.scan, self._station.volume, self._view.report()
        if self.running:
            return
        why = self.obstacle()
        if why or scan is None or volume is None or report is None:
            raise ConfigError(why)
        model = self._view.model or _default_model()
        known = self._station.review_of(source) if isinstance(source, Volume) else None
        by = self._station.stamp()
        self._compared = scan
        if (owner := self._station.session.of(scan)) is not None:
            self._station.session.begin_work(owner)
        self._task = Task(
            lambda progress: compare_scans(volume, report, source, known, model, by, progress, other_id=other_id),
            self,
        )
        self._task.progressed.connect(self.progressed)
        self._task.succeeded.connect(self._on_succeeded)
        self._task.failed.connect(lambda error: self._end(f"⚠ {sentence(error)}"))
        self._task.cancelled.connect(lambda: self._end(tr("Cancelled; nothing was changed.")))
        self._task.start()
        self.changed.emit()

    def cancel(self) -> None:
        """Stop at the next step."""
        if self._task is not None:
            self._task.cancel()

    def _end(self, text: str) -> None:
        if self._task is not None:
            self._task.deleteLater()
        scan, self._task, self._compared = self._compared, None, None
        owner = self._station.session.of(scan)
        if owner is not None:
            self._station.session.end_work(owner)
            if owner is not self._station.session.current:
                text = f"{owner.name}: {text or tr('The comparison is done.')}"
        self.ended.emit(text)
        self.changed.emit()

    def _on_succeeded(self, outcome: _Outcome) -> None:
        scan, prior = self._compared, outcome.prior
        volume = volume_of(scan) if scan is not None else None
        if scan is None or volume is None or not self._station.session.is_open(scan):
            self._end(tr("The scan was closed meanwhile, so its result was dropped."))
            return
        key, comparison = scan_key(volume), prior.comparison

        def put(review: Review, by: Stamp) -> Review:
            known = {finding.id for finding in review.findings}
            uids = {id_: one for id_, one in outcome.tracking_uids.items() if id_ in known}
            review = with_measurements(review, outcome.measured)
            return edits.compared(review, comparison, uids, by) if prior.aligned is not None else review

        try:
            self._station.change(put, scan)
        except LesionError as error:
            self._end(f"⚠ {sentence(error)}")
            return
        self._loaded.setdefault(key, {})[comparison.prior_series_uid] = prior
        self._chosen[key] = comparison.prior_series_uid
        if scan is self._station.scan:
            self._turn()
        self._end("")

    # -- following ----------------------------------------------------------------------------------------------------

    def _on_scan(self, _scan: object) -> None:
        self._turn()
        self.changed.emit()

    def _on_review(self, _review: object) -> None:
        self._turn()
        if self._stored:
            self._later.start()
        self.changed.emit()

    def _update(self) -> None:
        """Let the numbers follow the findings: matching and growth are quick, aligning is not needed again."""
        from napari_lesion.comparison.match import changes

        volume, report = self._station.volume, self._view.report()
        if volume is None or report is None:
            return
        known = {one.prior_series_uid for one in self._stored}
        for uid, prior in list(self._priors.items()):
            if prior.aligned is None or uid not in known:
                continue
            new = prior.comparison.model_copy(update={"changes": changes(report, prior.report, prior.aligned)})
            if new != prior.comparison:
                followed = replace(prior, comparison=new)
                self._priors[uid] = followed
                self._station.change(lambda review, _by, new=new: with_comparison(review, new))  # type: ignore[misc]

    def _on_closed(self, scan: OpenScan) -> None:
        if scan.layer is self._compared:
            self.cancel()
        self._loaded.pop(scan.key, None)
        self._chosen.pop(scan.key, None)


def _default_model() -> str:
    from napari_lesion.models.default import default_model

    return default_model()


def is_searched(report: Report) -> bool:
    """Whether a model has searched, so that what is not found means something."""
    return report.model != NO_MODEL


def priors(station: Workstation) -> Priors:
    """Get the priors of a viewer's scans; what keeps them is made when it is first asked for."""
    found: Priors | None = station.findChild(Priors)
    return found if found is not None else Priors(station)
