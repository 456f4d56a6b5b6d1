"""What Qt draws above a canvas: the crosshair, the letters of the sides, the texts in the corners.

The picture below stays as it is while they change. napari would draw all of it anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

import numpy as np
from qtpy.QtCore import QEvent, QLineF, QObject, QPointF, QRect, Qt
from qtpy.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

from napari_lesion.model.volume import FloatArray
from napari_lesion.plugin.viewer.view import LETTER_COLOR, LETTER_SIZE, letters_of
from napari_lesion.plugin.viewer.views.projection import to_screen

if TYPE_CHECKING:
    from napari.components import ViewerModel

#: Colour of the plane across each world axis (axial, coronal, sagittal). Dashes tell them apart as well.
PLANE_COLORS = ("#ff6b6b", "#5fd35f", "#6ab0ff")
_DASHES = (None, (6.0, 3.0), (2.0, 3.0))
_CENTRE = (Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignVCenter)
_PLACES = {
    "left": _CENTRE[1] | Qt.AlignmentFlag.AlignLeft,
    "right": _CENTRE[1] | Qt.AlignmentFlag.AlignRight,
    "top": _CENTRE[0] | Qt.AlignmentFlag.AlignTop,
    "bottom": _CENTRE[0] | Qt.AlignmentFlag.AlignBottom,
    "top_left": Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft,
    "top_right": Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight,
    "bottom_left": Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft,
    "bottom_right": Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight,
}
CORNER_COLOR = QColor("#c8d2dc")
CORNER_BACKGROUND = QColor(0, 0, 0, 110)
HALO_COLOR = QColor(0, 0, 0)
HALO = tuple((right, down) for right in (-1, 0, 1) for down in (-1, 0, 1) if right or down)
"""Pixels by which letters are drawn in the dark before they are drawn themselves."""
SCALE_BAR, SCALE_BAR_WIDTH = 52, 162
"""Pixels at the bottom right that napari's scale bar has."""
MARGIN = 10
"""Pixels between the letters and the edge."""
GAP = 14.0
"""Pixels around the place that stay free, so that the crosshair hides no lesion."""


class Marks(QWidget):
    """Lies over a canvas and lets the mouse through.

    Parameters
    ----------
    canvas : QWidget
        The native widget of the canvas.
    view : ViewerModel
        What the canvas shows.
    """

    def __init__(self, canvas: QWidget, view: ViewerModel) -> None:
        super().__init__(canvas)
        self._view = view
        self._corners: dict[str, tuple[str, float]] = {}
        self.lines_shown = True
        self.letters_shown = False
        self._world: FloatArray | None = None
        self.paint_more: Callable[[QPainter], None] = lambda _painter: None
        """Draws above the picture and the crosshair, below letters and texts."""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        _marks[view] = ref(self)
        canvas.installEventFilter(self)
        self.resize(canvas.size())
        camera = view.scene.camera
        for event in (camera.events.center, camera.events.zoom, camera.events.angles, camera.events.orientation):
            event.connect(self._redraw)
        view.dims.events.order.connect(self._redraw)
        view.dims.events.ndisplay.connect(self._redraw)

    def _redraw(self, _event: object = None) -> None:
        self.update()

    def letters(self) -> dict[str, str]:
        """Letters to draw at the left, right, top and bottom."""
        dims = self._view.dims
        if not self.letters_shown or dims.ndim != 3:
            return {}
        return letters_of(self._view)

    def set_corner(self, corner: str, text: str, font_size: float) -> None:
        """Write into a corner: ``top_left`` and so on; the size is in points."""
        if self._corners.get(corner) != (text, font_size):
            self._corners[corner] = text, font_size
            self.update()

    def show_parts(self, *, lines: bool, letters: bool) -> None:
        """Show or hide the crosshair, and the letters."""
        if (lines, letters) != (self.lines_shown, self.letters_shown):
            self.lines_shown, self.letters_shown = lines, letters
            self.update()

    def move_to(self, world: FloatArray | None) -> None:
        """Show the crosshair at a place in napari's world, or nowhere."""
        if world is None or self._world is None or not np.array_equal(world, self._world):
            self._world = world
            self.update()

    @property
    def at(self) -> tuple[float, float] | None:
        """Where the crosshair is: pixels from the upper left corner."""
        if self._world is None:
            return None
        displayed = self._view.dims.displayed
        return to_screen(self._world, self._view.scene.camera, displayed, (self.width(), self.height()))

    def lines(self) -> list[tuple[int, QLineF]]:
        """Lines to draw, and the plane that each stands for (0 axial, 1 coronal, 2 sagittal).

        In 3D each line is where the other two planes meet.
        """
        if self._world is None:
            return []
        dims, camera = self._view.dims, self._view.scene.camera
        size = (float(self.width()), float(self.height()))
        centre = np.array(self.at)
        far_away = float(np.hypot(*(centre - np.array(size) / 2))) + size[0] + size[1]  # beyond every edge
        lines = []
        for axis in dims.displayed:
            along = np.zeros(len(self._world))
            along[axis] = 1.0
            direction = np.array(to_screen(self._world + along, camera, dims.displayed, size)) - centre
            length = float(np.hypot(*direction))
            if length < 1e-6:
                continue  # one looks along it
            # In a plane the line along one axis is the cut of the plane across the other one.
            plane = next(other for other in dims.displayed if other != axis) if dims.ndisplay == 2 else axis
            step = direction / length
            for sign in (-1, 1):
                near, far = centre + sign * GAP * step, centre + sign * far_away * step
                lines.append((plane, QLineF(QPointF(*near), QPointF(*far))))
        return lines

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the lines."""
        painter = QPainter(self)
        for plane, line in self.lines() if self.lines_shown else ():
            pen = QPen(QColor(PLANE_COLORS[plane]), 1)
            dashes = _DASHES[plane]
            if dashes is not None:
                pen.setDashPattern(dashes)
            painter.setPen(pen)
            painter.drawLine(line)
        painter.save()
        self.paint_more(painter)
        painter.restore()
        self._write_corners(painter)
        self._write_letters(painter)  # over the words: in a narrow view these may reach there
        painter.end()

    def _write_letters(self, painter: QPainter) -> None:
        font = painter.font()
        font.setPointSize(LETTER_SIZE)
        painter.setFont(font)
        floors = self.floors()
        for side, letter in self.letters().items():
            area = self.rect().adjusted(MARGIN, MARGIN, -MARGIN, -floors.get(side, MARGIN))
            _write(painter, area, _PLACES[side], letter, QColor(LETTER_COLOR))

    def floors(self) -> dict[str, int]:
        """Pixels below what stands at the bottom: in a narrow view the scale bar has no room beside it."""
        floors = {"bottom": MARGIN, "bottom_left": MARGIN, "bottom_right": SCALE_BAR}
        text, size = self._corners.get("bottom_left", ("", 1.0))
        font = self.font()
        font.setPointSizeF(size)
        box = QFontMetrics(font).boundingRect(self.rect(), 0, text)
        middle, end = self.width() / 2, MARGIN + box.width()
        bar = self.width() - SCALE_BAR_WIDTH if self._view.canvas.overlays["scale_bar"].visible else self.width()
        if text and end > bar:
            floors["bottom_left"] = SCALE_BAR
        if middle + LETTER_SIZE > bar:
            floors["bottom"] = SCALE_BAR
        if text and end > middle - LETTER_SIZE and floors["bottom"] == floors["bottom_left"]:
            floors["bottom"] += box.height() + MARGIN // 2
        return floors

    def _write_corners(self, painter: QPainter) -> None:
        font, floors = painter.font(), self.floors()
        for corner, (text, size) in self._corners.items():
            if not text:
                continue
            font.setPointSizeF(size)
            painter.setFont(font)
            area = self.rect().adjusted(MARGIN, MARGIN, -MARGIN, -floors.get(corner, MARGIN))
            behind = painter.boundingRect(area, _PLACES[corner], text)
            painter.fillRect(behind.adjusted(-3, -1, 3, 1), CORNER_BACKGROUND)
            _write(painter, area, _PLACES[corner], text, CORNER_COLOR)

    def eventFilter(self, canvas: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Stay as large as the canvas."""
        if event.type() == QEvent.Type.Resize and isinstance(canvas, QWidget):
            self.resize(canvas.size())
        return False


def _write(painter: QPainter, area: QRect, place: Qt.AlignmentFlag, text: str, color: QColor) -> None:
    """Write with a dark edge around each letter: a picture may be white."""
    painter.setPen(HALO_COLOR)
    for right, down in HALO:
        painter.drawText(area.translated(right, down), place, text)
    painter.setPen(color)
    painter.drawText(area, place, text)


_marks: WeakKeyDictionary[ViewerModel, ref[Marks]] = WeakKeyDictionary()


def forget_marks(view: ViewerModel) -> None:
    """Write nothing above a view any more, whose canvas is closed."""
    _marks.pop(view, None)


def marks_of(view: ViewerModel) -> Marks | None:
    """Get what Qt draws above a view; None for a view without a canvas of its own."""
    known = _marks.get(view)
    return known() if known is not None else None
