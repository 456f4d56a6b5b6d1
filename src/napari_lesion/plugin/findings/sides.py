"""Sides of the patient that findings are on."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_lesion.model.findings import Finding, Point
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.widgets.task import Task
from napari_lesion.report.plane import side_of
from napari_lesion.support.progress import Progress

_AT_ONCE = 10


class Sides(QObject):
    """Finds sides: some at once, many on a thread. Those of a scan that are known are given, by centre (LPS mm)."""

    found = Signal()
    """More sides are known."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._task: Task[dict[Point, str]] | None = None

    def side(self, finding: Finding, volume: Volume, known: dict[Point, str]) -> str:
        """Side that a finding is on; "" as long as that is not known."""
        if finding.measurement is not None and finding.measurement.side != "unknown":
            return finding.measurement.side
        if finding.center_mm not in known and volume.complete and self._task is None:
            known[finding.center_mm] = side_of(volume, finding.center_mm)
        return known.get(finding.center_mm, "")

    def find(self, findings: Iterable[Finding], volume: Volume, known: dict[Point, str]) -> None:
        """Find many sides on a thread: each takes some milliseconds."""
        missing = [finding.center_mm for finding in findings if finding.center_mm not in known]
        if self._task is not None or len(missing) <= _AT_ONCE:
            return

        def work(progress: Progress) -> dict[Point, str]:
            volume.wait(progress)
            return {center: side_of(volume, center) for center in missing}

        self._task = Task(work, self)
        self._task.succeeded.connect(known.update)
        self._task.ended.connect(self._on_ended)
        self._task.start()

    def _on_ended(self) -> None:
        self._task = None
        self.found.emit()
