"""Results of this program without what names a patient: ``findings.json``, annotations, NIfTI.

Every value of a JSON file is dropped unless its key is known: UIDs, pseudonyms and dates become what they are in the
scan that is de-identified with the same key, numbers and the program's own words stay, all other text goes. What a
report says of guidelines and priors is left out; it can be made anew from the de-identified scan.
"""

from __future__ import annotations

import gzip
import json
import re
import struct
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from napari_lesion.annotation.annotations import AnnotationSet
from napari_lesion.deidentification.engine import Deidentifier
from napari_lesion.deidentification.people import Known
from napari_lesion.deidentification.text import cleaned
from napari_lesion.dicom.index.frames import Owner
from napari_lesion.dicom.index.interpret import plain_name
from napari_lesion.model.findings import Report
from napari_lesion.report.json import load_report, report_from, save_report
from napari_lesion.support.errors import InputFileError

FINDINGS = "findings.json"
ANNOTATIONS = ".annotations.json"
_NIFTI = (".nii", ".nii.gz")
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
        *("label", "label_set", "stack", "slice_order"),
    }
)
#: What answers to questions are made of.
_WORDS = re.compile(r"[A-Za-z0-9 \-]{1,32}")
_DROPPED = frozenset({"judgement", "comparisons", "lesions", "inputs", "checksums"})
_CHARACTERISTICS = frozenset({"patient_sex", "patient_age", "smoking_status"})
_OTHER = (
    "This was de-identified: notes, warnings, guidelines and comparisons were left out; make them anew from the scan."
)
_NO_TIME = "1900-01-01T00:00:00+00:00"
_REMADE = frozenset({".html", ".pdf", ".csv", ".png", ".sqlite", ".jsonl", ".json", ".gz", ".nii"})
_HEADER_BYTES = 348
_ZERO = ((4, 14), (14, 32), (148, 228), (228, 252), (328, 344))
"""Of a NIfTI-1 header: data_type, db_name, descrip, aux_file, intent_name."""


@dataclass(frozen=True)
class Result:
    """A result that can be de-identified."""

    path: Path
    known: Known
    kind: str
    """findings, annotations or nifti."""


def why_left_out(path: Path) -> str:
    """Say of a file that is neither DICOM nor a result that can be de-identified why it does not leave."""
    if path.suffix in _REMADE:
        return "no DICOM; if it is a result, make it anew from what is de-identified"
    return "no DICOM object"


def result_of(path: Path) -> Result | None:
    """Recognise a result; None where it is none.

    Raises
    ------
    InputFileError
        If it looks like one and is damaged.
    """
    if path.name == FINDINGS:
        series = load_report(path).series
        owner = Owner(series.patient_id, plain_name(series.patient_name), series.patient_birth_date, series.study_uid)
        names, numbers = {series.patient_name} - {""}, {series.patient_id, series.accession_number} - {""}
        return Result(path, Known(path, owner, "", frozenset(names), frozenset(numbers)), "findings")
    if path.name.endswith(ANNOTATIONS):
        one = _annotations(path)
        return Result(path, Known(path, Owner(one.patient_id, "", "", ""), "", frozenset(), frozenset()), "annotations")
    if path.name.endswith(_NIFTI) and (beside := path.parent / FINDINGS).exists():
        found = result_of(beside)
        return (
            None
            if found is None
            else Result(path, Known(path, found.known.owner, "", frozenset(), frozenset()), "nifti")
        )
    return None


def write(result: Result, by: Deidentifier, folder: Path) -> str:
    """Write a result without what names a patient; give its path below the folder."""
    if result.kind == "findings":
        report = deidentified_report(load_report(result.path), by)
        name = f"{by.pseudonym}/results/{report.series_uid}/{FINDINGS}"
        save_report(report, _made(folder / name))
        return name
    if result.kind == "annotations":
        one = _annotations(result.path)
        made = AnnotationSet.model_validate(_Walk(by).value(one.model_dump(mode="json")) | {"patient_id": by.pseudonym})
        name = f"{by.pseudonym}/annotations/{made.series_uid}_{made.stack}/{made.reader}{ANNOTATIONS}"
        _made(folder / name).write_text(made.model_dump_json(indent=2) + "\n", encoding="utf-8")
        return name
    series = by.uid(load_report(result.path.parent / FINDINGS).series_uid)
    plain = (
        "heatmap.nii.gz" if result.path.name == "heatmap.nii.gz" else f"{by.key.token('file', result.path.name)}.nii.gz"
    )
    name = f"{by.pseudonym}/results/{series}/{plain}"
    _made(folder / name).write_bytes(gzip.compress(_only_voxels(result.path), mtime=0))
    return name


def deidentified_report(report: Report, by: Deidentifier) -> Report:
    """Make the report of the de-identified scan out of that of the scan."""
    lesions = [finding.lesion_uid for finding in report.findings]
    content = _Walk(by).value(report.model_dump(mode="json"))
    content["series"] |= {"patient_id": by.pseudonym, "patient_name": by.pseudonym}
    content["warnings"] = [_OTHER]
    for finding, lesion in zip(content["findings"], lesions, strict=True):
        finding["tracking_uid"] = by.uid(lesion)  # as in a report and segmentation of the same findings
    content.pop("patient", None)  # as guidelines ask; it comes from the scan's headers again
    return report_from(content, FINDINGS)


class _Walk:
    def __init__(self, by: Deidentifier) -> None:
        self._by = by

    def value(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            if key == "versions":
                return {name: text for name, text in value.items() if re.fullmatch(r"[\w.+\-]{1,32}", str(text))}
            return {
                name: self._identified(one) if key == "model" else self.value(one, name)
                for name, one in value.items()
                if name not in _DROPPED
            }
        if isinstance(value, list):
            made = [self.value(one, key) for one in value]
            return [one for one in made if one != ""] if value and isinstance(value[0], str) else made
        return self._text(value, key) if isinstance(value, str) else value

    def _identified(self, value: Any) -> Any:
        """Keep what says which model it was, unless it holds something of the patient."""
        return "" if isinstance(value, str) and self._by.identity.is_in(value) else value

    def _text(self, text: str, key: str) -> str:
        by = self._by
        if _UID_KEYS.fullmatch(key):
            return by.uid(text)
        if key == "id":
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


def _annotations(path: Path) -> AnnotationSet:
    try:
        return AnnotationSet.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise InputFileError(f"{path}: no annotations that can be read.") from error


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _only_voxels(path: Path) -> bytes:
    """Give a NIfTI-1 file with a header that says nothing but the grid, and without extensions."""
    data = path.read_bytes()
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
