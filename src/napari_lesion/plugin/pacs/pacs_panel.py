"""The panel "PACS": an archive asked for studies; what is fetched comes into the series browser, results go back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import napari.viewer
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.model.volume import readable_date
from napari_lesion.pacs.archives import open_archive
from napari_lesion.pacs.nodes import Nodes, load_nodes
from napari_lesion.pacs.records import Query, Sent, SeriesRecord, StudyRecord
from napari_lesion.pacs.send import send
from napari_lesion.pacs.storage import instances_below
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.pacs.fetching import Fetched, fetch_study, outcome_of
from napari_lesion.plugin.session.open_scans import OpenScan
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.settings import setting, store
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.browser_panel import PLUGIN, browser_of
from napari_lesion.plugin.viewer.reader import add_layers, open_series
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.view import source_of
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
_FIELDS = ("patient_id", "patient_name", "first_date", "last_date", "modality", "accession")


class _Row(QTreeWidgetItem):
    """A study, or a series in it."""

    def __init__(
        self, parent: QTreeWidget | QTreeWidgetItem, study: StudyRecord, series: SeriesRecord | None = None
    ) -> None:
        super().__init__(parent)
        self.study, self.series = study, series


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
        self._tools.names_changed.connect(self._name_studies)
        self._session.open_scans.current_changed.connect(lambda _scan: self._follow())
        self._session.review_changed.connect(lambda _review: self._follow())
        self.read_nodes()

    # -- construction -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.node = QComboBox()
        self.node.setAccessibleName(tr("Archive"))
        self.test_button = QPushButton(tr("Test"))
        self.test_button.setToolTip(tr("Ask whether the archive is there and lets us in"))
        self.fields = {name: QLineEdit() for name in _FIELDS}
        names = {
            "patient_id": tr("Patient ID"),
            "patient_name": tr("Name"),
            "first_date": tr("From (YYYYMMDD)"),
            "last_date": tr("To (YYYYMMDD)"),
            "modality": tr("Modality"),
            "accession": tr("Accession number"),
        }
        form = QFormLayout()
        form.setVerticalSpacing(3)
        for name, field in self.fields.items():
            field.setAccessibleName(names[name])
            field.returnPressed.connect(self.search)
            form.addRow(names[name], field)
        self.fields["modality"].setText("CT")
        self.search_button = QPushButton(tr("Search"))
        self.search_button.setToolTip(tr("List the studies that fit; * and ? stand for any letters"))
        self.priors_button = QPushButton(tr("Priors of this patient"))
        self.priors_button.setToolTip(tr("Find and fetch the earlier CTs of the patient whose scan is on the screen"))
        self.tree = QTreeWidget()
        self.tree.setColumnCount(2)
        self.tree.setHeaderLabels([tr("Study"), tr("Images")])
        self.tree.setAccessibleName(tr("Studies that were found"))
        self.tree.setToolTip(tr("A double click on a series fetches and opens it: a scan, then its report or outlines"))
        self.tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.tree.header().setStretchLastSection(False)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.fetch_button = QPushButton(tr("Fetch"))
        self.fetch_button.setToolTip(tr("Fetch the selected study or series; it comes into the series browser"))
        self.send_button = QPushButton(tr("Send results"))
        self.send_button.setToolTip(
            tr("Send report, outlines and key images of the scan on the screen into its own study")
        )
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self.progress.setAccessibleName(tr("Progress"))
        self.cancel_button = QPushButton(tr("Cancel"))
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.setTextFormat(Qt.TextFormat.PlainText)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QVBoxLayout(self)
        layout.setSpacing(5)
        layout.addLayout(_side_by_side(self.node, self.test_button))
        layout.addLayout(form)
        layout.addLayout(_side_by_side(self.search_button, self.priors_button))
        layout.addWidget(self.tree, 1)
        layout.addLayout(_side_by_side(self.fetch_button, self.send_button))
        layout.addLayout(_side_by_side(self.progress, self.cancel_button))
        layout.addWidget(self.status)
        self.test_button.clicked.connect(self.test)
        self.search_button.clicked.connect(self.search)
        self.priors_button.clicked.connect(self.fetch_priors)
        self.fetch_button.clicked.connect(self.fetch)
        self.send_button.clicked.connect(self.send)
        self.cancel_button.clicked.connect(self.cancel)
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
            self._say(f"⚠ {sentence(error)}")
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
            self._run(lambda _progress: archive.echo(), self._say)

    def search(self) -> None:
        """List the studies that fit."""
        archive = self._archive()
        if archive is None:
            return
        try:
            query = Query(**{name: field.text().strip() for name, field in self.fields.items()})
        except LesionError as error:
            self._say(f"⚠ {sentence(error)}")
            return
        others = (query.patient_id, query.patient_name, query.first_date, query.last_date, query.accession)
        if not any(text.strip("*? ") for text in others):
            self._say(tr("Say more: a patient, a date or an accession number."))
            return
        self._run(lambda _progress: archive.studies(query, _MOST), self._on_studies)

    def fetch(self) -> None:
        """Fetch the selected study or series."""
        row = self.tree.currentItem()
        if isinstance(row, _Row):
            self._fetch(row, self._on_fetched)

    def fetch_priors(self) -> None:
        """Find and fetch the earlier CTs of the patient on the screen."""
        archive, volume = self._archive(), self._session.volume
        if archive is None or volume is None:
            return
        patient, date = volume.series.patient_id.strip(), volume.series.study_date
        if not patient or not date:
            self._say(tr("The scan on the screen names no patient or no date, so its priors cannot be told."))
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
            self._say(tr("Stopping after this step…"))

    # -- what comes of it ---------------------------------------------------------------------------------------------

    def _on_studies(self, found: Sequence[StudyRecord]) -> None:
        self.tree.clear()
        for study in found[:_MOST]:
            row = _Row(self.tree, study)
            row.setText(1, str(study.instances) if study.instances is not None else "")
            row.setChildIndicatorPolicy(QTreeWidgetItem.ChildIndicatorPolicy.ShowIndicator)
        self._name_studies()
        if len(found) > _MOST:
            self._say(tr("There are more than {count} studies; ask more precisely.", count=_MOST))
        else:
            self._say(tr("{count} studies", count=len(found)))

    def _name_studies(self, _changed: object = None) -> None:
        """Say whose the studies are, unless names are hidden: then what they are, as in the series browser."""
        for number in range(self.tree.topLevelItemCount()):
            row = self.tree.topLevelItem(number)
            if not isinstance(row, _Row):
                continue
            study = row.study
            who = (
                readable_date(study.date),
                study.patient_name.replace("^", " ").strip(),
                study.patient_id,
                readable_date(study.birth_date),
            )
            shown = who if self._tools.names else (tr("Names hidden"),)
            parts = (*shown, "/".join(study.modalities), study.description)
            row.setText(0, " · ".join(one_line(part) for part in parts if part))
            row.setToolTip(0, row.text(0))

    def _on_expanded(self, item: QTreeWidgetItem) -> None:
        archive = self._archive()
        if not isinstance(item, _Row) or item.series is not None or item.childCount() or archive is None:
            return
        uid = item.study.study_uid
        self._run(lambda _progress: archive.series(uid), lambda found: self._on_series(item, found))

    def _on_series(self, row: _Row, found: Sequence[SeriesRecord]) -> None:
        if self.tree.indexOfTopLevelItem(row) < 0:  # searched anew meanwhile
            return
        for series in found:
            inner = _Row(row, row.study, series)
            parts = (series.number, series.modality, series.description, series.body_part)
            inner.setText(0, " · ".join(one_line(part) for part in parts if part))
            inner.setText(1, str(series.instances) if series.instances is not None else "")
        self._say(tr("{count} series", count=len(found)))

    def _open(self, item: QTreeWidgetItem) -> None:
        if isinstance(item, _Row) and item.series is not None:
            self._fetch(item, self._on_fetched_to_open)

    def _fetch(self, row: _Row, then: Callable[[Fetched], None]) -> None:
        archive = self._archive()
        if archive is None:
            return
        study, wanted = row.study, _wanted(row)
        self._run(lambda progress: fetch_study(archive, study, wanted, progress), then)

    def _on_fetched(self, fetched: Fetched) -> None:
        self._browse([fetched])
        self._say(outcome_of(fetched.retrieved))

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
            self._say(f"⚠ {sentence(error)}")
            return
        self.opened.emit()

    def _on_priors(self, fetched: Sequence[Fetched]) -> None:
        if not fetched:
            self._say_of_scan(tr("The archive has no earlier CT of this patient."))
            return
        self._browse(fetched)
        lines = [tr("{count} earlier studies; step Compare (panel Follow-up) compares with them.", count=len(fetched))]
        self._say_of_scan(
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
        self._say_of_scan(
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
            self._say(f"⚠ {sentence(error)}")
            return None

    def _run(self, work: Callable[[Progress], T], then: Callable[[T], None], scan: OpenScan | None = None) -> None:
        self._task, self._for = Task(work, self), scan
        task = self._task
        if scan is not None:
            self._session.open_scans.begin_work(scan)
        task.progressed.connect(self._on_progress)
        task.succeeded.connect(then)
        task.failed.connect(lambda error: self._say_of_scan(f"⚠ {sentence(error)}"))
        task.cancelled.connect(lambda: self._say(tr("Cancelled. What came by then is kept, and not fetched again.")))
        task.ended.connect(self._on_ended)
        self.progress.setRange(0, 0)
        self._say("")
        task.start()
        self._follow()

    def _on_progress(self, done: int, total: int, what: str) -> None:
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self._say(f"{step_text(what)}…")

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
        self.fetch_button.setEnabled(idle and isinstance(self.tree.currentItem(), _Row))
        self.priors_button.setEnabled(idle and self._session.volume is not None)
        self.send_button.setEnabled(idle and self._findings.review is not None and not self._session.blind)
        self.progress.setVisible(self.running)
        self.cancel_button.setVisible(self.running)

    def _say_of_scan(self, text: str) -> None:
        """Say what came of a scan; where another one is on the screen by now, also that it is not of that."""
        if self._for is not None and self._for is not self._session.open_scans.current:
            text = "⚠ " + tr("This is of another scan than that on the screen:") + f"\n{text}"
        self._say(text)

    def _say(self, text: str) -> None:
        self.status.setText("\n".join(map(one_line, text.splitlines())))
        self.status.setVisible(bool(text))


def _wanted(row: _Row) -> tuple[str, ...]:
    """Series to fetch for a row, none where all of its study: with a report the outlines that it may refer to."""
    if row.series is None:
        return ()
    parent = row.parent()
    beside = [parent.child(number) for number in range(parent.childCount())] if row.series.modality == "SR" else []
    series = [one.series for one in beside if isinstance(one, _Row) and one.series is not None]
    outlines = [one.series_uid for one in series if one.modality == "SEG"]
    return (row.series.series_uid, *outlines)


def _side_by_side(first: QWidget, second: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addWidget(first, 1)
    row.addWidget(second)
    return row
