"""The steps of reading a scan, one after the other on one panel: find, review, compare, report.

What a step needs is imported when it is due: the first picture waits for none of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import napari.viewer
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.model.findings import Report
from napari_lesion.plugin.findings.finding_text import advice_line
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.findings.patient_line import PatientLine
from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.settings import setting, store
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.widgets.sections import Section, rich_label
from napari_lesion.review.review import is_searched

FIND, JUDGE, COMPARE, REPORT = STEPS = ("find", "judge", "compare", "report")
_TEXTS = {
    FIND: (N_("Find"), N_("Search the scan for lesions, and look through it")),
    JUDGE: (N_("Judge"), N_("Go through the findings: accept, reject, measure, describe")),
    COMPARE: (N_("Compare"), N_("Compare with earlier scans of the patient")),
    REPORT: (N_("Report"), N_("Complete the patient's data, and write the report")),
}
_NO_ROOM = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
_SPLIT = "layout/judge"
"""Heights of the table and the card."""
_JUDGE_SHARES = (600, 400)
"""Of the height, as long as the reader has not moved the line between table and card."""


class StepsPanel(QWidget):
    """Shows one step at a time, and goes on by itself where the work does. A step's widgets are made when it is due."""

    changed = Signal(str)
    """The step that is shown."""

    def __init__(self, napari_viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = napari_viewer
        self._session = session_of(napari_viewer)
        self._view = findings_view(self._session)
        self._seen: Report | None = None
        """The report whose findings the reader was led to."""
        self.step = ""
        self._made: dict[str, QWidget] = {}
        self.parts: dict[str, Any] = {}
        """The widgets that other panels of this program are made of, too, by name."""
        self._builders: dict[str, Callable[[], QWidget]] = {
            FIND: self._find,
            JUDGE: self._judge,
            COMPARE: self._compare,
            REPORT: self._report,
        }
        self.buttons: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(2)
        for number, step in enumerate(STEPS, 1):
            word, tip = _TEXTS[step]
            self.buttons[step] = button = QPushButton(f"{number} {tr(word)}")
            button.setToolTip(tr(tip))
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setStyleSheet("padding: 3px 2px;")  # four words in a narrow panel, in any language
            button.setSizePolicy(QSizePolicy.Policy.MinimumExpanding, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _checked=False, one=step: self.go_to(one))
            self._group.addButton(button)
            row.addWidget(button, 1)
        self.patient = PatientLine(self._session)
        self.pages = Pages()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(row)
        layout.addWidget(self.patient)
        layout.addWidget(self.pages, 1)
        self._view.changed.connect(self._on_findings)
        self._session.finding_selected.connect(self._on_selected)
        self._session.step_asked.connect(self.go_to)
        self._session.open_scans.keep("step", self._save, self._restore)

    # -- which step ---------------------------------------------------------------------------------------------------

    def go_to(self, step: str) -> None:
        """Show a step."""
        if step not in self._made:
            self._made[step] = page = self._builders[step]()
            self.pages.add(page)
        self.buttons[step].setChecked(True)
        self.patient.setVisible(step in (JUDGE, REPORT))
        self.patient.button.setChecked(step == REPORT)  # there it is completed
        self.pages.turn_to(self._made[step])
        if step != self.step:
            self.step = step
            self.changed.emit(step)

    def _on_findings(self) -> None:
        """Lead to the findings when a search has brought some."""
        review = self._view.review
        start = review.start if review is not None else None
        if start is self._seen:
            return
        self._seen = start
        if start is not None and is_searched(start) and self._view.findings and self.step in ("", FIND):
            self.go_to(JUDGE)

    def _on_selected(self, finding: str) -> None:
        if finding and self.step in ("", FIND):
            self.go_to(JUDGE)

    def _save(self, _scan: OpenScan) -> str:
        return self.step

    def _restore(self, _scan: OpenScan, step: str | None) -> None:
        """Go on with the step that a scan was left at; a new one begins with the first."""
        self._seen = None
        if self.step:
            self.go_to(step or FIND)

    # -- the steps ----------------------------------------------------------------------------------------------------

    def _search_form(self) -> Any:
        """Make what searches; the findings ask it which device to use."""
        from napari_lesion.plugin.findings.search_form import SearchForm

        if "search" not in self.parts:
            self.parts["search"] = SearchForm(self._viewer)
        return self.parts["search"]

    def _find(self) -> QWidget:
        from napari_lesion.plugin.viewer.plane_buttons import PlaneButtons
        from napari_lesion.plugin.viewer.reading_panel import ReadingPanel

        look = Section("look", tr("Look through it"))
        self.parts["planes"], self.parts["reading"] = PlaneButtons(self._viewer), ReadingPanel(self._viewer)
        flush(self.parts["reading"])
        look.rows.addWidget(self.parts["planes"])
        look.rows.addWidget(self.parts["reading"])
        return _scrolled(self._search_form(), look)

    def _judge(self) -> QWidget:
        from napari_lesion.plugin.findings.finding_card import FindingCard
        from napari_lesion.plugin.findings.findings_panel import FindingsPanel

        form = self._search_form()
        self.parts["findings"] = findings = FindingsPanel(self._viewer, lambda: form.device)
        findings.follow_search(form)
        self.parts["card"] = card = FindingCard(self._viewer)
        card.setMinimumHeight(80)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.addWidget(findings)
        split.addWidget(card)
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 1)
        sizes: list[int] = setting(_SPLIT, [])
        stored = len(sizes) == 2 and all(isinstance(size, int) for size in sizes)
        split.setSizes(sizes if stored else list(_JUDGE_SHARES))
        split.splitterMoved.connect(lambda *_: store(_SPLIT, split.sizes()))
        return split

    def _compare(self) -> QWidget:
        from napari_lesion.plugin.follow_up.follow_up_panel import FollowUpPanel

        self.parts["follow_up"] = panel = FollowUpPanel(self._viewer)
        flush(panel)
        panel.use.hide()  # the workstation says it below all steps
        return panel

    def _report(self) -> QWidget:
        from napari_lesion.plugin.findings.exports import Exports

        self.parts["summary"] = ReportSummary(self._viewer)
        self.parts["exports"] = Exports(self._session)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(_scrolled(self.parts["summary"]), 1)
        column.addWidget(self.parts["exports"])  # always in sight, however long the summary is
        return page


class Pages(QStackedWidget):
    """Pages of which one is shown; the others, which Qt would make room for as well, take none."""

    def add(self, page: QWidget) -> None:
        """Add a page, unseen."""
        page.setSizePolicy(_NO_ROOM)
        self.addWidget(page)
        if self.count() == 1:
            self.turn_to(page)

    def turn_to(self, page: QWidget) -> None:
        """Show a page."""
        self.currentWidget().setSizePolicy(_NO_ROOM)
        page.setSizePolicy(QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding))
        self.setCurrentWidget(page)


class ReportSummary(QWidget):
    """What will be in the report, and what keeps it from being complete."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._session = session_of(viewer)
        self._view = findings_view(self._session)
        self.text = rich_label()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        for changed in (self._view.changed, self._session.review_changed, self._session.scan_changed):
            changed.connect(self.follow)
        self._session.blind_changed.connect(self.follow)
        self.follow()

    def follow(self, _changed: object = None) -> None:
        """Show what there is now."""
        self.text.setText("<br>".join(self._lines()))

    def _lines(self) -> list[str]:
        if self._session.blind:
            return [tr("A blind read is on: what was found is hidden until it ends.")]
        if self._view.review is None:
            return [
                tr(
                    "There is nothing to report yet: search the scan, or add a finding ({key}).",
                    key=key_name("findings.add"),
                )
            ]
        found = [one for one in self._view.findings if one.status != "rejected"]
        shown = {one.id for one in self._view.shown}
        reported = [one for one in found if one.id in shown]
        undecided = sum(one.status == "candidate" for one in reported)
        said = [tr("Findings in the report: {count}.", count=f"<b>{len(reported)}</b>")]
        if undecided:
            said.append("⚠ " + tr("Not reviewed yet: {count}. Accept or reject them in step 2.", count=undecided))
        report = self._view.report()
        if report is not None and report.judgement is not None:
            said.append(advice_line(report.judgement.lung_rads, tr("Lung-RADS, the exam")))
            said.append(advice_line(report.judgement.fleischner, tr("Fleischner 2017, the exam")))
        return said


def flush(panel: QWidget) -> None:
    """Make a panel that has a dock of its own elsewhere a part of this one: no margins, and no width of its own."""
    panel.setMinimumWidth(0)
    layout = panel.layout()
    if layout is not None:
        layout.setContentsMargins(0, 0, 0, 0)


def _scrolled(*widgets: QWidget) -> QScrollArea:
    inside = QWidget()
    column = QVBoxLayout(inside)
    column.setContentsMargins(0, 0, 4, 0)
    column.setSpacing(8)
    for widget in widgets:
        column.addWidget(widget)
    column.addStretch(1)
    scroll = QScrollArea()
    scroll.setWidget(inside)
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return scroll


def research_use(text: str) -> QLabel:
    """Make the line that says what the program is not for."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setEnabled(False)
    return label
