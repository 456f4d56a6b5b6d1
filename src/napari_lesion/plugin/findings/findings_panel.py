"""The findings of the scan that is read, in a table: go through them, judge, edit, undo; and their maps."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import napari.viewer
from qtpy.QtCore import QEvent, QItemSelection, QItemSelectionModel, QModelIndex, QSignalBlocker, QSize, Qt
from qtpy.QtGui import QKeyEvent, QResizeEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.plugin.findings import crops, review_keys
from napari_lesion.plugin.findings.explain_row import Question, WhyRow
from napari_lesion.plugin.findings.files_menu import FilesMenu
from napari_lesion.plugin.findings.findings_table import FindingsFilter, FindingsModel, columns
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.findings.map_rows import MapRows
from napari_lesion.plugin.findings.search_text import why_none
from napari_lesion.plugin.findings.table_view import FittedTable
from napari_lesion.plugin.findings.threshold import ThresholdSlider
from napari_lesion.plugin.session.session import Session, session_of
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.actions import Action, bind
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.tools.presets import PRESETS
from napari_lesion.plugin.widgets.flag import Flag
from napari_lesion.plugin.widgets.messages import show_info
from napari_lesion.plugin.widgets.parts import tool_button
from napari_lesion.plugin.widgets.row_table import rest_text
from napari_lesion.plugin.widgets.sections import Section
from napari_lesion.review import edits

if TYPE_CHECKING:
    from napari_lesion.plugin.findings.search_form import SearchForm

#: Buttons under the table, by the id of their action: a sign, and whether a gap comes before it.
_BUTTONS = {
    "findings.previous": ("◀", False),
    "findings.next": ("▶", False),
    "findings.accept": ("✓", True),
    "findings.reject": ("✗", False),
    "findings.reopen": ("○", False),
    "findings.add": ("+", True),
    "findings.merge": ("∪", False),
    "findings.delete": ("⌫", False),
    "findings.undo": ("↶", True),
    "findings.redo": ("↷", False),
}
_ROWS = 6
"""That can be seen at once, at least."""
_TALL, _SMALL_PICTURE = 900, 30
"""Windows that are lower, pixels, have smaller pictures in the table."""


class FindingsPanel(QWidget):
    """Table of the findings, in the dock "Detect lesions".

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    device : callable
        Says what explanations shall run on.
    """

    def __init__(self, viewer: napari.viewer.Viewer, device: Callable[[], str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._device = viewer, device
        self._session = session_of(viewer)
        self.view = findings_view(self._session)
        self._building = Flag()
        bind(viewer)
        self._build()
        self._connect()
        self._refresh()
        self.map_rows.refresh()

    # -- construction -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.filter = QComboBox()
        self.filter.setToolTip(tr("Which findings the table shows"))
        for name, text in (
            ("all", tr("All")),
            ("open", tr("○ Open")),
            ("standing", tr("✓ Accepted, edited, added")),
            ("rejected", tr("✗ Rejected")),
        ):
            self.filter.addItem(text, name)
        self.filter.setMinimumContentsLength(6)
        self.filter.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.words = QLineEdit()
        self.words.setPlaceholderText(tr("Search, e.g. left"))
        self.words.setAccessibleName(tr("Search the findings"))
        self.words.setClearButtonEnabled(True)
        self.file = tool_button(tr("File"), tr("Open and save findings, and set the reader's name"))
        self.file.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.file.setStyleSheet("padding-right: 14px;")  # the arrow of the menu is not over the word
        self.files = FilesMenu(self._session, self)
        self.file.setMenu(self.files)
        top = QHBoxLayout()
        top.addWidget(self.filter, 2)
        top.addWidget(self.words, 3)
        top.addWidget(self.file)

        self.threshold = ThresholdSlider()
        self.model = FindingsModel(self.view, self._window, self)
        self.rows = FindingsFilter(self.model, self.view, self)
        self.table = FittedTable()
        self.table.setModel(self.rows)
        self._set_up_table()
        self.nothing = rest_text(self.table)

        self.comment = QLineEdit()
        self.comment.setPlaceholderText(tr("Comment on the chosen finding ({key})", key=key_name("findings.comment")))
        self.comment.setAccessibleName(tr("Comment on the chosen finding ({key})", key=key_name("findings.comment")))
        self.comment.installEventFilter(self)
        self._commented = ""
        """Id of the finding whose comment the line shows."""

        buttons = QHBoxLayout()
        buttons.setSpacing(2)
        self.buttons: dict[str, QToolButton] = {}
        known = {action.id: action for action in review_keys.ACTIONS}
        for id_, (sign, gap) in _BUTTONS.items():
            if gap:
                buttons.addStretch(1)
            self.buttons[id_] = self._button(sign, known[id_])
            buttons.addWidget(self.buttons[id_])

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.threshold)
        layout.addLayout(top)
        layout.addWidget(self.table, 1)
        layout.addLayout(buttons)
        layout.addWidget(self.comment)
        self.why = WhyRow(self._viewer, self)
        self.maps = Section("maps", tr("Heatmap and explanation"), open_=False)
        self.map_rows = MapRows(self.view.maps)
        self.maps.rows.addWidget(self.map_rows)
        self.maps.rows.addWidget(self.why)
        layout.addWidget(self.maps)

    def _set_up_table(self) -> None:
        table = self.table
        table.setObjectName("findings")
        table.setAccessibleName(tr("Findings"))
        table.setToolTip(
            tr("Click a finding to see it in all views. Double-click its diameter or comment to change it.")
        )
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setSortingEnabled(True)
        table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        table.verticalHeader().hide()
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        header = table.horizontalHeader()
        header.setMinimumSectionSize(24)
        # Not by the contents: that would make the picture and the side of every row.
        metrics = table.fontMetrics()
        words = (tr("open"), tr("accepted"), tr("rejected"), tr("edited"), tr("added"))
        status = "✓ " + max(words, key=metrics.horizontalAdvance)
        widest = (
            *("F888", status, tr("reader"), "88.8", "88.8 × 88.8", "88888", "part-solid", "midline"),
            *(tr("Im {number}", number=888), "-888, -888, -8888", ""),
        )
        rooms = [max(map(metrics.horizontalAdvance, both)) + 12 for both in zip(widest, columns(), strict=True)]
        table.set_widths([rooms[0] + crops.PX, *rooms[1:]])
        header.setStretchLastSection(True)
        self._set_rows(_SMALL_PICTURE)
        table.installEventFilter(self)

    def _set_rows(self, picture: int) -> None:
        """Give the rows pictures of so many pixels; so many rows that a reader sees where a finding stands."""
        table = self.table
        table.setIconSize(QSize(picture, picture))
        table.verticalHeader().setDefaultSectionSize(picture + 2)
        around = table.horizontalHeader().sizeHint().height() + table.horizontalScrollBar().sizeHint().height()
        # Half a row more: header and scroll bar are higher with some fonts, and half a row says that more follow.
        table.setMinimumHeight(round((_ROWS + 0.5) * (picture + 2)) + around + 2 * table.frameWidth())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Make the rows lower where the window is."""
        super().resizeEvent(event)
        picture = crops.PX if self.window().height() >= _TALL else _SMALL_PICTURE
        if picture != self.table.iconSize().height():
            self._set_rows(picture)

    def _button(self, sign: str, action: Action) -> QToolButton:
        text = f"{tr(action.text)} ({key_name(action.id)})"
        button = tool_button(sign, text, partial(_press, action, self._session))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setMinimumSize(30, 26)
        return button

    def _connect(self) -> None:
        self.view.changed.connect(self._refresh)
        self.view.comment_asked.connect(self._edit_comment)
        self.view.maps.changed.connect(self.map_rows.refresh)
        self._session.open_scans.leaving.connect(self._on_leaving)
        self._viewer.layers.events.inserted.connect(self.map_rows.refresh)
        self._viewer.layers.events.removed.connect(self.map_rows.refresh)
        self._session.finding_selected.connect(self._on_selected)
        self.threshold.valueChanged.connect(self.view.set_threshold)
        self.filter.currentIndexChanged.connect(self._leave)
        self.words.textChanged.connect(self._leave)
        self.rows.layoutChanged.connect(self._share_order)
        self.table.selectionModel().selectionChanged.connect(self._on_selection)
        self.table.clicked.connect(self._on_clicked)
        self.comment.editingFinished.connect(self._write_comment)
        self.comment.returnPressed.connect(self.table.setFocus)
        self.why.shown.connect(self._on_maps_shown)

    def follow_search(self, form: SearchForm) -> None:
        """Show the threshold of the model that is chosen, and drop maps of a search before."""
        form.card_chosen.connect(self.threshold.set_card)
        form.result_came.connect(self.why.clear)
        form.announce_card()

    def _window(self) -> tuple[float, float]:
        """Values shown black and white in the pictures: lungs, or as the scan is shown where it is no CT."""
        scan, volume = self._session.scan, self._session.volume
        if scan is None or (volume is not None and volume.certificate.unit == "HU"):
            return PRESETS[0].window.limits
        low, high = scan.contrast_limits
        return float(low), float(high)

    # -- following ----------------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        """Show the findings as the review has them."""
        with QSignalBlocker(self.threshold):
            if self.threshold.card is not self.view.card:
                self.threshold.set_card(self.view.card)
            self.threshold.setValue(self.view.threshold)
        with self._building:
            self.model.take()
            self.rows.invalidate()
        self._share_order()
        self._show_why_empty()
        self._select(self._session.finding)
        review = self.view.review
        for id_, able in (
            ("findings.undo", review is not None and bool(review.changes)),
            ("findings.redo", review is not None and bool(review.undone)),
        ):
            self.buttons[id_].setEnabled(able)
        self._show_comment()
        self._set_question()

    def _leave(self) -> None:
        with self._building:
            self.rows.leave(self.filter.currentData(), self.words.text())
        self._share_order()
        self._show_why_empty()
        self._select(self._session.finding)

    def _show_why_empty(self) -> None:
        """Show in an empty table why it is empty, and what to do."""
        rejected = all(finding.status == "rejected" for finding in self.view.findings)
        if self.rows.rowCount():
            text = ""
        elif self._session.blind:
            text = tr("A blind read is on: what was found is hidden until it ends.")
        elif self.view.review is None or not self.view.findings:
            text = why_none(self.view.review)
        elif self.words.text() or self.filter.currentData() != "all" or rejected:
            text = tr("No finding matches: choose “All”, or empty the search.")
        else:
            text = tr(
                "The model found nothing from a score of {score} on. Move the slider to “More” to see what it was less "
                "sure of, or point at a lesion and press {key}.",
                key=key_name("findings.add"),
                score=f"{self.view.threshold:.2f}",
            )
        self.nothing.setText(text)

    def _share_order(self) -> None:
        self.view.order = [self.rows.finding(row).id for row in range(self.rows.rowCount())]

    def _on_leaving(self, _scan: object) -> None:
        """Take what is being written while its scan is still on the screen; an open editor of the table is dropped."""
        self._write_comment()
        self._commented = ""
        self.comment.clear()
        self.table.setCurrentIndex(QModelIndex())
        self.model.clear()
        self.nothing.clear()

    def _on_selected(self, id_: str) -> None:
        self._select(id_)
        self._show_comment()
        self._set_question()

    def _select(self, id_: str) -> None:
        """Select the row of a finding, unless it is among those selected."""
        row = self.rows.row_of(id_) if id_ else -1
        selection = self.table.selectionModel()
        chosen = [index.row() for index in selection.selectedRows()]
        if row in chosen:
            return
        with QSignalBlocker(selection):
            selection.clearSelection()
            if row >= 0:
                index = self.rows.index(row, 0)
                flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
                selection.setCurrentIndex(index, flags)
                self.table.scrollTo(index)
        self.table.viewport().update()

    def _keep_in_sight(self) -> None:
        """Show the row of the finding that is looked at, also where the table becomes lower."""
        row = self.rows.row_of(self._session.finding) if self._session.finding else -1
        if row >= 0:
            self.table.scrollTo(self.rows.index(row, 0))

    def _on_selection(self, selected: QItemSelection, deselected: QItemSelection) -> None:  # noqa: ARG002
        if self._building:
            return
        rows = [index.row() for index in self.table.selectionModel().selectedRows()]
        ids = [self.rows.finding(row).id for row in rows]
        current = self.table.currentIndex().row()
        if not ids:
            return
        looked_at = self.rows.finding(current).id if current in rows else ids[-1]
        self.view.choose(looked_at, ids)
        if len(ids) == 1:
            self.view.look_at(looked_at)

    def _on_clicked(self, index: QModelIndex) -> None:
        """Look again at a finding that is chosen already."""
        self.view.look_at(self.rows.finding(index.row()).id)

    def jump(self, row: int) -> None:
        """Look at the finding of a row, as the table shows them."""
        self.view.look_at(self.rows.finding(row).id)

    def eventFilter(self, watched: Any, event: QEvent) -> bool:  # noqa: N802 - Qt's
        """Let the keys of the viewer work in the table, too; the table keeps those that it moves and edits with."""
        if watched is self.table and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            own = {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Tab}
            own |= {Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Backtab, Qt.Key.Key_F2}
            select_all = event.key() == Qt.Key.Key_A and event.modifiers() & Qt.KeyboardModifier.ControlModifier
            if event.key() not in own and not select_all:
                QApplication.sendEvent(self._viewer.window._qt_viewer.canvas.native, event)
                return True
        if watched is self.table and event.type() == QEvent.Type.Resize:
            self._keep_in_sight()
        if watched is self.comment and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            self._commented = ""  # what was written is dropped
            self.table.setFocus()
            self._show_comment()
            return True
        return bool(super().eventFilter(watched, event))

    def _edit_comment(self) -> None:
        """Go to the line for the comment."""
        if self.view.chosen is None:
            show_info(
                tr("Choose a finding first: click its row or its ring, or press {key}.", key=key_name("findings.next"))
            )
            return
        self.comment.setFocus()
        self.comment.selectAll()

    def _write_comment(self) -> None:
        """Put what is in the line into the review; the keys are those of the findings again."""
        id_, text = self._commented, self.comment.text()
        if any(finding.id == id_ and finding.comment != text.strip() for finding in self.view.findings):
            self.view.change(lambda review, by: edits.comment(review, id_, text, by))

    def _show_comment(self) -> None:
        finding = self.view.chosen
        self.comment.setEnabled(finding is not None)
        id_, text = (finding.id, finding.comment) if finding is not None else ("", "")
        if id_ == self._commented and self.comment.hasFocus():
            return  # it is being written
        self._commented = id_
        with QSignalBlocker(self.comment):
            self.comment.setText(text)

    # -- maps and explanations ----------------------------------------------------------------------------------------

    def _on_maps_shown(self) -> None:
        heatmap = self.view.maps.heatmap
        if heatmap is not None:
            heatmap.visible = False
        self.map_rows.take_look()
        self.map_rows.refresh()

    def _set_question(self) -> None:
        scan, volume, finding = self._session.scan, self._session.volume, self.view.chosen
        row = self.model.row_of(finding.id) if finding is not None else -1
        if scan is None or volume is None or finding is None or row < 0 or not self.view.model:
            self.why.set_question(None)
        else:
            self.why.set_question(Question(scan, volume, finding, self.view.model, self._device()))


def _press(action: Action, session: Session, _checked: bool = False) -> None:
    action.run(session)
