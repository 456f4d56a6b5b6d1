"""The panel right of the picture: the steps of reading, where scans come from and leave, or a mode of its own.

Worklist, archive and de-identification are entered from the rail and left by a button, or by opening a scan; annotation
and the second reader by buttons. What a page needs is imported when it is due.
"""

from __future__ import annotations

from typing import Any

import napari.viewer
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QTabWidget, QVBoxLayout, QWidget

from napari_lesion.model.findings import RESEARCH_USE
from napari_lesion.plugin.layout.steps import Pages, StepsPanel, flush, research_use
from napari_lesion.plugin.session.session import ANNOTATION, READING, SECOND_READER, session_of
from napari_lesion.plugin.texts import N_, tr

WORKLIST, PACS, DEIDENTIFY = SOURCES = ("worklist", "pacs", "deidentify")
"""Where scans come from, and where they leave: pages that put down no tool."""
_TITLES = {
    ANNOTATION: N_("Annotation"),
    SECOND_READER: N_("Second reader"),
    WORKLIST: N_("Worklist"),
    PACS: N_("PACS"),
    DEIDENTIFY: N_("De-identify"),
}
_ENTER = {
    ANNOTATION: (N_("Annotate…"), N_("Mark lesions by hand, for training and as truth: a mode of its own")),
    SECOND_READER: (N_("Second reader…"), N_("Read blind first, then with the detector: a mode of its own")),
}
_LEAVE = {ANNOTATION: N_("Leave annotation"), SECOND_READER: N_("Leave second reader")}


class SidePanel(QWidget):
    """Shows what the reader does now, and nothing else."""

    turned = Signal(str)
    """The page that is shown: `READING` for the steps, a mode, or one of `SOURCES`."""

    def __init__(self, napari_viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = napari_viewer
        self._session = session_of(napari_viewer)
        self.steps = StepsPanel(napari_viewer)
        self.parts: dict[str, Any] = {}
        """The panels of the modes, by name, as far as they were made."""
        self._pages: dict[str, QWidget] = {READING: self.steps}

        self.banner = QFrame()
        self.banner.setObjectName("mode")
        self.mode_title = QLabel()
        self.mode_title.setStyleSheet("font-weight: bold; color: white;")
        self.leave_button = QPushButton()
        self.leave_button.clicked.connect(self.leave)
        row = QHBoxLayout(self.banner)
        row.setContentsMargins(8, 4, 4, 4)
        row.addWidget(self.mode_title, 1)
        row.addWidget(self.leave_button)
        self.banner.hide()

        self.pages = Pages()
        self.pages.add(self.steps)
        self.entries: dict[str, QPushButton] = {}
        self._foot = QWidget()
        modes = QHBoxLayout(self._foot)
        modes.setContentsMargins(0, 0, 0, 0)
        for mode, (word, tip) in _ENTER.items():
            self.entries[mode] = button = QPushButton(tr(word))
            button.setToolTip(tr(tip))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _checked=False, one=mode: self.enter(one))
            modes.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 6, 4)
        layout.setSpacing(6)
        layout.addWidget(self.banner)
        layout.addWidget(self.pages, 1)
        layout.addWidget(self._foot)
        layout.addWidget(research_use(tr(RESEARCH_USE)))
        self._session.set_mode(READING)

    @property
    def mode(self) -> str:
        """What the reader does now."""
        return self._session.mode

    @property
    def page(self) -> str:
        """Which page is shown, as `turned` tells it."""
        return next(name for name, page in self._pages.items() if page is self.pages.currentWidget())

    def enter(self, page: str) -> None:
        """Turn to a mode of its own, where every tool of the others is put down, or to where scans come from."""
        if self.page == page:
            return
        if self.mode != READING:
            self.leave()
        if page not in self._pages:
            self._pages[page] = made = self._make(page)
            self.pages.add(made)
        if page not in SOURCES:
            self._session.set_mode(page)
        self.mode_title.setText(tr(_TITLES[page]))
        self.leave_button.setText(tr("Back to the steps") if page in SOURCES else tr(_LEAVE[page]))
        self.leave_button.setToolTip(
            tr("Go back to the steps of reading")
            if page in SOURCES
            else tr("Go back to the steps of reading; all tools of this mode are put down")
        )
        # Words say it as well: the colour of a mode, whose tools are its own, is for the corner of the eye.
        color = "#33414f" if page in SOURCES else "#7a4a00"
        self.banner.setStyleSheet(f"#mode {{ background: {color}; border-radius: 3px; }}")
        self.banner.show()
        self._foot.hide()
        self.pages.turn_to(self._pages[page])
        self.turned.emit(page)

    def leave(self) -> None:
        """Go back to the steps of reading. A blind read pauses: what was found stays hidden until it goes on."""
        if self.mode == SECOND_READER:
            self.parts[SECOND_READER].pause()
        self._session.set_mode(READING)
        self.banner.hide()
        self._foot.show()
        self.pages.turn_to(self.steps)
        if not self.steps.step:
            self.steps.go_to("find")
        self.turned.emit(READING)

    def _on_opened(self) -> None:
        """Go on with the steps when a scan came from where the reader looked for one."""
        if self.page in SOURCES:
            self.leave()

    def _make(self, name: str) -> QWidget:
        page: QWidget
        if name == WORKLIST:
            from napari_lesion.plugin.worklist.worklist_panel import WorklistPanel

            self.parts[WORKLIST] = page = WorklistPanel(self._viewer)
            page.opened.connect(self._on_opened)
        elif name == PACS:
            from napari_lesion.plugin.pacs.pacs_panel import PacsPanel

            self.parts[PACS] = page = PacsPanel(self._viewer)
            page.opened.connect(self._on_opened)
        elif name == DEIDENTIFY:
            from napari_lesion.plugin.deidentify.deidentify_panel import DeidentifyPanel

            self.parts[DEIDENTIFY] = page = DeidentifyPanel(self._viewer)
        elif name == ANNOTATION:
            from napari_lesion.plugin.annotate.annotate_panel import AnnotatePanel
            from napari_lesion.plugin.annotate.cases_panel import CasesPanel

            self.parts[ANNOTATION], self.parts["cases"] = AnnotatePanel(self._viewer), CasesPanel(self._viewer)
            tabs = QTabWidget()
            tabs.setDocumentMode(True)
            tabs.addTab(self.parts[ANNOTATION], tr("This scan"))
            tabs.addTab(self.parts["cases"], tr("Cases"))
            page = tabs
        else:
            from napari_lesion.plugin.reading_study.second_reader_panel import SecondReaderPanel

            page = self.parts[SECOND_READER] = SecondReaderPanel(self._viewer)
        for panel in self.parts.values():
            panel.setMinimumWidth(0)
        if name in SOURCES:
            flush(page)
        return page
