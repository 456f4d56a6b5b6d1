"""Fetch studies whole: complete is what the archive listed, whatever status it ended with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_lesion.pacs.records import Archive, Retrieved, SeriesRecord
from napari_lesion.pacs.storage import Storage, describe
from napari_lesion.support.errors import PacsError
from napari_lesion.support.progress import Progress, silent

_TRIES = 2
"""The second one asks for what did not come, instance by instance."""


def retrieve(
    archive: Archive,
    study_uid: str,
    folder: Path | Storage,
    *,
    series_uids: Sequence[str] = (),
    patient_id: str | None = None,
    progress: Progress = silent,
) -> Retrieved:
    """Fetch a study, or series of it, into ``folder/<study>/<series>/``; what is there already is not fetched again.

    Parameters
    ----------
    archive : Archive
    study_uid : str
    folder : Path or Storage
        A storage may be written to by others meanwhile.
    series_uids : sequence of str
        These only; by default all.
    patient_id : str, optional
        Whose study it must be: an instance that names another patient is refused.
    progress : Progress
        One scale over all instances. After `Cancelled` what came by then stays, and is not fetched again.

    Raises
    ------
    PacsError
        If the archive cannot be asked, has no such study or series, or it cannot be written.
    Cancelled
        If ``progress`` raised it.
    """
    if isinstance(folder, Storage):
        storage = folder
    else:
        storage = Storage(folder)
        storage.clear_away()
    progress(0, 0, "asking what there is")
    wanted = _wanted(archive, study_uid, series_uids)
    listed = {one.series_uid: archive.instances(study_uid, one.series_uid) for one in wanted}
    total = sum(map(len, listed.values()))
    if not total:
        raise PacsError(f"{archive.name}: lists no instance of study {study_uid}.")
    before = sum(len(storage.sop_uids(study_uid, uid) & set(sops)) for uid, sops in listed.items())
    fetched, notes = 0, []
    for series_uid, sop_uids in listed.items():

        def keep(content: bytes, series_uid: str = series_uid) -> bool:
            nonlocal fetched
            instance = describe(content)
            if instance.study_uid != study_uid or instance.series_uid != series_uid:
                raise PacsError("it is of another study or series than was asked for")
            if patient_id is not None and instance.patient_id != patient_id:
                raise PacsError("it names another patient than the study that was asked for")
            try:
                new = storage.keep(content)[1]
            except OSError as error:
                raise PacsError(f"{storage.folder}: cannot be written ({error.strerror}).") from error
            fetched += new
            return new

        def show(_done: int, _total: int, what: str) -> None:
            progress(min(before + fetched, total), total, what)

        for attempt in range(_TRIES):
            missing = [uid for uid in sop_uids if uid not in storage.sop_uids(study_uid, series_uid)]
            if not missing:
                break
            whole = attempt == 0 and len(missing) == len(sop_uids)
            notes += list(archive.fetch(study_uid, series_uid, None if whole else missing, keep, show))
    absent = {
        uid: tuple(one for one in sops if one not in storage.sop_uids(study_uid, uid)) for uid, sops in listed.items()
    }
    progress(total, total, "fetched")
    return Retrieved(
        folder=storage.study_folder(study_uid),
        listed=total,
        fetched=fetched,
        missing={uid: sops for uid, sops in absent.items() if sops},
        notes=tuple(dict.fromkeys(notes)),
    )


def _wanted(archive: Archive, study_uid: str, series_uids: Sequence[str]) -> list[SeriesRecord]:
    there = archive.series(study_uid)
    if not there:
        raise PacsError(f"{archive.name}: has no study {study_uid}.")
    if unknown := set(series_uids) - {one.series_uid for one in there}:
        raise PacsError(f"{archive.name}: study {study_uid} has no series {', '.join(sorted(unknown))}.")
    return [one for one in there if not series_uids or one.series_uid in series_uids]
