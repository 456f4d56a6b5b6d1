"""De-identify folders of DICOM: all of it, or nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydicom.uid import UID

from napari_lesion.deidentification import files, pages, results, verify
from napari_lesion.deidentification.defacing import CT, Cut, cut_of
from napari_lesion.deidentification.engine import Deidentifier
from napari_lesion.deidentification.journals import SUFFIX
from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.one_file import FileOutcome, What, Work, batches, deidentify_files
from napari_lesion.deidentification.options import Options
from napari_lesion.deidentification.people import HeaderNames, Patient, header_names_of, patients_of
from napari_lesion.deidentification.scans import Scans, VolumeGetter
from napari_lesion.deidentification.table import edition, iod_of
from napari_lesion.deidentification.verify_sources import CheckOptions
from napari_lesion.deidentification.workers import Workers, number_for
from napari_lesion.dicom.index.frames import Owner
from napari_lesion.dicom.index.tree import look_through
from napari_lesion.security.audit import Action, record
from napari_lesion.security.roles import May, require
from napari_lesion.support.atomic import whole_folder
from napari_lesion.support.errors import LesionError, OutputError, SecurityError
from napari_lesion.support.journal_file import read_lines
from napari_lesion.support.progress import Progress, silent
from napari_lesion.support.vault import read_bytes

RECORD = "deidentification.json"
_DICOMDIR = "1.2.840.10008.1.3.10"
_BATCH = 8
"""Files that a process is given at a time."""


class DeidentificationError(LesionError):
    """What was written still holds something of a patient, so it was taken away again."""


@dataclass(frozen=True)
class Outcome:
    """What became of all files."""

    files: tuple[FileOutcome, ...]
    patients: tuple[tuple[Patient, str], ...]
    """Each with its pseudonym."""
    changes: dict[tuple[str, str], int]
    """In how many files an attribute was removed, replaced or the like, by its path and what was done."""
    notes: tuple[str, ...]
    """Sentences to read before anything is given away."""
    uids: dict[str, str] = field(repr=False)
    """New UIDs to those that they stand for."""

    def count(self, what: What) -> int:
        """Count the files of which that became."""
        return sum(file.what == what for file in self.files)


def _nothing(_outcome: Outcome) -> None:
    pass


@dataclass(frozen=True)
class Caller:
    """What whoever asks for a de-identification brings along."""

    keep: Callable[[Outcome], None] = _nothing
    """Called when all is written and checked, before it is put in its place: it keeps what only the key's holder may
    know. Where it fails, nothing stays."""
    volume_at_hand: VolumeGetter = lambda _: None
    """Gives scans at hand that are not among the sources, for the pictures of pages."""


def deidentify(
    sources: Sequence[Path],
    out: Path | None,
    options: Options,
    key: Key,
    *,
    check: bool = True,
    jobs: int = 0,
    caller: Caller = Caller(),
    progress: Progress = silent,
) -> Outcome:
    """De-identify all DICOM objects, and results of this program, below paths.

    Roles are asked and the audit log is written here, for command line, viewer and Python alike.

    Parameters
    ----------
    sources : sequence of Path
        Files and folders.
    out : Path or None
        Folder that gets a folder for each patient, called by the pseudonym. None: only find out what would be done.
    options : Options
    key : Key
    check : bool
        Search all that was written for every value of the sources; where one is found, nothing stays.
    jobs : int
        Processes; 0: as many as are worth their start.
    caller : Caller
    progress : Progress

    Raises
    ------
    NotAllowedError
        If the user may not de-identify what is there, or into there.
    AuditError
        If that cannot be logged.
    OutputError
        If ``out`` is there and not empty, or lies among the sources.
    DeidentificationError
        If the check found something.
    """
    for path in (*sources, *([out] if out is not None else [])):
        require(May.DE_IDENTIFY, path)
    if out is not None:
        _refuse_bad_place(sources, out)
    run = _Run(sources, options, key, progress, caller.volume_at_hand)
    paths = run.paths()
    with Workers(number_for(len(paths), jobs)) as workers:
        if out is None:
            return run.all(paths, None, workers)
        with whole_folder(out, private=True) as place:
            outcome = run.all(paths, place, workers)
            if check:
                doubtful = _refuse_leaks(outcome, place, options, workers, progress)
                outcome = replace(outcome, notes=tuple(sorted({*outcome.notes, *doubtful})))
            said = json.dumps(_record(outcome, options), indent=1) + "\n"
            (place / RECORD).write_text(said, encoding="utf-8")
            for folder in {file.source.parent for file in outcome.files if file.written}:
                require(May.DE_IDENTIFY, folder)  # a shared folder may lie within what was named
            caller.keep(outcome)
            _log(outcome, options, checked=check)
    return outcome


def _log(outcome: Outcome, options: Options, *, checked: bool) -> None:
    """Write a line of the audit log for each patient of whom something leaves."""
    how = ", ".join(("basic profile", *options.names, *(() if checked else ("not checked",))))
    sources = {file.source for file in outcome.files if file.written}
    for patient, _ in outcome.patients:
        if sources.intersection(patient.files):
            record(Action.DE_IDENTIFY, patient_id=patient.patient_ids[0] if patient.patient_ids else "", detail=how)


def _refuse_leaks(
    outcome: Outcome, place: Path, options: Options, workers: Workers, progress: Progress
) -> tuple[str, ...]:
    # Pages are made anew of the findings beside them, so nothing of a page is a source of anything.
    written = [
        (file.source, place / file.written)
        for file in outcome.files
        if file.written and file.source.name not in pages.NAMES
    ]
    kept = CheckOptions(frozenset(options.names))
    found = verify.search(
        written,
        place,
        kept,
        lambda done, total: progress(done, total, "checking what was written"),
        mapped=workers.map,
        read=opened,
    )
    if found.leaks:
        first = found.leaks[0]
        raise DeidentificationError(
            f"Nothing was kept: {len(found.leaks)} values of the sources were found in what was written; the first is "
            f"of {first.attribute} in {first.file}, from {first.source}. Please report this as a bug, without "
            "the files."
        )
    if not found.doubtful:
        return ()
    files_with = {one.file for one in found.doubtful}
    return (
        f"a name in the sources is a common word, too, and {len(files_with)} files have that word where codes and "
        f"technique have it; the check cannot tell whose it is: look at {min(files_with)}",
    )


def opened(path: Path) -> bytes:
    """Read a source as it is when it does not lie encrypted."""
    return b"\n".join(read_lines(path).whole) if path.suffix == SUFFIX else read_bytes(path)


def _refuse_bad_place(sources: Sequence[Path], out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} is there already and not empty; choose a new folder for what is de-identified.")
    for source in sources:
        here, there = source.resolve(), out.resolve()
        if here.is_dir() and here in (there, *there.parents):
            raise OutputError(f"{out} lies in {source}, among the files that name patients; choose a folder elsewhere.")


class _Run:
    def __init__(
        self, sources: Sequence[Path], options: Options, key: Key, progress: Progress, volume_at_hand: VolumeGetter
    ) -> None:
        self._sources = sources
        self._volume_at_hand = volume_at_hand
        self._options = options
        self._key = key
        self._progress = progress
        self._files: list[FileOutcome] = []
        self._changes: Counter[tuple[str, str]] = Counter()
        self._uids: dict[str, str] = {}
        self._notes: set[str] = set()
        self._results: dict[Path, results.Result] = {}
        self._owners: dict[str, Owner] = {}
        """Of series, for what names its series and no patient."""

    def paths(self) -> list[Path]:
        """Find the files."""
        paths = []
        for source in self._sources:
            if source.is_dir():
                tree = look_through(source, lambda found: self._progress(0, 0, f"looking: {found} files"))
                paths += tree.paths
                self._files += [FileOutcome(path, "left out", why) for path, why in (*tree.skipped, *tree.left_out)]
            else:
                paths.append(source)
        return paths

    def all(self, paths: Sequence[Path], place: Path | None, workers: Workers) -> Outcome:
        read = list(self._headers_read(paths, workers))
        known = [one for one in map(self._of_whom, read) if one is not None]
        patients, refused = patients_of(known)
        self._files += [FileOutcome(path, "quarantined", why) for path, why in refused.items()]
        total = sum(len(one.files) for one in patients)
        called = [(patient, self._key.pseudonym(patient.identity_text)) for patient in patients]
        people = tuple(
            Deidentifier(self._options, self._key, one.identity, pseudonym, self._key.days(one.identity_text))
            for one, pseudonym in called
        )
        instances = {one.path: one.instance for one in known}
        objects = []
        for number, patient in enumerate(patients):
            for path in patient.files:
                if path not in self._results:
                    objects.append((number, path, instances[path]))
        cuts = self._cuts(known, workers)
        done = total - len(objects)
        self._progress(done, total, "de-identifying")
        for some in workers.map(deidentify_files, Work(people, place, cuts), batches(objects, _BATCH)):
            for one in some:
                self._files.append(one.file)
                self._changes.update(one.changes)
                self._uids.update(one.uids)
                self._notes.update(one.notes)
            done += len(some)
            self._progress(done, total, "de-identifying")
        for patient, by in zip(patients, people, strict=True):
            self._write_results(patient, by, place)
        ordered = sorted(self._files, key=lambda one: str(one.source))
        return Outcome(tuple(ordered), tuple(called), dict(self._changes), tuple(sorted(self._notes)), self._uids)

    def _cuts(self, known: Sequence[HeaderNames], workers: Workers) -> dict[str, Cut | str]:
        """Find where to cut faces off, or why not, if that is asked for: of CT of heads, series by series."""
        if not self._options.clean_faces:
            return {}
        series: dict[str, list[Path]] = {}
        for one in known:
            if one.sop_class == CT and one.path not in self._results:
                series.setdefault(one.series, []).append(one.path)
        items = [(uid, tuple(paths)) for uid, paths in series.items()]
        found: dict[str, Cut | str] = {}
        for uid, cut in workers.map(cut_of, None, items):
            self._progress(len(found), len(items), "looking for faces")
            found[uid] = cut
        return found

    def _headers_read(self, paths: Sequence[Path], workers: Workers) -> Iterator[HeaderNames]:
        some = [tuple(paths[at : at + _BATCH]) for at in range(0, len(paths), _BATCH)]
        headers = (header for batch in workers.map(read_headers, self._options, some) for header in batch)
        for number, (path, header) in enumerate(zip(paths, headers, strict=True)):
            self._progress(number, len(paths), "reading headers")
            if isinstance(header, HeaderNames):
                self._owners.setdefault(header.series, header.owner)
                yield header
            elif header:
                self._files.append(FileOutcome(path, "left out", header))
            elif (result := self._result(path)) is not None:
                yield result.known

    def _of_whom(self, known: HeaderNames) -> HeaderNames | None:
        """Find whose a result is that names no patient: that of its series, if it is here; else it does not leave."""
        result = self._results.get(known.path)
        if result is None or known.owner.patient_id or known.owner.study_uid:
            return known
        owner = self._owners.get(result.series_uid)
        if owner is None:
            why = "its scan is not among what is de-identified, so that it is not clear whose it is"
            self._files.append(FileOutcome(known.path, "quarantined", why))
            return None
        return replace(known, owner=owner)

    def _write_results(self, patient: Patient, by: Deidentifier, place: Path | None) -> None:
        """Write the results of a patient, whose scans were written; last what is made of other results."""
        scans = Scans(
            (place or Path()) / by.pseudonym, lambda new: self._volume_at_hand(self._uids.get(new, new)), by.uid
        )
        own = [self._results[path] for path in patient.files if path in self._results]
        for result in sorted(own, key=lambda one: one.in_order):
            if place is None:
                self._files.append(FileOutcome(result.path, "written"))
                continue
            try:
                name = results.write(result, by, place, scans)
            except LesionError as error:
                self._files.append(FileOutcome(result.path, "left out", str(error)))
                continue
            self._uids.update({by.uid(uid): uid for uid in results.uids_of(result) if by.uid(uid) != uid})
            self._files.append(FileOutcome(result.path, "written", "", name))

    def _result(self, path: Path) -> results.Result | None:
        try:
            result = results.result_of(path)
        except SecurityError:
            raise
        except LesionError:
            self._files.append(FileOutcome(path, "quarantined", "a result that is damaged"))
            return None
        if result is None:
            self._files.append(FileOutcome(path, "left out", results.why_left_out(path)))
        else:
            self._results[path] = result
            if result.kind == "findings":
                self._owners.setdefault(result.series_uid, result.known.owner)
        return result


def read_headers(options: Options, paths: Sequence[Path]) -> list[HeaderNames | str]:
    """Read the headers of files: whose they are, or why they are left out; "" of those that are no DICOM."""
    return [_read_header(path, options) for path in paths]


def _read_header(path: Path, options: Options) -> HeaderNames | str:
    try:
        dataset = files.read(path, headers=True)
    except files.NotDicomError:
        return ""
    sop_class = str(dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID", ""))
    if sop_class == _DICOMDIR:
        return "a DICOMDIR, which names patients and old files"
    if iod_of(sop_class) is None:
        return f"what it is cannot be de-identified ({UID(sop_class).name})"
    return header_names_of(path, dataset, options)


def _record(outcome: Outcome, options: Options) -> dict[str, object]:
    """Gather what may be told to whoever gets the files: no path and no value of the sources."""
    return {
        "edition": edition().split(" (")[0],
        "profile": "basic",
        "options": list(options.names),
        "codes": [value for value, _ in options.codes],
        "files": {what: outcome.count(what) for what in ("written", "masked", "quarantined", "left out")},
        "patients": [pseudonym for _, pseudonym in outcome.patients],
        "notes": list(outcome.notes),
    }
