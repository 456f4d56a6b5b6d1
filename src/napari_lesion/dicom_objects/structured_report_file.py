"""A structured report as a file: its groups of measurements, and what images it is of."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from napari_lesion.dicom_objects import concepts
from napari_lesion.dicom_objects.concepts import Quantity
from napari_lesion.dicom_objects.content import Item
from napari_lesion.dicom_objects.references import DAMAGED, Refers
from napari_lesion.model.findings import (
    ModelReference,
    Point,
)
from napari_lesion.model.volume import FloatArray
from napari_lesion.support.errors import SeriesError
from napari_lesion.support.vault import open_file

REPORTS = (
    "1.2.840.10008.5.1.4.1.1.88.22",  # Enhanced SR
    "1.2.840.10008.5.1.4.1.1.88.33",  # Comprehensive SR
    "1.2.840.10008.5.1.4.1.1.88.34",  # Comprehensive 3D SR
    "1.2.840.10008.5.1.4.1.1.88.35",  # Extensible SR
)
"""SOP classes of reports that can hold measurement groups."""


#: SOP classes of evidence that was not measured in: segmentations, value maps, other reports.
_NO_IMAGES = ("1.2.840.10008.5.1.4.1.1.66.", "1.2.840.10008.5.1.4.1.1.67", "1.2.840.10008.5.1.4.1.1.88.")


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


def read_report(path: Path) -> Dataset:
    """Read a file, and refuse what is no structured report."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_file(path)[0] as file:
                dataset = pydicom.dcmread(file)
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


def report_file(path: Path, dataset: Dataset, content: Item, groups: tuple[MeasurementGroup, ...]) -> ReportFile:
    """Sum up a report: who wrote it, and of which series and images it is."""
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


def groups_of(content: Item) -> Iterator[MeasurementGroup]:
    """Get the groups of measurements of a report, in its order."""
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


def content_key(quantity: Quantity) -> tuple[str, ...]:
    """Get what a number is looked up by: code, scheme, unit, derivation."""
    derivation = quantity.derivation.value if quantity.derivation is not None else ""
    return quantity.name.value, quantity.name.scheme_designator, quantity.unit.value, derivation


def numbers_of(item: Item) -> dict[tuple[str, ...], float]:
    """Numbers of a group by code value and scheme, unit and derivation; the first of each."""
    numbers: dict[tuple[str, ...], float] = {}
    for child in item.of_kind("NUM"):
        if child.value is not None:
            key = (child.name.value, child.name.scheme_designator, child.unit.value)
            numbers.setdefault((*key, child.coded(concepts.DERIVATION).value), child.value)
    return numbers


def point_of(values: FloatArray) -> Point:
    """Turn coordinates into a point (x, y, z)."""
    x, y, z = (float(value) for value in values)
    return x, y, z
