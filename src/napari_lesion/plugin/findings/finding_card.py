"""The panel "Finding", and the card in it: all that is known of the finding that the reader is at."""

from __future__ import annotations

from functools import partial

import napari.viewer
from qtpy.QtCore import QEvent, QSignalBlocker, Qt, QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.assessment.patient.fields import FINDING_FIELDS
from napari_lesion.follow_up import Prior
from napari_lesion.model.assessed import Advice, Appearance, SourcedValue
from napari_lesion.model.compared import Change
from napari_lesion.model.findings import RESEARCH_USE, Finding, Report, image_name
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.findings.exports import Exports
from napari_lesion.plugin.findings.finding_pictures import PictureRow
from napari_lesion.plugin.findings.finding_text import (
    advice_line,
    change_rows,
    dim,
    lines,
    looks_rows,
    measurement_notes,
    measurement_rows,
    probability_line,
    table,
    terms_html,
    trace_html,
)
from napari_lesion.plugin.findings.findings_table import axes_text, size_text, status_text
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.findings.measuring import measuring
from napari_lesion.plugin.findings.outlines import outlines
from napari_lesion.plugin.findings.patient_form import PatientForm
from napari_lesion.plugin.findings.review_keys import measure_again
from napari_lesion.plugin.findings.search_text import why_none
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.settings import reader_name
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.viewer.actions import bind
from napari_lesion.plugin.viewer.docks import entitle, share_place
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.layers import scan_key
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.widgets.fields import SOURCES, FieldsForm
from napari_lesion.plugin.widgets.sections import Reasoned, Section, rich_label
from napari_lesion.plugin.widgets.task import Task
from napari_lesion.report.pictures import Picture, pictures_of
from napari_lesion.review import edits
from napari_lesion.review.review import is_unmeasured

#: The tools that draw an outline: a word, a tip, and the action of its key.
_TOOLS = {
    "paint": (N_("Paint"), N_("Paint the outline of this finding on the slice"), "findings.outline"),
    "erase": (N_("Erase"), N_("Take voxels out of the outline of this finding"), "findings.erase"),
    "fill": (N_("Fill"), N_("Fill the inside of a line that was painted, by a click"), ""),
}
_KEPT = 12
"""Pictures of so many findings are kept."""


class FindingCard(QWidget):
    """Shows the finding that is chosen, and takes what the reader says of its looks."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        scan_view(napari_viewer)
        bind(napari_viewer)
        self._session = session_of(napari_viewer)
        self._view = findings_view(self._session)
        self._measuring = measuring(self._session)
        self._outlines = outlines(self._session)
        self._pictures: dict[tuple[str, Finding], tuple[Picture, ...]] = {}
        """By scan and finding as it is: those shown last."""
        self._drawing: Task[tuple[Picture, ...]] | None = None
        self._build()
        # Several signals tell of one change, and a picture takes some milliseconds.
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self.refresh)
        for signal in (
            self._view.changed,
            self._session.finding_selected,
            self._session.review_changed,
            self._session.comparison_changed,
            self._session.blind_changed,
            self._measuring.changed,
        ):
            signal.connect(self._schedule)
        # At once: nothing of a scan is said any more when another one is on the screen.
        self._session.open_scans.leaving.connect(self._on_leaving)
        self._session.scan_changed.connect(self._on_scan)
        self._outlines.tool_changed.connect(self._show_tool)
        self._outlines.shown_changed.connect(self._show_tool)
        self.refresh()

    # -- construction -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.title = QLabel()
        self.title.setTextFormat(Qt.TextFormat.RichText)
        self.title.setWordWrap(True)
        self.pictures = PictureRow()
        self.pictures.clicked.connect(self._look)

        self.numbers = rich_label()
        self.notes = rich_label()
        self.measurement = Section("measurement", tr("Measurement"))
        self.measurement.rows.addWidget(self.numbers)
        self.measurement.rows.addWidget(self.notes)
        self.measurement.rows.addLayout(self._tool_row())

        self.judgement = Section("judgement", tr("Assessment by published models"))
        self.unjudged = rich_label()
        self.judgement.rows.addWidget(self.unjudged)
        self.advice = {name: Reasoned() for name in ("brock", "lung_rads", "growth", "exam", "fleischner")}
        for one in self.advice.values():
            self.judgement.rows.addWidget(one)
        self.estimated = rich_label()
        self.estimates = Section("estimates", tr("How it looks, estimated"))
        self.estimates.rows.addWidget(self.estimated)
        self.looks = FieldsForm(FINDING_FIELDS)
        self.looks.given.connect(self._on_looks)
        self.appearance = Section("appearance", tr("How it looks to you"), open_=False)
        self.appearance.rows.addWidget(self.looks)

        self.change_text = rich_label()
        self.prior_pictures = PictureRow()
        self.prior = Section("prior", tr("Compared with the prior"))
        self.prior.rows.addWidget(self.prior_pictures)
        self.prior.rows.addWidget(self.change_text)

        inside = QWidget()
        self.column = QVBoxLayout(inside)
        self.column.setContentsMargins(6, 6, 6, 6)
        self.column.setSpacing(6)
        self.sections = (self.measurement, self.estimates, self.prior, self.judgement, self.appearance)
        for widget in (self.title, self.pictures, *self.sections):
            self.column.addWidget(widget)
        self.column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)
        self.setMinimumHeight(200)

    def _tool_row(self) -> QVBoxLayout:
        self.tools: dict[str, QToolButton] = {}
        top, below = QHBoxLayout(), QHBoxLayout()
        for tool, (text, tip, action) in _TOOLS.items():
            self.tools[tool] = button = QToolButton()
            button.setText(tr(text))
            button.setCheckable(True)
            button.setToolTip(tr(tip) + (f" ({key_name(action)})" if action else ""))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(partial(self._use, tool))
            top.addWidget(button)
        self.ball = QCheckBox(tr("3D"))
        self.ball.setToolTip(tr("Paint with a ball through the slices, not with a disc on one"))
        self.ball.toggled.connect(self._outlines.set_ball)
        self.shown = QCheckBox(tr("Outlines and axes"))
        self.shown.setToolTip(tr("Show outlines and axes in the views") + f" ({key_name('findings.outlines')})")
        self.shown.toggled.connect(self._outlines.show)
        self.again = QPushButton(tr("Measure again"))
        self.again.setToolTip(
            tr("Drop the outline, and let the program look for it again") + f" ({key_name('findings.measure')})"
        )
        self.again.clicked.connect(lambda: measure_again(self._session))
        top.addWidget(self.ball)
        top.addStretch(1)
        below.addWidget(self.again)
        below.addStretch(1)
        below.addWidget(self.shown)
        both = QVBoxLayout()
        both.setSpacing(3)
        both.addLayout(top)
        both.addLayout(below)
        return both

    # -- following ----------------------------------------------------------------------------------------------------

    def _schedule(self, _event: object = None) -> None:
        self._later.start()

    def _on_leaving(self, _scan: object) -> None:
        """Take what is being typed while its scan is still on the screen, and show nothing of it any more."""
        self.looks.finish()
        for row in (self.pictures, self.prior_pictures):
            row.show_pictures(())

    def _on_scan(self, _scan: object) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Show the finding that the reader is at."""
        finding = None if self._session.blind else self._view.chosen
        for section in self.sections:
            section.setVisible(finding is not None)
        self.estimates.setVisible(
            finding is not None and finding.measurement is not None and finding.measurement.looks is not None
        )
        self.title.setText(self._title(finding))
        self._show_tool()
        if finding is None:
            self.pictures.show_pictures(())
            return
        self._draw(self.pictures, self._pictures_of(finding))
        self._show_measurement(finding)
        report = self._view.report()
        if report is not None:
            self._show_judgement(finding, report)
            self._show_prior(finding, report)
        self.looks.show_values({name: getattr(finding.appearance, name) for name in Appearance.model_fields})

    def _title(self, finding: Finding | None) -> str:
        if self._session.blind:
            return dim(tr("A blind read is on: what was found is hidden until it ends."))
        if finding is None:
            if not self._view.findings:
                return dim(why_none(self._view.review))
            return dim(
                tr("Choose a finding: click its row or its ring, or press {key}.", key=key_name("findings.next"))
            )
        # What a reader wants first is in the first line: in a low window, the table of numbers is below its edge.
        headline = f"{tr('Finding {name}', name=finding.name)} · {size_text(finding)}"
        score = tr("by a reader") if edits.is_added(finding) else tr("score {score}", score=f"{finding.score:.2f}")
        volume = self._view.volume
        image = image_name(volume.series, finding.instance_number, finding.frame) if volume is not None else ""
        axes = f"({axes_text(finding.measurement)})" if finding.measurement is not None else ""
        parts = filter(None, (axes, status_text(finding), score, image))
        return f"<span style='font-size:15px'><b>{headline}</b></span> &nbsp; {dim(' · '.join(parts))}"

    def _pictures_of(self, finding: Finding, prior: Prior | None = None) -> tuple[Picture, ...] | None:
        """Get the pictures of a finding; None while they are drawn, on a thread."""
        volume = self._view.volume if prior is None else prior.volume
        if volume is None or not volume.complete:
            return ()
        key = scan_key(volume), finding
        if key not in self._pictures and self._drawing is None:
            self._drawing = task = Task(lambda _progress: pictures_of(volume, finding), self)
            task.succeeded.connect(partial(self._on_drawn, key))
            task.failed.connect(lambda _error: self._on_drawn(key, ()))  # the log has it
            task.cancelled.connect(self._on_not_drawn)
            task.start()
        return self._pictures.get(key)

    def _on_drawn(self, key: tuple[str, Finding], pictures: tuple[Picture, ...]) -> None:
        while len(self._pictures) >= _KEPT:
            del self._pictures[next(iter(self._pictures))]
        self._pictures[key] = pictures
        self._on_not_drawn()
        self._schedule()

    def _on_not_drawn(self) -> None:
        if self._drawing is not None:
            self._drawing.deleteLater()
        self._drawing = None

    def _draw(self, row: PictureRow, pictures: tuple[Picture, ...] | None) -> None:
        if pictures is not None:  # else the last ones stay for the blink of an eye
            row.show_pictures(pictures)

    def _show_measurement(self, finding: Finding) -> None:
        measured = finding.measurement
        if measured is not None:
            self.numbers.setText(table(measurement_rows(measured)))
            self.notes.setText(measurement_notes(finding))
            if measured.looks is not None:
                by = tr(
                    "By {method}, as readers would rate it; nothing of it is measured.", method=measured.looks.method
                )
                self.estimated.setText(table(looks_rows(measured.looks)) + dim(by))
            return
        source = tr("estimated by the model") if finding.is_estimated else tr(SOURCES["entered"])
        self.numbers.setText(table([(tr("Diameter"), size_text(finding), source)]))
        problem = finding.unmeasured or self._measuring.problem(finding)
        if problem:
            self.notes.setText(lines([tr("It could not be measured: {why}", why=problem)]))
        elif is_unmeasured(finding) and self._measuring.is_measuring(finding):
            self.notes.setText(dim(tr("It is being measured…")))
        else:
            self.notes.setText(dim(tr("It is measured when all slices of the scan are there.")))

    def _show_judgement(self, finding: Finding, report: Report) -> None:
        judgement = report.judgement
        judged = judgement.of(finding.id) if judgement is not None else None
        exam = {"exam": judgement.lung_rads, "fleischner": judgement.fleischner} if judgement is not None else {}
        names = {
            "brock": tr("Probability of malignancy (Brock)"),
            "lung_rads": tr("Lung-RADS, this finding"),
            "exam": tr("Lung-RADS, the exam"),
            "fleischner": tr("Fleischner 2017, the exam"),
            "growth": tr("Growth (BTS)"),
        }
        notes = []
        if finding.status == "rejected":
            notes.append(tr("A rejected finding is not assessed."))
        elif judged is None:
            notes.append(tr("Its score is below the threshold, so it does not count. Accept it, and it does."))
        if waiting := self._measuring.waiting:
            notes.append(tr("{count} findings are still to be measured: what is said here may change.", count=waiting))
        self.unjudged.setText(dim(" ".join(notes)))
        self.unjudged.setVisible(bool(notes))
        if self._measuring.is_measuring(finding):
            judged = None
        self.advice["brock"].setVisible(judged is not None)
        if judged is not None:
            self.advice["brock"].show_text(probability_line(judged.brock, names["brock"]), terms_html(judged.brock))
        of_finding = {"lung_rads": judged.lung_rads, "growth": judged.growth} if judged is not None else {}
        if not report.comparisons:
            of_finding.pop("growth", None)
        said: dict[str, Advice] = {**of_finding, **exam}
        for name in ("lung_rads", "growth", "exam", "fleischner"):
            self.advice[name].setVisible(name in said)
            if name in said:
                self.advice[name].show_text(advice_line(said[name], names[name]), trace_html(said[name]))

    def _show_prior(self, finding: Finding, report: Report) -> None:
        found = [(change, one) for one in report.comparisons if (change := one.of(finding.id)) is not None]
        self.prior.setVisible(bool(found))
        texts = [table(change_rows(change, one)) + dim(in_language(change.why)) for change, one in found]
        self.change_text.setText("<br>".join(texts))
        prior = self._session.comparison
        pictures: tuple[Picture, ...] | None = ()
        if prior is not None and found:
            change = prior.comparison.of(finding.id)
            there = _in_prior(finding, change, prior)
            if there is not None:
                pictures = self._pictures_of(there, prior)
        self._draw(self.prior_pictures, pictures)

    # -- what the reader does -----------------------------------------------------------------------------------------

    def _look(self) -> None:
        if self._view.chosen is not None:
            self._view.look_at(self._view.chosen.id)

    def _use(self, tool: str, on: bool) -> None:
        self._outlines.use(tool if on else "")
        self._show_tool()

    def _show_tool(self, _tool: object = None) -> None:
        for tool, button in self.tools.items():
            with QSignalBlocker(button):
                button.setChecked(tool == self._outlines.tool)
        with QSignalBlocker(self.shown):
            self.shown.setChecked(self._outlines.visible)

    def _on_looks(self, name: str, value: object) -> None:
        finding = self._view.chosen
        if finding is None:
            return
        given = None if value is None else SourcedValue(value=value, source="entered", detail=f"by {reader_name()}")
        # Through the model, which makes of it what the field is.
        said = {**finding.appearance.model_dump(), name: given.model_dump() if given is not None else None}
        appearance = Appearance.model_validate(said)
        self._view.change(lambda review, by: edits.appear(review, finding.id, appearance, by))


class FindingPanel(FindingCard):
    """Dock widget; one a viewer."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer)
        share_place(self)
        entitle(self, tr("Finding"))
        self.setMinimumWidth(390)

    def _build(self) -> None:
        super()._build()
        self.patient = PatientForm(self._session)
        self.patient_section = Section("patient", tr("Patient"), open_=False)
        self.patient_section.rows.addWidget(self.patient)
        self.exports = Exports(self._session)
        self.report_section = Section("report", tr("Report of the scan"))
        self.report_section.rows.addWidget(self.exports)
        use = QLabel(tr(RESEARCH_USE))
        use.setWordWrap(True)
        use.setEnabled(False)
        stretch = self.column.count() - 1
        for place, widget in enumerate((self.patient_section, self.report_section, use), stretch):
            self.column.insertWidget(place, widget)

    def event(self, event: QEvent) -> bool:
        """Stop writing reports when napari takes the panel out of its window; hiding it does not."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.exports.cancel()
        return super().event(event)


def _in_prior(finding: Finding, change: Change | None, prior: Prior) -> Finding | None:
    """Find what is to be seen of a finding in a prior: the lesion there, or the place where it would be."""
    if change is not None and change.prior_finding_id is not None:
        return next((one for one in prior.report.findings if one.id == change.prior_finding_id), None)
    if prior.aligned is None:
        return None
    x, y, z = (float(value) for value in prior.aligned.to_prior(finding.center_mm))
    unmeasured = {"mask": None, "measurement": None}
    return finding.model_copy(update={"id": f"{finding.id} before", "center_mm": (x, y, z), **unmeasured})
