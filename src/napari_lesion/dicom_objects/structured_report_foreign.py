"""Findings out of structured reports of other programs: place and size, and the rest in words."""

from __future__ import annotations

import uuid

import numpy as np
from pydicom.sr.coding import Code

from napari_lesion.dicom_objects import concepts
from napari_lesion.dicom_objects.content import Item
from napari_lesion.dicom_objects.references import plane_of
from napari_lesion.dicom_objects.structured_report_file import (
    MeasurementGroup,
    ReportFile,
    numbers_of,
    point_of,
)
from napari_lesion.model.findings import (
    Finding,
    box_around,
    image_at,
)
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import FloatArray, Volume

#: A length without a coordinate that says how large something is, the best first.
_SIZES = (concepts.MARKED_DIAMETER, concepts.DIAMETER, concepts.LONG_AXIS, Code("410668003", "SCT", "Length"))


#: Numbers of another program's finding that are put into words; the rest is counted.
_MOST_NUMBERS = 6


#: To mm.
_LENGTHS = {"mm": 1.0, "cm": 10.0, "um": 1e-3}


#: Names of what is drawn to show another thing than the finding's extent.
_NO_EXTENT = (concepts.CENTER, concepts.BOX)


def foreign_finding(group: MeasurementGroup, report: ReportFile, volume: Volume, mask: Mask | None) -> Finding | str:
    """Make a finding (LPS mm) of a group of another program's report, or a sentence that says why there is none."""
    item = group.item
    kind = item.coded(concepts.FINDING).meaning
    name = group.tracking_id or kind or f"group {group.number}"
    numbers = numbers_of(item)
    size = next((mm for code in _SIZES if (mm := _length(item, code)) is not None), None)
    points = _drawn(item, volume)
    center = item.first(concepts.CENTER)
    if center.kind == "SCOORD3D" and _in_frame(center, volume):
        place = center.points[0]
    elif mask is not None:
        place = mask.center_mm(volume.affine)
    elif points is not None:
        place = (points.min(axis=0) + points.max(axis=0)) / 2
    else:
        return f'"{name}" has no place in this scan that could be read, and was left out.'
    if size is None and mask is not None:
        size = mask.diameter_mm(volume.affine)
    if size is None and points is not None:
        size = float(np.linalg.norm(points[:, None] - points[None], axis=-1).max())
    if not size:
        return f'"{name}" is a place without a size, and was left out.'
    unique = str(item.dataset.get("ObservationUID", "")) or f"{report.path.name}/{group.tracking_uid}/{group.number}"
    center_mm = point_of(place)
    words = [name, *([kind] if kind not in name else []), *_in_words(item)]
    score = next((numbers[key] for key in numbers if key[:2] == (concepts.CERTAINTY.value, "DCM")), None)
    if score is not None and score > 1:
        score /= 100  # in percent, as mammography CAD has it
    source = report.made_by or "another program"
    return Finding(
        id=str(uuid.uuid5(uuid.NAMESPACE_OID, unique)),
        center_mm=center_mm,
        diameter_mm=size,
        box_mm=box_around(center_mm, size),
        score=min(max(score, 0.0), 1.0) if score is not None else 1.0,
        **image_at(volume, center_mm),
        status="added" if report.by_person else "candidate",
        comment=f"{'; '.join(words)}. From a report by {source}.",
        tracking_uid=group.tracking_uid,
        mask=mask,
        unmeasured=f"It comes from a report by {source} and was not measured here.",
    )


def _length(item: Item, code: Code) -> float | None:
    """Length of that name, mm."""
    for child in item.named(code):
        if child.value is not None and child.unit.value in _LENGTHS:
            return child.value * _LENGTHS[child.unit.value]
    return None


def _drawn(item: Item, volume: Volume) -> FloatArray | None:
    """Find the points that show where a finding lies and how far it reaches, LPS mm (n, 3)."""
    found: list[FloatArray] = []
    for child in item.all():
        if child.name in _NO_EXTENT:
            continue
        if child.kind == "SCOORD3D" and _in_frame(child, volume):
            found.append(child.points)
        elif child.kind == "SCOORD":
            on_image = _on_image(child, volume)
            if on_image is not None:
                found.append(on_image)
    return np.concatenate(found) if found else None


def _in_frame(item: Item, volume: Volume) -> bool:
    """Whether coordinates in space are those of the scan."""
    return item.frame_of_reference in (volume.series.frame_of_reference_uid, "")


def _on_image(item: Item, volume: Volume) -> FloatArray | None:
    """Points of a drawing on an image of this scan, LPS mm; None where it is on another one."""
    image = next(item.of_kind("IMAGE"), None)
    if image is None:
        return None
    uid, frame = image.image
    instance = next(
        (one for one in volume.instances if one.sop_instance_uid == uid and (frame is None or one.frame == frame)), None
    )
    if instance is None:
        return None
    pixels = item.points
    if item.dataset.GraphicType == "CIRCLE":
        center, radius = pixels[0], np.linalg.norm(pixels[1] - pixels[0])
        pixels = center + radius * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
    return plane_of(volume, instance).to_mm(pixels)


def _in_words(item: Item) -> list[str]:
    """Put the numbers of a group into words, the first few of them."""
    said = []
    for child in item.of_kind("NUM"):
        if child.value is None:
            continue
        derivation, unit = child.coded(concepts.DERIVATION), child.unit.value
        how = f" ({derivation.meaning.lower()})" if derivation.value else ""
        said.append(f"{child.name.meaning}{how} {child.value:.4g}{'' if unit == '1' else f' {unit}'}")
    rest = len(said) - _MOST_NUMBERS
    return said if rest <= 0 else [*said[:_MOST_NUMBERS], f"and {rest} more numbers"]
