"""The panel "Follow-up": compare the scan with earlier ones of the patient, and see what became of each lesion."""

from __future__ import annotations

from pathlib import Path

import napari.viewer
from qtpy.QtCore import QEvent, QSignalBlocker, Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QFileDialog, QSizePolicy, QTabWidget, QVBoxLayout, QWidget

from napari_lesion.comparison.history import LesionHistory, lesion_histories
from napari_lesion.comparison.priors import is_same_patient
from napari_lesion.model.compared import Change, Comparison
from napari_lesion.model.findings import RESEARCH_USE, Report
from napari_lesion.model.volume import SeriesIdentity
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.follow_up.change_text import alignment_text, prior_text
from napari_lesion.plugin.follow_up.changes_table import ChangesTable
from napari_lesion.plugin.follow_up.history_plot import HistoryPlot
from napari_lesion.plugin.follow_up.prior_folder import is_one_patient, prior_in
from napari_lesion.plugin.follow_up.priors import Choice, priors
from napari_lesion.plugin.follow_up.response_page import ResponsePage
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.actions import bind
from napari_lesion.plugin.viewer.docks import entitle, share_place
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.layers import scan_name
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.views.side_by_side import side_by_side
from napari_lesion.plugin.widgets.parts import (
    RunControls,
    combo_box,
    in_a_row,
    push_button,
    remark,
    show_text,
    text_label,
)
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.support.errors import Cancelled, LesionError


class FollowUpPanel(QWidget):
    """Dock widget; one a viewer. What it shows is in the viewer's `Priors`."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        share_place(self)
        entitle(self, tr("Follow-up"))
        scan_view(napari_viewer)
        bind(napari_viewer)
        self._session = session_of(napari_viewer)
        self._view = findings_view(self._session)
        self._priors = priors(self._session)
        self._side_by_side = side_by_side(self._session)
        self._tools = reading_tools(self._session)
        self._choices: tuple[Choice, ...] = ()
        self._obstacle = ""
        """Why nothing could be compared, as it was said last."""
        self._stale = True
        """It has not shown the latest changes: nobody can see it."""
        self._build()
        self._connect()
        self._list_choices()
        self._show()

    # -- construction -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.choose = combo_box(
            tr("Earlier scans of this patient: open ones, and those that the series browser has found")
        )
        self.folder_button = push_button(
            tr("Folder…"), tr("Take the prior from a folder or a disc"), self.choose_folder
        )
        self.compare_button = push_button(tr("Compare"), "", self.run)
        self.controls = RunControls(tr("Progress of the comparison"), self.cancel, tr("Stop at the next step"))
        self.compared = combo_box(tr("What the scan was compared with; the views and the table show this one"))
        self.side_by_side_button = push_button(
            tr("Side by side"),
            tr("Show the prior beside the scan, or hide it ({key})", key=key_name("views.prior")),
            self._side_by_side.show,
        )
        self.side_by_side_button.setCheckable(True)
        self.alignment = text_label()
        self.alignment.hide()
        self.page = QWidget()
        self.page.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        page = QVBoxLayout(self.page)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(6)
        page.addLayout(in_a_row(self.choose, self.folder_button, first=1))
        buttons = (self.compare_button, self.controls.cancel_button, self.side_by_side_button)
        page.addLayout(in_a_row(*buttons, first=1))
        for widget in (self.controls.bar, self.controls.status, self.compared, self.alignment):
            page.addWidget(widget)
        self.tabs = self._make_tabs()
        page.addWidget(self.tabs, 1)
        self.hidden = text_label(tr("Priors are hidden in a blind read."))
        self.hidden.hide()
        layout = QVBoxLayout(self)
        layout.setSpacing(6)
        layout.addWidget(self.page, 1)
        layout.addWidget(self.hidden)
        self.use = remark(tr(RESEARCH_USE))
        layout.addWidget(self.use)
        self.setMinimumWidth(390)

    def _make_tabs(self) -> QTabWidget:
        self.changes = ChangesTable()
        self.plot = HistoryPlot()
        self.plot_note = text_label()
        self.plot_note.hide()
        self.plot_note.setAlignment(Qt.AlignmentFlag.AlignTop)
        timeline = QWidget()
        column = QVBoxLayout(timeline)
        column.setContentsMargins(0, 4, 0, 0)
        column.addWidget(self.plot, 1)
        column.addWidget(self.plot_note)
        self.response = ResponsePage(self._session, self._priors)
        tabs = QTabWidget()
        tabs.setDocumentMode(True)
        for page, title in (
            (self.changes, tr("Changes")),
            (timeline, tr("Timeline")),
            (self.response, tr("RECIST")),
        ):
            tabs.addTab(page, title)
        return tabs

    def _connect(self) -> None:
        self.choose.currentIndexChanged.connect(lambda _: self._enable())
        self.compared.activated.connect(lambda _: self._priors.choose(self.compared.currentData() or ""))
        self._side_by_side.toggled.connect(lambda _shown: self._enable())
        self.changes.chosen.connect(self._look_at)
        self._priors.changed.connect(self._show)
        self._priors.progressed.connect(self._on_progress)
        self._priors.ended.connect(self._on_ended)
        self._session.scan_changed.connect(self._on_scan)
        self._session.series_changed.connect(self._list_choices)
        self._session.finding_selected.connect(self._on_selected)
        self._session.blind_changed.connect(self._show)
        self._tools.names_changed.connect(self._on_names)
        self._session.open_scans.scans_changed.connect(self._list_choices)

    # -- choosing a prior ---------------------------------------------------------------------------------------------

    def _on_scan(self, _scan: object) -> None:
        self.controls.show_status(tr("Another scan is being compared…") if self._is_elsewhere else "")
        if not self.isVisible():  # what is shown when it comes to the front is of the scan of that time
            self.changes.clear()
            with QSignalBlocker(self.compared):
                self.compared.clear()
            self.alignment.clear()
            self.response.show_report(None, self._tools.names)
        self._list_choices()
        self._show()

    def _on_names(self, _shown: bool) -> None:
        self._list_choices()
        self._show()

    def _list_choices(self, _event: object = None) -> None:
        """List what may be a prior; what was chosen stays chosen."""
        before = self.chosen
        self._choices = self._priors.choices()
        with QSignalBlocker(self.choose):
            self.choose.clear()
            for choice in self._choices:
                self.choose.addItem(self._name(choice.identity))
            if before is not None:
                uids = [one.identity.series_uid for one in self._choices]
                if before.identity.series_uid in uids:
                    self.choose.setCurrentIndex(uids.index(before.identity.series_uid))
            if not self._choices:
                self.choose.addItem(tr("No earlier scan"))
        self._enable()

    def _name(self, identity: SeriesIdentity) -> str:
        if self._tools.names:
            return scan_name(identity)
        return identity.series_description or tr("Series {number}", number=identity.series_number)

    @property
    def chosen(self) -> Choice | None:
        """The prior to compare with."""
        row = self.choose.currentIndex()
        return self._choices[row] if 0 <= row < len(self._choices) else None

    def choose_folder(self) -> None:
        """Ask for a folder and compare with the scan in it."""
        folder = QFileDialog.getExistingDirectory(self, tr("Folder of the prior"))
        if folder:
            self.use_folder(Path(folder))

    def use_folder(self, folder: Path) -> None:
        """Compare with the scan in a folder; where there are several, ask which."""
        self.controls.show_status("")
        try:
            volume = self._session.volume
            series = prior_in(folder, volume.series if volume is not None else None, self.controls.show_status, self)
        except Cancelled:
            return
        except LesionError as error:
            self.controls.show_status(f"⚠ {sentence(error)}")
            return
        if series is not None:
            self._compare(Choice(series.identity, series))

    # -- comparing ----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Compare with the chosen prior."""
        if self.chosen is not None:
            self._compare(self.chosen)

    def _compare(self, choice: Choice) -> None:
        volume = self._session.volume
        other_id = False
        if volume is not None and not is_same_patient(choice.identity, volume.series):
            if not is_one_patient(volume.series, choice.identity, self):
                return
            other_id = True
        try:
            self._priors.compare(choice.source, other_id=other_id)
        except LesionError as error:
            self.controls.show_status(f"⚠ {sentence(error)}")
            return
        self.controls.begin(tr("Starting…"))

    def cancel(self) -> None:
        """Stop at the next step."""
        if self._priors.running:
            self._priors.cancel()
            self.controls.stop()

    def _on_progress(self, done: int, total: int, what: str) -> None:
        self.controls.advance(done, total)
        if not self._is_elsewhere:
            self.controls.show_step(what)

    @property
    def _is_elsewhere(self) -> bool:
        """Whether another scan than the one on the screen is being compared."""
        return self._priors.running and self._priors.compared_scan is not self._session.scan

    def _on_ended(self, text: str) -> None:
        self.controls.end(text)
        if not text:
            self._side_by_side.show()

    def event(self, event: QEvent) -> bool:
        """Stop when napari takes the panel out of its window; hiding it does not."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self._priors.cancel()
        return super().event(event)

    # -- what is shown ------------------------------------------------------------------------------------------------

    @property
    def comparison(self) -> Comparison | None:
        """The comparison that is looked at."""
        uid = self.compared.currentData()
        return next((one for one in self._priors.comparisons if one.prior_series_uid == uid), None)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Show what has changed meanwhile."""
        super().showEvent(event)
        if self._stale:
            self._show()

    def _show(self, _event: object = None) -> None:
        self._stale = not self.isVisible()
        if self._stale:
            return  # it takes long with many lesions, and most of the time another tab is in front
        blind = self._session.blind
        self.page.setVisible(not blind)
        self.hidden.setVisible(blind)
        comparisons = () if blind else self._priors.comparisons
        chosen = self._priors.chosen
        with QSignalBlocker(self.compared):
            self.compared.clear()
            for one in comparisons:
                self.compared.addItem(prior_text(one, dates=self._tools.names), one.prior_series_uid)
            self.compared.setCurrentIndex(max(self.compared.findData(chosen), 0) if comparisons else -1)
        self.compared.setVisible(bool(comparisons))  # empty it looks like something to fill in
        self._show_alignment()
        self._fill()
        self.response.show_report(None if blind else self._view.report(), self._tools.names)
        self._enable()

    def _show_alignment(self) -> None:
        comparison, volume, text = self.comparison, self._session.volume, ""
        if comparison is not None:
            prior = self._priors.prior(comparison.prior_series_uid)
            text = alignment_text(
                comparison,
                self._view.report(),
                volume.series if volume is not None else None,
                prior.volume.series if prior is not None else None,
            )
        show_text(self.alignment, text)

    def _enable(self) -> None:
        running = self._priors.running
        obstacle = self._priors.obstacle()
        ready = not running and not obstacle
        self.compare_button.setEnabled(ready and self.chosen is not None)
        self.compare_button.setToolTip(
            obstacle or tr("Read the prior, search it where nobody has, align it, and compare the lesions")
        )
        self.folder_button.setEnabled(ready)
        self.choose.setEnabled(not running and bool(self._choices))
        self.controls.show_running(running)
        self.compared.setEnabled(self.compared.count() > 0)
        self._show_why_empty()
        self.side_by_side_button.setEnabled(self._session.comparison is not None and not self._session.blind)
        self.side_by_side_button.setChecked(self._side_by_side.shown)
        if obstacle and not running and not self.controls.status.text():
            self._obstacle = obstacle
            self.controls.show_status(obstacle)
        elif not obstacle and self.controls.status.text() == self._obstacle:
            self.controls.show_status("")

    def _fill(self) -> None:
        """Fill the table with what became of each lesion; the chosen row stays chosen."""
        comparison = self.comparison
        names = {finding.id: finding.name for finding in self._view.findings}
        prior = self._priors.prior(comparison.prior_series_uid) if comparison is not None else None
        before = {f.id: f.name for f in prior.report.findings} if prior is not None else {}
        self.changes.show_changes(comparison.changes if comparison is not None else (), names, before)
        self._show_why_empty()
        self._on_selected(self._session.finding)

    def _show_why_empty(self) -> None:
        """Show in an empty table what to do."""
        if self.changes.changes or self._priors.running:
            text = ""
        elif self.comparison is not None:
            text = tr("Neither scan has lesions to compare.")
        elif self._choices:
            text = tr("Not compared yet: choose an earlier scan above, and press “Compare”.")
        else:
            text = tr(
                "No earlier scan of this patient is open or was found. Open one (“Browse…”), or choose its folder "
                "above."
            )
        self.changes.nothing.setText(text)

    def _plot(self) -> None:
        """Show the course of all lesions over all dates."""
        report = None if self._session.blind else self._view.report()
        shown: tuple[LesionHistory, ...] = ()
        if report is not None:
            shown = lesion_histories(report, self._prior_report)
        self.plot.setVisible(bool(shown))
        self.plot.show_histories(shown, self._session.finding)
        if shown:
            note = tr(
                "Bars: 95 % of the noise of measuring, from the standard deviation of the volume; for the diameter, "
                "that of a ball of this volume. Numbers are those of the findings."
            )
        else:
            note = tr("There is nothing to draw until a lesion was measured in this scan and in a prior.")
        self.plot_note.setText(note)
        self.plot_note.show()

    def _prior_report(self, series_uid: str) -> Report | None:
        prior = self._priors.prior(series_uid)
        return prior.report if prior is not None else None

    def _on_selected(self, finding: str) -> None:
        """Mark the row of the finding that is looked at."""
        self.changes.mark(finding)
        self._plot()

    def _look_at(self, change: Change) -> None:
        """Turn both views to a lesion."""
        prior = self._session.comparison
        if change.finding_id is not None:
            self._view.look_at(change.finding_id)
        elif prior is not None and prior.aligned is not None:
            found = next((one for one in prior.report.findings if one.id == change.prior_finding_id), None)
            if found is not None:
                self._session.select("")
                self._session.turn_to(prior.aligned.to_current(found.center_mm).tolist())
                self._side_by_side.choose(found.id)
