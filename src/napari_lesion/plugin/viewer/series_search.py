"""Look for series on worker threads: what is found, what its headers tell, and small pictures, as they come."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qtpy.QtCore import QObject, QSize, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QImage

from napari_lesion.dicom.index.preview import preview
from napari_lesion.dicom.index.series import Series, SeriesIndex, sorted_out, watch_series
from napari_lesion.dicom.read.precheck import Precheck, precheck
from napari_lesion.plugin.widgets.task import Task, sentence
from napari_lesion.support.errors import Cancelled, LesionError
from napari_lesion.support.progress import Progress

PICTURE = 60
"""Width and height of the pictures, pixels."""
_LISTEN_S = 0.1


@dataclass(frozen=True)
class Found:
    """One path's series, and, when all of them are known, what their headers tell (one a series)."""

    path: Path
    index: SeriesIndex
    prechecks: tuple[Precheck, ...] = ()


class SeriesSearch(QObject):
    """One search below some paths. All signals arrive on the thread that made it.

    Parameters
    ----------
    paths : sequence of Path
        Folders, zips, DICOMDIRs or files.
    """

    found = Signal(object)
    """`Found`: first what is known so far, again and again; at last with prechecks."""
    pictured = Signal(object, str, object)
    """Path, key of the series, and its `QImage`, or a sentence that says why there is none."""
    progressed = Signal(int, int, str)
    ended = Signal(bool, object)
    """Whether all files were looked at, and the error that ended it, or None."""

    def __init__(self, paths: Sequence[Path], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._paths = tuple(paths)
        self._wanted: queue.SimpleQueue[tuple[Path, Series] | None] = queue.SimpleQueue()
        self._task: Task[None] = Task(self._search, self)
        self._task.progressed.connect(self.progressed)
        self._task.succeeded.connect(lambda _: self.ended.emit(True, None))
        self._task.failed.connect(lambda error: self.ended.emit(False, error))
        self._task.cancelled.connect(lambda: self.ended.emit(False, None))
        self._pictures: Task[None] = Task(self._draw, self)

    def start(self) -> None:
        """Begin."""
        self._task.start()
        self._pictures.start()

    def stop(self) -> None:
        """Look at no further files; pictures of what was found still come."""
        self._task.cancel()

    def close(self) -> None:
        """Stop everything."""
        self._task.cancel()
        self._pictures.cancel()

    # -- on the worker threads ----------------------------------------------------------------------------------------

    def _search(self, progress: Progress) -> None:
        try:
            for path in self._paths:
                self._search_one(path, progress)
        finally:
            self._wanted.put(None)

    def _search_one(self, path: Path, progress: Progress) -> None:
        index = SeriesIndex((), complete=False)
        before: dict[str, Series] = {}
        drawn: dict[str, int] = {}

        def draw(series: Series) -> None:
            if drawn.get(series.key) != series.n_slices:
                drawn[series.key] = series.n_slices
                self._wanted.put((path, series))

        try:
            for index in watch_series(path, progress=progress):
                if index.complete:
                    break
                for series in index:
                    if before.get(series.key) is series:  # it stopped growing, at least for now
                        draw(series)
                before = {series.key: series for series in index}
                self.found.emit(Found(path, index))
        except LesionError as error:
            one = ((path, sentence(error)),)
            index = SeriesIndex((), one, one)
            if len(self._paths) == 1:
                self._publish(path, index, draw)  # what came out of a damaged zip is gone
                raise
        except Cancelled:
            self._publish(path, sorted_out(index), draw)
            raise
        self._publish(path, index, draw)

    def _publish(self, path: Path, index: SeriesIndex, draw: Callable[[Series], None]) -> None:
        self.found.emit(Found(path, index, tuple(map(precheck, index))))
        for series in index:  # after that: a picture that comes before its row would be lost
            draw(series)

    def _draw(self, progress: Progress) -> None:
        while True:
            progress(0, 0, "")
            try:
                item = self._wanted.get(timeout=_LISTEN_S)
            except queue.Empty:
                continue
            if item is None:
                return
            path, series = item
            try:
                picture: QImage | str = thumbnail(series)
            except LesionError as error:
                picture = sentence(error)
            self.pictured.emit(path, series.key, picture)


def thumbnail(series: Series) -> QImage:
    """Draw the middle plane of a series into a square, black around it.

    Raises
    ------
    DecodeError
        If it is damaged.
    """
    seen = preview(series)
    rows, columns = seen.grey.shape
    image = QImage(seen.grey.tobytes(), columns, rows, columns, QImage.Format.Format_Grayscale8)
    shape = QSize(columns, max(1, round(rows * seen.aspect))).scaled(
        PICTURE, PICTURE, Qt.AspectRatioMode.KeepAspectRatio
    )
    small = image.scaled(
        shape.expandedTo(QSize(1, 1)),
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    return small.copy((small.width() - PICTURE) // 2, (small.height() - PICTURE) // 2, PICTURE, PICTURE)
