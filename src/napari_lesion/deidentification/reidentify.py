"""Results of de-identified scans go back to their patients: for who holds the key and its crosswalk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from napari_lesion.annotation.annotations import AnnotationSet
from napari_lesion.deidentification import files, journals, pages
from napari_lesion.deidentification.crosswalk import Crosswalk
from napari_lesion.deidentification.dates import shifted_date, shifted_datetime
from napari_lesion.deidentification.results import ANNOTATIONS, FINDINGS, HEATMAP, NIFTI, OF_JOURNALS, annotations_of
from napari_lesion.deidentification.scans import Scans
from napari_lesion.dicom.index.tree import look_through
from napari_lesion.model.findings import Report
from napari_lesion.model.volume import SeriesIdentity
from napari_lesion.report.json import load_report, report_from, save_report
from napari_lesion.security.audit import Action, record
from napari_lesion.security.roles import May, require
from napari_lesion.support.atomic import whole_folder
from napari_lesion.support.errors import LesionError, OutputError, SecurityError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.support.uids import name_of
from napari_lesion.support.vault import read_bytes

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
        Folders and files: DICOM objects (reports, segmentations, key images, also the scans), ``findings.json`` with
        the NIfTI and pages beside it, annotations, journals.
    out : Path
        New folder.
    crosswalk : Crosswalk
        Of the key that they were de-identified with.
    progress : Progress

    Raises
    ------
    NotAllowedError
        If the user may not use the key there.
    OutputError
        If ``out`` is there already and not empty.
    """
    for place in (*sources, out):
        require(May.DE_IDENTIFY, place)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} is there already and not empty; choose a new folder.")
    paths = [path for source in sources for path in (_below(source) if source.is_dir() else [source])]
    written: list[Path] = []
    left_out: list[tuple[Path, str]] = []
    with whole_folder(out, private=True) as place:
        back = _Back(place, crosswalk)
        for number, path in enumerate(sorted(paths, key=_order)):
            progress(number, len(paths), "giving back")
            try:
                written.append(out / back.one(path))
            except SecurityError:
                raise
            except (files.NotDicomError, LesionError, _UnknownError) as error:
                left_out.append((path, str(error)))
        for one in sorted(back.patients):
            record(Action.KEY_USE, patient_id=crosswalk.patients[one]["patient_id"], detail="given back to the patient")
    return Returned(tuple(written), tuple(left_out))


def _order(path: Path) -> int:
    """Put scans first, then findings, and last what is of one of these."""
    if path.name == FINDINGS:
        return 1
    return 2 if path.suffix == journals.SUFFIX or path.name in pages.NAMES or path.name.endswith(NIFTI) else 0


class _UnknownError(Exception):
    """Why something cannot be given back, as the end of a sentence."""


def _below(folder: Path) -> list[Path]:
    return [path for path in look_through(folder, lambda _: None).paths if path.suffix not in OF_JOURNALS]


class _Back:
    """Writes what is given back into a folder."""

    def __init__(self, place: Path, crosswalk: Crosswalk) -> None:
        self._place = place
        self._crosswalk = crosswalk
        self._owners: dict[str, str] = {}
        """Pseudonyms by series, for what names its series and no patient."""
        self._scans = Scans(place)
        self.patients: set[str] = set()
        """Pseudonyms of those to whom something was given back."""

    def one(self, path: Path) -> str:
        """Give one file back; returns its path below the folder."""
        beside = path.parent / FINDINGS
        if path.name == FINDINGS:
            return self._findings(path)
        if path.name.endswith(ANNOTATIONS):
            return self._annotations(path)
        if path.suffix == journals.SUFFIX:
            return self._journal(path)
        if path.name in pages.NAMES and beside.exists():
            made = self._report(beside)
            target = self._free(f"{made.series_uid}/{path.name}")
            pages.make(made, self._scans, target, path.parent / HEATMAP)
            return target.relative_to(self._place).as_posix()
        if path.name.endswith(NIFTI) and beside.exists():  # voxels alone: they name nobody
            target = self._free(f"{self._report(beside).series_uid}/{path.name}")
            target.write_bytes(read_bytes(path))
            return target.relative_to(self._place).as_posix()
        return self._dicom(path)

    def _patient(self, pseudonym: str) -> dict[str, str]:
        known = self._crosswalk.patients.get(pseudonym)
        if known is None:
            raise _UnknownError(f"the crosswalk does not know the patient {pseudonym or 'without a name'}")
        self.patients.add(pseudonym)
        return known

    def _free(self, name: str) -> Path:
        path = self._place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            raise _UnknownError("another one with its UID was given back")
        return path

    def _report(self, path: Path) -> Report:
        report = load_report(path)
        pseudonym = report.series.patient_id
        patient = self._patient(pseudonym)
        self._owners[report.series_uid] = pseudonym
        content = self._returned(report.model_dump(mode="json"), patient)
        name = patient["dicom_name"] or patient["patient_name"]
        content["series"] |= {"patient_id": patient["patient_id"], "patient_name": name}
        return report_from(content, path.name)

    def _findings(self, path: Path) -> str:
        made = self._report(path)
        name = f"{made.series_uid}/{FINDINGS}"
        save_report(made, self._free(name))
        return name

    def _annotations(self, path: Path) -> str:
        one = annotations_of(path)
        patient = self._patient(one.patient_id)
        content = self._returned(one.model_dump(mode="json"), patient) | {"patient_id": patient["patient_id"]}
        content["stack"] = self._scans.stack(content["series_uid"])
        made = AnnotationSet.model_validate(content)
        beside = f"_{made.stack}" if made.stack else ""
        name = f"annotations/{name_of(made.series_uid)}{beside}/{path.name}"
        self._free(name).write_text(made.model_dump_json(indent=2) + "\n", encoding="utf-8")
        return name

    def _journal(self, path: Path) -> str:
        series_uid = journals.series_of(path)
        if series_uid not in self._owners:
            raise _UnknownError("neither its scan nor its findings are here, so that it is not clear whose it is")
        patient = self._patient(self._owners[series_uid])
        uid = self._crosswalk.uids.get(series_uid, series_uid)
        stack = self._scans.stack(uid)

        def clean(value: Any) -> Any:
            made = self._returned(value, patient)
            return made | {"stack": stack} if "stack" in value else made

        name = f"journals/{path.parent.name}/{journals.file_name(path, uid, stack)}"
        journals.write(path, self._free(name), SeriesIdentity(series_uid=uid, study_uid=""), clean)
        return name

    def _returned(self, value: Any, patient: dict[str, str]) -> Any:
        return _returned(value, "", self._crosswalk, -int(patient["days"]))

    def _dicom(self, path: Path) -> str:
        dataset = files.read(path)
        pseudonym = str(dataset.get("PatientID", ""))
        patient = self._patient(pseudonym)
        self._owners[str(dataset.get("SeriesInstanceUID", ""))] = pseudonym
        moved = str(dataset.get("LongitudinalTemporalInformationModified", "")) != "REMOVED"
        _give_back(dataset, self._crosswalk, -int(patient["days"]) if moved else 0)
        dataset.PatientID, dataset.PatientName = patient["patient_id"], patient["dicom_name"]
        for keyword in _MARKS:
            if keyword in dataset:
                delattr(dataset, keyword)
        syntax = files.syntax_of(dataset)
        files.set_charset(dataset)
        name = f"{dataset.StudyInstanceUID}/{dataset.SeriesInstanceUID}/{dataset.SOPInstanceUID}.dcm"
        self._free(name).write_bytes(files.encode(dataset, syntax))
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
