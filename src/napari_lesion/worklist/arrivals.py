"""Which studies arrived: in folders of results, as ``analyse`` writes them, and in the folder of a listener."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from napari_lesion.dicom.index.frames import NotAScanError
from napari_lesion.dicom.index.header import read_header
from napari_lesion.model.findings import Report
from napari_lesion.model.volume import SeriesIdentity
from napari_lesion.pacs import queue
from napari_lesion.pacs.listener import INBOX, JOBS
from napari_lesion.pacs.storage import ENDING
from napari_lesion.report import json as report_json
from napari_lesion.report import summary
from napari_lesion.report.ledger import read_ledgers
from napari_lesion.support.errors import InputFileError, LesionError
from napari_lesion.support.plain import path_of
from napari_lesion.support.uids import digest, name_of
from napari_lesion.worklist.study_findings import Found, found_in

_RESULTS = "results"
_UNDER_WAY = "Its analysis has not ended yet."


@dataclass(frozen=True)
class Arrival:
    """One series with its results, or what of a study was not searched.

    Attributes
    ----------
    identity : SeriesIdentity
        Whose it is; `study_uid` is "" where only a row of a summary tells of it.
    found : Found
    at : float
        When it came, seconds since 1970.
    version : str
        Another one where anything else was found, or in other images.
    folder, source : Path, optional
        Of its results; where its images are, or are below.
    """

    identity: SeriesIdentity
    found: Found
    at: float
    version: str
    folder: Path | None
    source: Path | None

    @property
    def study(self) -> str:
        """Name of the study on a worklist: studies of two patients never share one, whatever their UIDs are."""
        one = self.identity
        # Where no study is named, nobody knows which series belong together.
        where = one.study_uid or one.series_uid
        return digest(one.patient_id, one.patient_name, one.patient_birth_date, where)


def arrivals_in(place: Path, known: Mapping[Path, tuple[str, Arrival]]) -> Iterator[tuple[str, Arrival]]:
    """Look what arrived in a folder of results, or of a listener.

    Parameters
    ----------
    place : Path
    known : mapping
        What was found before, by folder of results, with the state of its file: it is not read again while that is
        the same.

    Yields
    ------
    state : str
        Of the file that tells of it.
    arrival : Arrival

    Raises
    ------
    InputFileError
        If it is neither.
    """
    if (place / queue.FILE_NAME).is_file():
        yield from _of_listener(place, known)
    elif place.is_dir():
        yield from _of_results(place, known)
    else:
        raise InputFileError(f"{place}: there is no such folder. Is its disk there?")


def _of_results(
    place: Path, known: Mapping[Path, tuple[str, Arrival]], source: Path | None = None
) -> Iterator[tuple[str, Arrival]]:
    table = place / summary.FILE_NAME
    rows = {row["folder"]: row for row in summary.load_summary(table)} if table.is_file() else {}
    searched: list[SeriesIdentity] = []
    for path in sorted(place.glob(f"[!.]*/{report_json.FILE_NAME}")):
        folder = path.parent
        state = _state(path)
        if folder in known and known[folder][0] == state:
            searched.append(known[folder][1].identity)
            yield known[folder]
            continue
        said = rows.get(folder.name, {}).get("source", "")
        where = source or (path_of(said) if said else None)
        try:
            one = _of_report(report_json.load_report(path), folder, where)
            searched.append(one.identity)
            yield state, one
        except InputFileError as error:  # nobody knows what is in it: it is not to be forgotten
            identity = SeriesIdentity(series_uid=folder.name)
            found = Found(unsearched=1, reason=str(error))
            yield state, Arrival(identity, found, path.stat().st_mtime, state, folder, where)
    yield from _failed(place, source, searched)


def _of_report(report: Report, folder: Path, source: Path | None) -> Arrival:
    identity, found = report.series, found_in(report)
    images = report.inputs.images_sha256 if report.inputs is not None else ""
    version = digest(images, report.model.id, report.model.sha256, found.model_dump_json())
    return Arrival(identity, found, _time(report.created, folder), version, folder, source)


def _failed(place: Path, source: Path | None, searched: Sequence[SeriesIdentity]) -> Iterator[tuple[str, Arrival]]:
    """Series that could not be searched: nobody knows what is in them. What a run has not come to yet is not there yet.

    Where a series of the same study was searched, that says whose it is in full.
    """
    named = {(one.patient_id, one.study_uid): one for one in searched}
    table = place / summary.FILE_NAME
    told: list[tuple[Mapping[str, str], str, float]] = []
    if entries := read_ledgers(place):
        for entry in entries:
            if entry.state in ("failed", "quarantined") and entry.outcome is not None:
                cells = {**summary.cells(entry.outcome), "reason": entry.reason or entry.outcome.reason}
                told.append((cells, entry.study_uid, entry.ended or place.stat().st_mtime))
    elif table.is_file():
        rows = [row for row in summary.load_summary(table) if row["status"] == "failed"]
        told = [(row, "", table.stat().st_mtime) for row in rows]
    done = {(one.patient_id, one.series_uid) for one in searched}
    for row, study, at in told:
        # A path in which there was no series is no study, and what was searched later is no failure any more.
        if not row["series_uid"] or (row["patient_id"], row["series_uid"]) in done:
            continue
        known = named.get((row["patient_id"], study)) if study else None
        fields = {
            name: row[name] for name in ("series_uid", "patient_id", "study_date", "series_description", "modality")
        }
        identity = (known or SeriesIdentity(series_uid="", study_uid=study)).model_copy(update=fields)
        where = source or (path_of(row["source"]) if row["source"] else None)
        found = Found(unsearched=1, reason=row["reason"])
        version = digest(row["reason"])
        yield version, Arrival(identity, found, at, version, None, where)


def _of_listener(place: Path, known: Mapping[Path, tuple[str, Arrival]]) -> Iterator[tuple[str, Arrival]]:
    waiting = queue.Queue(place)
    try:
        jobs = waiting.jobs()
    finally:
        waiting.close()
    for study in dict.fromkeys(job.study_uid for job in jobs):
        own = [job for job in jobs if job.study_uid == study]
        came = min(job.created for job in own)
        source = place / INBOX / name_of(study)
        series: dict[str, tuple[str, Arrival]] = {}
        for job in own:  # the later ones take the place of the earlier
            for state, one in _of_results(place / JOBS / f"{job.id:06d}" / _RESULTS, known, source):
                known_study = (
                    one.identity if one.identity.study_uid else _identity(source, study, one.identity.series_uid)
                )
                series[one.identity.series_uid] = state, replace(one, identity=known_study, at=came)
        yield from series.values()
        open_ = [job for job in own if job.state in ("queued", "analysing")]
        lost = [job for job in own if job.state == "failed"]
        if open_ or (lost and not series) or not series:
            why = _UNDER_WAY if open_ else next((job.reason for job in lost if job.reason), "It gave no results.")
            named = next((one.identity for _, one in series.values()), None)
            identity = _identity(source, study, named=named)
            state = f"{len(own)} {own[-1].state}"
            found = Found(unsearched=1, reason=why)
            yield state, Arrival(identity, found, came, digest(state, why), None, source)


def _identity(source: Path, study: str, series: str = "", named: SeriesIdentity | None = None) -> SeriesIdentity:
    """Read of a file of a study whose it is, of one series where one is said; without files, another one says it."""
    for path in sorted(source.glob(f"{name_of(series) if series else '*'}/[!.]*{ENDING}")):
        try:
            return read_header(path).identity()
        except (NotAScanError, LesionError, OSError):
            continue
    known = named or SeriesIdentity(series_uid="", study_uid=study)
    return known.model_copy(update={"series_uid": series or study})


def _time(created: str, folder: Path) -> float:
    try:
        return datetime.fromisoformat(created).timestamp()
    except ValueError:
        return folder.stat().st_mtime


def _state(path: Path) -> str:
    stat = path.stat()
    told = f"{stat.st_size}/{stat.st_mtime_ns}/{stat.st_ino}"
    return hashlib.sha256(told.encode()).hexdigest()[:12]
