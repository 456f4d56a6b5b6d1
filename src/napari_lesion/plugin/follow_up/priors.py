"""Earlier scans of the patient: read, searched where nobody has yet, aligned with the scan, compared with it.

Get it with `priors`. All of that runs on a thread; what comes of it is part of the review, and the numbers follow
whenever findings change, as long as the prior's scan is at hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_lesion.comparison.priors import is_same_patient
from napari_lesion.detection.default import default_model
from napari_lesion.dicom.index.series import Series
from napari_lesion.follow_up import FollowedUp, Prior, follow_up
from napari_lesion.model.compared import Comparison
from napari_lesion.model.volume import SeriesIdentity, Volume
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.layers import scan_key
from napari_lesion.plugin.viewer.view import volume_of
from napari_lesion.plugin.widgets.task import Task, sentence
from napari_lesion.plugin.widgets.torch_loading import load_torch
from napari_lesion.review import edits
from napari_lesion.review.review import Provenance, Review, with_comparison, with_measurements
from napari_lesion.support.errors import LesionError, ReviewError
from napari_lesion.support.progress import Progress

if TYPE_CHECKING:
    from napari.layers import Image

_UPDATE_MS = 300
"""Changes of findings within this time are followed once."""


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


class Priors(QObject):
    """The priors of the scans of one viewer."""

    changed = Signal()
    """What the scan is compared with, or what came of it."""
    progressed = Signal(int, int, str)
    ended = Signal(str)
    """A comparison ended: with this sentence, or "" where all is well."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._view = findings_view(session)
        self._loaded: dict[str, dict[str, Prior]] = {}
        """By `layers.scan_key` of the scan, and series UID of the prior."""
        self._chosen: dict[str, str] = {}
        """Series UID of the prior that a scan is seen beside, by its key."""
        self._task: Task[FollowedUp] | None = None
        self._compared: Image | None = None
        """Scan that is being compared."""
        self._later = QTimer(self, singleShot=True, interval=_UPDATE_MS)
        self._later.timeout.connect(self._update)
        session.scan_changed.connect(self._on_scan)
        session.review_changed.connect(self._on_review)
        session.open_scans.closed.connect(self._on_closed)

    # -- what there is ------------------------------------------------------------------------------------------------

    def choices(self) -> tuple[Choice, ...]:
        """List what looks like an earlier scan of the same patient: open here, or found by the series browser."""
        scan = self._session.volume
        if scan is None:
            return ()
        found = [Choice(one.series, one) for layer in self._session.scans() if (one := volume_of(layer)) is not None]
        found += [Choice(one.identity, one) for one in self._session.series if one.kind == "volume"]
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
        review = self._session.review
        return review.comparisons if review is not None else ()

    @property
    def _priors(self) -> dict[str, Prior]:
        volume = self._session.volume
        return self._loaded.get(scan_key(volume), {}) if volume is not None else {}

    def prior(self, series_uid: str) -> Prior | None:
        """Get a prior of the scan that is read, if its scan is at hand."""
        return self._priors.get(series_uid)

    @property
    def chosen(self) -> str:
        """Series UID of the prior that is looked at; "" if there is none."""
        volume = self._session.volume
        return self._chosen.get(scan_key(volume), "") if volume is not None else ""

    def choose(self, series_uid: str) -> None:
        """Look at one of the priors."""
        volume = self._session.volume
        if volume is not None:
            self._chosen[scan_key(volume)] = series_uid
            self._turn()
            self.changed.emit()

    def _turn(self) -> None:
        """Let the viewer see the scan beside the chosen prior, as long as it is compared with that."""
        known = {one.prior_series_uid for one in self.comparisons}
        self._session.set_comparison(self.prior(self.chosen) if self.chosen in known else None)

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
        volume, review = self._session.volume, self._session.review
        if volume is None:
            return tr("Open a CT scan first.")
        if self._session.blind:
            return tr("Priors are hidden in a blind read.")
        if review is None:
            return tr(
                "Search this scan for lesions first (panel “Detect lesions”), or add a finding ({key}).",
                key=key_name("findings.add"),
            )
        return ""

    # -- comparing ----------------------------------------------------------------------------------------------------

    def compare(self, source: Series | Volume, *, other_id: bool = False) -> None:
        """Compare the scan that is read with a prior.

        Parameters
        ----------
        source : Series or Volume
        other_id : bool
            The reader said that both are of one patient, although the headers do not.

        Raises
        ------
        ReviewError
            If there is nothing to compare, or the headers do not name one patient and nobody insists.
        """
        scan, volume, report = self._session.scan, self._session.volume, self._view.report()
        if self.running:
            return
        why = self.obstacle()
        if why or scan is None or volume is None or report is None:
            raise ReviewError(why)
        identity = source.series if isinstance(source, Volume) else source.identity
        if not other_id and not is_same_patient(identity, volume.series):
            raise ReviewError(
                tr("By its headers this scan is not of the same patient, so it is no prior unless you say that it is.")
            )
        model = self._view.model or _default_model()
        known = self._session.review_of(source) if isinstance(source, Volume) else None
        by = self._session.provenance()
        self._compared = scan
        if (owner := self._session.open_scans.of(scan)) is not None:
            self._session.open_scans.begin_work(owner)

        def compare(progress: Progress) -> FollowedUp:
            load_torch()  # what finds the lungs needs it as well
            return follow_up(
                volume, report, source, model=model, by=by, known=known, other_id=other_id, progress=progress
            )

        self._task = Task(compare, self)
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
        owner = self._session.open_scans.of(scan)
        if owner is not None:
            self._session.open_scans.end_work(owner)
            if owner is not self._session.open_scans.current:
                text = f"{owner.name}: {text or tr('The comparison is done.')}"
        self.ended.emit(text)
        self.changed.emit()

    def _on_succeeded(self, outcome: FollowedUp) -> None:
        scan, prior = self._compared, outcome.prior
        volume = volume_of(scan) if scan is not None else None
        if scan is None or volume is None or not self._session.open_scans.is_open(scan):
            self._end(tr("The scan was closed meanwhile, so its result was dropped."))
            return
        key, comparison = scan_key(volume), prior.comparison

        def put(review: Review, by: Provenance) -> Review:
            known = {finding.id for finding in review.findings}
            uids = {id_: one for id_, one in outcome.tracking_uids.items() if id_ in known}
            review = with_measurements(review, outcome.measured)
            return edits.compared(review, comparison, uids, by) if prior.aligned is not None else review

        try:
            self._session.change(put, scan)
        except LesionError as error:
            self._end(f"⚠ {sentence(error)}")
            return
        self._loaded.setdefault(key, {})[comparison.prior_series_uid] = prior
        self._chosen[key] = comparison.prior_series_uid
        if scan is self._session.scan:
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

        volume, report = self._session.volume, self._view.report()
        if volume is None or report is None:
            return
        known = {one.prior_series_uid for one in self._stored}
        for uid, prior in list(self._priors.items()):
            if prior.aligned is None or uid not in known:
                continue
            new = prior.comparison.model_copy(update={"changes": changes(report, prior.report, prior.aligned)})
            if new != prior.comparison:
                followed_prior = replace(prior, comparison=new)
                self._priors[uid] = followed_prior
                self._session.change(lambda review, _by, new=new: with_comparison(review, new))  # type: ignore[misc]

    def _on_closed(self, scan: OpenScan) -> None:
        if scan.layer is self._compared:
            self.cancel()
        self._loaded.pop(scan.key, None)
        self._chosen.pop(scan.key, None)


def _default_model() -> str:
    return default_model()


def priors(session: Session) -> Priors:
    """Get the priors of a viewer's scans; what keeps them is made when it is first asked for."""
    found: Priors | None = session.findChild(Priors)
    return found if found is not None else Priors(session)
