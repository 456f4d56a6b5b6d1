"""The page "RECIST" of the panel "Follow-up": targets, sums and the response at each date."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.assessment.guidelines import recist
from napari_lesion.comparison import trajectory as trajectory
from napari_lesion.comparison.visits import linked, visits_of
from napari_lesion.model.findings import Report
from napari_lesion.model.volume import readable_date
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.follow_up.priors import Priors
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.widgets.row_table import row_table
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.review import edits
from napari_lesion.support.errors import LesionError

_ROLE = 1

Mark = tuple[str, bool, bool]
"""What a lesion is followed as: its role, whether it is a node, whether it has progressed in the scan that is read."""


class ResponsePage(QWidget):
    """Marks lesions, and says what RECIST 1.1 makes of them."""

    def __init__(self, session: Session, priors: Priors) -> None:
        super().__init__()
        self._session = session
        self._priors = priors
        self._reports: tuple[Report, ...] = ()
        self._uids: tuple[str, ...] = ()
        self._rows: list[tuple[str, Mark | None]] = []
        """Lesion of each row, and what it is followed as."""
        self.table = row_table(
            ("#", tr("RECIST"), tr("mm")), tr("Targets and non-targets"), tr("Mark each lesion that is followed")
        )
        self.table.setMinimumHeight(90)
        self.says = QLabel()
        self.says.setWordWrap(True)
        self.recist_button = QPushButton(tr("Save RECIST table…"))
        self.recist_button.clicked.connect(
            lambda: self._choose_file(tr("Save RECIST table"), "recist.csv", self.save_recist)
        )
        self.timeline_button = QPushButton(tr("Save timeline…"))
        self.timeline_button.clicked.connect(
            lambda: self._choose_file(tr("Save timeline"), "timeline.csv", self.save_timeline)
        )
        buttons = QHBoxLayout()
        buttons.addWidget(self.recist_button)
        buttons.addWidget(self.timeline_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.addWidget(self.table, 1)
        column.addWidget(self.says)
        column.addLayout(buttons)

    def show_report(self, report: Report | None, dates: bool) -> None:
        """Show the lesions of a scan and its priors; nothing without a report."""
        priors = self._priors
        self._reports = (
            linked(report, priors.comparisons, lambda uid: prior.report if (prior := priors.prior(uid)) else None)
            if report is not None
            else ()
        )
        timeline = trajectory.trajectories(self._reports)
        self._uids = tuple(one.lesion_uid for one in timeline)
        roles = {one.uid: one for one in report.lesions} if report is not None else {}
        names = {one.lesion_uid: one.name for one in findings_view(self._session).findings}
        before = {f.id: f.name for one in self._reports for f in one.findings}
        self._names = {
            one.lesion_uid: names[one.lesion_uid]
            if one.lesion_uid in names
            else tr("prior {number}", number=before[one.seen[-1].finding_id])
            for one in timeline
        }
        self.table.setRowCount(len(timeline))
        before_rows, self._rows = self._rows, [(uid, self._mark_of(roles.get(uid))) for uid in self._uids]
        for row, one in enumerate(timeline):
            known = roles.get(one.lesion_uid)
            # Widgets in a table take long to make: only where something else is to be chosen.
            if before_rows[row : row + 1] != self._rows[row : row + 1]:
                if (old := self.table.cellWidget(row, _ROLE)) is not None:
                    old.hide()  # it goes only after the signal that it may have sent
                self.table.setCellWidget(row, _ROLE, self._box(*self._rows[row]))
            sizes = (seen.short_axis_mm if known and known.node else seen.long_axis_mm for seen in one.seen)
            text = " → ".join("–" if size is None else f"{size:.1f}" for size in sizes)
            self._put(row, 0, self._names[one.lesion_uid])
            self._put(row, 2, text)
        self._show_status(dates)

    def _put(self, row: int, column: int, text: str) -> None:
        item = self.table.item(row, column)
        if item is None:
            self.table.setItem(row, column, QTableWidgetItem(text))
        elif item.text() != text:
            item.setText(text)

    def _mark_of(self, lesion: recist.Lesion | None) -> Mark | None:
        return (lesion.role, lesion.node, self._scan_uid in lesion.progressed) if lesion is not None else None

    def _box(self, uid: str, chosen: Mark | None) -> QComboBox:
        box = QComboBox()
        box.addItem("–", None)
        box.setToolTip(tr("Progressed: unequivocally, in this scan"))
        for text, mark in (
            (tr("target"), ("target", False, False)),
            (tr("non-target"), ("non-target", False, False)),
            (tr("non-target, progressed"), ("non-target", False, True)),
            (tr("target node"), ("target", True, False)),
            (tr("non-target node"), ("non-target", True, False)),
            (tr("non-target node, progressed"), ("non-target", True, True)),
        ):
            box.addItem(text, mark)
            if mark == chosen:
                box.setCurrentIndex(box.count() - 1)
        box.activated.connect(lambda _index: self.mark(uid, box.currentData()))
        return box

    @property
    def _scan_uid(self) -> str:
        volume = self._session.volume
        return volume.series.series_uid if volume is not None else ""

    def mark(self, uid: str, mark: Mark | None) -> None:
        """Follow a lesion; None: do not."""
        review = self._session.review
        if review is None:
            return
        others = tuple(one for one in review.lesions if one.uid != uid)
        new: tuple[recist.Lesion, ...] = ()
        if mark is not None:
            role, node, progressed = mark
            scans = (self._scan_uid,) if progressed else ()
            lesion = {"uid": uid, "organ": "node" if node else "lung", "role": role, "node": node, "progressed": scans}
            new = (recist.Lesion.model_validate(lesion),)
        self._session.change(lambda review, by: edits.follow(review, (*others, *new), by))

    def _chosen(self) -> tuple[recist.Lesion, ...]:
        review = self._session.review
        return review.lesions if review is not None and self._reports else ()

    def _show_status(self, dates: bool) -> None:
        lesions, lines, fits = self._chosen(), [], False
        if lesions:
            try:
                visits = visits_of(self._reports, self._priors.comparisons, lesions)
                for number, one in enumerate(recist.assess(lesions, visits), 1):
                    when = readable_date(one.date) if dates else tr("Date {number}", number=number)
                    total = "–" if one.sum_mm is None else f"{one.sum_mm:.1f}"
                    if one.nadir_mm is None:
                        head = tr("{date}: sum {sum} mm", date=when, sum=total)
                    else:
                        nadir = f"{one.nadir_mm:.1f}"
                        head = tr("{date}: sum {sum} mm, nadir {nadir} mm", date=when, sum=total, nadir=nadir)
                    lines.append(f"{head}, {one.response}. {self._named(in_language(one.why))}")
                fits = True
            except LesionError as error:
                lines.append(f"⚠ {self._named(sentence(error))}")
        else:
            lines.append(tr("Mark the lesions that are followed; the earliest scan is the baseline."))
        self.says.setText("\n".join(lines))
        self.recist_button.setEnabled(fits)
        self.timeline_button.setEnabled(bool(self._uids))

    def _named(self, text: str) -> str:
        for uid, name in self._names.items():
            text = text.replace(uid, name)
        return text

    def _choose_file(self, title: str, name: str, save: Callable[[Path], None]) -> None:
        path, _ = QFileDialog.getSaveFileName(self, title, name, "CSV (*.csv)")
        if not path:
            return
        try:
            save(Path(path))
        except (LesionError, OSError) as error:
            self.says.setText(f"⚠ {sentence(error)}")

    def save_recist(self, path: Path) -> None:
        """Write sizes, sums and responses at each date (CSV)."""
        lesions = self._chosen()
        recist.save_table(lesions, visits_of(self._reports, self._priors.comparisons, lesions), path)

    def save_timeline(self, path: Path) -> None:
        """Write each lesion at each date (CSV)."""
        trajectory.save_table(trajectory.trajectories(self._reports), path)
