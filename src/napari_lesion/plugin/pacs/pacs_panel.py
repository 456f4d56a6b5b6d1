"""The panel "PACS": an archive asked for studies; what is fetched comes into the series browser, results go back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import napari.viewer
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QComboBox, QFormLayout, QLineEdit, QTreeWidgetItem, QVBoxLayout, QWidget

from napari_lesion.pacs.archives import open_archive
from napari_lesion.pacs.nodes import Nodes, load_nodes
from napari_lesion.pacs.records import Query, Sent, SeriesRecord, StudyRecord
from napari_lesion.pacs.send import send
from napari_lesion.pacs.storage import instances_below
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.pacs.fetching import Fetched, fetch_study, outcome_of
from napari_lesion.plugin.pacs.study_tree import StudyRow, StudyTree
from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.settings import setting, store
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.viewer.browser_panel import PLUGIN, browser_of
from napari_lesion.plugin.viewer.reader import add_layers, open_series
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.view import source_of
from napari_lesion.plugin.widgets.parts import RunControls, in_a_row, push_button
from napari_lesion.plugin.widgets.task import Task, sentence, step_text
from napari_lesion.report.write import FILE_NAMES, ReportKind, in_words, write_reports
from napari_lesion.support.errors import Cancelled, LesionError, PacsError
from napari_lesion.support.plain import one_line
from napari_lesion.support.progress import Progress, part

T = TypeVar("T")

_NODE = "pacs/node"
_MOST = 200
#: Sent back, where there are any.
_RESULTS: tuple[ReportKind, ...] = ("sr", "seg", "key-images")
_FIELDS = {
    "patient_id": N_("Patient ID"),
    "patient_name": N_("Name"),
    "first_date": N_("From (YYYYMMDD)"),
    "last_date": N_("To (YYYYMMDD)"),
    "modality": N_("Modality"),
    "accession": N_("Accession number"),
}


class PacsPanel(QWidget):
    """Dock widget, or a page of the workstation; one a viewer."""

    opened = Signal()
    """What was fetched is on the screen."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        scan_view(napari_viewer)
        self._session = session_of(napari_viewer)
        self._findings = findings_view(self._session)
        self._tools = reading_tools(self._session)
        self._task: Task[Any] | None = None
        self._nodes: Nodes | None = None
        self._for: OpenScan | None = None
        """The scan that the archive is asked or told for."""
        self._build()
        self._tools.names_changed.connect(self.tree.name_studies)
        self._session.open_scans.current_changed.connect(lambda _scan: self._follow())
        self._session.review_changed.connect(lambda _review: self._follow())
        self.read_nodes()

    # -- construction -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.node = QComboBox()
        self.node.setAccessibleName(tr("Archive"))
        self.test_button = push_button(tr("Test"), tr("Ask whether the archive is there and lets us in"), self.test)
        self.fields = {name: QLineEdit() for name in _FIELDS}
        form = QFormLayout()
        form.setVerticalSpacing(3)
        for name, field in self.fields.items():
            field.setAccessibleName(tr(_FIELDS[name]))
            field.returnPressed.connect(self.search)
            form.addRow(tr(_FIELDS[name]), field)
        self.fields["modality"].setText("CT")
        self.search_button = push_button(
            tr("Search"), tr("List the studies that fit; * and ? stand for any letters"), self.search
        )
        self.priors_button = push_button(
            tr("Priors of this patient"),
            tr("Find and fetch the earlier CTs of the patient whose scan is on the screen"),
            self.fetch_priors,
        )
        self.tree = StudyTree()
        self.fetch_button = push_button(
            tr("Fetch"), tr("Fetch the selected study or series; it comes into the series browser"), self.fetch
        )
        self.send_button = push_button(
            tr("Send results"),
            tr("Send report, outlines and key images of the scan on the screen into its own study"),
            self.send,
        )
        self.controls = RunControls(tr("Progress"), self.cancel)
        self.controls.status.setTextFormat(Qt.TextFormat.PlainText)
        layout = QVBoxLayout(self)
        layout.setSpacing(5)
        layout.addLayout(in_a_row(self.node, self.test_button, first=1))
        layout.addLayout(form)
        layout.addLayout(in_a_row(self.search_button, self.priors_button, first=1))
        layout.addWidget(self.tree, 1)
        layout.addLayout(in_a_row(self.fetch_button, self.send_button, first=1))
        layout.addLayout(in_a_row(self.controls.bar, self.controls.cancel_button, first=1))
        layout.addWidget(self.controls.status)
        self.node.currentTextChanged.connect(lambda name: store(_NODE, name))
        self.tree.itemExpanded.connect(self._on_expanded)
        self.tree.itemDoubleClicked.connect(lambda item, _column: self._open(item))
        self.tree.currentItemChanged.connect(lambda *_: self._follow())

    def read_nodes(self) -> None:
        """Read which archives there are."""
        chosen = setting(_NODE, "")
        try:
            self._nodes = load_nodes()
        except LesionError as error:
            self._nodes = None
            self._show_status(f"⚠ {sentence(error)}")
        names = list(self._nodes.nodes) if self._nodes is not None else []
        self.node.clear()
        self.node.addItems(names)
        if chosen in names:
            self.node.setCurrentText(chosen)
        self._follow()

    @property
    def running(self) -> bool:
        """Whether the archive is being asked."""
        return self._task is not None

    # -- what it does -------------------------------------------------------------------------------------------------

    def test(self) -> None:
        """Ask whether the archive is there."""
        archive = self._archive()
        if archive is not None:
            self._run(lambda _progress: archive.echo(), self._show_status)

    def search(self) -> None:
        """List the studies that fit."""
        archive = self._archive()
        if archive is None:
            return
        try:
            query = Query(**{name: field.text().strip() for name, field in self.fields.items()})
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
            return
        others = (query.patient_id, query.patient_name, query.first_date, query.last_date, query.accession)
        if not any(text.strip("*? ") for text in others):
            self._show_status(tr("Say more: a patient, a date or an accession number."))
            return
        self._run(lambda _progress: archive.studies(query, _MOST), self._on_studies)

    def fetch(self) -> None:
        """Fetch the selected study or series."""
        if self.tree.chosen is not None:
            self._fetch(self.tree.chosen, self._on_fetched)

    def fetch_priors(self) -> None:
        """Find and fetch the earlier CTs of the patient on the screen."""
        archive, volume = self._archive(), self._session.volume
        if archive is None or volume is None:
            return
        patient, date = volume.series.patient_id.strip(), volume.series.study_date
        if not patient or not date:
            self._show_status(tr("The scan on the screen names no patient or no date, so its priors cannot be told."))
            return
        this = volume.series.study_uid

        def work(progress: Progress) -> list[Fetched]:
            query = Query(patient_id=patient, last_date=date, modality="CT")
            found = [one for one in archive.studies(query) if one.study_uid != this and one.patient_id == patient]
            return [
                fetch_study(archive, one, (), part(progress, number, number + 1, len(found)))
                for number, one in enumerate(found)
            ]

        self._run(work, self._on_priors, self._session.open_scans.current)

    def send(self) -> None:
        """Send results of the scan on the screen into its study."""
        archive, report = self._archive(), self._findings.report()
        volume, scan = self._findings.volume, self._findings.scan
        if archive is None or report is None or volume is None or scan is None:
            return
        source, owner = source_of(scan), self._session.open_scans.of(scan)

        def work(progress: Progress) -> tuple[Sent, tuple[str, ...]]:
            volume.wait(progress)
            with tempfile.TemporaryDirectory(prefix="napari-lesion-") as name:
                folder = Path(name)
                made = part(progress, 0, 1, 2)
                written = write_reports(report, folder, _RESULTS, volume=volume, source=source, progress=made)
                if written.problems:
                    raise PacsError(" ".join(in_words(written.problems)))
                paths = [folder / FILE_NAMES[kind] for kind in written.kinds]
                sent = send(archive, instances_below(paths), progress=part(progress, 1, 2, 2))
            return sent, (*written.notes, *in_words({}, written.absent))

        self._run(work, partial(self._on_sent, owner), owner)

    def cancel(self) -> None:
        """Stop at the next step; what came by then stays, and is not fetched again."""
        if self._task is not None:
            self._task.cancel()
            self._show_status(tr("Stopping after this step…"))

    # -- what comes of it ---------------------------------------------------------------------------------------------

    def _on_studies(self, found: Sequence[StudyRecord]) -> None:
        self.tree.show_studies(found[:_MOST], self._tools.names)
        if len(found) > _MOST:
            self._show_status(tr("There are more than {count} studies; ask more precisely.", count=_MOST))
        else:
            self._show_status(tr("{count} studies", count=len(found)) if len(found) != 1 else tr("1 study"))

    def _on_expanded(self, item: QTreeWidgetItem) -> None:
        archive = self._archive()
        if not isinstance(item, StudyRow) or item.series is not None or item.childCount() or archive is None:
            return
        uid = item.study.study_uid
        self._run(lambda _progress: archive.series(uid), lambda found: self._on_series(item, found))

    def _on_series(self, row: StudyRow, found: Sequence[SeriesRecord]) -> None:
        if self.tree.show_series(row, found):
            self._show_status(tr("{count} series", count=len(found)))

    def _open(self, item: QTreeWidgetItem) -> None:
        if isinstance(item, StudyRow) and item.series is not None:
            self._fetch(item, self._on_fetched_to_open)

    def _fetch(self, row: StudyRow, then: Callable[[Fetched], None]) -> None:
        archive = self._archive()
        if archive is None:
            return
        study, wanted = row.study, row.wanted()
        self._run(lambda progress: fetch_study(archive, study, wanted, progress), then)

    def _on_fetched(self, fetched: Fetched) -> None:
        self._browse([fetched])
        self._show_status(outcome_of(fetched.retrieved))

    def _on_fetched_to_open(self, fetched: Fetched) -> None:
        self._on_fetched(fetched)
        if not fetched.retrieved.is_complete:
            return
        try:
            if fetched.series:
                add_layers(self._viewer, open_series(fetched.series[:1]))
            elif fetched.objects:  # a structured report, outlines: they find the scan that they are of
                self._viewer.open([str(path) for path in fetched.objects], plugin=PLUGIN)
            else:
                return
        except Cancelled:
            return
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
            return
        self.opened.emit()

    def _on_priors(self, fetched: Sequence[Fetched]) -> None:
        if not fetched:
            self._show_status_of_scan(tr("The archive has no earlier CT of this patient."))
            return
        self._browse(fetched)
        lines = [
            tr("{count} earlier studies; step Compare (panel Follow-up) compares with them.", count=len(fetched))
            if len(fetched) != 1
            else tr("1 earlier study; step Compare (panel Follow-up) compares with it.")
        ]
        self._show_status_of_scan(
            "\n".join(lines + [outcome_of(one.retrieved) for one in fetched if not one.retrieved.is_complete])
        )

    def _browse(self, fetched: Sequence[Fetched]) -> None:
        """Show what came in the series browser; the panel Follow-up finds priors there."""
        browser_of(self._viewer).look_through([one.retrieved.folder for one in fetched])

    def _on_sent(self, scan: OpenScan | None, outcome: tuple[Sent, tuple[str, ...]]) -> None:
        sent, notes = outcome
        if scan is not None and sent.confirmed and not sent.failed:
            self._session.reported.emit(scan, "sent")
        lines = [tr("{count} results are in the archive, as it confirms.", count=len(sent.confirmed))]
        self._show_status_of_scan(
            "\n".join(lines + [f"⚠ {one}" for one in (*dict.fromkeys(sent.failed.values()), *sent.notes, *notes)])
        )

    # -- one thing at a time ------------------------------------------------------------------------------------------

    def _archive(self) -> Any:
        name = self.node.currentText()
        if self._task is not None or self._nodes is None or not name:
            return None
        try:
            return open_archive(self._nodes, name)
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
            return None

    def _run(self, work: Callable[[Progress], T], then: Callable[[T], None], scan: OpenScan | None = None) -> None:
        self._task, self._for = Task(work, self), scan
        task = self._task
        if scan is not None:
            self._session.open_scans.begin_work(scan)
        task.progressed.connect(self._on_progress)
        task.succeeded.connect(then)
        task.failed.connect(lambda error: self._show_status_of_scan(f"⚠ {sentence(error)}"))
        task.cancelled.connect(
            lambda: self._show_status(tr("Cancelled. What came by then is kept, and not fetched again."))
        )
        task.ended.connect(self._on_ended)
        self.controls.begin("")
        task.start()
        self._follow()

    def _on_progress(self, done: int, total: int, what: str) -> None:
        self.controls.advance(done, total)
        self._show_status(f"{step_text(what)}…")

    def _on_ended(self) -> None:
        if self._task is not None:
            self._task.deleteLater()
        if self._for is not None:
            self._session.open_scans.end_work(self._for)
        self._task = self._for = None
        self._follow()

    def _follow(self) -> None:
        """Offer what can be done now."""
        idle = not self.running and self.node.count() > 0
        for button in (self.test_button, self.search_button):
            button.setEnabled(idle)
        self.fetch_button.setEnabled(idle and self.tree.chosen is not None)
        self.priors_button.setEnabled(idle and self._session.volume is not None)
        self.send_button.setEnabled(idle and self._findings.review is not None and not self._session.blind)
        self.controls.show_running(self.running)

    def _show_status_of_scan(self, text: str) -> None:
        """Show what came of a scan; where another one is on the screen by now, also that it is not of that."""
        if self._for is not None and self._for is not self._session.open_scans.current:
            text = "⚠ " + tr("This is of another scan than that on the screen:") + f"\n{text}"
        self._show_status(text)

    def _show_status(self, text: str) -> None:
        self.controls.show_status("\n".join(map(one_line, text.splitlines())))
