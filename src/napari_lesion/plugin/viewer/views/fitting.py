"""Keeps pictures fitted when their window changes size."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qtpy.QtCore import QEvent, QObject, QTimer

from napari_lesion.plugin.viewer.views.pane import Pane

_SAME = 1e-6


class Fitting(QObject):
    """Fits pictures again when a view changes size; one that was zoomed keeps showing as much as it did.

    Parameters
    ----------
    fit : callable
        Shows all of the scan in every view.
    panes : callable
        The views that can be seen.
    """

    def __init__(self, fit: Callable[[], None], panes: Callable[[], Iterable[Pane]], parent: QObject) -> None:
        super().__init__(parent)
        self._fit, self._panes = fit, panes
        self._fitted: dict[Pane, tuple[float, tuple[float, ...]]] = {}
        """Zoom and centre of the views when they were fitted."""
        self._sizes: dict[Pane, int] = {}
        """Shorter side of the canvas at which a view has its zoom, pixels."""
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._follow)

    def watch(self, pane: Pane) -> None:
        """Follow the size of a view."""
        pane.canvas.installEventFilter(self)

    def eventFilter(self, _canvas: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Wait until all views have their new sizes."""
        if event.type() == QEvent.Type.Resize:
            self._later.start()
        return False

    def note_fit(self) -> None:
        """Remember that the views show all of the scan now."""
        self._later.stop()
        for pane in self._panes():
            if not hasattr(pane, "canvas"):
                continue  # its window was closed meanwhile
            self._fitted[pane] = _look(pane)
            self._sizes[pane] = _size(pane)

    def is_fitted(self, pane: Pane) -> bool:
        """Whether nobody has zoomed or moved the picture since it was fitted."""
        if pane not in self._fitted:
            return True
        zoom, centre = self._fitted[pane]
        now, place = _look(pane)
        same = all(abs(one - other) < _SAME for one, other in zip(centre, place, strict=True))
        return same and abs(zoom - now) <= _SAME * zoom

    def _follow(self) -> None:
        panes = [pane for pane in self._panes() if pane.is_plane and hasattr(pane, "canvas")]
        if all(_size(pane) == self._sizes.get(pane) for pane in panes):
            return
        if all(self.is_fitted(pane) for pane in panes):
            self._fit()
            return
        for pane in panes:
            before, now = self._sizes.get(pane), _size(pane)
            if before and before != now:
                pane.view.scene.camera.zoom *= now / before
            self._sizes[pane] = now

    def forget(self, pane: Pane) -> None:
        """Let go of a view that is closed."""
        self._fitted.pop(pane, None)
        self._sizes.pop(pane, None)


def _size(pane: Pane) -> int:
    return max(min(pane.canvas.width(), pane.canvas.height()), 1)


def _look(pane: Pane) -> tuple[float, tuple[float, ...]]:
    camera = pane.view.scene.camera
    return float(camera.zoom), tuple(camera.center[-2:])
