"""The panel "Detect lesions": run a detector on a scan, and go through what it found."""

from __future__ import annotations

import napari.viewer
from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QSizePolicy, QToolButton

from napari_lesion.model.findings import RESEARCH_USE, Report
from napari_lesion.plugin.findings.findings_panel import FindingsPanel
from napari_lesion.plugin.findings.search_form import SearchForm
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.docks import entitle, share_place
from napari_lesion.plugin.viewer.plane_buttons import PlaneButtons
from napari_lesion.plugin.widgets.parts import remark
from napari_lesion.review.review import is_searched


class DetectPanel(SearchForm):
    """Dock widget; one a viewer: the search, and the findings below it."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer)
        share_place(self)
        entitle(self, tr("Detect lesions"))
        self._seen: Report | None = None
        """The report whose findings are shown."""
        self.findings = FindingsPanel(self._viewer, lambda: self.device, self)
        self.findings.follow_search(self)
        # napari would put empty space below a panel in which nothing says that it wants the height.
        self.findings.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.planes = PlaneButtons(self._viewer)
        self.fold = QToolButton()
        self.fold.setCheckable(True)
        self.fold.setChecked(True)
        self.fold.setToolTip(tr("Choose scan and model, and search; folded in, there is more room for the findings"))
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fold.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._name_fold()
        layout = self.column
        layout.setContentsMargins(9, 9, 9, 9)
        layout.insertWidget(0, self.fold)
        layout.addWidget(self.findings, 1)
        layout.addWidget(self.planes)
        layout.addWidget(remark(tr(RESEARCH_USE)))
        self.setMinimumWidth(390)
        self.fold.toggled.connect(self._on_fold)
        self.failed.connect(lambda: self.fold.setChecked(True))
        self._view.changed.connect(self._make_room)
        self._make_room()

    def _on_fold(self, open_: bool) -> None:
        self.search.setVisible(open_)
        self.brief = not open_
        self._name_fold()
        self._on_findings()

    def _name_fold(self) -> None:
        self.fold.setText(tr("Search for lesions"))
        self.fold.setArrowType(Qt.ArrowType.DownArrow if self.fold.isChecked() else Qt.ArrowType.RightArrow)

    def _make_room(self) -> None:
        """Fold in what had to be chosen to get findings, when they come."""
        start = self._view.review.start if self._view.review is not None else None
        if start is not self._seen:
            self._seen = start
            self.fold.setChecked(start is None or not is_searched(start))

    def event(self, event: QEvent) -> bool:
        """Stop explaining, too, when napari takes the panel out of its window."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.findings.why.cancel()
        return super().event(event)
