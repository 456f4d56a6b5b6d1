"""Pictures of a finding in three planes, with outline and axes, in a row."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QPointF, QRectF, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QColor, QFont, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from qtpy.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from napari_lesion.plugin.findings.outlines import LONG_COLOR, SHORT_COLOR
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.viewer.finding_layers import SELECTED_COLOR
from napari_lesion.report.pictures import SCALE_MM, Picture

_PENS = {
    "outline": (SELECTED_COLOR, Qt.PenStyle.SolidLine),
    "long axis": (LONG_COLOR, Qt.PenStyle.SolidLine),
    "short axis": (SHORT_COLOR, Qt.PenStyle.SolidLine),
    "estimate": (SELECTED_COLOR, Qt.PenStyle.DashLine),
}
VIEWS = {"axial": N_("Axial"), "coronal": N_("Coronal"), "sagittal": N_("Sagittal")}
_LEAST_PX = 90
_MOST_PX = 220


class PictureRow(QWidget):
    """Three planes beside each other."""

    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.planes = tuple(_Plane() for _ in VIEWS)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        for plane in self.planes:
            layout.addWidget(plane)
            plane.clicked.connect(self.clicked)

    def show_pictures(self, pictures: Sequence[Picture]) -> None:
        """Show a finding; without pictures the row is not there."""
        self.setVisible(bool(pictures))
        for plane, picture in zip(self.planes, pictures, strict=False):
            plane.show_picture(picture)


class _Plane(QWidget):
    clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._picture: Picture | None = None
        self._scan = QPixmap()
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setMinimumSize(_LEAST_PX, _LEAST_PX)
        self.setMaximumSize(_MOST_PX, _MOST_PX)

    def show_picture(self, picture: Picture) -> None:
        self._picture = picture
        self._scan.loadFromData(picture.jpeg)
        self.setToolTip(tr(VIEWS[picture.view]))
        self.setAccessibleName(picture.alt)
        self.update()

    def hasHeightForWidth(self) -> bool:  # noqa: N802 - Qt's
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802 - Qt's
        return min(width, _MOST_PX)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802, ARG002 - Qt's
        self.clicked.emit()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's
        if self._picture is None:
            return
        side = min(self.width(), self.height())
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(QRectF(0, 0, side, side), self._scan, QRectF(self._scan.rect()))
        scale = side / self._picture.pixels
        for line in self._picture.lines:
            color, style = _PENS[line.kind]
            painter.setPen(QPen(QColor(color), 1.3, style))
            painter.drawPolyline(QPolygonF([QPointF(x * scale, y * scale) for x, y in line.places]))
        self._draw_edges(painter, side, self._picture.scale * scale)
        painter.end()

    def _draw_edges(self, painter: QPainter, side: float, scale_px: float) -> None:
        """Write the sides of the patient at the edges, and draw how long 10 mm are."""
        if self._picture is None:
            return
        font = QFont(self.font())
        font.setPixelSize(10)
        painter.setFont(font)
        painter.setPen(QColor("#e8e8e8"))
        area = QRectF(2, 1, side - 4, side - 2)
        left, right, top, bottom = self._picture.letters
        middle, center = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignHCenter
        painter.drawText(area, middle | Qt.AlignmentFlag.AlignLeft, left)
        painter.drawText(area, middle | Qt.AlignmentFlag.AlignRight, right)
        painter.drawText(area, center | Qt.AlignmentFlag.AlignTop, top)
        painter.drawText(area, center | Qt.AlignmentFlag.AlignBottom, bottom)
        painter.setPen(QPen(QColor("#e8e8e8"), 1.5))
        painter.drawLine(QPointF(4, side - 4), QPointF(4 + scale_px, side - 4))
        painter.drawText(QPointF(4, side - 7), f"{SCALE_MM:.0f} mm")
