"""Outline a finding around a click, on a thread; the result belongs to the scan and to the reader of that time."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_lesion.assessment.measure.grow import grow
from napari_lesion.model.findings import Point
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.session.open_scans import OpenScans
from napari_lesion.plugin.widgets.task import Task
from napari_lesion.support.progress import Progress


class Growing(QObject):
    """Outlines one finding at a time."""

    grown = Signal(object, str, str, object)
    """Of a `Volume`, with the label and the reader that it was begun with: the mask."""
    failed = Signal(object, object)
    """Of a `Volume`: the error."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._task: Task[Mask] | None = None

    @property
    def running(self) -> bool:
        """Whether a finding is being outlined."""
        return self._task is not None

    def start(self, volume: Volume, center_mm: Point, label: str, reader: str, scans: OpenScans) -> None:
        """Outline the finding at a place (LPS mm) of the scan on the screen, which stays open meanwhile."""

        def work(progress: Progress) -> Mask:
            volume.wait(progress)  # a scan is shown before all of it is read
            return grow(volume, center_mm)

        scan = scans.current
        self._task = task = Task(work, self)
        task.succeeded.connect(partial(self.grown.emit, volume, label, reader))
        task.failed.connect(partial(self.failed.emit, volume))
        task.ended.connect(self._on_ended)
        if scan is not None:
            scans.begin_work(scan)
            task.ended.connect(lambda: scans.end_work(scan))
        task.start()

    def _on_ended(self) -> None:
        self._task = None
