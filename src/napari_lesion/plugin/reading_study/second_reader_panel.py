"""The panel "Second reader": read a scan blind, then see the detector's findings, and decide on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import napari.viewer
import numpy as np
from qtpy.QtCore import QEvent, QSignalBlocker, Qt, QTimer
from qtpy.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.detection.registry import list_models
from napari_lesion.model.findings import Point
from napari_lesion.plugin.reading_study.reading_layers import decision_sign, mark_name
from napari_lesion.plugin.reading_study.reading_session import reading_session
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.settings import reader_name
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.actions import bind
from napari_lesion.plugin.viewer.docks import entitle, share_place
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.layers import frame_of
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.widgets.parts import (
    combo_box,
    form_of,
    in_a_row,
    is_sure,
    push_button,
    show_text,
    text_label,
    thin_bar,
    tool_button,
)
from napari_lesion.plugin.widgets.row_table import row_table
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.reading_study.journal import now
from napari_lesion.reading_study.reading import LEVELS, Reading
from napari_lesion.support.errors import LesionError

_TICK_MS = 1000
_IN_A_ROW = 2
"""Buttons for levels of confidence beside each other: their words are long in some languages."""


def levels() -> tuple[str, ...]:
    """Words for the levels of confidence, from 1 on."""
    return tr("hardly"), tr("doubtful"), tr("possible"), tr("probable"), tr("certain")


def minutes(seconds: float) -> str:
    """Write a time as 2:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class SecondReaderPanel(QWidget):
    """Dock widget; one a viewer. What it shows is in the viewer's `ReadingSession`."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        share_place(self)
        entitle(self, tr("Second reader"))
        scan_view(napari_viewer)
        bind(napari_viewer)
        self._session = session_of(napari_viewer)
        self._reading_session = reading_session(self._session)
        self._places: list[Point] = []
        """Of the rows of the table."""
        self._build()
        self._connect()
        self._show()

    # -- construction -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.state = QLabel()
        self.state.setWordWrap(True)
        self.state.setStyleSheet("border: 2px solid palette(mid); border-radius: 3px; padding: 4px;")
        self.state.setTextFormat(Qt.TextFormat.RichText)
        self.state.setAccessibleName(tr("State of the reading"))
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        self.next_button = push_button("", "", lambda: self._try(self._next))
        self.pause_button = push_button(tr("Pause"), tr("Stop the time; the findings stay hidden"), self.pause)
        self.progress = thin_bar(tr("Progress of the search"))
        self.progress.setToolTip(tr("The detector searches; what it finds stays hidden"))
        self.progress.hide()
        columns = ("#", tr("Slice"), tr("x, y, z (mm)"), tr("Detector"), tr("You"))
        self.table = row_table(
            columns, tr("Marks and findings"), tr("Click a row, or step with the arrow keys, to see its place")
        )
        self.table.setTabKeyNavigation(False)  # Tab leaves the table
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(len(columns) - 1, QHeaderView.ResizeMode.Stretch)
        self.table.setMinimumHeight(90)
        self.message = text_label()
        self.message.hide()

        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addLayout(self._form())
        layout.addWidget(self.state)
        layout.addWidget(self.hint)
        layout.addLayout(in_a_row(self.next_button, self.pause_button, first=1))
        layout.addWidget(self.progress)
        layout.addWidget(self._rating_buttons())
        layout.addWidget(self.table, 1)
        layout.addWidget(self.message)
        self.setMinimumWidth(320)

    def _form(self) -> QFormLayout:
        """Make the fields: who reads, where to, and with which detector."""
        self.reader = QLineEdit(reader_name())
        self.reader.setToolTip(tr("Name or code of the reader; readings are kept under it"))
        self.folder = QLineEdit(str(self._reading_session.folder))
        self.folder.setReadOnly(True)
        self.folder.setToolTip(tr("Folder of the readings; napari-lesion reading-study evaluates it"))
        self.folder.setAccessibleName(tr("Folder of the readings"))
        self.choose = tool_button(tr("…"), tr("Choose the folder of the readings"), self._on_choose)
        self.models = combo_box(tr("The model that is the second reader; it searches hidden while you read"))
        for card in list_models():
            self.models.addItem(f"{card.id} {card.version}", card.id)
        self.models.setCurrentIndex(max(self.models.findData(self._reading_session.model), 0))
        return form_of(
            (tr("Reader"), self.reader),
            (tr("Readings"), in_a_row(self.folder, self.choose, first=1)),
            (tr("Detector"), self.models),
        )

    def _rating_buttons(self) -> QWidget:
        """Make a button for each level of confidence, and two that reject."""
        self.ratings = QWidget()
        grid = QGridLayout(self.ratings)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        self.rate_buttons = []
        for column, word in enumerate(levels()):
            tip = tr(
                "Mark the place of the crosshair, or accept the finding there ({key})",
                key=key_name(f"second reader.{column + 1}"),
            )
            button = push_button(f"{column + 1} {word}", tip)
            button.setMinimumWidth(44)
            button.clicked.connect(
                lambda _checked=False, level=column + 1: self._try(lambda: self._reading_session.rate(level))
            )
            self.rate_buttons.append(button)
            grid.addWidget(button, column // _IN_A_ROW, column % _IN_A_ROW)
        self.away_button = push_button(
            tr("Take away"),
            tr(
                "Take away the mark at the crosshair, or reject the finding there ({key})",
                key=key_name("second reader.0"),
            ),
            lambda: self._try(self._reading_session.take_away),
        )
        self.rest_button = push_button(
            tr("Reject the rest"),
            tr("Reject all findings that are not decided yet"),
            lambda: self._try(self._reading_session.reject_the_rest),
        )
        grid.addWidget(self.away_button, LEVELS // _IN_A_ROW, LEVELS % _IN_A_ROW)
        grid.addWidget(self.rest_button, LEVELS // _IN_A_ROW + 1, 0, 1, _IN_A_ROW)
        return self.ratings

    def _connect(self) -> None:
        self._reading_session.changed.connect(self._show)
        self._reading_session.status_changed.connect(self._show_status)
        self._reading_session.progressed.connect(self._on_progress)
        self.reader.editingFinished.connect(self._on_reader)
        self.models.activated.connect(lambda: self._reading_session.set_up(model=self.models.currentData()))
        self.table.currentCellChanged.connect(lambda row, *_: self._go_to(row))
        self.table.cellClicked.connect(lambda row, *_: self._go_to(row))
        self._clock = QTimer(self, interval=_TICK_MS)
        self._clock.timeout.connect(self._show_state)
        self._clock.start()

    # -- what the reader does -----------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Stop the time of a reading that runs; what was found stays hidden."""
        if self._reading_session.running:
            self._try(self._reading_session.pause)

    def _try(self, act: Callable[[], None]) -> None:
        self._show_status("")
        try:
            act()
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")

    def _next(self) -> None:
        """Take the next step of the reading."""
        reading = self._reading_session.reading
        if not self._reading_session.running:
            self._reading_session.start()
        elif reading is not None and reading.phase == "blind":
            if self._sure(reading):
                self._reading_session.reveal()
        else:
            self._reading_session.finish()

    def _sure(self, reading: Reading) -> bool:
        return is_sure(
            self,
            tr("Reveal the findings?"),
            tr(
                "Places marked: {count}. Once the findings are revealed, your blind read is final: later "
                "changes count to the read with the detector.",
                count=len(reading.marks),
            ),
            enter=True,
        )

    def _on_reader(self) -> None:
        name = self.reader.text().strip()
        if name and name != reader_name():
            self._reading_session.set_up(reader=name)
        self.reader.setText(reader_name())

    def _on_choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Folder of the readings"), self.folder.text())
        if folder:
            self._reading_session.set_up(folder=Path(folder))
            self.folder.setText(folder)

    def _go_to(self, row: int) -> None:
        if 0 <= row < len(self._places):
            self._session.turn_to(self._places[row])

    def event(self, event: QEvent) -> bool:
        """Pause when napari takes the panel out of its window; hiding it does not."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self._reading_session.close()
        return super().event(event)

    # -- what is shown ------------------------------------------------------------------------------------------------

    def _show_status(self, text: str) -> None:
        show_text(self.message, text)

    def _on_progress(self, done: int, total: int) -> None:
        self.progress.setVisible(done >= 0)
        self.progress.setRange(0, total)
        self.progress.setValue(done)

    def _show(self) -> None:
        reading, running = self._reading_session.reading, self._reading_session.running
        self._show_state()
        scan = self._session.volume is not None
        phase = reading.phase if reading is not None else None
        texts = {
            (None, False): tr("Start the blind read"),
            ("blind", False): tr("Go on with the blind read"),
            ("revealed", False): tr("Go on"),
            ("blind", True): tr("Done: reveal the findings"),
            ("revealed", True): tr("Finish"),
        }
        self.next_button.setText(texts.get((phase, running), tr("Finished")))
        undecided = len(reading.undecided) if reading is not None else 0
        waits = self._reading_session.searching
        self.next_button.setEnabled(scan and phase != "finished" and not waits and not (running and undecided))
        self.pause_button.setEnabled(running)
        self.ratings.setEnabled(running)
        self.rest_button.setVisible(phase == "revealed")
        self.rest_button.setEnabled(undecided > 0)
        for widget in (self.reader, self.choose, self.models):
            widget.setEnabled(not running and not waits)
        self._fill(reading)

    def _show_state(self) -> None:
        reading = self._reading_session.reading
        title, hint = self._words(reading)
        spent = ""
        if reading is not None:
            blind, assisted = reading.blind_s, reading.assisted_s
            if self._reading_session.running:
                since = (now() - reading.last.time).total_seconds()
                blind, assisted = (blind + since, 0.0) if reading.phase == "blind" else (blind, assisted + since)
            spent = tr("blind {time}", time=minutes(blind))
            if reading.phase != "blind":
                spent += " · " + tr("with the detector {time}", time=minutes(assisted))
            spent = f"<br>{spent}"
        self.state.setText(f"<b>{title}</b>{spent}")
        self.hint.setText(hint)

    def _words(self, reading: Reading | None) -> tuple[str, str]:
        """Title and explanation of the state."""
        if self._session.volume is None:
            return "○ " + tr("No scan"), tr("Open a scan to read it.")
        if reading is None:
            return (
                "○ " + tr("Not read yet"),
                tr("The first read is blind: what the detector finds is hidden until you are done."),
            )
        if self._reading_session.searching:
            return "⏳ " + tr("The detector is still searching"), tr(
                "Your blind read is over and the time stands still. The findings appear as soon as they are there."
            )
        if reading.phase == "finished":
            return "✓ " + tr("Finished"), self._summary(reading)
        if not self._reading_session.running:
            return "⏸ " + tr("Paused"), tr("The findings stay hidden and no time counts.")
        if reading.phase == "blind":
            hint = tr(
                "Put the crosshair on each place that you suspect, and press {first} (hardly) to {last} (certain).",
                first=key_name("second reader.1"),
                last=key_name("second reader.5"),
            )
            if not reading.blind:
                hint += " ⚠ " + tr(
                    "The findings of this scan had been on the screen already: this read does not count as blind."
                )
            return "◐ " + tr("BLIND READ: the findings are hidden"), hint
        undecided = len(reading.undecided)
        if undecided:
            hint = tr(
                "Findings to decide: {count}. Go to each, and press {first} to {last} to accept or {none} to reject "
                "it.",
                count=undecided,
                first=key_name("second reader.1"),
                last=key_name("second reader.5"),
                none=key_name("second reader.0"),
            )
        elif reading.shown:
            hint = tr("All findings are decided. You can still change, add or take away marks.")
        else:
            hint = tr("The detector found nothing over its threshold.")
        return "◉ " + tr("REVEALED: reading with the detector"), hint

    def _summary(self, reading: Reading) -> str:
        blind = {mark.id for mark in reading.blind_marks}
        return tr(
            "Marked blind: {blind}. Findings taken over: {taken}, rejected: {rejected}. Marked later: {added}.",
            blind=len(blind),
            taken=len(reading.taken_over),
            rejected=sum(decision_sign(reading, finding) == "✗" for finding in reading.shown),
            added=sum(mark.id not in blind for mark in reading.marks),
        )

    def _fill(self, reading: Reading | None) -> None:
        """Fill the table: the reader's marks, then the findings on none of them."""
        rows: list[tuple[Point, tuple[str, ...]]] = []
        if reading is not None:
            words = levels()
            shown = reading.shown
            for number, mark in enumerate(reading.marks):
                also = max((f.score for f in shown if reading.mark_at(f) == mark), default=None)
                detector = "" if also is None else f"✓ {also:.2f}"
                mine = f"{mark.confidence} {words[mark.confidence - 1]}"
                rows.append((mark.center_mm, (mark_name(number), detector, mine)))
            for finding in shown:
                if reading.mark_at(finding) is not None:
                    continue
                if finding.id not in reading.decisions:
                    mine = "? " + tr("to decide")
                elif (level := reading.decisions[finding.id]) is None:
                    mine = "✗ " + tr("rejected")
                else:
                    mine = f"{level} {words[level - 1]}"
                rows.append((finding.center_mm, (finding.name, f"{finding.score:.2f}", mine)))
        current = self.table.currentRow()
        self._places = [place for place, _ in rows]
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(rows))
            for row, (place, (name, detector, mine)) in enumerate(rows):
                where = ", ".join(f"{value:.0f}" for value in place)
                for column, text in enumerate((name, self._slice(place), where, detector, mine)):
                    self.table.setItem(row, column, QTableWidgetItem(text))
            self.table.setCurrentCell(min(current, len(rows) - 1), 0)

    def _slice(self, place: Point) -> str:
        """Axial slice, as napari's slider counts them."""
        scan, volume = self._session.scan, self._session.volume
        if scan is None or volume is None:
            return ""
        return str(int(np.rint(scan.world_to_data(frame_of(volume).to_world(place))[0])))
