"""Results of this program without what names a patient: ``findings.json``, annotations, NIfTI, journals, pages.

Every value of a JSON file is dropped unless its key is known: UIDs, pseudonyms and dates become what they are in the
scan that is de-identified with the same key, numbers and the program's own words stay, all other text goes. What a
report says of guidelines and priors is left out; it can be made anew from the de-identified scan. Pages, tables and
pictures are made anew of the findings (`pages`), journals line by line (`journals`).
"""

from __future__ import annotations

import gzip
import re
import struct
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from napari_lesion.annotation.annotations import AnnotationSet
from napari_lesion.deidentification import journals, pages
from napari_lesion.deidentification.engine import Deidentifier
from napari_lesion.deidentification.people import HeaderNames
from napari_lesion.deidentification.scans import Scans
from napari_lesion.deidentification.text import cleaned
from napari_lesion.dicom.index.frames import Owner
from napari_lesion.dicom.index.interpret import plain_name
from napari_lesion.model.findings import Finding, Report
from napari_lesion.model.volume import SeriesIdentity
from napari_lesion.report.json import load_report, report_from, save_report
from napari_lesion.support.bounded import parse_json
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.uids import name_of
from napari_lesion.support.vault import read_bytes, read_text

FINDINGS = "findings.json"
ANNOTATIONS = ".annotations.json"
NIFTI = (".nii", ".nii.gz")
HEATMAP = "heatmap.nii.gz"
_UID_KEYS = re.compile(r".*_uid")
#: Keys whose texts are words of the program or name the technique.
_PLAIN = frozenset(
    {
        *("status", "what", "tool", "type", "side", "zone", "calcification", "orientation", "axes", "patient_position"),
        *("verdict", "unit", "length_unit", "bits", "schema_version", "intended_use", "device", "modality", "kernel"),
        *(
            "manufacturer",
            "manufacturer_model",
            "body_part",
            "projection",
            "sha256",
            "version",
            "method",
            "series_number",
        ),
        *("label", "label_set", "slice_order", "model_sha256"),
    }
)
#: What answers to questions are made of.
_WORDS = re.compile(r"[A-Za-z0-9 \-]{1,32}")
_DROPPED = frozenset({"judgement", "comparisons", "compared", "lesions", "inputs", "checksums", "patient"})
#: Ids of findings and marks, and what refers to them.
_IDS = frozenset({"id", "finding_id", "finding"})
_STACK = "stack"
_CHARACTERISTICS = frozenset({"patient_sex", "patient_age", "smoking_status"})
_OTHER = (
    "This was de-identified: notes, warnings, guidelines and comparisons were left out; make them anew from the scan."
)
_NO_TIME = "1900-01-01T00:00:00+00:00"
_REMADE = frozenset({".html", ".pdf", ".csv", ".png", ".sqlite", ".jsonl", ".json", ".gz", ".nii"})
OF_JOURNALS = frozenset({".head", ".lock"})
_HEADER_BYTES = 348
_ZERO = ((4, 14), (14, 32), (148, 228), (228, 252), (328, 344))
"""Of a NIfTI-1 header: data_type, db_name, descrip, aux_file, intent_name."""


@dataclass(frozen=True)
class Result:
    """A result that can be de-identified."""

    path: Path
    known: HeaderNames
    kind: Literal["findings", "annotations", "nifti", "page", "journal"]
    series_uid: str = ""
    """Of what names no patient: whose it is is known by its series."""

    @property
    def in_order(self) -> int:
        """Pages are made of what was written before them."""
        return 1 if self.kind == "page" else 0


def why_left_out(path: Path) -> str:
    """Why a file that is neither DICOM nor a result that can be de-identified does not leave."""
    if path.suffix in OF_JOURNALS:
        return "a part of a journal, which is made anew with it"
    if path.suffix in _REMADE:
        return "no DICOM; if it is a result, make it anew from what is de-identified"
    return "no DICOM object"


def result_of(path: Path) -> Result | None:
    """Recognise a result; None where it is none.

    Raises
    ------
    LesionError
        If it looks like one and is damaged, or does not open.
    """
    if path.name == FINDINGS:
        series = load_report(path).series
        owner = Owner(series.patient_id, plain_name(series.patient_name), series.patient_birth_date, series.study_uid)
        names, numbers = {series.patient_name} - {""}, {series.patient_id, series.accession_number} - {""}
        known = HeaderNames(path, owner, "", frozenset(names), frozenset(numbers), series.patient_name)
        return Result(path, known, "findings", series.series_uid)
    if path.name.endswith(ANNOTATIONS):
        one = annotations_of(path)
        return Result(path, _nobody(path, Owner(one.patient_id, "", "", "")), "annotations", one.series_uid)
    if path.suffix == journals.SUFFIX and (series_uid := journals.series_of(path)):
        return Result(path, _nobody(path, Owner("", "", "", "")), "journal", series_uid)
    is_page = path.name in pages.NAMES
    if (is_page or path.name.endswith(NIFTI)) and (beside := path.parent / FINDINGS).exists():
        found = result_of(beside)
        if found is not None:
            return Result(path, _nobody(path, found.known.owner), "page" if is_page else "nifti", found.series_uid)
    return None


def _nobody(path: Path, owner: Owner) -> HeaderNames:
    return HeaderNames(path, owner, "", frozenset(), frozenset())


def uids_of(result: Result) -> set[str]:
    """Give the UIDs that a result holds, which may be found nowhere else: those of lesions."""
    if result.kind != "findings":
        return {result.series_uid} - {""}
    report = load_report(result.path)
    return {report.series_uid, *(finding.lesion_uid for finding in report.findings)}


def write(result: Result, by: Deidentifier, folder: Path, scans: Scans) -> str:
    """Write a result without what names a patient; give its path below the folder.

    Raises
    ------
    LesionError
        If that cannot be done; the sentence says why.
    """
    if result.kind == "findings":
        report = deidentified_report(load_report(result.path), by)
        name = f"{by.pseudonym}/results/{report.series_uid}/{FINDINGS}"
        save_report(report, _made(folder / name))
        return name
    if result.kind == "annotations":
        return _write_annotations(annotations_of(result.path), by, folder, scans)
    if result.kind == "journal":
        return _write_journal(result, by, folder, scans)
    beside = result.path.parent / FINDINGS
    series_uid = by.uid(load_report(beside).series_uid)
    if result.kind == "page":
        name = f"{by.pseudonym}/results/{series_uid}/{result.path.name}"
        report = deidentified_report(load_report(beside), by)
        pages.make(report, scans, _made(folder / name), result.path.parent / HEATMAP)
        return name
    plain = HEATMAP if result.path.name == HEATMAP else f"{by.key.token('file', result.path.name)}.nii.gz"
    name = f"{by.pseudonym}/results/{series_uid}/{plain}"
    _made(folder / name).write_bytes(gzip.compress(_only_voxels(result.path), mtime=0))
    return name


def _write_annotations(one: AnnotationSet, by: Deidentifier, folder: Path, scans: Scans) -> str:
    content = _Walk(by).value(one.model_dump(mode="json")) | {"patient_id": by.pseudonym}
    content[_STACK] = scans.stack(content["series_uid"]) if one.stack else ""
    made = AnnotationSet.model_validate(content)
    beside = f"_{made.stack}" if made.stack else ""
    name = f"{by.pseudonym}/annotations/{name_of(made.series_uid)}{beside}/{made.reader}{ANNOTATIONS}"
    if (folder / name).exists():
        raise InputFileError("annotations of another stack of the same series, which cannot be told apart")
    _made(folder / name).write_text(made.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return name


def _write_journal(result: Result, by: Deidentifier, folder: Path, scans: Scans) -> str:
    walk, uid = _Walk(by), by.uid(result.series_uid)
    stack = scans.stack(uid)

    def clean(value: Any) -> Any:
        made = walk.value(value)
        return made | {_STACK: stack} if _STACK in value else made

    place = journals.file_name(result.path, uid, stack)
    readers = by.key.token("file", result.path.parent.name)  # of blind reads it is the reader's name
    name = f"{by.pseudonym}/journals/{readers}/{place}"
    journals.write(result.path, folder / name, SeriesIdentity(series_uid=uid, study_uid=""), clean)
    return name


def deidentified_report(report: Report, by: Deidentifier) -> Report:
    """Make the report of the de-identified scan out of that of the scan."""
    content = _Walk(by).value(report.model_dump(mode="json"))
    content["series"] |= {"patient_id": by.pseudonym, "patient_name": by.pseudonym}
    content["warnings"] = [_OTHER]
    return report_from(content, FINDINGS)


class _Walk:
    def __init__(self, by: Deidentifier) -> None:
        self._by = by

    def value(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            if key == "versions":
                return {name: text for name, text in value.items() if re.fullmatch(r"[\w.+\-]{1,32}", str(text))}
            made = {
                name: self._identified(one) if key == "model" else self.value(one, name)
                for name, one in value.items()
                if name not in _DROPPED
            }
            if {"tracking_uid", "box_mm"} <= value.keys():  # a finding: as in report and segmentation of the same
                made["tracking_uid"] = self._by.uid(Finding.model_validate(value).lesion_uid)
            return made
        if isinstance(value, list):
            every = [self.value(one, key) for one in value]
            return [one for one in every if one != ""] if value and isinstance(value[0], str) else every
        return self._text(value, key) if isinstance(value, str) else value

    def _identified(self, value: Any) -> Any:
        """Keep what says which model it was, unless it holds something of the patient."""
        return "" if isinstance(value, str) and self._by.identity.is_in(value) else value

    def _text(self, text: str, key: str) -> str:
        by = self._by
        if _UID_KEYS.fullmatch(key):
            return by.uid(text)
        if key in _IDS:
            return str(uuid.UUID(bytes=by.key.derived(f"id {text}")[:16], version=4))
        if key in ("time", "created"):
            return self._moment(text)
        if key == "study_date":
            return self._date(text)
        if key == "reader":
            return f"reader-{by.key.token('reader', text)}" if text else ""
        if key in _CHARACTERISTICS:
            return text if by.options.retain_patient_characteristics else ""
        if key in _PLAIN or (key in ("value", "source") and _WORDS.fullmatch(text)):
            return "" if by.identity.is_in(text) else text
        if (
            key in ("study_description", "series_description", "contrast", "comment", "text")
            and by.options.clean_descriptors
        ):
            return cleaned(text, by.identity)
        return ""

    def _moment(self, text: str) -> str:
        if not self._by.options.retain_dates_shifted:
            return _NO_TIME if text else ""
        try:
            return (datetime.fromisoformat(text) + timedelta(days=self._by.days)).isoformat()
        except (ValueError, OverflowError):
            return _NO_TIME if text else ""

    def _date(self, text: str) -> str:
        if not self._by.options.retain_dates_shifted:
            return ""
        try:
            moved = datetime.strptime(text, "%Y%m%d") + timedelta(days=self._by.days)
        except (ValueError, OverflowError):
            return ""
        return moved.strftime("%Y%m%d")


def annotations_of(path: Path) -> AnnotationSet:
    """Read annotations, also ones that lie encrypted."""
    try:
        return AnnotationSet.model_validate(parse_json(read_text(path)))
    except (OSError, ValueError) as error:
        raise InputFileError(f"{path}: no annotations that can be read.") from error


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _only_voxels(path: Path) -> bytes:
    """Give a NIfTI-1 file with a header that says nothing but the grid, and without extensions."""
    data = read_bytes(path)
    data = gzip.decompress(data) if path.name.endswith(".gz") else data
    order: Literal["little", "big"] = "little" if data[:4] == _HEADER_BYTES.to_bytes(4, "little") else "big"
    if int.from_bytes(data[:4], order) != _HEADER_BYTES:
        raise InputFileError(f"{path}: no NIfTI-1 file.")
    sign = "<" if order == "little" else ">"
    (offset,) = struct.unpack(f"{sign}f", data[108:112])
    dimensions = struct.unpack(f"{sign}8h", data[40:56])
    (bits,) = struct.unpack(f"{sign}h", data[72:74])
    voxels = 1
    for size in dimensions[1 : 1 + dimensions[0]]:
        voxels *= max(1, size)
    header = bytearray(data[:_HEADER_BYTES])
    for start, stop in _ZERO:
        header[start:stop] = bytes(stop - start)
    header[108:112] = struct.pack(f"{sign}f", 352.0)
    length = voxels * bits // 8
    return bytes(header) + b"\0\0\0\0" + data[int(offset) : int(offset) + length]
