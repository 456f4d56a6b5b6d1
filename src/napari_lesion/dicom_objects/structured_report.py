"""Save findings as a DICOM structured report (SR): a Measurement Report, one measurement group a finding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from napari_lesion.dicom.index.series import Series
from napari_lesion.dicom.writer import named_uid
from napari_lesion.dicom_objects import concepts
from napari_lesion.dicom_objects.concepts import Quantity
from napari_lesion.dicom_objects.drawing_groups import group_of
from napari_lesion.dicom_objects.references import (
    MANUFACTURER,
    equipment,
    finding_uid,
    program_version,
    short_names,
    source_images,
)
from napari_lesion.dicom_objects.segmentation import SavedSegmentation
from napari_lesion.dicom_objects.structured_report_items import (
    action_items,
    axis_items,
    corners_of,
    in_space,
    looks_items,
    mark_item,
    number_item,
    text_item,
)
from napari_lesion.dicom_objects.study import as_checked, person_name
from napari_lesion.model.assessed import Advice, Probability
from napari_lesion.model.findings import RESEARCH_USE, Finding, ModelReference, Report
from napari_lesion.model.measured import Likely, Looks, Measurement
from napari_lesion.model.volume import GeometryCertificate, Volume
from napari_lesion.support.atomic import whole_file

if TYPE_CHECKING:
    pass

#: CT of an unspecified region: what was scanned is not always a chest, and headers rarely say it in codes.
_PROCEDURE = Code("25045-6", "LN", "CT unspecified body region")


def save_sr(
    report: Report,
    volume: Volume,
    path: Path | str,
    *,
    source: Series | None = None,
    segmentation: SavedSegmentation | None = None,
) -> None:
    """Save findings and drawings as a Comprehensive 3D SR after TID 1500 (Measurement Report).

    A finding with a segment is a group of TID 1411 that refers to it, any other one of TID 1410 with a circle on its
    nearest image; drawings are as in `drawing_groups`. Positions are in the scan's frame of reference (LPS mm) whatever
    was done to make the volume; what lies on an acquired image is drawn there, too. The document is preliminary,
    partial and unverified.

    Parameters
    ----------
    report : Report
        Rejected findings are in it as "Non-lesion", with the verdict.
    volume : Volume
        The scan of the report.
    path : path
        File to write, ``*.dcm``.
    source : Series, optional
        Where the volume was read from: for what only the files know of the study.
    segmentation : SavedSegmentation, optional
        What `save_seg` returned for the same report.

    Raises
    ------
    SeriesError
        If the scan's images have no place that a document could refer to.

    References
    ----------
    DICOM PS3.3 A.35.13 (Comprehensive 3D SR IOD); PS3.16 TID 1500, 1410, 1411, 1419, 4019.
    """
    import highdicom as hd

    images = source_images(volume, source)
    names = short_names(report.findings)
    with as_checked():
        groups = [_group(finding, names[finding.id], report, volume, segmentation) for finding in report.findings]
        groups += [group_of(drawing, volume) for drawing in report.drawings]
        content = _document(report, groups)
        evidence = [*images, *([_evidence(segmentation)] if segmentation is not None else [])]
        document = hd.sr.Comprehensive3DSR(
            evidence=evidence,
            content=content,
            is_complete=False,
            is_final=False,
            is_verified=False,
            **equipment(
                "SR",
                "Findings: measurement report",
                report,
                *([segmentation.sop_instance_uid] if segmentation is not None else []),
            ),
        )
        concepts.name_own_scheme(document)
        with whole_file(Path(path), private=True) as temporary:
            document.save_as(temporary)


def _evidence(segmentation: SavedSegmentation) -> Dataset:
    item = Dataset()
    item.SOPClassUID = segmentation.sop_class_uid
    item.SOPInstanceUID = segmentation.sop_instance_uid
    item.SeriesInstanceUID = segmentation.series_uid
    item.StudyInstanceUID = segmentation.study_uid
    return item


# -- The document -----------------------------------------------------------------------------------------------------


def _document(report: Report, groups: list[Any]) -> Any:
    import highdicom as hd

    device = hd.sr.ObserverContext(
        observer_type=hd.sr.CodedConcept("121007", "DCM", "Device"),
        observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(
            uid=named_uid("device", MANUFACTURER, program_version()),
            name=MANUFACTURER,
            manufacturer_name=MANUFACTURER,
            model_name=f"{MANUFACTURER} {program_version()}",
        ),
    )
    observers = hd.sr.ObservationContext(observer_device_context=device)
    readers = [entry.reader for finding in report.findings for entry in finding.history]
    readers += [drawing.reader for drawing in report.drawings if drawing.reader]
    for reader in dict.fromkeys(readers):
        observers.extend(
            hd.sr.ObserverContext(
                observer_type=hd.sr.CodedConcept("121006", "DCM", "Person"),
                observer_identifying_attributes=hd.sr.PersonObserverIdentifyingAttributes(name=person_name(reader)),
            )
        )
    if groups:
        root = hd.sr.MeasurementReport(
            observation_context=observers, procedure_reported=_PROCEDURE, imaging_measurements=groups
        )[0]
    else:
        # Nothing was found: highdicom makes no report without a measurement, the standard does.
        root = hd.sr.ContainerContentItem(
            name=Code("126000", "DCM", "Imaging Measurement Report"), template_id="1500", relationship_type=None
        )
        root.ContentSequence = hd.sr.ContentSequence()
        root.ContentSequence.extend(
            hd.sr.LanguageOfContentItemAndDescendants(hd.sr.CodedConcept("eng", "RFC5646", "English"))
        )
        root.ContentSequence.extend(observers)
        root.ContentSequence.append(
            hd.sr.CodeContentItem(Code("121058", "DCM", "Procedure reported"), _PROCEDURE, "HAS CONCEPT MOD")
        )
    evaluations = hd.sr.ContainerContentItem(concepts.QUALITATIVE_EVALUATIONS, relationship_type="CONTAINS")
    evaluations.ContentSequence = hd.sr.ContentSequence([text_item(name, words) for name, words in _of_exam(report)])
    root.ContentSequence.append(evaluations)
    return root


def _of_exam(report: Report) -> Iterator[tuple[Code, str]]:
    """Describe what is said of the examination as a whole."""
    yield concepts.INTENDED_USE, RESEARCH_USE
    if not report.findings:
        model = report.model
        searched = f"{model.id} {model.version} reported no finding at its threshold {model.threshold:g}."
        yield concepts.COMMENT, searched if report.is_searched else "No model searched, and no reader marked a finding."
    yield concepts.CREATED, report.created
    yield concepts.CERTIFICATE, _certificate(report.certificate)
    for warning in report.warnings:
        yield concepts.WARNING, warning
    known = [
        f"{name.replace('_', ' ')} {concepts.in_words(given.value)} ({given.source})"
        for name, given in report.patient
        if given is not None
    ]
    if known:
        yield concepts.PATIENT, f"{', '.join(known)}."
    if report.judgement is not None:
        yield concepts.LUNG_RADS, _advice(report.judgement.lung_rads)
        yield concepts.FLEISCHNER, _advice(report.judgement.fleischner)
    for comparison in report.comparisons:
        date = comparison.prior_study_date or "an unknown date"
        after = f", {comparison.days} days before" if comparison.days is not None else ""
        yield (
            concepts.COMPARED,
            f"Series {comparison.prior_series_uid} of {date}{after}. {comparison.alignment.says}".strip(),
        )


def _certificate(certificate: GeometryCertificate) -> str:
    k, j, i = certificate.shape
    spacing = " × ".join(f"{step:.3g}" for step in certificate.spacing_mm)
    facts = [
        f"Geometry {certificate.verdict}: {k} × {j} × {i} voxels of {spacing} mm, {certificate.orientation}.",
        f"Values: {certificate.rescale}." if certificate.rescale else "",
        *certificate.notes,
    ]
    return " ".join(fact for fact in facts if fact)


def _no_answer(judged: Advice | Probability) -> str:
    return "not known" if judged.is_unknown else "does not apply"


def _advice(advice: Advice) -> str:
    if not advice.applies:
        return f"{advice.guideline}: {_no_answer(advice)}. {advice.why_not}".strip()
    category = f"category {advice.category}. " if advice.category else ""
    missing = f" Unknown: {', '.join(advice.missing)}." if advice.missing else ""
    return f"{advice.guideline}: {category}{advice.advice}{missing}".strip()


# -- One finding ------------------------------------------------------------------------------------------------------


def _group(finding: Finding, name: str, report: Report, volume: Volume, segmentation: SavedSegmentation | None) -> Any:
    import highdicom as hd

    measured = finding.measurement
    model = report.model
    numbers = [
        number_item(Quantity(concepts.MARKED_DIAMETER, concepts.MM), finding.diameter_mm),
        number_item(Quantity(concepts.CERTAINTY, concepts.NO_UNIT), finding.score),
        *(_numbers(measured) if measured is not None else ()),
        *_doubling(finding, report),
        *_risk(finding, report),
    ]
    common: dict[str, Any] = {
        "tracking_identifier": hd.sr.TrackingIdentifier(uid=finding.lesion_uid, identifier=name),
        "finding_type": concepts.NOT_A_LESION if finding.status == "rejected" else concepts.NODULE,
        "finding_sites": [_site(measured)] if measured is not None else None,
        "algorithm_id": hd.sr.AlgorithmIdentification(
            name=model.id,
            version=model.version,
            parameters=[f"{name} {value}" for name, value in _parameters(model).items()],
        ),
        "measurements": numbers,
        "qualitative_evaluations": [hd.sr.QualitativeEvaluation(*pair) for pair in _codes(finding)],
    }
    segment = segmentation.segments.get(finding.id) if segmentation is not None else None
    if segmentation is not None and segment is not None:
        group: Any = hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            referenced_segment=hd.sr.ReferencedSegment(
                sop_class_uid=segmentation.sop_class_uid,
                sop_instance_uid=segmentation.sop_instance_uid,
                segment_number=segment,
                source_series=hd.sr.SourceSeriesForSegmentation(volume.series.series_uid),
            ),
            **common,
        )
    else:
        group = hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            referenced_region=mark_item(finding, volume), **common
        )
    item = group[0]
    item.ObservationUID = finding_uid(finding)
    items = item.ContentSequence
    frame_of_reference = volume.series.frame_of_reference_uid
    items.append(in_space(concepts.CENTER, "POINT", [finding.center_mm], frame_of_reference))
    items.append(in_space(concepts.BOX, "MULTIPOINT", corners_of(finding), frame_of_reference))
    items.extend(text_item(name, words) for name, words in _texts(finding, report) if words)
    items.extend(looks_items(finding))
    items.extend(action_items(entry) for entry in finding.history)
    if measured is not None:
        for axis, code in ((measured.long_axis, concepts.LONG_AXIS), (measured.short_axis, concepts.SHORT_AXIS)):
            items.append(axis_items(axis, code, measured, volume))
    return group


def _parameters(model: ModelReference) -> dict[str, object]:
    known = {"sha256": model.sha256, "threshold": model.threshold}
    if model.false_positives_per_scan is not None:
        known["false-positives-per-scan"] = model.false_positives_per_scan
    return {name: value for name, value in known.items() if value != ""}


def _numbers(measured: Measurement) -> Iterator[Any]:
    for name, quantity in concepts.QUANTITIES.items():
        value = getattr(measured, name)
        if value is not None:
            yield number_item(quantity, value)
    for name, quantity in concepts.ATTENUATIONS.items():
        yield number_item(quantity, getattr(measured.hu, name))
    if measured.calcified_fraction is not None:
        yield number_item(Quantity(concepts.CALCIFIED_PERCENT, concepts.PERCENT), 100 * measured.calcified_fraction)
    if measured.looks is not None:
        yield from _estimates(measured.looks)


def _estimates(looks: Looks) -> Iterator[Any]:
    """Write how a finding looks to a network, each number marked as an estimate."""
    for name, quantity in concepts.LOOKS_PROBABILITIES.items():
        yield number_item(quantity, 100 * getattr(looks, name))
    for name, quantity in concepts.LOOKS_SIGNS.items():
        sign: Likely = getattr(looks, name)
        yield number_item(quantity, 100 * (sign.certainty if sign.value else 1 - sign.certainty))
    yield number_item(concepts.SUSPICION, looks.suspicion)


def _doubling(finding: Finding, report: Report) -> Iterator[Any]:
    """Volume doubling time against the latest prior, with its interval where that is closed."""
    change = report.comparisons[0].of(finding.id) if report.comparisons else None
    if change is None:
        return
    for value, derivation in (
        (change.doubling_days, None),
        (change.doubling_low_days, concepts.LOWEST),
        (change.doubling_high_days, concepts.HIGHEST),
    ):
        if value is not None:
            yield number_item(Quantity(concepts.DOUBLING_TIME, concepts.DAYS, derivation), value)


def _risk(finding: Finding, report: Report) -> Iterator[Any]:
    judged = report.judgement.of(finding.id) if report.judgement is not None else None
    brock: Probability | None = judged.brock if judged is not None else None
    if brock is None or not brock.applies or brock.low is None or brock.high is None:
        return
    if brock.low == brock.high:
        yield number_item(Quantity(concepts.BROCK, concepts.PERCENT), 100 * brock.low)
        return
    yield number_item(Quantity(concepts.BROCK, concepts.PERCENT, concepts.LOWEST), 100 * brock.low)
    yield number_item(Quantity(concepts.BROCK, concepts.PERCENT, concepts.HIGHEST), 100 * brock.high)


def _codes(finding: Finding) -> Iterator[tuple[Code, Code]]:
    yield concepts.VERDICT, concepts.VERDICTS[finding.status]
    measured = finding.measurement
    if measured is None:
        return
    if measured.type != "unknown":
        yield concepts.NODULE_TYPE, concepts.NODULE_TYPES[measured.type]
    if measured.calcification != "unknown":
        yield concepts.CALCIFICATION, concepts.CALCIFICATIONS[measured.calcification]
    if measured.looks is not None:
        yield concepts.ESTIMATED_TYPE, concepts.NODULE_TYPES[measured.looks.type]


def _texts(finding: Finding, report: Report) -> Iterator[tuple[Code, str]]:
    measured = finding.measurement
    yield concepts.COMMENT, finding.comment
    if measured is not None:
        yield concepts.MASK_METHOD, measured.method
        yield concepts.TYPE_RULE, measured.type_rule
        yield concepts.LOBE, measured.lobe
        if measured.looks is not None:
            yield concepts.LOOKS_METHOD, measured.looks.method
        for note in measured.notes:
            yield concepts.MEASUREMENT_NOTE, note
    yield concepts.UNMEASURED, finding.unmeasured
    judged = report.judgement.of(finding.id) if report.judgement is not None else None
    if judged is not None:
        if not judged.brock.applies and judged.brock.why_not:
            yield concepts.BROCK, f"{judged.brock.model}: {_no_answer(judged.brock)}. {judged.brock.why_not}"
        yield concepts.LUNG_RADS, _advice(judged.lung_rads)
        yield concepts.GROWTH, _advice(judged.growth)
    change = report.comparisons[0].of(finding.id) if report.comparisons else None
    if change is not None:
        yield concepts.COMPARED, f"{change.fate}: {change.why}"


def _site(measured: Measurement) -> Any:
    import highdicom as hd

    return hd.sr.FindingSite(
        anatomic_location=concepts.LUNG,
        laterality=concepts.SIDES.get(measured.side),
        topographical_modifier=concepts.ZONES.get(measured.zone),
    )


# -- Content items ----------------------------------------------------------------------------------------------------
