"""One view on the screen: its canvas, its crosshair, its heading, and what wheel and mouse do in it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QEvent, QObject, QPointF, Qt, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QCursor, QKeyEvent, QMouseEvent, QWheelEvent
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QApplication, QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_lesion.model.volume import FloatArray
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.view import screen_axes, volume_of
from napari_lesion.plugin.viewer.views.marks import PLANE_COLORS, Marks, forget_marks

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.qt import QtViewer

SAME_MM = 1e-6
"""Places nearer than this are one."""
ZOOM_STEP = 1.2
"""Of one notch of the wheel, or of one key press."""
FEWEST_VOXELS = 8
"""Across a view, as far as one zooms in: nearer, nobody can tell any more what lies there."""
NOTCH = 120
"""Of a wheel, in eighths of a degree: what Qt reports."""


class Pane(QWidget):
    """One view.

    Parameters
    ----------
    qt_viewer : QtViewer
        The canvas. It becomes a child of the pane.
    keys : QWidget, optional
        Canvas that gets the keys that are pressed in this one, since keys are bound there.
    """

    entered = Signal(object)
    """The mouse came into this view."""
    scrolled = Signal(object, int)
    """Wheel over this view, in slices; positive when it turns towards the reader."""
    double_clicked = Signal(object)

    def __init__(self, qt_viewer: QtViewer, keys: QWidget | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.qt_viewer = qt_viewer
        self.view: ViewerModel = qt_viewer.viewer
        self.canvas: QWidget = qt_viewer.canvas.native
        self.reads_scan: Callable[[], bool] = lambda: True
        """Whether a scan is shown; any other image keeps napari's mouse."""
        self.mouse_first: Callable[[QMouseEvent], bool] = lambda _event: False
        """Asked before all others what to do with the mouse; True where it took the event."""
        self._keys = keys
        self._notches = 0.0
        self._pan_from: QPointF | None = None
        self._caption = ""
        self.heading = QLabel()
        self.heading.setTextFormat(Qt.TextFormat.RichText)
        self.heading.setContentsMargins(6, 0, 6, 0)
        # Long words must not make one view wider than the one beside it.
        self.heading.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.heading.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.heading)
        layout.addWidget(qt_viewer, 1)
        qt_viewer.show()
        self.marks = Marks(self.canvas, self.view)
        self.marks.show()
        self._wheel = QTimer(self)
        self._wheel.setSingleShot(True)
        self._wheel.setInterval(0)
        self._wheel.timeout.connect(self._scroll)
        self.canvas.installEventFilter(self)
        # What lies under the pointer changes also where the picture moves and the mouse does not.
        self._pointer = QTimer(self, singleShot=True, interval=0)
        self._pointer.timeout.connect(self._point_again)
        camera, dims = self.view.scene.camera, self.view.dims
        layers, size = self.view.layers.events, self.view.canvas.events.size
        for moved in (camera.events.center, camera.events.zoom, dims.events.current_step, dims.events.order, size):
            moved.connect(self._on_moved)
        for changed in (layers.inserted, layers.removed, dims.events.ndisplay):
            changed.connect(self._on_moved)
        self._flush_here()
        self.view.dims.events.order.connect(self._name)
        self.view.dims.events.ndisplay.connect(self._name)
        self._name()

    def _flush_here(self) -> None:
        """Let what napari sends to OpenGL for this canvas go to this canvas.

        When layers went, napari sends all that waits, and does not say to which canvas: it went to the one that was
        drawn last, or to none, and pictures that had just come could not be drawn.
        """
        canvas = self.canvas
        if not isinstance(canvas, QOpenGLWidget):
            return
        drawn = canvas._vispy_canvas  # type: ignore[attr-defined]  # napari gives no other way to it
        finish = drawn.context.finish

        def flush() -> None:
            with suppress(RuntimeError):  # the canvas is gone
                if canvas.isValid():  # one that was never shown has no context yet
                    drawn.set_current()
            finish()

        drawn.context.finish = flush

    def let_go(self) -> None:
        """Forget the canvas, which is closed: whoever still holds the pane must not hold napari's window with it."""
        self._wheel.stop()
        self._pointer.stop()
        forget_marks(self.view)
        self.mouse_first = lambda _event: False
        self.marks.paint_more = lambda _painter: None
        self.canvas.removeEventFilter(self)
        del self.qt_viewer, self.canvas
        self._keys = None

    @property
    def is_plane(self) -> bool:
        """Whether the view shows a slice, not 3D."""
        return bool(self.view.dims.ndisplay == 2)

    @property
    def through(self) -> int:
        """World axis that one scrolls along: 0 axial, 1 coronal, 2 sagittal."""
        return int(self.view.dims.order[0]) if self.view.dims.ndim == 3 else 0

    def show_slice(self, world: FloatArray) -> None:
        """Bring the view to the slice of a place in napari's world."""
        # On the slider's grid, where napari puts the point anyway: what moves within a slice cuts none.
        low, high, step = self.view.dims.range[self.through]
        point = float(np.clip(low + np.rint((world[self.through] - low) / step) * step, low, high))
        if abs(point - self.view.dims.point[self.through]) > SAME_MM:
            self.view.dims.set_point(self.through, point)

    def caption(self, text: str) -> None:
        """Show in the heading what is shown, after the plane's name."""
        self._caption = text
        self._name()

    def _name(self) -> None:
        if self.is_plane:
            name = (tr("Axial"), tr("Coronal"), tr("Sagittal"))[self.through]
            name = f'<span style="color:{PLANE_COLORS[self.through]}">■</span> {name}'
        else:
            name = tr("3D (maximum projection)")
        self.heading.setText(f"{name} · <b>{escape(self._caption)}</b>" if self._caption else name)
        self.heading.setToolTip(self._caption)

    # -- the camera ---------------------------------------------------------------------------------------------------

    def zoom_by(self, factor: float, around: QPointF | None = None) -> None:
        """Zoom; the place under a point of the canvas (or else the centre) stays where it is.

        In a plane there are always `FEWEST_VOXELS` of the scan across the canvas, or as many as there were.
        """
        camera = self.view.scene.camera
        if factor > 1 and (nearest := self._nearest()) is not None:
            factor = min(factor, max(nearest / camera.zoom, 1.0))
        if around is not None and self.is_plane:
            offset = self._in_mm(around.x() - self.canvas.width() / 2, around.y() - self.canvas.height() / 2)
            self._move_camera(offset * (1 - 1 / factor))
        camera.zoom *= factor

    def _nearest(self) -> float | None:
        """Find the zoom at which few voxels fill the canvas; None where no plane of a scan is shown."""
        layer = next((one for one in self.view.layers if volume_of(one) is not None), None) if self.is_plane else None
        if layer is None or layer.ndim != self.view.dims.ndim:
            return None
        voxel = min(abs(float(layer.scale[axis])) for axis in self.view.dims.displayed)
        return max(min(self.canvas.width(), self.canvas.height()), 1) / (FEWEST_VOXELS * voxel)

    def _in_mm(self, right_px: float, down_px: float) -> FloatArray:
        """Turn a way on the screen into one in the world, along the displayed axes."""
        right, down = screen_axes(self.view.scene.camera, self.view.dims.ndisplay)
        way: FloatArray = (right * right_px + down * down_px) / self.view.scene.camera.zoom
        return way

    def world_at(self, at: QPointF) -> FloatArray:
        """Give the place in napari's world that is under a point of the canvas, on the slice that is shown."""
        dims = self.view.dims
        world = np.array(dims.point, dtype=np.float64)
        offset = self._in_mm(at.x() - self.canvas.width() / 2, at.y() - self.canvas.height() / 2)
        world[list(dims.displayed)] = np.array(self.view.scene.camera.center[-2:]) + offset
        return world

    def _move_camera(self, offset: FloatArray) -> None:
        camera = self.view.scene.camera
        center = np.array(camera.center, dtype=np.float64)
        center[-len(offset) :] += offset
        camera.center = tuple(center.tolist())

    def _on_moved(self, _event: object = None) -> None:
        self._pointer.start()

    def _point_again(self) -> None:
        """Tell napari which place is under the pointer now."""
        dims = self.view.dims
        if not self.is_plane or dims.ndim != 3 or not self.canvas.underMouse():
            return
        position = tuple(self.world_at(QPointF(self.canvas.mapFromGlobal(QCursor.pos()))).tolist())
        if tuple(self.view.cursor.position) == position:  # something else may lie there now
            self.view.cursor.events.position(value=position)
        else:
            self.view.cursor.position = position

    # -- the mouse ----------------------------------------------------------------------------------------------------

    def eventFilter(self, _canvas: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Take wheel, middle button and double click before napari does; send keys to where they are bound."""
        kind = event.type()
        if kind == QEvent.Type.Enter:
            self.entered.emit(self)
            self._pointer.start()  # a view that comes under a pointer that rests hears of no move
        elif isinstance(event, QKeyEvent) and self._keys is not None:
            if kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
                QApplication.sendEvent(self._keys, event)
                return True
        elif not self.reads_scan():
            return False
        elif isinstance(event, QWheelEvent):
            return self._on_wheel(event)
        elif isinstance(event, QMouseEvent):
            return self.mouse_first(event) or self._on_mouse(event)
        return False

    def _on_wheel(self, event: QWheelEvent) -> bool:
        turned = event.angleDelta().y() / NOTCH
        modifiers = event.modifiers()
        if not self.is_plane or not turned:
            return False
        if modifiers == Qt.KeyboardModifier.ControlModifier:
            self.zoom_by(ZOOM_STEP**turned, event.position())
        elif modifiers == Qt.KeyboardModifier.NoModifier:
            # Notches that come while a slice is drawn are taken together: the picture never lags behind the wheel.
            self._notches -= turned
            self._wheel.start()
        else:
            return False
        return True

    def _scroll(self) -> None:
        slices = int(self._notches)
        self._notches -= slices
        if slices:
            self.scrolled.emit(self, slices)

    def _on_mouse(self, event: QMouseEvent) -> bool:
        kind, button = event.type(), event.button()
        if kind == QEvent.Type.MouseButtonDblClick and button == Qt.MouseButton.LeftButton and self._idle():
            self.double_clicked.emit(self)
            return True
        if kind == QEvent.Type.MouseButtonPress and self.is_plane and self._pans(event):
            self._pan_from = event.position()
            return True
        if self._pan_from is None:
            return False
        if kind == QEvent.Type.MouseMove:
            way = self._pan_from - event.position()
            self._pan_from = event.position()
            self._move_camera(self._in_mm(way.x(), way.y()))
        elif kind == QEvent.Type.MouseButtonRelease:
            self._pan_from = None
        return True

    def _pans(self, event: QMouseEvent) -> bool:
        if event.button() == Qt.MouseButton.MiddleButton:
            return True
        shift = event.modifiers() == Qt.KeyboardModifier.ShiftModifier
        return event.button() == Qt.MouseButton.LeftButton and shift and self._idle()

    def _idle(self) -> bool:
        """Whether the left button is free: nothing is painted or edited with it."""
        return idle(self.view)


def idle(view: ViewerModel) -> bool:
    """Whether no tool of the active layer has the left mouse button."""
    active = view.layers.selection.active
    return active is None or str(active.mode) == "pan_zoom"
