"""The panel "Follow-up": compare the scan with earlier ones of the patient, and see what became of each lesion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import napari.viewer
from qtpy.QtCore import QEvent, QSignalBlocker, Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.comparison.history import LesionHistory, lesion_histories
from napari_lesion.comparison.priors import is_same_patient
from napari_lesion.dicom.index.series import Series, SeriesIndex, find_series
from napari_lesion.model.compared import Change, Comparison
from napari_lesion.model.findings import RESEARCH_USE, Report
from napari_lesion.model.volume import SeriesIdentity, readable_date
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.follow_up.history_plot import HistoryPlot
from napari_lesion.plugin.follow_up.priors import Choice, priors
from napari_lesion.plugin.follow_up.response_page import ResponsePage
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.actions import bind
from napari_lesion.plugin.viewer.docks import entitle, share_place
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.layers import scan_name
from napari_lesion.plugin.viewer.reader import not_looked_into
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.views.side_by_side import side_by_side
from napari_lesion.plugin.widgets.dialogs import SeriesDialog
from napari_lesion.plugin.widgets.row_table import rest_text, row_table
from napari_lesion.plugin.widgets.task import run_with_dialog, sentence, step_text
from napari_lesion.review.review import is_searched
from napari_lesion.support.errors import Cancelled, LesionError

NUMBER, FATE, DIAMETER, VOLUME, PERCENT, DOUBLING = range(6)
#: A sign and a word each: nothing is said by colour alone.
_SIGNS = {
    "grown": "▲",
    "stable": "=",
    "shrunk": "▼",
    "new": "+",
    "resolved": "−",
    "not in view": "□",
    "unclear": "?",
}
_UNKNOWN = "–"


def change_text(change: Change) -> str:
    """Say what became of a lesion: a sign and a word."""
    words = {
        "grown": tr("grown"),
        "stable": tr("stable"),
        "shrunk": tr("shrunk"),
        "new": tr("new"),
        "resolved": tr("resolved"),
        "not in view": tr("not in view"),
        "unclear": tr("unclear"),
    }
    return f"{_SIGNS[change.fate]} {words[change.fate]}"


def from_to(before: float | None, now: float | None, digits: int) -> str:
    """Write a number before and now; a dash stands for what is not there."""
    if before is None and now is None:
        return ""
    said = (_UNKNOWN if value is None else f"{value:.{digits}f}" for value in (before, now))
    return " → ".join(said)


def doubling_text(change: Change) -> str:
    """Say the doubling time in days, or that it is in the noise; in a word, for the table."""
    if change.volume_mm3 is None or change.prior_volume_mm3 is None:
        return ""
    return tr("noise") if change.doubling_days is None else f"{change.doubling_days:.0f}"


def doubling_sentence(change: Change) -> str:
    """Say the doubling time with its interval, or that it cannot be told, as a sentence; "" where there is none."""
    if change.volume_mm3 is None or change.prior_volume_mm3 is None:
        return ""
    if change.doubling_days is None:
        return tr("The doubling time cannot be told from measurement noise.")
    low, high = change.doubling_low_days, change.doubling_high_days
    return tr(
        "Volume doubling time: {days} days (95 % interval {low} to {high}).",
        days=f"{change.doubling_days:.0f}",
        low=f"{low:.0f}" if low is not None else tr("open"),
        high=f"{high:.0f}" if high is not None else tr("open"),
    )


def prior_text(comparison: Comparison, *, dates: bool = True) -> str:
    """Name a prior in the list of those that were compared."""
    parts = [readable_date(comparison.prior_study_date) if dates else tr("Date hidden")]
    if comparison.days is not None:
        parts.append(tr("{days} days before", days=comparison.days))
    if not comparison.alignment.accepted:
        parts.append("⚠ " + tr("refused"))
    return " · ".join(part for part in parts if part)


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
        self._changes: tuple[Change, ...] = ()
        self._stale = True
        """It has not shown the latest changes: nobody can see it."""
        self._build()
        self._connect()
        self._list_choices()
        self._show()

    # -- construction -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.choose = _combo(
            tr("Earlier scans of this patient: open ones, and those that the series browser has found")
        )
        self.folder_button = QPushButton(tr("Folder…"))
        self.folder_button.setToolTip(tr("Take the prior from a folder or a disc"))
        top = QHBoxLayout()
        top.addWidget(self.choose, 1)
        top.addWidget(self.folder_button)
        self.compare_button = QPushButton(tr("Compare"))
        self.compare_button.setToolTip(
            tr("Read the prior, search it where nobody has, align it, and compare the lesions")
        )
        self.cancel_button = QPushButton(tr("Cancel"))
        self.cancel_button.setToolTip(tr("Stop at the next step"))
        self.cancel_button.hide()
        buttons = QHBoxLayout()
        buttons.addWidget(self.compare_button, 1)
        buttons.addWidget(self.cancel_button)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self.progress.setAccessibleName(tr("Progress of the comparison"))
        self.progress.hide()
        self.status = _label()

        self.compared = _combo(tr("What the scan was compared with; the views and the table show this one"))
        self.side_by_side_button = QPushButton(tr("Side by side"))
        self.side_by_side_button.setCheckable(True)
        self.side_by_side_button.setToolTip(
            tr("Show the prior beside the scan, or hide it ({key})", key=key_name("views.prior"))
        )
        buttons.addWidget(self.side_by_side_button)
        self.alignment = _label()

        columns = ("#", tr("Change"), tr("Ø mm"), tr("mm³"), tr("%"), tr("VDT"))
        self.table = row_table(
            columns,
            tr("What became of the lesions"),
            tr("Click a row, or step with the arrow keys, to see both places"),
        )
        self.table.setTabKeyNavigation(False)  # Tab leaves the table
        self.table.setMinimumHeight(90)
        self.table.setStyleSheet("font-size: 11px;")  # six columns beside the picture
        self.nothing = rest_text(self.table)
        self.why = _label()
        changes = QWidget()
        column = QVBoxLayout(changes)
        column.setContentsMargins(0, 4, 0, 0)
        column.addWidget(self.table, 1)
        column.addWidget(self.why)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(changes, tr("Changes"))
        self.plot = HistoryPlot()
        self.plot_note = _label()
        self.plot_note.setAlignment(Qt.AlignmentFlag.AlignTop)
        timeline = QWidget()
        column = QVBoxLayout(timeline)
        column.setContentsMargins(0, 4, 0, 0)
        column.addWidget(self.plot, 1)
        column.addWidget(self.plot_note)
        self.tabs.addTab(timeline, tr("Timeline"))
        self.response = ResponsePage(self._session, self._priors)
        self.tabs.addTab(self.response, tr("RECIST"))

        self.page = QWidget()
        self.page.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        page = QVBoxLayout(self.page)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(6)
        page.addLayout(top)
        page.addLayout(buttons)
        page.addWidget(self.progress)
        page.addWidget(self.status)
        page.addWidget(self.compared)
        page.addWidget(self.alignment)
        page.addWidget(self.tabs, 1)
        self.hidden = _label()
        self.hidden.setText(tr("Priors are hidden in a blind read."))
        self.use = QLabel(tr(RESEARCH_USE))
        self.use.setWordWrap(True)
        self.use.setEnabled(False)
        layout = QVBoxLayout(self)
        layout.setSpacing(6)
        layout.addWidget(self.page, 1)
        layout.addWidget(self.hidden)
        layout.addWidget(self.use)
        self.setMinimumWidth(390)

    def _connect(self) -> None:
        self.folder_button.clicked.connect(self.choose_folder)
        self.compare_button.clicked.connect(self.run)
        self.cancel_button.clicked.connect(self.cancel)
        self.choose.currentIndexChanged.connect(lambda _: self._enable())
        self.compared.activated.connect(lambda _: self._priors.choose(self.compared.currentData() or ""))
        self.side_by_side_button.clicked.connect(self._side_by_side.show)
        self._side_by_side.toggled.connect(lambda _shown: self._enable())
        self.table.currentCellChanged.connect(lambda row, *_: self._look_at(row))
        self.table.cellClicked.connect(lambda row, *_: self._look_at(row))
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
        self._show_status(tr("Another scan is being compared…") if self._is_elsewhere else "")
        if not self.isVisible():  # what is shown when it comes to the front is of the scan of that time
            self._changes = ()
            with QSignalBlocker(self.table), QSignalBlocker(self.compared):
                self.table.setRowCount(0)
                self.compared.clear()
            self.alignment.clear()
            self.why.clear()
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
        self._show_status("")
        try:
            series = self._in_folder(folder)
        except Cancelled:
            return
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
            return
        if series is not None:
            self._compare(Choice(series.identity, series))

    def _in_folder(self, folder: Path) -> Series | None:
        index: SeriesIndex = run_with_dialog(
            tr("Looking for scans in {name}", name=folder.name),
            lambda progress: find_series(folder, progress=progress),
            self,
        )
        found = [one for one in index if one.kind == "volume" and one.identity.modality == "CT"]
        if not found:
            more = f" {not_looked_into(index.left_out)}" if index.left_out else ""
            self._show_status("⚠ " + tr("{path}: there is no CT scan in it.", path=folder) + more)
            return None
        note = not_looked_into(index.left_out) if index.left_out else ""
        if len(found) == 1:
            self._show_status(f"⚠ {note}" if note else "")
            return found[0]
        volume = self._session.volume
        mine = [volume is not None and is_same_patient(one.identity, volume.series) for one in found]
        preferred = max(range(len(found)), key=lambda row: (mine[row], found[row].n_slices))
        dialog = SeriesDialog(found, preferred, note, parent=self)
        try:
            return found[dialog.chosen[0]] if dialog.exec() and dialog.chosen else None
        finally:
            dialog.deleteLater()

    # -- comparing ----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Compare with the chosen prior."""
        if self.chosen is not None:
            self._compare(self.chosen)

    def _compare(self, choice: Choice) -> None:
        volume = self._session.volume
        other_id = False
        if volume is not None and not is_same_patient(choice.identity, volume.series):
            if not self._is_one_patient(volume.series, choice.identity):
                return
            other_id = True
        try:
            self._priors.compare(choice.source, other_id=other_id)
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
            return
        self.progress.setRange(0, 0)
        self._show_status(tr("Starting…"))

    def _is_one_patient(self, one: SeriesIdentity, other: SeriesIdentity) -> bool:
        def who(identity: SeriesIdentity) -> str:
            said = (identity.patient_id, identity.patient_name.replace("^", " ").strip())
            more = (readable_date(identity.patient_birth_date), identity.patient_sex)
            return ", ".join(part for part in (*said, *more) if part) or tr("no name")

        answer = QMessageBox.question(
            self,
            tr("Is this the same patient?"),
            tr(
                "The headers name two patients:\n\nThis scan: {one}\nThe prior: {other}\n\n"
                "Compare them all the same, because you know that they are one?",
                one=who(one),
                other=who(other),
            ),
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
            QMessageBox.StandardButton.No,
        )
        return bool(answer == QMessageBox.StandardButton.Yes)

    def cancel(self) -> None:
        """Stop at the next step."""
        if self._priors.running:
            self._priors.cancel()
            self.cancel_button.setEnabled(False)
            self._show_status(tr("Stopping after this step…"))

    def _on_progress(self, done: int, total: int, what: str) -> None:
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        if self.cancel_button.isEnabled() and not self._is_elsewhere:
            step = step_text(what)
            self._show_status(f"{step[:1].upper()}{step[1:]}…")

    @property
    def _is_elsewhere(self) -> bool:
        """Whether another scan than the one on the screen is being compared."""
        return self._priors.running and self._priors.compared_scan is not self._session.scan

    def _on_ended(self, text: str) -> None:
        self.cancel_button.setEnabled(True)
        self._show_status(text)
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

    def _show_status(self, text: str) -> None:
        self.status.setText(text)
        self.status.setVisible(bool(text))

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
        self._show_alignment()
        self._fill()
        self.response.show_report(None if blind else self._view.report(), self._tools.names)
        self._enable()

    def _show_alignment(self) -> None:
        comparison, report = self.comparison, self._view.report()
        lines = []
        if comparison is not None:
            alignment = comparison.alignment
            lines.append(f"{'✓' if alignment.accepted else '⚠'} {in_language(alignment.says)}")
            if alignment.accepted and report is not None and not is_searched(report):
                lines.append(
                    "⚠ " + tr("No model has searched this scan: a lesion that is missing may only be unmarked.")
                )
            prior, volume = self._priors.prior(comparison.prior_series_uid), self._session.volume
            if prior is not None and volume is not None and not is_same_patient(prior.volume.series, volume.series):
                lines.insert(0, "⚠ " + tr("OTHER PATIENT in the headers; you said that both are one."))
            if prior is None:
                lines.append(
                    "⚠ "
                    + tr(
                        "Compared in an earlier session. To see the prior, and for numbers that follow your changes, "
                        "compare again."
                    )
                )
        self.alignment.setText("\n".join(lines))
        self.alignment.setVisible(bool(lines))

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
        self.cancel_button.setVisible(running)
        self.progress.setVisible(running)
        self.compared.setEnabled(self.compared.count() > 0)
        self._show_why_empty()
        self.side_by_side_button.setEnabled(self._session.comparison is not None and not self._session.blind)
        self.side_by_side_button.setChecked(self._side_by_side.shown)
        if obstacle and not running and not self.status.text():
            self._show_status(obstacle)
        elif not obstacle and self.status.text() in self._obstacles:
            self._show_status("")

    def _fill(self) -> None:
        """Fill the table with what became of each lesion; the chosen row stays chosen."""
        comparison = self.comparison
        self._changes = comparison.changes if comparison is not None else ()
        names = {finding.id: finding.name for finding in self._view.findings}
        prior = self._priors.prior(comparison.prior_series_uid) if comparison is not None else None
        before = {f.id: f.name for f in prior.report.findings} if prior is not None else {}
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(self._changes))
            for row, change in enumerate(self._changes):
                name = names.get(change.finding_id or "", "")
                if not name:
                    name = tr("prior {number}", number=before.get(change.prior_finding_id or "", "")).strip()
                percent = f"{100 * change.volume_change:+z.0f}" if change.volume_change is not None else ""
                texts = (
                    name,
                    change_text(change),
                    from_to(change.prior_diameter_mm, change.diameter_mm, 1),
                    from_to(change.prior_volume_mm3, change.volume_mm3, 0),
                    percent,
                    doubling_text(change),
                )
                for column, text in enumerate(texts):
                    item = QTableWidgetItem(text)
                    item.setToolTip(in_language(change.why))
                    if column in (DIAMETER, VOLUME, PERCENT, DOUBLING):
                        item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                    self.table.setItem(row, column, item)
        self._show_why_empty()
        self._on_selected(self._session.finding)

    def _show_why_empty(self) -> None:
        """Say in an empty table what to do."""
        if self._changes or self._priors.running:
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
        self.nothing.setText(text)

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
        row = next((n for n, one in enumerate(self._changes) if finding and one.finding_id == finding), -1)
        current = self.table.currentRow()
        if row < 0 and 0 <= current < len(self._changes) and self._changes[current].finding_id is None:
            row = current  # a lesion of the prior alone
        with QSignalBlocker(self.table):
            if row < 0:
                self.table.clearSelection()
                self.table.setCurrentCell(-1, -1)
            else:
                self.table.selectRow(row)
        self._explain(row)
        self._plot()

    def _explain(self, row: int) -> None:
        change = self._changes[row] if 0 <= row < len(self._changes) else None
        said = (in_language(change.why), doubling_sentence(change)) if change is not None else ()
        self.why.setText(" ".join(part for part in said if part))
        self.why.setVisible(bool(self.why.text()))

    def _look_at(self, row: int) -> None:
        """Turn both views to a lesion."""
        if not 0 <= row < len(self._changes):
            return
        change, prior = self._changes[row], self._session.comparison
        if change.finding_id is not None:
            self._view.look_at(change.finding_id)
        elif prior is not None and prior.aligned is not None:
            found = next((one for one in prior.report.findings if one.id == change.prior_finding_id), None)
            if found is not None:
                self._session.select("")
                self._session.go_to(prior.aligned.to_current(found.center_mm).tolist())
                self._side_by_side.choose(found.id)
        self._explain(row)

    @property
    def _obstacles(self) -> Sequence[str]:
        return (
            tr("Open a CT scan first."),
            tr("Priors are hidden in a blind read."),
            tr(
                "Search this scan for lesions first (panel “Detect lesions”), or add a finding ({key}).",
                key=key_name("findings.add"),
            ),
        )


def _combo(tooltip: str) -> QComboBox:
    combo = QComboBox()
    combo.setToolTip(tooltip)
    combo.setAccessibleName(tooltip)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(12)
    return combo


def _label() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.hide()
    return label
