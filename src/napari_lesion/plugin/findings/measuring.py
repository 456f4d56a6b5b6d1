"""Measures the findings of the scan that is read, on a thread: the chosen one first, then those that are shown.

What is measured comes into the review, and whatever shows a finding follows from there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_lesion.assessment.measure.measure import measure_findings
from napari_lesion.model.findings import Finding
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.viewer.view import volume_of
from napari_lesion.plugin.widgets.task import Task, sentence
from napari_lesion.plugin.widgets.torch_loading import load_torch
from napari_lesion.review.review import is_unmeasured, with_measurements
from napari_lesion.support.errors import LesionError
from napari_lesion.support.progress import Progress

if TYPE_CHECKING:
    from napari.layers import Image

AT_ONCE = 4
"""Findings that are measured before the review is told: each time, tables and layers are drawn anew."""


class Measuring(QObject):
    """Keeps the findings of one viewer measured. Get it with `measuring`."""

    changed = Signal()
    """It began or ended to measure, or could not."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._view = findings_view(session)
        self._task: Task[None] | None = None
        self._scan: Image | None = None
        """Whose findings are being measured."""
        self._asked: tuple[Finding, ...] = ()
        self._asked_for = ""
        """Id of the finding that the reader waits for, or ""."""
        self._failed: dict[Finding, str] = {}
        """Why findings, as they were, could not be measured."""
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._begin)
        session.review_changed.connect(self._look)
        session.finding_selected.connect(self._look)
        session.blind_changed.connect(self._look)
        self._view.changed.connect(self._look)
        self._look()

    def is_measuring(self, finding: Finding) -> bool:
        """Whether a finding will be measured without being asked for."""
        return finding in self._waiting()

    @property
    def waiting(self) -> int:
        """How many findings are still to be measured."""
        return len(self._waiting())

    def problem(self, finding: Finding) -> str:
        """Why a finding could not be measured, as a sentence; "" if nothing is wrong."""
        return self._failed.get(finding, "")

    def _look(self, _event: object = None) -> None:
        waiting = self._waiting()
        if self._task is None and waiting:
            self._later.start()
        elif self._task is not None and waiting and waiting[0].id == self._session.finding != self._asked_for:
            self._let_go()

    def _let_go(self) -> None:
        """Stop, for the reader waits for another finding; what is measured of another scan is measured to its end."""
        if self._task is not None and self._view.scan is self._scan:
            self._task.cancel()

    def _waiting(self) -> list[Finding]:
        """List the findings to measure, the most urgent first."""
        volume = self._view.volume
        if volume is None or not volume.complete or self._session.blind:
            return []
        chosen = self._view.chosen
        wanted = ([chosen] if chosen is not None else []) + [f for f in self._view.shown if f != chosen]
        return [finding for finding in wanted if is_unmeasured(finding) and finding not in self._failed]

    def _begin(self) -> None:
        scan, volume, waiting = self._view.scan, self._view.volume, self._waiting()
        if self._task is not None or not waiting or scan is None or volume is None:
            return
        self._scan = scan
        self._asked_for = waiting[0].id if waiting[0].id == self._session.finding else ""
        self._asked = asked = tuple(waiting[:1] if self._asked_for else waiting[:AT_ONCE])
        found: list[Finding] = []
        others = self._view.shown
        self._task = Task(lambda progress: _measure(volume, asked, others, found, progress), self)
        owner = self._session.open_scans.of(scan)
        if owner is not None:
            self._session.open_scans.begin_work(owner)
            self._task.ended.connect(lambda: self._session.open_scans.end_work(owner))
        self._task.failed.connect(self._on_failed)
        self._task.ended.connect(lambda: self._end(scan, found))
        self._task.start()
        self.changed.emit()

    def _on_failed(self, error: Exception) -> None:
        for finding in self._asked:
            self._failed[finding] = sentence(error)

    def _end(self, scan: Image, found: Sequence[Finding]) -> None:
        if self._task is not None:
            self._task.deleteLater()
        self._task, self._scan, self._asked, self._asked_for = None, None, (), ""
        if found:
            try:
                self._session.change(lambda review, _by: with_measurements(review, found), scan)
            except LesionError as error:
                volume = volume_of(scan)
                review = self._session.review_of(volume) if volume is not None else None
                # Of its own scan: another one may be on the screen by now.
                self._failed |= dict.fromkeys(review.findings if review is not None else (), sentence(error))
        self.changed.emit()
        self._look()


def _measure(
    volume: Volume, asked: Sequence[Finding], others: Sequence[Finding], found: list[Finding], progress: Progress
) -> None:
    """Measure findings one by one, so that those that are done are there when it is cancelled."""
    load_torch()  # finding the lungs needs it

    known = {finding.id: finding for finding in others if finding.mask is not None}
    for finding in asked:
        # Where outlines meet, each takes its part.
        near = [one for one in known.values() if one.id != finding.id and _may_meet(one, finding)]
        measured, *_ = measure_findings(volume, (finding, *near), progress=progress)
        found.append(measured)
        known[measured.id] = measured


def _may_meet(one: Finding, other: Finding) -> bool:
    return math.dist(one.center_mm, other.center_mm) < one.diameter_mm + other.diameter_mm


def measuring(session: Session) -> Measuring:
    """Get what measures the findings of a viewer; it is made when it is first asked for."""
    found: Measuring | None = session.findChild(Measuring)
    return found if found is not None else Measuring(session)
