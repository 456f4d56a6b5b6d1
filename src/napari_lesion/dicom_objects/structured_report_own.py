"""Findings out of structured reports that this program wrote: with everything that it writes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, get_args

from pydantic import ValidationError
from pydicom.sr.coding import Code
from pydicom.valuerep import DT

from napari_lesion.dicom_objects import concepts
from napari_lesion.dicom_objects.concepts import Quantity
from napari_lesion.dicom_objects.content import NOTHING, Item
from napari_lesion.dicom_objects.references import finding_id, finding_number
from napari_lesion.dicom_objects.structured_report_file import (
    MeasurementGroup,
    content_key,
    numbers_of,
    point_of,
)
from napari_lesion.model.assessed import Appearance
from napari_lesion.model.findings import (
    Action,
    Finding,
    HistoryEntry,
    Status,
    image_at,
)
from napari_lesion.model.mask import Mask
from napari_lesion.model.measured import Axis, HounsfieldUnits, Looks, Measurement
from napari_lesion.model.volume import Volume


def own_finding(group: MeasurementGroup, volume: Volume, mask: Mask | None) -> Finding | str:
    """Make a finding (LPS mm) of a group of a report of ours, or a sentence that says why there is none."""
    item = group.item
    numbers = numbers_of(item)
    center, box = item.first(concepts.CENTER), item.first(concepts.BOX)
    diameter = numbers.get(content_key(Quantity(concepts.MARKED_DIAMETER, concepts.MM)))
    uid = str(item.dataset.get("ObservationUID", ""))
    if center is NOTHING or box is NOTHING or diameter is None or not uid:
        return f"Group {group.number} ({group.tracking_id}) lacks its centre, box or size, and was left out."
    place = point_of(center.points[0])
    corners = box.points
    id_ = finding_id(uid)
    measured = _measurement(item, numbers)
    finding = Finding(
        id=id_,
        number=finding_number(group.tracking_id),
        center_mm=place,
        diameter_mm=diameter,
        box_mm=(point_of(corners.min(axis=0)), point_of(corners.max(axis=0))),
        score=min(max(numbers.get(content_key(Quantity(concepts.CERTAINTY, concepts.NO_UNIT)), 1.0), 0.0), 1.0),
        **image_at(volume, place),
        status=_status(item),
        comment=item.text(concepts.COMMENT),
        history=tuple(_history(item)),
        mask=mask,
        measurement=measured,
        unmeasured=item.text(concepts.UNMEASURED),
        appearance=_looks(item),
    )
    # A lesion that was not recognised anywhere else goes by a UID that follows from the finding's id.
    tracked = group.tracking_uid != finding.lesion_uid
    return finding.model_copy(update={"tracking_uid": group.tracking_uid}) if tracked else finding


def _looks(item: Item) -> Appearance:
    given: dict[str, dict[str, object]] = {}
    for child in item.children:
        name = next((field for field, code in concepts.LOOKS.items() if code == child.name), None)
        if name is not None:
            words = child.words
            value = {"yes": True, "no": False}.get(words, words)
            origin = {"source": child.text(concepts.SOURCE), "detail": child.text(concepts.SOURCE_DETAIL)}
            given[name] = {"value": value, **origin}
    return Appearance.model_validate(given)


def _estimated_looks(item: Item, numbers: dict[tuple[str, ...], float]) -> Looks | None:
    """Put together how a finding looks to a network; None where nobody wrote that."""
    shares = {name: numbers.get(content_key(one), -1.0) / 100 for name, one in concepts.LOOKS_PROBABILITIES.items()}
    signs = {name: numbers.get(content_key(one), -1.0) / 100 for name, one in concepts.LOOKS_SIGNS.items()}
    type_ = _by_code(item, concepts.ESTIMATED_TYPE, concepts.NODULE_TYPES, "")
    values = {
        "method": item.text(concepts.LOOKS_METHOD),
        "type": type_,
        "type_certainty": round(shares.get(type_.replace("-", "_"), -1.0), 3),
        "suspicion": numbers.get(content_key(concepts.SUSPICION)),
        **{name: round(share, 3) for name, share in shares.items()},
        **{name: _likely(share) for name, share in signs.items()},
    }
    try:
        return Looks.model_validate(values) if values["method"] else None
    except ValidationError:  # something is missing, or was changed since
        return None


def _likely(probability: float) -> dict[str, object]:
    so = probability >= 0.5
    return {"value": so, "certainty": round(probability if so else 1 - probability, 3)}


def _status(item: Item) -> Status:
    return _by_code(item, concepts.VERDICT, concepts.VERDICTS, "candidate")  # type: ignore[return-value]


def _by_code(item: Item, name: Code, values: dict[str, Code], default: str) -> str:
    value = item.coded(name)
    return next((key for key, code in values.items() if code == value), default)


def _history(item: Item) -> Iterator[HistoryEntry]:
    for child in item.children:
        name = child.name
        if name.scheme_designator != concepts.SCHEME or not name.value.startswith(concepts.ACTION_PREFIX):
            continue
        what = name.value.removeprefix(concepts.ACTION_PREFIX)
        if what not in get_args(Action):
            continue
        words, stamp = child.words, child.dataset.get("ObservationDateTime")
        time = ""
        if stamp:
            moment = datetime.fromisoformat(DT(str(stamp)).isoformat()).astimezone(UTC)
            time = moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
        elif found := re.match(r"(\S+): ", words):  # a time that DICOM can't hold
            time, words = found[1], words[found.end() :]
        reader = child.first(concepts.PERSON_NAME).words
        yield HistoryEntry(time=time, reader=reader, what=what, detail="" if words == what else words)  # type: ignore[arg-type]


def _measurement(item: Item, numbers: dict[tuple[str, ...], float]) -> Measurement | None:
    """Put a measurement together again; None where none was saved."""
    long_axis, short_axis = _axis(item, concepts.LONG_AXIS), _axis(item, concepts.SHORT_AXIS)
    values: dict[str, Any] = {
        name: numbers.get(content_key(quantity)) for name, quantity in concepts.QUANTITIES.items()
    }
    hu = {name: numbers.get(content_key(quantity)) for name, quantity in concepts.ATTENUATIONS.items()}
    needed = (*(values[name] for name in ("mean_diameter_mm", "diameter_3d_mm", "volume_mm3", "mass_mg")), *hu.values())
    if long_axis is None or short_axis is None or None in needed:
        return None
    percent = numbers.get(content_key(Quantity(concepts.CALCIFIED_PERCENT, concepts.PERCENT)))
    image, frame = _image_of_axis(item)
    site = item.first(concepts.FINDING_SITE)
    return Measurement(
        method=item.text(concepts.MASK_METHOD),
        long_axis=long_axis,
        short_axis=short_axis,
        sop_instance_uid=image,
        frame=frame,
        hu=HounsfieldUnits(**hu),  # type: ignore[arg-type]
        type=_by_code(item, concepts.NODULE_TYPE, concepts.NODULE_TYPES, "unknown"),  # type: ignore[arg-type]
        type_rule=item.text(concepts.TYPE_RULE),
        calcification=_by_code(item, concepts.CALCIFICATION, concepts.CALCIFICATIONS, "unknown"),  # type: ignore[arg-type]
        calcified_fraction=None if percent is None else _fraction(percent),
        side=_by_code(site, concepts.LATERALITY, concepts.SIDES, "unknown"),  # type: ignore[arg-type]
        zone=_by_code(site, concepts.TOPOGRAPHICAL_MODIFIER, concepts.ZONES, "unknown"),  # type: ignore[arg-type]
        lobe=item.text(concepts.LOBE),
        looks=_estimated_looks(item, numbers),
        notes=tuple(item.texts(concepts.MEASUREMENT_NOTE)),
        **values,
    )


def _fraction(percent: float) -> float:
    """Undo a multiplication by 100: of the numbers that give these percent, the shortest to write."""
    near = percent / 100
    fit = [x for x in (math.nextafter(near, 0), near, math.nextafter(near, 2)) if 100 * x == percent]
    return min(fit, key=lambda x: len(repr(x)), default=near)


def _axis(item: Item, code: Code) -> Axis | None:
    length = item.first(code)
    path = next(length.of_kind("SCOORD3D"), None)
    if length.value is None or path is None:
        return None
    start, end = path.points
    return Axis(length_mm=length.value, start_mm=point_of(start), end_mm=point_of(end))


def _image_of_axis(item: Item) -> tuple[str, int | None]:
    """UID and frame of the image that the axes were measured near; an empty UID where none is named."""
    images = (part for part in item.first(concepts.LONG_AXIS).all() if part.kind == "IMAGE")
    return next((image.image for image in images), ("", None))
