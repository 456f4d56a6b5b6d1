"""What is drawn of a reading: the reader's marks, and the findings of the detector when they are revealed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from napari.layers import Points

from napari_lesion.model.findings import Finding, Point
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.reading_study.blinding import READING
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.finding_layers import FINDING_COLOR, ring_look
from napari_lesion.plugin.viewer.layers import about, frame_of, put_data, scan_name
from napari_lesion.reading_study.reading import MARK_MM, Reading

MARK_COLOR = "#35e0ff"
Places: TypeAlias = Sequence[tuple[Point, float, str]]
"""Centre (LPS mm), diameter (mm) and words of each."""


class ReadingLayers:
    """Marks as diamonds and findings as rings, each with its number and confidence."""

    def __init__(self) -> None:
        self._layers: dict[str, Points] = {}

    def remove(self, session: Session) -> None:
        """Take them away."""
        session.open_scans.remove(self._layers.values())
        self._layers.clear()

    def draw(self, session: Session, reading: Reading | None) -> None:
        """Draw a reading of the scan that is read now."""
        scans, volume = session.open_scans, session.volume
        wanted: dict[str, Places] = {}
        if volume is not None and reading is not None:
            wanted["mark"] = [
                (mark.center_mm, MARK_MM, f"{mark_name(n)}: {mark.confidence}") for n, mark in enumerate(reading.marks)
            ]
            wanted["finding"] = [
                (f.center_mm, f.size_mm, f"{f.name}: {decision_sign(reading, f)}") for f in reading.shown
            ]
        for kind in ("mark", "finding"):
            old = self._layers.pop(kind, None)
            places = wanted.get(kind, ())
            if old is not None and old in session.viewer.layers:
                if places:
                    _move(old, places)
                    self._layers[kind] = old
                    continue
                scans.remove([old])
            if places and volume is not None and scans.current is not None:
                self._layers[kind] = layer = _layer(kind, places, volume)
                scans.add(scans.current, layer, above=session.viewer.layers)


def mark_name(number: int) -> str:
    """Name a mark of the reader, counted from 0."""
    return tr("M{number}", number=number + 1)


def decision_sign(reading: Reading, finding: Finding) -> str:
    """Show by a sign what the reader decided: a confidence, ✗ rejected, ✓ marked by the reader, ? nothing yet."""
    if reading.mark_at(finding) is not None:
        return "✓"
    if finding.id not in reading.decisions:
        return "?"
    confidence = reading.decisions[finding.id]
    return "✗" if confidence is None else str(confidence)


def _layer(kind: str, places: Places, volume: Volume) -> Points:
    step, is_mark = float(max(volume.spacing)), kind == "mark"
    color = MARK_COLOR if is_mark else FINDING_COLOR
    name = tr("Marks: {scan}", scan=scan_name(volume.series))
    if not is_mark:
        name = tr("Detector: {scan}", scan=scan_name(volume.series))
    centers, sizes, labels = _placed(places, volume)
    return Points(
        centers,
        name=name,
        features={"label": labels},
        text={"string": "{label}", "size": 11, "color": color, "anchor": "upper_left" if is_mark else "lower_left"},
        size=sizes,
        symbol="diamond" if is_mark else "disc",
        border_color=color,
        metadata=about(volume, scan=volume, **{READING: True}),
        **ring_look(step),
    )


def _placed(places: Places, volume: Volume) -> tuple[Any, Any, list[str]]:
    step = float(max(volume.spacing))
    centers = frame_of(volume).to_world(np.array([center for center, _, _ in places]).reshape(-1, 3)) / step
    # Where slices are thicker than the ring it must still be seen on the slice next to its centre.
    sizes = np.array([max(diameter, 1.1 * step) for _, diameter, _ in places]) / step
    return centers, sizes, [label for _, _, label in places]


def _move(layer: Points, places: Places) -> None:
    centers, sizes, labels = _placed(places, layer.metadata["scan"])
    color = layer.border_color[0]
    put_data(layer, centers)
    layer.size = sizes
    layer.features = {"label": labels}
    layer.border_color = color
    layer.face_color = "transparent"
    layer.refresh_text()
