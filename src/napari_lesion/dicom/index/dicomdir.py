"""From a DICOMDIR to the files that it names, as media really hold them."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset

from napari_lesion.dicom.index.frames import Owner
from napari_lesion.dicom.index.interpret import plain_name

Skipped = tuple[Path, str]

_DIRECTORY = "1.2.840.10008.1.3.10"
#: DICOMDIRs inside each other, at most.
_MOST = 1000
_VERSION = re.compile(r"\.?;\d+$")


_INSTANCE = "ReferencedSOPInstanceUIDInFile"
#: What is compared, as a record of each level of a DICOMDIR has it.
_COMPARED = {
    "PATIENT": ("PatientID", "PatientName"),
    "STUDY": ("StudyInstanceUID",),
    "SERIES": ("SeriesInstanceUID",),
    "IMAGE": (_INSTANCE,),
}


@dataclass(frozen=True)
class Directory:
    """What a DICOMDIR, with those that it names, says.

    Attributes
    ----------
    found : tuple of Path
        Files that its records point to.
    missing : tuple of (Path, str)
        Images among them that are not there, with the reason; the DICOMDIR itself where it cannot be read, or names no
        image.
    stated : dict
        What it says of each file: keywords and values.
    """

    found: tuple[Path, ...]
    missing: tuple[Skipped, ...]
    stated: dict[Path, dict[str, str]]


def contradictions(stated: dict[str, str], owner: Owner, series_uid: str, sop_instance_uid: str) -> tuple[str, ...]:
    """Name what a file says of itself otherwise than a DICOMDIR does.

    What either leaves out contradicts nothing, and neither do names in other scripts: a DICOMDIR often lacks the
    character set of the files.
    """
    own = {
        "PatientID": owner.patient_id,
        "PatientName": owner.patient_name,
        "StudyInstanceUID": owner.study_uid,
        "SeriesInstanceUID": series_uid,
        _INSTANCE: sop_instance_uid,
    }
    wrong = [keyword for keyword, value in stated.items() if value and own[keyword] and value != own[keyword]]
    if "PatientName" in wrong and not (stated["PatientName"].isascii() and owner.patient_name.isascii()):
        wrong.remove("PatientName")
    return tuple("SOPInstanceUID" if keyword == _INSTANCE else keyword for keyword in wrong)


def read_dicomdir(dicomdir: Path, known: Container[str] = ()) -> Directory:
    """Files that the records of a DICOMDIR point to, and images among them that are missing.

    Names are looked for as media have them, whatever wrote those: with an ending that the record lacks (PS3.10 8.2), in
    another case, with the version of ISO 9660 (``;1``), or with the folders in one part. DICOMDIRs that it names are
    read, too.

    Parameters
    ----------
    known : container of str
        SOPInstanceUIDs that were found elsewhere: their files are not missing, only moved.

    References
    ----------
    DICOM PS3.3 annex F; PS3.10 section 8.
    """
    found: dict[Path, dict[str, str]] = {}
    missing: list[Skipped] = []
    names = _Names(dicomdir.parent)
    pending, seen, images = [dicomdir], {dicomdir}, 0
    while pending:
        current = pending.pop(0)
        try:
            references = list(_references(current))
        except Exception as error:  # a damaged DICOMDIR can fail anywhere inside the parser
            reason = f"a DICOMDIR that cannot be read ({type(error).__name__}); open the folder that it is in"
            missing.append((current, reason))
            continue
        for kind, parts, stated in references:
            path = names.find(parts)
            if kind == "directory":
                if path is None:
                    missing.append(
                        (dicomdir.parent.joinpath(*parts), f"a DICOMDIR named in {current.name}, but not there")
                    )
                elif path not in seen and len(seen) < _MOST:
                    seen.add(path)
                    pending.append(path)
                continue
            if kind == "other" and path is not None and path not in seen and _is_dicomdir(path):
                seen.add(path)
                pending.append(path)
                continue
            images += kind == "image"
            if path is not None:
                found[path] = stated
            elif kind == "image" and stated.get(_INSTANCE, "") not in known:
                missing.append((dicomdir.parent.joinpath(*parts), f"named in {current.name}, but not there"))
    if not images and not missing:
        missing.append((dicomdir, "a DICOMDIR that names no image; open the folder that it is in"))
    return Directory(tuple(found), tuple(missing), found)


def _references(dicomdir: Path) -> Iterator[tuple[str, list[str], dict[str, str]]]:
    """Yield what each record points to: an image, a directory or another file; the parts of its name; what it says."""
    dataset = pydicom.dcmread(dicomdir)
    records = list(dataset.get("DirectoryRecordSequence") or [])
    above = _above(dataset, records)
    for record in records:
        value = record.get("ReferencedFileID")
        if not value:
            continue
        given = [value] if isinstance(value, str) else [str(part) for part in value]
        parts = [part.strip(" \0") for one in given for part in re.split(r"[/\\\\]", one)]
        kind = "image" if record.get("DirectoryRecordType") == "IMAGE" else "other"
        if str(record.get("ReferencedSOPClassUIDInFile", "")) == _DIRECTORY:
            kind = "directory"
        stated = {k: v for one in (*above.get(id(record), ()), record) for k, v in _stated_fields(one).items()}
        yield kind, [part for part in parts if part], stated


def _stated_fields(record: Dataset) -> dict[str, str]:
    """Read from one record what is compared, as headers are compared."""
    kind = str(record.get("DirectoryRecordType", ""))
    stated = {keyword: str(record.get(keyword) or "").strip() for keyword in _COMPARED.get(kind, ())}
    if "PatientName" in stated:
        stated["PatientName"] = plain_name(stated["PatientName"])
    return stated


def _above(dataset: Dataset, records: Sequence[Dataset]) -> dict[int, tuple[Dataset, ...]]:
    """Find the records over each record, by the offsets that link them; those that no offset leads to have none."""
    by_offset = {getattr(record, "seq_item_tell", None): record for record in records}
    above: dict[int, tuple[Dataset, ...]] = {}
    pending: list[tuple[Any, tuple[Dataset, ...]]] = [
        (dataset.get("OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity"), ())
    ]
    while pending:
        offset, over = pending.pop()
        record = by_offset.get(offset) if offset else None
        if record is None or id(record) in above:
            continue
        above[id(record)] = over
        pending.append((record.get("OffsetOfTheNextDirectoryRecord"), over))
        pending.append((record.get("OffsetOfReferencedLowerLevelDirectoryEntity"), (*over, record)))
    return above


def _is_dicomdir(path: Path) -> bool:
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["DirectoryRecordSequence"])
        return str(header.file_meta.get("MediaStorageSOPClassUID", "")) == _DIRECTORY
    except Exception:  # whatever it is: it is looked at with the other files
        return False


class _Names:
    """Finds files below a folder by names that may be written otherwise; each folder is listed once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listed: dict[Path, dict[str, list[str]]] = {}

    def find(self, parts: list[str]) -> Path | None:
        """Find a file; nothing outside of the folder is ever found."""
        path = self._root
        if not parts or any(part in (".", "..") or "\0" in part or ":" in part for part in parts):
            return None
        for number, part in enumerate(parts):
            name = self._name(path, part, last=number == len(parts) - 1)
            if name is None:
                return None
            path = path / name
        return path if path.is_file() else None

    def _name(self, folder: Path, part: str, *, last: bool) -> str | None:
        """Name of an entry: as it is written, else the only one that differs in case, version or ending."""
        names = self._listing(folder)
        plain = _plain(part)
        if part in names.get(plain, ()):
            return part
        candidates = names.get(plain, [])
        if not candidates and last:
            stem = plain.rpartition(".")[0] or plain
            candidates = [name for key in names for name in names[key] if key.rpartition(".")[0] == plain]
            candidates = candidates or names.get(stem, [])
        return candidates[0] if len(candidates) == 1 else None

    def _listing(self, folder: Path) -> dict[str, list[str]]:
        if folder not in self._listed:
            names: dict[str, list[str]] = {}
            try:
                for path in folder.iterdir():
                    names.setdefault(_plain(path.name), []).append(path.name)
            except OSError:
                pass
            self._listed[folder] = names
        return self._listed[folder]


def _plain(name: str) -> str:
    return _VERSION.sub("", name).rstrip(".").casefold()
