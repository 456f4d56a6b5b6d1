"""Items of a structured report: numbers, texts, actions, places in space and on images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.sr.coding import Code
from pydicom.uid import CTImageStorage
from pydicom.valuerep import DT

from napari_lesion.dicom_objects import concepts
from napari_lesion.dicom_objects.concepts import Quantity
from napari_lesion.dicom_objects.references import (
    Plane,
    plane_of,
)
from napari_lesion.dicom_objects.study import person_name
from napari_lesion.model.findings import Finding, HistoryEntry
from napari_lesion.model.measured import Axis, Measurement
from napari_lesion.model.volume import Volume

if TYPE_CHECKING:
    from highdicom.sr import ContentItem


#: Pixels whose sides differ by less (relative) are square, so that a circle stays one.
_SQUARE = 1e-3


def number_item(quantity: Quantity, value: float) -> Any:
    """Write a number with its unit and how it was derived."""
    import highdicom as hd

    return hd.sr.Measurement(name=quantity.name, value=float(value), unit=quantity.unit, derivation=quantity.derivation)


def text_item(name: Code, words: str) -> ContentItem:
    """Write words under a name."""
    import highdicom as hd

    return hd.sr.TextContentItem(name, words, "CONTAINS")


def action_items(entry: HistoryEntry) -> Any:
    """Write what a reader did: who as its observer, when as its observation time."""
    import highdicom as hd

    item: Any = hd.sr.TextContentItem(concepts.action(entry.what), entry.detail or entry.what, "CONTAINS")
    try:
        item.ObservationDateTime = DT(datetime.fromisoformat(entry.time))
    except ValueError:
        item.TextValue = f"{entry.time}: {item.TextValue}"  # a time that DICOM can't hold stays in words
    item.ContentSequence = hd.sr.ContentSequence(
        [hd.sr.PnameContentItem(concepts.PERSON_NAME, person_name(entry.reader), "HAS OBS CONTEXT")]
    )
    return item


def looks_items(finding: Finding) -> Iterator[ContentItem]:
    """Write what a reader says of a finding's looks, and where each word comes from."""
    import highdicom as hd

    for name, code in concepts.LOOKS.items():
        given = getattr(finding.appearance, name)
        if given is None:
            continue
        item: Any = text_item(code, concepts.in_words(given.value))
        origin = [(concepts.SOURCE, given.source), (concepts.SOURCE_DETAIL, given.detail)]
        item.ContentSequence = hd.sr.ContentSequence(
            [hd.sr.TextContentItem(name, words, "HAS OBS CONTEXT") for name, words in origin if words]
        )
        yield item


def in_space(
    name: Code, kind: str, points: Iterable[Iterable[float]], frame_of_reference: str, relationship: str = "CONTAINS"
) -> ContentItem:
    """Write points in the patient (LPS mm)."""
    import highdicom as hd

    return hd.sr.Scoord3DContentItem(
        name=name,
        graphic_type=kind,
        graphic_data=np.array([list(point) for point in points], dtype=np.float64),
        frame_of_reference_uid=frame_of_reference,
        relationship_type=relationship,
    )


def corners_of(finding: Finding) -> list[list[float]]:
    """Get the eight corners of a finding's box, LPS mm (x, y, z)."""
    low, high = finding.box_mm
    return [[x, y, z] for z in (low[2], high[2]) for y in (low[1], high[1]) for x in (low[0], high[0])]


def mark_item(finding: Finding, volume: Volume) -> Any:
    """Draw the circle around a finding on the acquired image that is nearest to its centre."""
    import highdicom as hd

    instance = volume.nearest_instance(finding.center_mm)
    assert instance is not None  # source_images refused a scan without
    plane = plane_of(volume, instance)
    radius = finding.diameter_mm / 2
    center = plane.to_pixels([finding.center_mm])
    across, down = np.array([radius / plane.pitch[1], 0]), np.array([0, radius / plane.pitch[0]])
    if abs(plane.pitch[0] / plane.pitch[1] - 1) < _SQUARE:
        kind, points = "CIRCLE", center + np.array([[0, 0], across])
    else:  # the ends of the longer diameter come first
        longer, shorter = (across, down) if plane.pitch[1] < plane.pitch[0] else (down, across)
        kind, points = "ELLIPSE", center + np.array([-longer, longer, -shorter, shorter])
    source = hd.sr.SourceImageForRegion(
        instance.sop_class_uid or CTImageStorage,
        instance.sop_instance_uid,
        [instance.frame] if instance.frame is not None else None,
    )
    return hd.sr.ImageRegion(graphic_type=kind, graphic_data=points, source_image=source)


def axis_items(axis: Axis, code: Code, measured: Measurement, volume: Volume) -> Any:
    """Write the length of an axis, with its ends in space and, where they lie on an acquired image, on that."""
    import highdicom as hd

    item = number_item(Quantity(code, concepts.MM), axis.length_mm)[0]
    ends = [axis.start_mm, axis.end_mm]
    frame_of_reference = volume.series.frame_of_reference_uid
    inferred: list[Any] = [in_space(concepts.PATH, "POLYLINE", ends, frame_of_reference, "INFERRED FROM")]
    plane = _plane_by_uid(volume, measured.sop_instance_uid, measured.frame)
    if plane is not None:
        drawn = np.abs(plane.depth_mm(ends)).max() <= volume.spacing[0] / 2
        instance = plane.instance
        image = hd.sr.ImageContentItem(
            Code("121112", "DCM", "Source of Measurement"),
            instance.sop_class_uid or CTImageStorage,
            instance.sop_instance_uid,
            [instance.frame] if instance.frame is not None else None,
            relationship_type="SELECTED FROM" if drawn else "INFERRED FROM",
        )
        if drawn:
            line = hd.sr.ScoordContentItem(
                name=concepts.PATH,
                graphic_type="POLYLINE",
                graphic_data=plane.to_pixels(ends),
                relationship_type="INFERRED FROM",
            )
            line.ContentSequence = hd.sr.ContentSequence([image])
            inferred.append(line)
        else:
            inferred.append(image)
    item.ContentSequence = hd.sr.ContentSequence(inferred)
    return item


def _plane_by_uid(volume: Volume, sop_instance_uid: str, frame: int | None) -> Plane | None:
    for instance in volume.instances:
        if instance.sop_instance_uid == sop_instance_uid and instance.frame == frame:
            return plane_of(volume, instance)
    return None
