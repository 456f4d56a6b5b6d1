"""Kinds of files for `mutants`: valid ones, and how the program reads each kind."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import dicom_factory as factory
import yaml
from annotated_scan import annotate, mark_mask, nodule, phantom_volume
from dicom_factory import MARKS
from dicom_findings import Case, case_of
from dicom_fuzz import Files, outcome
from fake_scan import make_heatmap, make_volume
from reading_case import read_scan, report_with
from review_scan import CANDIDATES, READER, a_review

from napari_lesion.model.findings import Candidate
from napari_lesion.support.errors import LesionError

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Kind:
    """How one kind is changed, and read.

    Attributes
    ----------
    form : str
        Of `mutants.OTHERWISE`; "by name" after each file's suffix, "" bytes only.
    read : callable
        Reads the folder of a mutant as the program does.
    """

    form: str
    read: Callable[[Path], object]


@cache
def _case(folder: Path) -> Case:
    return case_of("axial", folder)


_SCAN = SimpleNamespace(case=None)  # what objects are placed on; made by `seeds`
_REVIEWED = make_volume()
_ANNOTATED = phantom_volume()


def _only(folder: Path) -> Path:
    return next(path for path in sorted(folder.rglob("*")) if path.is_file())


def _sr(folder: Path) -> None:
    from napari_lesion.dicom_objects.structured_report_reader import findings_from_sr, load_sr, report_from_sr

    load_sr(_only(folder))
    findings_from_sr(_only(folder), _SCAN.case.volume)
    report_from_sr(_only(folder), _SCAN.case.volume)


def _seg(folder: Path) -> None:
    from napari_lesion.dicom_objects.segmentation_reader import load_seg, masks_from_seg

    load_seg(_only(folder))
    masks_from_seg(_only(folder), _SCAN.case.volume)


def _heatmap_seg(folder: Path) -> None:
    from napari_lesion.dicom_objects.segmentation_reader import heatmap_from_seg

    heatmap_from_seg(_only(folder), _SCAN.case.volume)


def _nifti(folder: Path) -> None:
    from napari_lesion.report.nifti import load_heatmap

    load_heatmap(_only(folder))


def _findings(folder: Path) -> None:
    """Read a report, and make what is made of a report on disk."""
    from napari_lesion.batch import renew_reports
    from napari_lesion.report.json import load_report

    report = load_report(folder / "findings.json")
    _, written = renew_reports(folder, ("html", "csv", "json"))
    if written.problems:
        raise AssertionError(f"{written.problems} of {len(report.findings)} findings")


def _review(folder: Path) -> None:
    from napari_lesion.review.journal import Journal

    journal = Journal(folder / "journal.jsonl", _REVIEWED.series)
    try:
        review = journal.recover()
        if review is not None:
            assert review.findings is not None
            again = Journal.recover(journal)
            assert again == review, "what was recovered is not what is on disk afterwards"
    finally:
        journal.close()


def _reading(folder: Path) -> None:
    from napari_lesion.reading_study.journal import load
    from napari_lesion.reading_study.study import case_row, load_readings, reports_of

    load(_only(folder))
    for reading in load_readings(folder).finished:
        case_row(reading)
        reports_of(reading)


def _annotations(folder: Path) -> None:
    from napari_lesion.annotation.store import Store, check_grid, load_file

    check_grid(load_file(_only(folder)), _ANNOTATED)
    Store(folder).load_all()


def _clinical(folder: Path) -> None:
    from napari_lesion.assessment.patient.clinical import load_clinical

    clinical = load_clinical(_only(folder))
    for patient in clinical.statements:
        clinical.of(patient, "20250301")
        clinical.problems_of(patient)


def _truth(folder: Path) -> None:
    from napari_lesion.evaluation.froc import evaluate, load_marks

    marks = load_marks(_only(folder))
    evaluate(marks, {mark.series_uid: () for mark in marks}, bootstraps=2)


def _scores(folder: Path) -> None:
    from napari_lesion.evaluation.classification import load_scores

    load_scores(_only(folder))


def _summary(folder: Path) -> None:
    from napari_lesion.report.summary import load_summary

    load_summary(_only(folder))


def _labels(folder: Path) -> None:
    from napari_lesion.annotation.labels import read_labels

    read_labels(_only(folder))


def _config(folder: Path) -> None:
    from napari_lesion.training.config.detector import read_config
    from napari_lesion.training.config.looks import read_looks_config
    from napari_lesion.training.config.patches import read_patch_config
    from napari_lesion.training.config.planes import read_planes_config
    from napari_lesion.training.config.segmenter import read_segment_config

    for path in sorted(folder.glob("*.yaml")):
        read = {
            "nodule-2d": read_patch_config,
            "nodule-3d-patches": read_patch_config,
            "nodule-3d-planes": read_planes_config,
            "nodule-seg": read_segment_config,
            "nodule-looks": read_looks_config,
        }.get(path.stem, read_config)
        read(path)


def _package(folder: Path) -> None:
    from napari_lesion.models.packages import read_package

    read_package(folder)


def _bundle(folder: Path) -> None:
    from napari_lesion.detection.monai_bundles.load import load_bundle
    from napari_lesion.detection.registry import read_card

    try:
        read_card(folder)
    finally:
        load_bundle(folder)


def _archive(folder: Path) -> str:
    return outcome(_only(folder), allow_gaps=True)


KINDS: Mapping[str, Kind] = {
    "sr": Kind("", _sr),
    "seg": Kind("", _seg),
    "seg heatmap": Kind("", _heatmap_seg),
    "nifti": Kind("", _nifti),
    "json findings": Kind("json", _findings),
    "journal of a review": Kind("lines", _review),
    "journal of a reading": Kind("lines", _reading),
    "json annotations": Kind("json", _annotations),
    "fhir": Kind("json", _clinical),
    "fhir lines": Kind("lines", _clinical),
    "csv clinical": Kind("table", _clinical),
    "csv truth": Kind("table", _truth),
    "csv scores": Kind("table", _scores),
    "csv summary": Kind("table", _summary),
    "yaml labels": Kind("yaml", _labels),
    "yaml training": Kind("yaml", _config),
    "yaml packageage": Kind("yaml", _package),
    "archive tar.gz": Kind("", _archive),
    "bundle detection": Kind("by name", _bundle),
    "bundle segmentation": Kind("by name", _bundle),
    "bundle in yaml": Kind("by name", _bundle),
}

CLINICAL = (
    "patient_id,study_date,age_years,sex,smoking,pack_years,quit_years_ago,family_history,emphysema,context\n"
    "LC-001,20250301,63,F,former,35,6,yes,no,screening\nLC-002,,71.5,male,current,40.5,,no,yes,incidental\n"
)
TRUTH = "seriesuid,coordX,coordY,coordZ,diameter_mm,type\n1.2.3,-10.5,20,-30.25,8.1,solid\n1.2.4,1e1,2,3,6,part-solid\n"
SCORES = "label,score,group\n1,0.9,a\n0,0.2,b\n1,0.4,c\n0,0.6,a\n"


def seeds(folder: Path, only: tuple[str, ...]) -> dict[str, Files]:
    """Valid files of the kinds whose names begin so, each of which is read as it is."""
    folder.mkdir(parents=True)
    makers: dict[str, Callable[[Path], None]] = {
        "sr": _make_sr,
        "seg": _make_seg,
        "seg heatmap": _make_heatmap_seg,
        "nifti": _make_nifti,
        "json findings": _make_findings,
        "journal of a review": _make_review,
        "journal of a reading": _make_reading,
        "json annotations": _make_annotations,
        "fhir": lambda path: _write(path, "f.json", json.dumps({"resourceType": "Bundle", "entry": _fhir()})),
        "fhir lines": lambda path: _write(
            path, "f.ndjson", "\n".join(json.dumps(entry["resource"]) for entry in _fhir())
        ),
        "csv clinical": lambda path: _write(path, "c.csv", CLINICAL),
        "csv truth": lambda path: _write(path, "t.csv", TRUTH),
        "csv scores": lambda path: _write(path, "s.csv", SCORES),
        "csv summary": _make_summary,
        "yaml labels": _make_labels,
        "yaml training": _make_config,
        "yaml packageage": _make_package,
        "archive tar.gz": _make_tar,
        "bundle detection": lambda path: _make_bundle(path, "detection"),
        "bundle segmentation": lambda path: _make_bundle(path, "segmentation"),
        "bundle in yaml": lambda path: _make_bundle(path, "yaml"),
    }
    result = {}
    for name, make in makers.items():
        if not name.startswith(only):
            continue
        if name.startswith(("sr", "seg", "json findings")) and _SCAN.case is None:
            _SCAN.case = _case(folder / "scan")
        place = folder / name
        place.mkdir()
        make(place)
        files = [path for path in sorted(place.rglob("*")) if path.is_file() and path.suffix != ".lock"]
        result[name] = {str(path.relative_to(place)): path.read_bytes() for path in files}
        try:
            KINDS[name].read(place)
        except LesionError as error:
            # A bundle's weights do not fit, so that nothing else can end it.
            if not (name.startswith("bundle") and "do not fit" in str(error)):
                raise AssertionError(f"the seed of {name!r} is not valid: {error}") from error
    return result


def _write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def _make_sr(folder: Path) -> None:
    from napari_lesion.dicom_objects.structured_report import save_sr

    save_sr(_SCAN.case.report, _SCAN.case.volume, folder / "f.dcm", source=_SCAN.case.source)


def _make_seg(folder: Path) -> None:
    from napari_lesion.dicom_objects.segmentation import save_seg

    save_seg(_SCAN.case.report, _SCAN.case.volume, folder / "f.dcm", source=_SCAN.case.source)


def _make_heatmap_seg(folder: Path) -> None:
    from napari_lesion.dicom_objects.segmentation import save_heatmap_seg

    marks = tuple(Candidate(finding.center_mm, 10.0, 0.9) for finding in _SCAN.case.report.findings)
    heatmap = make_heatmap(_SCAN.case.volume, marks)
    save_heatmap_seg(heatmap, _SCAN.case.report, _SCAN.case.volume, folder / "f.dcm", source=_SCAN.case.source)


def _make_nifti(folder: Path) -> None:
    from napari_lesion.report.nifti import save_heatmap

    save_heatmap(make_heatmap(_REVIEWED, CANDIDATES), _REVIEWED, folder / "heatmap.nii.gz")


def _make_findings(folder: Path) -> None:
    from napari_lesion.report.json import save_report

    save_report(_SCAN.case.report, folder / "findings.json")


def _make_review(folder: Path) -> None:
    from napari_lesion.review import edits
    from napari_lesion.review.journal import Journal
    from napari_lesion.review.review import undo

    journal, review = Journal(folder / "journal.jsonl", _REVIEWED.series), a_review(_REVIEWED)
    journal.begin(review, READER)
    first = review.findings[0].id
    for new in (
        lambda one: edits.comment(one, first, "Größe", READER),
        lambda one: edits.accept(one, [first], READER),
        undo,
    ):
        after = new(review)
        journal.record(review, after, READER)
        review = after
    journal.close()


def _make_reading(folder: Path) -> None:
    report = report_with(((1.0, 2.0, 3.0), 0.9), ((4.0, 5.0, 6.0), 0.6))
    read_scan(folder, "ann", report, marks=(((1.0, 2.0, 3.0), 4),), decisions=(None,))


def _make_annotations(folder: Path) -> None:
    from napari_lesion.annotation.store import Store

    mask = mark_mask(_ANNOTATED, MARKS[0])
    one = nodule(_ANNOTATED, MARKS[0], mask=mask)
    two = nodule(_ANNOTATED, MARKS[1], center_mm=MARKS[1].center_mm, box_size_mm=(6, 8, 10))
    Store(folder).save(annotate(_ANNOTATED, "ann", one, two))


def _fhir() -> list[dict[str, object]]:
    snomed, loinc, icd = "http://snomed.info/sct", "http://loinc.org", "http://hl7.org/fhir/sid/icd-10-cm"

    def concept(system: str, code: str) -> dict[str, object]:
        return {"coding": [{"system": system, "code": code}]}

    def of(kind: str, code: dict[str, object], **more: object) -> dict[str, object]:
        said = {"resourceType": kind, "id": "o", "status": "final", "code": code, "effectiveDateTime": "2024-05-01"}
        return {**said, "subject": {"reference": "Patient/p1"}, **more}

    person = {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [{"system": "urn:mrn", "value": "LC-001"}],
        "gender": "female",
        "birthDate": "1961-03-24",
    }
    resources = [
        person,
        of("Observation", concept(loinc, "72166-2"), valueCodeableConcept=concept(snomed, "8517006")),
        of("Observation", concept(snomed, "401201003"), valueQuantity={"value": 35, "unit": "{pack-years}"}),
        of("Observation", concept(loinc, "74010-0"), valueDateTime="2019-02-01"),
        of("Condition", concept(icd, "J43.9"), recordedDate="2020-01-01"),
        {
            "resourceType": "FamilyMemberHistory",
            "status": "completed",
            "patient": {"reference": "Patient/p1"},
            "relationship": concept("http://terminology.hl7.org/CodeSystem/v3-RoleCode", "FTH"),
            "condition": [{"code": concept(snomed, "363358000")}],
        },
    ]
    return [{"fullUrl": f"urn:uuid:{n}", "resource": one} for n, one in enumerate(resources)]


def _make_summary(folder: Path) -> None:
    from napari_lesion.report.summary import COLUMNS, append_rows, save_summary

    rows = [{name: f"{name} {n}" for name in COLUMNS} for n in range(3)]
    save_summary(rows[:2], folder / "summary.csv")
    append_rows(rows[2:], folder / "summary.csv")


def _make_labels(folder: Path) -> None:
    from napari_lesion.annotation.labels import LUNG_NODULES

    _write(folder, "labels.yaml", yaml.safe_dump(LUNG_NODULES.model_dump(mode="json", exclude_defaults=True)))


def _make_config(folder: Path) -> None:
    for path in sorted((ROOT / "configs").glob("*.yaml")):
        _write(folder, path.name, re.sub(r"\$\{\w+\}", ".", path.read_text()))


def _make_package(folder: Path) -> None:
    from napari_lesion.models.packages import DESCRIPTION, SHIPPED

    _write(folder, DESCRIPTION, (SHIPPED / "nodule-3d" / DESCRIPTION).read_text())


def _make_tar(folder: Path) -> None:
    slices = factory.ct_slices(factory.asymmetric_phantom(shape=(4, 32, 36)), "tar")
    factory.write(slices, folder / "scan")
    with tarfile.open(folder / "a.tar.gz", "w:gz") as archive:
        for path in sorted((folder / "scan").iterdir()):
            data = path.read_bytes()
            about = tarfile.TarInfo(path.name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
            path.unlink()
    (folder / "scan").rmdir()


def _make_bundle(folder: Path, kind: str) -> None:
    import yaml
    from detection_bundle import METADATA, inference_config, write_bundle
    from strange_bundle import ABOUT, SEGMENTATION

    detection = kind == "detection"
    config = inference_config(network="resnet10(", window=(32, 32, 16)) if detection else SEGMENTATION
    write_bundle(folder, config, {})
    _write(folder, "configs/metadata.json", json.dumps(METADATA if detection else ABOUT))
    if kind == "yaml":
        (folder / "configs" / "inference.json").unlink()
        _write(folder, "configs/inference.yaml", yaml.safe_dump(config, sort_keys=False))
