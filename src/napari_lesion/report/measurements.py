"""What readers measured by hand, in words and as ``measurements.csv``: a row for every drawing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_lesion.assessment.measure.planar import IN_WORDS
from napari_lesion.model.drawn import Drawing, Tool
from napari_lesion.model.findings import Report, image_name
from napari_lesion.support.tables import write_table

FILE_NAME = "measurements.csv"
NAMES: dict[Tool, str] = {
    "ruler": "Length",
    "angle": "Angle",
    "ellipse": "Ellipse",
    "rectangle": "Rectangle",
    "arrow": "Arrow",
    "pin": "Value",
}
HEADINGS = ("No.", "What", "Result", "Image", "By")
"""Of the table in reports."""
COLUMNS = (
    *("series_uid", "patient_id", "study_date", "name", "id", "tool", "text", "length", "length_unit", "angle_deg"),
    *("area", "value", "mean", "sd", "min", "max", "voxels", "unit", "plane", "on_image", "slab", "image"),
    *("series_number", "instance_number", "frame", "sop_instance_uid", "points_mm", "reader", "time", "notes"),
)
"""Stable: further ones may come behind these. Lengths in ``length_unit``, areas in its square; points LPS mm."""


def save_measurements(report: Report, path: Path) -> None:
    """Write the table, whole or not at all; with its header alone where nobody measured anything."""
    rows = ({name: _text(value) for name, value in _row(report, one).items()} for one in report.drawings)
    write_table(COLUMNS, rows, path, private=True)


def cells(report: Report, drawing: Drawing) -> tuple[str, ...]:
    """Make the row of a drawing in a report, as `HEADINGS`."""
    return (
        drawing.name,
        ", ".join(filter(None, (NAMES[drawing.tool], drawing.text))),
        in_words(drawing) or "–",
        where(report, drawing),
        drawing.reader or "–",
    )


def notes(report: Report) -> tuple[str, ...]:
    """List what is to be known before trusting the numbers, each sentence once, with the drawings that it is about."""
    about: dict[str, list[str]] = {}
    for drawing in report.drawings:
        for note in drawing.notes:
            about.setdefault(note, []).append(drawing.name)
    return tuple(f"{', '.join(names)}: {note}" for note, names in about.items())


def in_words(drawing: Drawing) -> str:
    """Describe what was measured: "mean 40 HU, SD 12 (min 3, max 71), 152 voxels, 94.2 mm²"; empty for an arrow."""
    values, unit = drawing.values, f" {drawing.values.unit}" if drawing.values.unit else ""
    parts = []
    if values.length is not None:
        parts.append(_length(values.length, values.length_unit))
    if values.angle_deg is not None:
        parts.append(f"{values.angle_deg:.1f}°")
    if values.value is not None:
        parts.append(f"{_number(values.value)}{unit}" if unit else f"value {_number(values.value)}")
    if values.mean is not None and values.sd is not None:
        parts.append(f"mean {_number(round(values.mean, 1))}{unit}, SD {_number(round(values.sd, 1))}")
    if values.lowest is not None and values.highest is not None:
        parts.append(f"min {_number(values.lowest)}, max {_number(values.highest)}")
    if values.voxels is not None:
        parts.append(f"{values.voxels} voxels")
    if values.area is not None:
        length, _, where_ = values.length_unit.partition(" ")
        parts.append(f"{values.area:.1f} {length}² {where_}".strip())
    return ", ".join(parts)


def where(report: Report, drawing: Drawing) -> str:
    """Name the image of a drawing; of one that lies on none the plane, and the image that is nearest."""
    image = image_name(report.series, drawing.instance_number, drawing.frame)
    if drawing.on_image:
        return image or "–"
    if drawing.slab is not None:
        what = f"{IN_WORDS[drawing.slab.projection]} of {drawing.slab.slices} slices, {drawing.plane}"
    else:
        what = f"{drawing.plane}, of several images"
    return f"{what}; nearest {image}" if image else what


def _length(length: float, unit: str) -> str:
    return f"{length:.1f} {unit}" + (" (no size known)" if unit == "px" else "")


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _row(report: Report, drawing: Drawing) -> dict[str, Any]:
    series, values, slab = report.series, drawing.values, drawing.slab
    measured = values.length is not None or values.area is not None
    return {
        "series_uid": report.series_uid,
        "patient_id": series.patient_id,
        "study_date": series.study_date,
        "name": drawing.name,
        "id": drawing.id,
        "tool": drawing.tool,
        "text": drawing.text,
        "length": values.length,
        "length_unit": values.length_unit if measured else "",
        "angle_deg": values.angle_deg,
        "area": values.area,
        "value": values.value,
        "mean": values.mean,
        "sd": values.sd,
        "min": values.lowest,
        "max": values.highest,
        "voxels": values.voxels,
        "unit": values.unit,
        "plane": drawing.plane,
        "on_image": "yes" if drawing.on_image else "no",
        "slab": f"{slab.projection} of {slab.slices} slices" if slab is not None else "",
        "image": image_name(series, drawing.instance_number, drawing.frame),
        "series_number": series.series_number,
        "instance_number": drawing.instance_number,
        "frame": drawing.frame,
        "sop_instance_uid": drawing.sop_instance_uid,
        "points_mm": "; ".join(" ".join(f"{value:.2f}" for value in point) for point in drawing.points_mm),
        "reader": drawing.reader,
        "time": drawing.time,
        "notes": " | ".join(drawing.notes),
    }


def _text(value: object) -> str:
    """Write a value: nothing for what is not known, numbers to six figures."""
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
