"""Small axial pictures of findings, with their rings."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPen, QPixmap

from napari_lesion.model.findings import Finding
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.viewer.finding_layers import FINDING_COLOR
from napari_lesion.report.plane import plane_around, sample

PX = 40
_SHARP = 2
"""Pixels of the picture for each of the screen, for dense screens."""
_AROUND_MM = 30.0
_TIMES = 2.5
"""A picture is that many diameters wide, and never less than `_AROUND_MM`."""


def crop(volume: Volume, finding: Finding, window: tuple[float, float]) -> QPixmap:
    """Draw the axial plane through the centre of a finding, seen from the feet, `PX` wide.

    Parameters
    ----------
    volume : Volume
        Its voxels must be there.
    finding : Finding
    window : (float, float)
        Values shown black and white.
    """
    across = max(_AROUND_MM, _TIMES * finding.size_mm)
    n = PX * _SHARP
    plane = plane_around(np.array(finding.center_mm), across, across / n)
    low, high = window
    values = sample(volume.voxels, volume.affine, plane.points(), low)
    grey = np.ascontiguousarray(np.clip((values - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8))
    rows, columns = grey.shape
    image = QImage(grey.data, columns, rows, columns, QImage.Format.Format_Grayscale8)
    picture = QPixmap.fromImage(image)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(FINDING_COLOR), 1.5 * _SHARP / 2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    radius = finding.size_mm / 2 / across * columns
    painter.drawEllipse(QPointF(columns / 2, rows / 2), radius, radius)
    painter.end()
    picture.setDevicePixelRatio(_SHARP)
    return picture
