"""Drawings of the measuring tools on the screen: where they are seen, their lines, handles and words.

Places are in napari's world, mm (z, y, x). It is the patient turned as a whole (`layers.Frame`): lengths and angles are
the same in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from qtpy.QtCore import QPointF, QRectF, QSizeF, Qt
from qtpy.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF

from napari_lesion.model.drawn import REGIONS, Drawing, Tool
from napari_lesion.model.volume import FloatArray
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.viewer.layers import UprightFrame
from napari_lesion.plugin.viewer.tools.cursor import number

COLOR = QColor("#ffa5e2")
CHOSEN_COLOR = QColor("#ffffff")
_HALO = QColor(0, 0, 0, 220)
_BEHIND = QColor(0, 0, 0, 90)
HANDLE_PX = 4.0
_PARALLEL = 1 - 1e-6
_SMALLEST_MM = 0.2
"""Least side of a region that is dragged: it never turns into a line."""
_HEAD_PX = 11.0
_FONT_SIZE = 10.0
_BESIDE_PX = 7.0
"""Between a shape and its words."""
_STEP_PX = 6.0
"""By which words are moved up and down until they stand on no others."""
_AROUND = 72
"""Points of an ellipse."""

NAMES: dict[Tool, str] = {
    "ruler": N_("Ruler"),
    "angle": N_("Angle"),
    "ellipse": N_("Ellipse"),
    "rectangle": N_("Rectangle"),
    "arrow": N_("Arrow with text"),
    "pin": N_("HU pin"),
}


@dataclass(frozen=True)
class DrawnShape:
    """A drawing, or one that is being drawn, in napari's world."""

    tool: Tool
    points: FloatArray
    """(n, 3) mm, as `model.drawn.POINTS` has them; fewer while it is being drawn."""

    def outline(self) -> FloatArray:
        """Line (n, 3) that is drawn."""
        points = self.points
        if self.tool == "rectangle":
            return np.vstack([points, points[:1]])
        if self.tool == "ellipse":
            middle, one, other = points.mean(axis=0), (points[1] - points[0]) / 2, (points[3] - points[2]) / 2
            turn = np.linspace(0, 2 * np.pi, _AROUND + 1)[:, None]
            line: FloatArray = middle + np.cos(turn) * one + np.sin(turn) * other
            return line
        return points

    def moved(self, grip: int | None, way: FloatArray) -> DrawnShape:
        """Drag a point of it, or as a whole where that is None, by a way in its plane (mm)."""
        points = self.points.copy()
        if grip is None:
            points += way
        elif self.tool == "rectangle":
            points = _with_corner(points, grip, points[grip] + way)
        elif self.tool == "ellipse":
            points = _with_end(points, grip, points[grip] + way)
        else:
            points[grip] += way
        return DrawnShape(self.tool, points)


def _with_corner(points: FloatArray, corner: int, place: FloatArray) -> FloatArray:
    """Move a corner of a rectangle; the one across from it stays."""
    across = (corner + 2) % 4
    fixed, made = points[across], points.copy()
    for neighbour in ((across + 1) % 4, (across + 3) % 4):
        side = points[neighbour] - fixed
        made[neighbour] = fixed + _stretched(side, place - fixed)
    made[corner] = made[(across + 1) % 4] + made[(across + 3) % 4] - fixed
    return made


def _with_end(points: FloatArray, end: int, place: FloatArray) -> FloatArray:
    """Move the end of a diameter of an ellipse; the other end stays, and the other diameter goes along."""
    made, fixed = points.copy(), points[end ^ 1]
    made[end] = fixed + _stretched(points[end] - fixed, place - fixed)
    others = [2, 3] if end < 2 else [0, 1]
    made[others] += (made[end] - points[end]) / 2
    return made


def _stretched(side: FloatArray, way: FloatArray) -> FloatArray:
    """Give a side the length that a way has along it, and never none."""
    direction = side / np.linalg.norm(side)
    length = float(way @ direction)
    if abs(length) < _SMALLEST_MM:
        length = _SMALLEST_MM if length >= 0 else -_SMALLEST_MM
    stretched: FloatArray = direction * length
    return stretched


def clicked(tool: Tool, places: Sequence[FloatArray], vertical: int, horizontal: int) -> DrawnShape:
    """Make the shape out of the places that were clicked; of a region these are the corners around it.

    Parameters
    ----------
    tool : Tool
    places : sequence of (3,)
        In the world, mm.
    vertical, horizontal : int
        World axes of the view.
    """
    points = np.array(places, dtype=np.float64)
    if tool not in REGIONS or len(points) < 2:
        return DrawnShape(tool, points)
    first, last = points[0], points[1].copy()
    for axis in (vertical, horizontal):
        if abs(last[axis] - first[axis]) < _SMALLEST_MM:
            last[axis] = first[axis] + _SMALLEST_MM
    beside, below = first.copy(), first.copy()
    beside[horizontal], below[vertical] = last[horizontal], last[vertical]
    if tool == "rectangle":
        return DrawnShape(tool, np.array([first, beside, last, below]))
    middle, across, down = (first + last) / 2, (beside - first) / 2, (below - first) / 2
    return DrawnShape(tool, np.array([middle - across, middle + across, middle - down, middle + down]))


def shape_of(drawing: Drawing, frame: UprightFrame) -> DrawnShape:
    """Give a drawing in the world of its scan."""
    return DrawnShape(drawing.tool, frame.to_world(drawing.points_mm))


def is_seen(drawing: Drawing, frame: UprightFrame, axis: int, depth: float, reach: float) -> bool:
    """Whether a drawing is on the slice that a view shows.

    Parameters
    ----------
    drawing : Drawing
    frame : UprightFrame
    axis : int
        World axis through the slices of the view.
    depth : float
        Of the slice along it, mm.
    reach : float
        Half of the slice's or slab's thickness, mm.
    """
    # A pin is a place; all else lies in a plane.
    if drawing.tool != "pin" and abs(float(frame.axes[axis] @ drawing.normal)) < _PARALLEL:
        return False
    world = frame.to_world(drawing.points_mm)
    return bool(np.abs(world[:, axis] - depth).max() <= reach + 1e-6)


# -- words ------------------------------------------------------------------------------------------------------------


def words(drawing: Drawing) -> list[str]:
    """Describe what was measured, in lines for the picture."""
    values, unit = drawing.values, f" {drawing.values.unit}" if drawing.values.unit else ""
    lines = []
    if values.length is not None:
        lines.append(_sized(values.length, values.length_unit))
    if values.angle_deg is not None:
        lines.append(f"{values.angle_deg:.1f}°")
    if values.value is not None:
        lines.append(f"{number(values.value)}{unit}" if unit else tr("value {value}", value=number(values.value)))
    if values.mean is not None and values.sd is not None:
        lines.append(tr("mean {mean}{unit}, SD {sd}", mean=_rounded(values.mean), unit=unit, sd=_rounded(values.sd)))
    if values.lowest is not None and values.highest is not None:
        low, high = number(values.lowest), number(values.highest)
        lines.append(tr("min {low}, max {high}{unit}", low=low, high=high, unit=unit))
    if values.area is not None:
        lines.append(_area(values.area, values.length_unit))
    if values.voxels == 0:
        lines.append(tr("too small: no voxel's centre lies in it"))
    if drawing.slab is not None:
        lines.append(tr("on a slab of {count} slices", count=drawing.slab.slices))
    elif values.voxels and not drawing.on_image:
        lines.append(tr("on a plane made of several images"))
    if drawing.text:
        lines.insert(0, drawing.text)
    name = drawing.name
    return [f"{name}  {lines[0]}", *lines[1:]] if lines else [name]


def _sized(length: float, unit: str) -> str:
    if unit == "px":
        return tr("{length} px (no size known)", length=f"{length:.1f}")
    return f"{length:.1f} mm" if unit == "mm" else tr("{length} mm at the detector", length=f"{length:.1f}")


def _area(area: float, unit: str) -> str:
    if unit == "px":
        return tr("area {area} px² (no size known)", area=f"{area:.0f}")
    text = f"{area:.1f}" if area < 1000 else f"{area:.0f}"
    if unit == "mm":
        return tr("area {area} mm²", area=text)
    return tr("area {area} mm² at the detector", area=text)


def _rounded(value: float) -> str:
    return f"{value:.1f}".replace("-", "−") if abs(value) < 10000 else number(value)


# -- painting ---------------------------------------------------------------------------------------------------------


def paint(painter: QPainter, tool: Tool, line: Sequence[QPointF], handles: Sequence[QPointF], chosen: bool) -> None:
    """Draw the line of a shape, in pixels, and where it can be taken hold of."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    color = CHOSEN_COLOR if chosen else COLOR
    path = QPainterPath()
    if tool == "pin":
        for at in line[:1]:
            for dx, dy in ((7, 0), (0, 7)):
                path.moveTo(at.x() - dx, at.y() - dy)
                path.lineTo(at.x() + dx, at.y() + dy)
            path.addEllipse(at, 4, 4)
    else:
        path.addPolygon(QPolygonF(list(line)))
        if tool == "arrow" and len(line) == 2:
            _add_head(path, *line)
    for pen in (QPen(_HALO, 3.4), QPen(color, 1.6)):
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)
    if tool == "pin" or (tool == "arrow" and not chosen):
        return
    side = HANDLE_PX if chosen else 2.5
    painter.setPen(QPen(_HALO, 1))
    painter.setBrush(color)
    for at in handles:
        painter.drawRect(QRectF(at.x() - side, at.y() - side, 2 * side, 2 * side))


def _add_head(path: QPainterPath, tip: QPointF, end: QPointF) -> None:
    way = np.array([end.x() - tip.x(), end.y() - tip.y()])
    length = float(np.hypot(*way))
    if length < 1:
        return
    for turn in (0.4, -0.4):
        cos, sin = np.cos(turn), np.sin(turn)
        dx, dy = np.array([[cos, -sin], [sin, cos]]) @ way / length * min(_HEAD_PX, length)
        path.moveTo(tip)
        path.lineTo(tip.x() + dx, tip.y() + dy)


def write(
    painter: QPainter,
    lines: Sequence[str],
    shape: Sequence[QPointF],
    size: tuple[int, int],
    chosen: bool,
    taken: list[QRectF],
) -> None:
    """Write the words of a drawing beside it, within the canvas; readable on black and on white.

    Parameters
    ----------
    painter : QPainter
    lines : sequence of str
    shape : sequence of QPointF
        The drawing's line, pixels of the canvas.
    size : tuple of int
        Of the canvas: width and height, pixels.
    chosen : bool
    taken : list of QRectF
        Where other words stand; these are added.
    """
    font = QFont(painter.font())
    font.setPointSizeF(_FONT_SIZE)
    metrics = QFontMetricsF(font)
    width, height = max(metrics.horizontalAdvance(one) for one in lines), metrics.lineSpacing() * len(lines)
    room = place_for(QSizeF(width + 6, height + 2), QPolygonF(list(shape)).boundingRect(), size, taken)
    taken.append(room)
    painter.fillRect(room, _BEHIND)
    path = QPainterPath()
    for row, line in enumerate(lines):
        path.addText(room.left() + 3, room.top() + 1 + metrics.ascent() + row * metrics.lineSpacing(), font, line)
    halo = QPen(_HALO, 2.2)
    halo.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(path, halo)
    painter.fillPath(path, CHOSEN_COLOR if chosen else COLOR)


def place_for(words: QSizeF, shape: QRectF, size: tuple[int, int], taken: Sequence[QRectF]) -> QRectF:
    """Find where words go: beside their shape, on the canvas, and on no other words as long as there is room.

    Parameters
    ----------
    words : QSizeF
        How much room they take, pixels.
    shape : QRectF
        Where the shape is on the canvas, pixels.
    size : tuple of int
        Of the canvas: width and height, pixels.
    taken : sequence of QRectF
        Where other words stand.
    """
    right, left = shape.right() + _BESIDE_PX, shape.left() - _BESIDE_PX - words.width()
    level, middle = shape.center().y() - words.height() / 2, shape.center().x() - words.width() / 2
    over, under = shape.top() - _BESIDE_PX - words.height(), shape.bottom() + _BESIDE_PX
    canvas = QRectF(0, 0, *size)
    sides = [(right, level), (left, level), (middle, over), (middle, under)]
    sides = [one for one in sides if canvas.contains(QRectF(QPointF(*one), words))] or sides[:1]
    steps = range(int(size[1] / _STEP_PX) + 1)
    shifts = sorted((sign * step * _STEP_PX for step in steps for sign in (1, -1)), key=abs)
    tried = [_inside(QRectF(QPointF(x, y + shift), words), canvas) for shift in shifts for x, y in sides]
    return next((room for room in tried if not any(room.intersects(other) for other in taken)), tried[0])


def _inside(room: QRectF, canvas: QRectF) -> QRectF:
    left = min(max(room.left(), 0.0), max(canvas.width() - room.width(), 0.0))
    top = min(max(room.top(), 0.0), max(canvas.height() - room.height(), 0.0))
    return QRectF(QPointF(left, top), room.size())
