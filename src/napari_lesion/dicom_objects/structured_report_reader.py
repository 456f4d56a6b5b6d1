"""Open a DICOM structured report (SR), ours or another program's, on the scan that it belongs to.

What is looked for are the measurement groups of TID 1500: in ours everything comes back, of others the place and the
size of what was measured, its outline where the segmentation lies beside the report, and its numbers in words.
"""

from __future__ import annotations

import math
import re
import uuid
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pydicom
from pydantic import ValidationError
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.sr.coding import Code
from pydicom.valuerep import DT

from napari_lesion.dicom_objects import concepts
from napari_lesion.dicom_objects.concepts import Quantity
from napari_lesion.dicom_objects.content import NOTHING, Item, parse
from napari_lesion.dicom_objects.drawing_groups import drawing_from, is_drawing
from napari_lesion.dicom_objects.references import DAMAGED, Refers, finding_id, finding_number, plane_of
from napari_lesion.dicom_objects.segmentation_reader import SEGMENTATIONS, masks_from_seg
from napari_lesion.model.drawn import Drawing
from napari_lesion.model.findings import (
    Action,
    Finding,
    HistoryEntry,
    ModelReference,
    Point,
    Report,
    Status,
    box_around,
    image_at,
    numbered,
)
from napari_lesion.model.judged import Appearance
from napari_lesion.model.mask import Mask
from napari_lesion.model.measured import Axis, HounsfieldUnits, Looks, Measurement
from napari_lesion.model.volume import FloatArray, Volume
from napari_lesion.support.errors import LesionError, SeriesError
from napari_lesion.support.uids import is_uid

REPORTS = (
    "1.2.840.10008.5.1.4.1.1.88.22",  # Enhanced SR
    "1.2.840.10008.5.1.4.1.1.88.33",  # Comprehensive SR
    "1.2.840.10008.5.1.4.1.1.88.34",  # Comprehensive 3D SR
    "1.2.840.10008.5.1.4.1.1.88.35",  # Extensible SR
)
"""SOP classes of reports that can hold measurement groups."""

#: SOP classes of evidence that was not measured in: segmentations, value maps, other reports.
_NO_IMAGES = ("1.2.840.10008.5.1.4.1.1.66.", "1.2.840.10008.5.1.4.1.1.67", "1.2.840.10008.5.1.4.1.1.88.")
#: A length without a coordinate that says how large something is, the best first.
_SIZES = (concepts.MARKED_DIAMETER, concepts.DIAMETER, concepts.LONG_AXIS, Code("410668003", "SCT", "Length"))
#: Numbers of another program's finding that are put into words; the rest is counted.
_MOST_NUMBERS = 6
#: To mm.
_LENGTHS = {"mm": 1.0, "cm": 10.0, "um": 1e-3}
#: Series of a study that are looked into for a report's outlines, and files in them; outlines are one, rarely more.
_MOST_FOLDERS, _MOST_FILES = 500, 3
#: Names of what is drawn to show another thing than the finding's extent.
_NO_EXTENT = (concepts.CENTER, concepts.BOX)


@dataclass(frozen=True)
class MeasurementGroup:
    """One measurement group."""

    item: Item = field(repr=False)
    number: int
    """1-based, in the report."""
    ours: bool
    tracking_id: str
    tracking_uid: str
    segmentation_uid: str
    """SOP instance UID of a segmentation, or empty."""
    segment: int | None


@dataclass(frozen=True)
class ReportFile:
    """What a structured report holds."""

    path: Path
    title: str
    description: str
    """Of its series."""
    made_by: str
    """The persons, or the device."""
    by_person: bool
    refers: Refers
    groups: tuple[MeasurementGroup, ...]
    model: ModelReference | None
    """What found the findings, in a report of ours."""
    warnings: tuple[str, ...]
    """That a report of ours carries."""
    created: str
    """ISO 8601: of a report of ours as it was made, else of the document, by the writer's clock."""


def load_sr(path: Path | str) -> ReportFile:
    """Read a structured report.

    Raises
    ------
    SeriesError
        If it is none, or holds no measurement group.
    """
    path = Path(path)
    dataset = _read(path)
    try:
        content = parse(dataset)
        groups = tuple(_groups(content))
        report = _file(path, dataset, content, groups)
    except DAMAGED as error:
        raise SeriesError(f"{path.name}: its content is damaged ({error}). Export it again.") from error
    if not groups and not any(content.named(concepts.QUALITATIVE_EVALUATIONS)):
        raise SeriesError(
            f"{path.name}: this report ({report.title or 'without title'}) holds no measurement group, which is where "
            "findings are looked for (TID 1500)."
        )
    return report


def findings_from_sr(path: Path | str, volume: Volume) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Read the findings of a structured report on the scan that they are of.

    Segmentations that it refers to are looked for in the same folder.

    Parameters
    ----------
    path : path
    volume : Volume
        The scan.

    Returns
    -------
    findings : tuple of Finding
        Sorted by score, falling. Those of ours are as they were saved; those of others carry their numbers as a
        comment, and say that they were not measured here.
    notes : tuple of str
        What was left out or has to be known, a sentence each.

    Raises
    ------
    SeriesError
        If it is no report with measurements, or of another scan.
    """
    return _findings(load_sr(path), volume)


def _findings(report: ReportFile, volume: Volume) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    notes = report.refers.check(volume)
    masks, more = _masks(report, volume)
    notes += more
    findings = []
    for group in report.groups:
        if is_drawing(group.item):
            continue
        mask = masks.get((group.segmentation_uid, group.segment or 0))
        try:
            finding = _ours(group, volume, mask) if group.ours else _foreign(group, report, volume, mask)
        except DAMAGED as error:
            finding = f"Group {group.number} ({group.tracking_id}) is damaged and was left out ({_short(error)})."
        if isinstance(finding, str):
            notes.append(finding)
        else:
            findings.append(finding)
    return tuple(sorted(findings, key=lambda one: -one.score)), tuple(notes)


def _drawings(report: ReportFile, volume: Volume) -> tuple[tuple[Drawing, ...], tuple[str, ...]]:
    """Read the drawings of a report of ours, and say which are damaged."""
    drawings: list[Drawing] = []
    notes = []
    for group in report.groups:
        if is_drawing(group.item):
            try:
                drawings.append(drawing_from(group.item, group.tracking_id, volume))
            except DAMAGED as error:
                notes.append(
                    f"Group {group.number} ({group.tracking_id}) is damaged and was left out ({_short(error)})."
                )
    return tuple(drawings), tuple(notes)


def report_from_sr(path: Path | str, volume: Volume) -> tuple[Report, tuple[str, ...]]:
    """Make a report of the findings of a structured report, to be shown and reviewed like any other.

    What a structured report cannot hold stays empty: library versions, timings, the trace of the guidelines. Judgement
    and comparisons are to be made again.

    Returns
    -------
    report : Report
    notes : tuple of str
        As from `findings_from_sr`.

    Raises
    ------
    SeriesError
        As from `findings_from_sr`.
    """
    file = load_sr(path)
    findings, notes = _findings(file, volume)
    drawings, more = _drawings(file, volume)
    notes += more
    foreign = ModelReference(id=f"report by {file.made_by or 'another program'}", version="", sha256="", threshold=0)
    read = Report(
        series_uid=volume.series.series_uid,
        series=volume.series,
        findings=findings,
        certificate=volume.certificate,
        model=file.model or foreign,
        device="",
        versions={},
        timings_s={},
        warnings=(*file.warnings, *notes),
        created=file.created,
        drawings=drawings,
    )
    return numbered(read), notes


# -- The document -----------------------------------------------------------------------------------------------------


def _read(path: Path) -> Dataset:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path)
            torn = any(_is_short(element) for element in dataset.values())
            sop_class, kind = str(dataset.get("SOPClassUID", "")), dataset.get("Modality") or "unknown kind"
    except (InvalidDicomError, *DAMAGED) as error:
        raise SeriesError(f"{path}: it cannot be read as DICOM ({error}).") from error
    if torn:  # pydicom takes what there is, and findings would be missing
        raise SeriesError(f"{path.name}: the file ends before its content does. Copy or export it again.")
    if sop_class not in REPORTS:
        raise SeriesError(f"{path.name}: it is no structured report with measurements but of {kind}.")
    return dataset


def _is_short(element: object) -> bool:
    """Whether an element's value is shorter than the file says."""
    if not isinstance(element, RawDataElement) or not isinstance(element.value, bytes):
        return False
    return element.length != 0xFFFFFFFF and len(element.value) < element.length


def _file(path: Path, dataset: Dataset, content: Item, groups: tuple[MeasurementGroup, ...]) -> ReportFile:
    series: list[str] = []
    instances = set()
    for keyword in ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence"):
        for study in dataset.get(keyword, []):
            for one in study.get("ReferencedSeriesSequence", []):
                images = [
                    str(image.ReferencedSOPInstanceUID)
                    for image in one.get("ReferencedSOPSequence", [])
                    if not str(image.get("ReferencedSOPClassUID", "")).startswith(_NO_IMAGES)
                ]
                if images:
                    series.append(str(one.SeriesInstanceUID))
                    instances.update(images)
    everything = list(content.all())
    if not instances:  # browsers leave the evidence out: what was drawn on says which images these are
        for item in everything:
            if item.kind == "IMAGE" and item.dataset.get("ReferencedSOPSequence"):
                reference = item.dataset.ReferencedSOPSequence[0]
                if not str(reference.get("ReferencedSOPClassUID", "")).startswith(_NO_IMAGES):
                    instances.add(str(reference.get("ReferencedSOPInstanceUID", "")))
        instances.discard("")
    named = [item.uid for item in everything if item.name == concepts.SOURCE_SERIES and item.uid]
    frames = [item.frame_of_reference for item in everything]
    # Where an image library says it, as dcmqi's does.
    frames += [item.uid for item in everything if item.name == concepts.FRAME_OF_REFERENCE]
    people = [item.words for item in content.named(concepts.PERSON_NAME)]
    return ReportFile(
        path=path,
        title=content.name.meaning,
        description=str(dataset.get("SeriesDescription", "")),
        made_by=" and ".join(people) or str(dataset.get("ManufacturerModelName") or dataset.get("Manufacturer") or ""),
        by_person=bool(people),
        refers=Refers(
            name=path.name,
            patient_id=str(dataset.get("PatientID", "")),
            # What its segments were made from comes first: the evidence may name other series, too.
            series_uids=tuple(dict.fromkeys([*named, *series])),
            sop_instance_uids=frozenset(instances),
            frames_of_reference=tuple(dict.fromkeys(uid for uid in frames if uid)),
        ),
        groups=groups,
        model=next((_model(group.item) for group in groups if group.ours), None),
        warnings=tuple(item.words for item in everything if item.name == concepts.WARNING),
        created=_created(dataset, everything),
    )


def _created(dataset: Dataset, everything: list[Item]) -> str:
    """When a report of ours was made, else date and time of the content; empty where they make no sense."""
    if ours := next((item.words for item in everything if item.name == concepts.CREATED), ""):
        return ours
    digits = f"{dataset.get('ContentDate', '')}{str(dataset.get('ContentTime', '')).partition('.')[0]}"
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S").isoformat(timespec="seconds")
    except ValueError:
        return ""


def _groups(content: Item) -> Iterator[MeasurementGroup]:
    found = (item for item in content.all() if item.name == concepts.MEASUREMENT_GROUP)
    for number, item in enumerate(found, start=1):
        image = item.first(concepts.REFERENCED_SEGMENT, concepts.REFERENCED_SEGMENT_FRAME).dataset
        reference = image.ReferencedSOPSequence[0] if "ReferencedSOPSequence" in image else Dataset()
        segment = reference.get("ReferencedSegmentNumber")
        yield MeasurementGroup(
            item=item,
            number=number,
            ours=any(item.named(concepts.VERDICT)),
            tracking_id=item.text(concepts.TRACKING_ID),
            tracking_uid=item.first(concepts.TRACKING_UID).uid,
            segmentation_uid=str(reference.get("ReferencedSOPInstanceUID", "")),
            segment=int(np.atleast_1d(segment)[0]) if segment is not None else None,
        )


def _model(item: Item) -> ModelReference:
    parameters = dict(
        words.split(" ", 1) for words in item.texts(concepts.ALGORITHM_PARAMETERS) if words.count(" ") == 1
    )
    rate = parameters.get("false-positives-per-scan")
    return ModelReference(
        id=item.text(concepts.ALGORITHM_NAME),
        version=item.text(concepts.ALGORITHM_VERSION),
        sha256=parameters.get("sha256", ""),
        threshold=float(parameters.get("threshold", 0)),
        false_positives_per_scan=float(rate) if rate is not None else None,
    )


def _masks(report: ReportFile, volume: Volume) -> tuple[dict[tuple[str, int], Mask], list[str]]:
    """Find the segmentations beside a report, and their masks by UID and number."""
    wanted = {group.segmentation_uid for group in report.groups if group.segmentation_uid}
    masks: dict[tuple[str, int], Mask] = {}
    notes: list[str] = []
    if not wanted:
        return masks, notes
    for path in _beside(report.path):
        if not wanted:
            break
        uid = _uid_of(path)
        if uid not in wanted:
            continue
        wanted.discard(uid)
        try:
            found, said = masks_from_seg(path, volume)
        except LesionError as error:
            notes.append(f"The outlines in {path.name} were not opened: {error}")
            continue
        notes += said
        masks.update({(uid, one.segment.number): one.mask for one in found})
    if wanted:
        notes.append(
            f"{report.path.name} refers to a segmentation that is not in its folder, so those findings have no outline."
        )
    return masks, notes


def _beside(path: Path) -> Iterator[Path]:
    """Give the files of a report's folder; where series lie in folders that their UIDs name, then of the small ones."""
    yield from sorted(path.parent.iterdir())
    if not is_uid(path.parent.name):
        return
    folders = (one for one in sorted(path.parent.parent.iterdir()) if is_uid(one.name) and one != path.parent)
    for folder in islice(folders, _MOST_FOLDERS):
        with suppress(OSError):
            found = list(islice(folder.iterdir(), _MOST_FILES + 1))
            if len(found) <= _MOST_FILES:
                yield from sorted(found)


def _uid_of(path: Path) -> str:
    """SOP instance UID of a segmentation; empty for all other files."""
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID", "SOPInstanceUID"])
        return str(header.SOPInstanceUID) if str(header.get("SOPClassUID", "")) in SEGMENTATIONS else ""
    except (InvalidDicomError, *DAMAGED):
        return ""


def _short(error: BaseException) -> str:
    """Give the first line of an error."""
    return str(error).partition("\n")[0]


# -- Findings of ours -------------------------------------------------------------------------------------------------


def _ours(group: MeasurementGroup, volume: Volume, mask: Mask | None) -> Finding | str:
    item = group.item
    numbers = _numbers(item)
    center, box = item.first(concepts.CENTER), item.first(concepts.BOX)
    diameter = numbers.get(_key(Quantity(concepts.MARKED_DIAMETER, concepts.MM)))
    uid = str(item.dataset.get("ObservationUID", ""))
    if center is NOTHING or box is NOTHING or diameter is None or not uid:
        return f"Group {group.number} ({group.tracking_id}) lacks its centre, box or size, and was left out."
    place = _point(center.points[0])
    corners = box.points
    id_ = finding_id(uid)
    measured = _measurement(item, numbers)
    finding = Finding(
        id=id_,
        number=finding_number(group.tracking_id),
        center_mm=place,
        diameter_mm=diameter,
        box_mm=(_point(corners.min(axis=0)), _point(corners.max(axis=0))),
        score=min(max(numbers.get(_key(Quantity(concepts.CERTAINTY, concepts.NO_UNIT)), 1.0), 0.0), 1.0),
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
    shares = {name: numbers.get(_key(one), -1.0) / 100 for name, one in concepts.LOOKS_PROBABILITIES.items()}
    signs = {name: numbers.get(_key(one), -1.0) / 100 for name, one in concepts.LOOKS_SIGNS.items()}
    type_ = _by_code(item, concepts.ESTIMATED_TYPE, concepts.NODULE_TYPES, "")
    values = {
        "method": item.text(concepts.LOOKS_METHOD),
        "type": type_,
        "type_certainty": round(shares.get(type_.replace("-", "_"), -1.0), 3),
        "suspicion": numbers.get(_key(concepts.SUSPICION)),
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
        if name.scheme_designator != concepts.SCHEME or not name.value.startswith(concepts.DEEDS):
            continue
        what = name.value.removeprefix(concepts.DEEDS)
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
    values: dict[str, Any] = {name: numbers.get(_key(quantity)) for name, quantity in concepts.QUANTITIES.items()}
    hu = {name: numbers.get(_key(quantity)) for name, quantity in concepts.ATTENUATIONS.items()}
    needed = (*(values[name] for name in ("mean_diameter_mm", "diameter_3d_mm", "volume_mm3", "mass_mg")), *hu.values())
    if long_axis is None or short_axis is None or None in needed:
        return None
    percent = numbers.get(_key(Quantity(concepts.CALCIFIED_PERCENT, concepts.PERCENT)))
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
    return Axis(length_mm=length.value, start_mm=_point(start), end_mm=_point(end))


def _image_of_axis(item: Item) -> tuple[str, int | None]:
    """UID and frame of the image that the axes were measured near; an empty UID where none is named."""
    images = (part for part in item.first(concepts.LONG_AXIS).all() if part.kind == "IMAGE")
    return next((image.image for image in images), ("", None))


# -- Findings of others -----------------------------------------------------------------------------------------------


def _foreign(group: MeasurementGroup, report: ReportFile, volume: Volume, mask: Mask | None) -> Finding | str:
    item = group.item
    kind = item.coded(concepts.FINDING).meaning
    name = group.tracking_id or kind or f"group {group.number}"
    numbers = _numbers(item)
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
    center_mm = _point(place)
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


# -- Numbers ----------------------------------------------------------------------------------------------------------


def _key(quantity: Quantity) -> tuple[str, ...]:
    derivation = quantity.derivation.value if quantity.derivation is not None else ""
    return quantity.name.value, quantity.name.scheme_designator, quantity.unit.value, derivation


def _numbers(item: Item) -> dict[tuple[str, ...], float]:
    """Numbers of a group by code value and scheme, unit and derivation; the first of each."""
    numbers: dict[tuple[str, ...], float] = {}
    for child in item.of_kind("NUM"):
        if child.value is not None:
            key = (child.name.value, child.name.scheme_designator, child.unit.value)
            numbers.setdefault((*key, child.coded(concepts.DERIVATION).value), child.value)
    return numbers


def _point(values: FloatArray) -> Point:
    x, y, z = (float(value) for value in values)
    return x, y, z
