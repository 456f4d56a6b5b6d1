"""De-identify with a key that is kept in a file: as command line, panel and exports ask for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from napari_lesion.deidentification.crosswalk import Crosswalk, place_of, read_crosswalk, write_crosswalk
from napari_lesion.deidentification.keys import Key, read_key, refuse_weak, write_key
from napari_lesion.deidentification.options import Options
from napari_lesion.deidentification.run import Caller, Outcome, deidentify
from napari_lesion.deidentification.scans import VolumeGetter
from napari_lesion.security.roles import May, require
from napari_lesion.support.errors import OptionError, OutputError
from napari_lesion.support.progress import Progress, silent


@dataclass(frozen=True)
class KeyFile:
    """Where a key is kept, and what opens it."""

    path: Path
    passphrase: str = field(repr=False)


@dataclass(frozen=True)
class Request:
    """What is to leave, and how."""

    sources: tuple[Path, ...]
    """Files and folders."""
    options: Options
    key: KeyFile | None = None
    """None: a key by chance, which is thrown away."""
    check: bool = True
    """Search all that was written for every value of the sources."""
    volume_at_hand: VolumeGetter = lambda _: None
    """Scans at hand that do not leave, for the pictures of pages that do."""
    complete: bool = False
    """All files leave, or none."""
    jobs: int = 0
    """Processes; 0: as many as are worth their start."""


def key_of(file: KeyFile | None) -> Key:
    """Open a key; where there is no file yet, make a key, which is not written.

    Raises
    ------
    OptionError
        If the passphrase of a new key is too short.
    InputFileError
        If the file does not open.
    """
    if file is None:
        return Key.new()
    if file.path.exists():
        return read_key(file.path, file.passphrase)
    refuse_weak(file.passphrase)
    return Key.new()


def preview(request: Request, key: Key, progress: Progress = silent) -> Outcome:
    """Find out what would become of the files; nothing is written."""
    return deidentify(request.sources, None, request.options, key, jobs=request.jobs, progress=progress)


def release(request: Request, out: Path, progress: Progress = silent) -> Outcome:
    """De-identify into a new folder; key and crosswalk are on the disk before it is there.

    Parameters
    ----------
    request : Request
    out : Path
        New folder.
    progress : Progress

    Raises
    ------
    OptionError
        If the key would lie in the folder that leaves, or its passphrase is too short.
    OutputError
        If all were to leave, and one cannot.
    DeidentificationError
        If the check found something; then nothing was written.
    """
    file = request.key
    if file is not None:
        refuse_key_inside(file.path, out)
        require(May.DE_IDENTIFY, file.path)
    key = key_of(file)

    def keep(outcome: Outcome) -> None:
        if request.complete:
            _refuse_incomplete(outcome)
        if file is not None:
            remember(file, key, outcome)

    return deidentify(
        request.sources,
        out,
        request.options,
        key,
        check=request.check,
        jobs=request.jobs,
        caller=Caller(keep, request.volume_at_hand),
        progress=progress,
    )


def _refuse_incomplete(outcome: Outcome) -> None:
    left = [file for file in outcome.files if not file.written]
    if left:
        raise OutputError(
            f"Nothing was written: {len(left)} files cannot leave; the first is {left[0].source.name}: {left[0].why}."
        )


def refuse_key_inside(key: Path, out: Path) -> None:
    """Refuse a key in the folder that leaves.

    Raises
    ------
    OptionError
        If it is there.
    """
    if out.resolve() in key.resolve().parents:
        raise OptionError(f"The key {key.name} must not lie in {out}, which leaves; keep it elsewhere.")


def remember(file: KeyFile, key: Key, outcome: Outcome) -> None:
    """Write a key that is new, and who is who.

    Raises
    ------
    OutputError
        If that cannot be written.
    """
    try:
        _remember(file, key, outcome)
    except OSError as error:
        raise OutputError(
            f"{file.path}: key and crosswalk cannot be written ({error.strerror}), so nothing leaves."
        ) from error


def _remember(file: KeyFile, key: Key, outcome: Outcome) -> None:
    if not file.path.exists():
        write_key(file.path, key, file.passphrase)
    patients = {
        pseudonym: {
            "patient_id": patient.patient_ids[0] if patient.patient_ids else "",
            "patient_name": patient.names[0] if patient.names else "",
            "dicom_name": patient.dicom_name,
            "days": str(key.days(patient.identity_text)),
        }
        for patient, pseudonym in outcome.patients
    }
    place = place_of(file.path)
    write_crosswalk(place, key, read_crosswalk(place, key).joined(Crosswalk(patients, outcome.uids)))
