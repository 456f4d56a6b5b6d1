"""Results of de-identified scans go back to their patients: for who holds the key and its crosswalk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from napari_lesion.deidentification import files
from napari_lesion.deidentification.crosswalk import Crosswalk
from napari_lesion.deidentification.dates import shifted_date, shifted_datetime
from napari_lesion.dicom.index.tree import look_through
from napari_lesion.report.json import load_report, report_from, save_report
from napari_lesion.support.atomic import whole_folder
from napari_lesion.support.errors import InputFileError, OutputError
from napari_lesion.support.progress import Progress, silent

_MARKS = (
    *("PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence"),
    "LongitudinalTemporalInformationModified",
)
_DUMMY_YEAR = 1900
"""Of dates that were not moved but taken away: they stay what they are."""


@dataclass(frozen=True)
class Returned:
    """What was given back its patient, and what was not, with the reason."""

    written: tuple[Path, ...]
    left_out: tuple[tuple[Path, str], ...]


def reidentify(sources: Sequence[Path], out: Path, crosswalk: Crosswalk, progress: Progress = silent) -> Returned:
    """Give results of de-identified scans their patient, UIDs and dates back.

    Parameters
    ----------
    sources : sequence of Path
        Folders and files: DICOM objects (reports, segmentations, key images, also the scans), ``findings.json``.
    out : Path
        New folder.
    crosswalk : Crosswalk
        Of the key that they were de-identified with.
    progress : Progress

    Raises
    ------
    OutputError
        If ``out`` is there already and not empty.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} is there already and not empty; choose a new folder.")
    paths = [path for source in sources for path in (_below(source) if source.is_dir() else [source])]
    written: list[Path] = []
    left_out: list[tuple[Path, str]] = []
    with whole_folder(out, private=True) as place:
        for number, path in enumerate(paths):
            progress(number, len(paths), "giving back")
            try:
                name = _json(path, place, crosswalk) if path.suffix == ".json" else _dicom(path, place, crosswalk)
            except (files.NotDicomError, InputFileError, _UnknownError) as error:
                left_out.append((path, str(error)))
            else:
                written.append(out / name)
    return Returned(tuple(written), tuple(left_out))


class _UnknownError(Exception):
    """Why something cannot be given back, as the end of a sentence."""


def _below(folder: Path) -> list[Path]:
    return look_through(folder, lambda _: None).paths


def _patient(pseudonym: str, crosswalk: Crosswalk) -> dict[str, str]:
    known = crosswalk.patients.get(pseudonym)
    if known is None:
        raise _UnknownError(f"the crosswalk does not know the patient {pseudonym or 'without a name'}")
    return known


def _json(path: Path, place: Path, crosswalk: Crosswalk) -> str:
    report = load_report(path)
    patient = _patient(report.series.patient_id, crosswalk)
    content = _returned(report.model_dump(mode="json"), "", crosswalk, -int(patient["days"]))
    content["series"] |= {"patient_id": patient["patient_id"], "patient_name": patient["patient_name"]}
    made = report_from(content, path.name)
    name = f"{made.series_uid}/findings.json"
    _free(place / name)
    save_report(made, place / name)
    return name


def _returned(value: Any, key: str, crosswalk: Crosswalk, days: int) -> Any:
    if isinstance(value, dict):
        return {name: _returned(one, name, crosswalk, days) for name, one in value.items()}
    if isinstance(value, list):
        return [_returned(one, key, crosswalk, days) for one in value]
    if not isinstance(value, str) or not value:
        return value
    if key.endswith("_uid"):
        return crosswalk.uids.get(value, value)
    if key == "study_date":
        return shifted_date(value, days) or value
    if key in ("time", "created") and not value.startswith(str(_DUMMY_YEAR)):
        return (datetime.fromisoformat(value) + timedelta(days=days)).isoformat()
    return value


def _dicom(path: Path, place: Path, crosswalk: Crosswalk) -> str:
    dataset = files.read(path)
    patient = _patient(str(dataset.get("PatientID", "")), crosswalk)
    moved = str(dataset.get("LongitudinalTemporalInformationModified", "")) != "REMOVED"
    _give_back(dataset, crosswalk, -int(patient["days"]) if moved else 0)
    dataset.PatientID, dataset.PatientName = patient["patient_id"], patient["dicom_name"]
    for keyword in _MARKS:
        if keyword in dataset:
            delattr(dataset, keyword)
    syntax = files.syntax_of(dataset)
    files.say_charset(dataset)
    name = f"{dataset.StudyInstanceUID}/{dataset.SeriesInstanceUID}/{dataset.SOPInstanceUID}.dcm"
    _free(place / name)
    (place / name).write_bytes(files.encode(dataset, syntax))
    return name


def _give_back(dataset: Dataset, crosswalk: Crosswalk, days: int) -> None:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                _give_back(item, crosswalk, days)
        elif element.VR == "UI" and element.value:
            several = not isinstance(element.value, str)
            old = [crosswalk.uids.get(str(one), str(one)) for one in (element.value if several else [element.value])]
            element.value = old if several else old[0]
        elif element.VR in ("DA", "DT") and element.value and days:
            change = shifted_date if element.VR == "DA" else shifted_datetime
            several = not isinstance(element.value, str)
            old = [change(str(one), days) or str(one) for one in (element.value if several else [element.value])]
            element.value = old if several else old[0]


def _free(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        raise _UnknownError("another one with its UID was given back")
