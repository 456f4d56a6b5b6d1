"""Drawings of the measuring tools as measurement groups of a structured report, and back.

Regions are planar ROI groups (TID 1410), all else groups of TID 1501 whose number is inferred from what was drawn. What
lies on an acquired image is drawn there (SCOORD), all else in space alone (SCOORD3D). The exact places are in each
group in space, too: that is what comes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import numpy as np
from pydicom.sr.coding import Code
from pydicom.uid import CTImageStorage
from pydicom.valuerep import DT

from napari_lesion.dicom_objects import concepts
from napari_lesion.dicom_objects.content import NOTHING, Item
from napari_lesion.dicom_objects.references import drawing_number, drawing_uid, finding_id, plane_of
from napari_lesion.dicom_objects.study import person_name
from napari_lesion.model.drawn import REGIONS, Drawing, Slab, Values, sides_of
from napari_lesion.model.findings import image_at
from napari_lesion.model.volume import FloatArray, Instance, Volume

_SHORTEST_MM = 1e-6


def group_of(drawing: Drawing, volume: Volume) -> Any:
    """Write a drawing as a measurement group.

    Parameters
    ----------
    drawing : Drawing
    volume : Volume
        The scan that it was drawn on.

    References
    ----------
    DICOM PS3.16 TID 1410 (Planar ROI), TID 1501 (Measurement and Qualitative Evaluation Group), TID 300.
    """
    import highdicom as hd

    common: dict[str, Any] = {
        "tracking_identifier": hd.sr.TrackingIdentifier(uid=drawing_uid(drawing), identifier=drawing.name),
        "finding_type": concepts.DRAWN,
        "qualitative_evaluations": [hd.sr.QualitativeEvaluation(concepts.DRAWN_WITH, concepts.TOOLS[drawing.tool])],
    }
    if drawing.tool in REGIONS:
        group: Any = hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            referenced_region=_region(drawing, volume), measurements=list(_numbers(drawing)), **common
        )
    else:
        group = hd.sr.MeasurementsAndQualitativeEvaluations(
            measurements=list(_numbers(drawing, _coordinates(drawing, volume))), **common
        )
    item = group[0]
    item.ObservationUID = drawing_uid(drawing)
    item.ContentSequence.extend(_more(drawing, volume))
    return group


def _numbers(drawing: Drawing, coordinates: list[Any] | None = None) -> Iterator[Any]:
    """Write the numbers of a drawing, each with what it is inferred from."""
    import highdicom as hd

    for name, quantity in _quantities(drawing.values):
        value = getattr(drawing.values, name)
        if value is not None:
            yield hd.sr.Measurement(
                name=quantity.name,
                value=float(value),
                unit=quantity.unit,
                derivation=quantity.derivation,
                referenced_coordinates=coordinates,
            )


def _quantities(values: Values) -> Iterator[tuple[str, concepts.Quantity]]:
    """How each number of a drawing is coded, with its unit."""
    long, wide = (concepts.PIXELS, concepts.PIXELS) if values.length_unit == "px" else (concepts.MM, concepts.MM2)
    name, unit = (concepts.ATTENUATION, concepts.HU) if values.unit == "HU" else (concepts.VALUE, concepts.NO_UNIT)
    yield "length", concepts.Quantity(concepts.LENGTH, long)
    yield "angle_deg", concepts.Quantity(concepts.ANGLE, concepts.DEGREES)
    yield "area", concepts.Quantity(concepts.AREA, wide)
    yield "value", concepts.Quantity(name, unit)
    yield "mean", concepts.Quantity(name, unit, concepts.MEAN)
    yield "sd", concepts.Quantity(name, unit, concepts.SD)
    yield "lowest", concepts.Quantity(name, unit, concepts.LOWEST)
    yield "highest", concepts.Quantity(name, unit, concepts.HIGHEST)
    yield "voxels", concepts.Quantity(concepts.VOXELS, concepts.NO_UNIT)


def _line(drawing: Drawing) -> tuple[str, FloatArray]:
    """Graphic type and points (n, 3), LPS mm, of what is drawn; an ellipse begins with its longer diameter."""
    points = np.asarray(drawing.points_mm, dtype=np.float64)
    if drawing.tool == "rectangle":
        return "POLYLINE", np.vstack([points, points[:1]])
    if drawing.tool == "ellipse":
        one, other = (float(np.linalg.norm(side)) for side in sides_of("ellipse", drawing.points_mm))
        return "ELLIPSE", points if one >= other else points[[2, 3, 0, 1]]
    return ("POINT" if drawing.tool == "pin" else "POLYLINE"), points


def _region(drawing: Drawing, volume: Volume) -> Any:
    import highdicom as hd

    kind, points = _line(drawing)
    instance = _image(drawing, volume)
    if instance is None:
        kind = "POLYGON" if kind == "POLYLINE" else kind
        return hd.sr.ImageRegion3D(kind, points, volume.series.frame_of_reference_uid)
    return hd.sr.ImageRegion(kind, plane_of(volume, instance).to_pixels(points), _source(instance))


def _coordinates(drawing: Drawing, volume: Volume) -> list[Any]:
    import highdicom as hd

    kind, points = _line(drawing)
    instance = _image(drawing, volume)
    if instance is None:
        return [hd.sr.CoordinatesForMeasurement3D(kind, points, volume.series.frame_of_reference_uid)]
    pixels = plane_of(volume, instance).to_pixels(points)
    return [hd.sr.CoordinatesForMeasurement(kind, pixels, _source(instance))]


def _image(drawing: Drawing, volume: Volume) -> Instance | None:
    """Find the acquired image that it lies on."""
    if not drawing.on_image:
        return None
    wanted = drawing.sop_instance_uid, drawing.frame
    return next((one for one in volume.instances if (one.sop_instance_uid, one.frame) == wanted), None)


def _source(instance: Instance) -> Any:
    import highdicom as hd

    return hd.sr.SourceImageForRegion(
        instance.sop_class_uid or CTImageStorage,
        instance.sop_instance_uid,
        [instance.frame] if instance.frame is not None else None,
    )


def _more(drawing: Drawing, volume: Volume) -> Iterator[Any]:
    """Write what no template has a row for: the exact places, the words, who drew it and when."""
    import highdicom as hd

    frame_of_reference = volume.series.frame_of_reference_uid
    points, tip = np.asarray(drawing.points_mm, dtype=np.float64), np.asarray(drawing.points_mm[0])
    across = np.asarray(drawing.normal)
    for name, kind, places in (
        (concepts.DRAWN_POINTS, "POINT" if len(points) == 1 else "MULTIPOINT", points),
        (concepts.DRAWN_NORMAL, "POLYLINE", np.stack([tip, tip + across])),
    ):
        yield hd.sr.Scoord3DContentItem(
            name=name,
            graphic_type=kind,
            graphic_data=places,
            frame_of_reference_uid=frame_of_reference,
            relationship_type="CONTAINS",
        )
    instance = _image(drawing, volume)
    if drawing.tool == "arrow" and instance is not None:  # nothing is measured that could be inferred from its line
        pixels = plane_of(volume, instance).to_pixels(points)
        line: Any = hd.sr.ScoordContentItem(concepts.PATH, "POLYLINE", pixels, relationship_type="CONTAINS")
        line.ContentSequence = hd.sr.ContentSequence([_source(instance)])
        yield line
    slab = drawing.slab
    texts = [
        (concepts.COMMENT, drawing.text),
        (concepts.SLAB, f"{slab.projection} of {slab.slices} slices" if slab is not None else ""),
        (concepts.LENGTH_UNIT, drawing.values.length_unit if drawing.values.length_unit != "mm" else ""),
        (concepts.VALUE_UNIT, drawing.values.unit),
        *((concepts.MEASUREMENT_NOTE, note) for note in drawing.notes),
    ]
    for code, words in texts:
        if words:
            yield hd.sr.TextContentItem(code, words, "CONTAINS")
    if drawing.reader:
        item: Any = hd.sr.TextContentItem(concepts.DRAWN_BY, drawing.time or "unknown time", "CONTAINS")
        with suppress(ValueError):  # the text has it as it is
            item.ObservationDateTime = DT(datetime.fromisoformat(drawing.time))
        item.ContentSequence = hd.sr.ContentSequence(
            [hd.sr.PnameContentItem(concepts.PERSON_NAME, person_name(drawing.reader), "HAS OBS CONTEXT")]
        )
        yield item


# -- back -------------------------------------------------------------------------------------------------------------


def is_drawing(item: Item) -> bool:
    """Whether a measurement group is a drawing of ours."""
    return any(item.named(concepts.DRAWN_WITH))


def drawing_from(item: Item, tracking_id: str, volume: Volume) -> Drawing:
    """Read a drawing of ours.

    Raises
    ------
    ValueError
        If something of it is missing or makes no sense.
    """
    tool = next((tool for tool, code in concepts.TOOLS.items() if code == item.coded(concepts.DRAWN_WITH)), None)
    places, normal = item.first(concepts.DRAWN_POINTS), item.first(concepts.DRAWN_NORMAL)
    if tool is None or places is NOTHING or normal is NOTHING:
        raise ValueError("its tool, its places or its plane are missing")
    across = normal.points[1] - normal.points[0]
    across = across / max(float(np.linalg.norm(across)), _SHORTEST_MM)
    by = item.first(concepts.DRAWN_BY)
    words = item.text(concepts.SLAB).split()
    values: dict[str, Any] = {"unit": item.text(concepts.VALUE_UNIT)}
    if length_unit := item.text(concepts.LENGTH_UNIT):
        values["length_unit"] = length_unit
    found = {_key(child.name, child.coded(concepts.DERIVATION)): child.value for child in item.of_kind("NUM")}
    values |= {
        name: found.get(_key(quantity.name, quantity.derivation)) for name, quantity in _quantities(Values(**values))
    }
    drawing = Drawing(
        id=finding_id(str(item.dataset.get("ObservationUID", ""))),
        number=drawing_number(tracking_id),
        tool=tool,
        points_mm=tuple(_point(point) for point in places.points),
        normal=_point(across),
        slab=Slab.model_validate({"projection": words[0], "slices": int(words[2])}) if len(words) > 2 else None,
        text=item.text(concepts.COMMENT),
        reader=by.first(concepts.PERSON_NAME).words if by is not NOTHING else "",
        time=by.words if by is not NOTHING else "",
        values=Values(**{**values, "voxels": int(values["voxels"]) if values["voxels"] is not None else None}),
        notes=tuple(item.texts(concepts.MEASUREMENT_NOTE)),
    )
    nearest = image_at(volume, drawing.middle_mm)
    drawn_on = {image.image for line in item.all() if line.kind == "SCOORD" for image in line.of_kind("IMAGE")}
    # Of an image of another stack it is near, not on it.
    on_image = (nearest["sop_instance_uid"], nearest["frame"]) in drawn_on
    return drawing.model_copy(update={**nearest, "on_image": on_image})


def _key(name: Code, derivation: Code | None) -> tuple[str, str, str]:
    return name.value, name.scheme_designator, derivation.value if derivation is not None else ""


def _point(values: FloatArray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
