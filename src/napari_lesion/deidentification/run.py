"""De-identify folders of DICOM: all of it, or nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydicom.uid import UID

from napari_lesion.deidentification import files, results, verify
from napari_lesion.deidentification.engine import Deidentifier
from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.one import Fate, What, Work, batches, deidentify_files
from napari_lesion.deidentification.options import Options
from napari_lesion.deidentification.people import Known, Patient, known_of, patients_of
from napari_lesion.deidentification.table import edition, iod_of
from napari_lesion.deidentification.verify_sources import Asked
from napari_lesion.deidentification.workers import Workers, number_for
from napari_lesion.dicom.index.tree import look_through
from napari_lesion.support.atomic import whole_folder
from napari_lesion.support.errors import LesionError, OutputError
from napari_lesion.support.progress import Progress, silent

RECORD = "deidentification.json"
_DICOMDIR = "1.2.840.10008.1.3.10"
_BATCH = 8
"""Files that a process is given at a time."""


class DeidentificationError(LesionError):
    """What was written still holds something of a patient, so it was taken away again."""


@dataclass(frozen=True)
class Outcome:
    """What became of all files."""

    fates: tuple[Fate, ...]
    patients: tuple[tuple[Patient, str], ...]
    """Each with its pseudonym."""
    changes: dict[tuple[str, str], int]
    """In how many files an attribute was removed, replaced or the like, by its path and what was done."""
    notes: tuple[str, ...]
    """Sentences to read before anything is given away."""
    uids: dict[str, str] = field(repr=False)
    """New UIDs to those that they stand for."""

    def count(self, what: What) -> int:
        """Count the files with a fate."""
        return sum(fate.what == what for fate in self.fates)


def deidentify(
    sources: Sequence[Path],
    out: Path | None,
    options: Options,
    key: Key,
    *,
    check: bool = True,
    jobs: int = 0,
    progress: Progress = silent,
) -> Outcome:
    """De-identify all DICOM objects below paths.

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
    progress : Progress

    Raises
    ------
    OutputError
        If ``out`` is there and not empty, or lies among the sources.
    DeidentificationError
        If the check found something.
    """
    if out is not None:
        _refuse_bad_place(sources, out)
    run = _Run(sources, options, key, progress)
    paths = run.paths()
    with Workers(number_for(len(paths), jobs)) as workers:
        if out is None:
            return run.all(paths, None, workers)
        with whole_folder(out, private=True) as place:
            outcome = run.all(paths, place, workers)
            if check:
                doubtful = _refuse_leaks(outcome, place, options, workers, progress)
                outcome = replace(outcome, notes=tuple(sorted({*outcome.notes, *doubtful})))
            record = json.dumps(_record(outcome, options), indent=1) + "\n"
            (place / RECORD).write_text(record, encoding="utf-8")
    return outcome


def _refuse_leaks(
    outcome: Outcome, place: Path, options: Options, workers: Workers, progress: Progress
) -> tuple[str, ...]:
    written = [(fate.source, place / fate.written) for fate in outcome.fates if fate.written]
    asked = Asked(frozenset(options.names))
    found = verify.search(
        written,
        place,
        asked,
        lambda done, total: progress(done, total, "checking what was written"),
        mapped=workers.map,
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


def _refuse_bad_place(sources: Sequence[Path], out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} is there already and not empty; choose a new folder for what is de-identified.")
    for source in sources:
        here, there = source.resolve(), out.resolve()
        if here.is_dir() and here in (there, *there.parents):
            raise OutputError(f"{out} lies in {source}, among the files that name patients; choose a folder elsewhere.")


class _Run:
    def __init__(self, sources: Sequence[Path], options: Options, key: Key, progress: Progress) -> None:
        self._sources = sources
        self._options = options
        self._key = key
        self._progress = progress
        self._fates: list[Fate] = []
        self._changes: Counter[tuple[str, str]] = Counter()
        self._uids: dict[str, str] = {}
        self._notes: set[str] = set()
        self._results: dict[Path, results.Result] = {}

    def paths(self) -> list[Path]:
        """Find the files."""
        paths = []
        for source in self._sources:
            if source.is_dir():
                tree = look_through(source, lambda found: self._progress(0, 0, f"looking: {found} files"))
                paths += tree.paths
                self._fates += [Fate(path, "left out", why) for path, why in (*tree.skipped, *tree.left_out)]
            else:
                paths.append(source)
        return paths

    def all(self, paths: Sequence[Path], place: Path | None, workers: Workers) -> Outcome:
        known = list(self._looked_at(paths, workers))
        patients, refused = patients_of(known)
        self._fates += [Fate(path, "quarantined", why) for path, why in refused.items()]
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
                if path in self._results:
                    written = "" if place is None else results.write(self._results[path], people[number], place)
                    self._fates.append(Fate(path, "written", "", written))
                else:
                    objects.append((number, path, instances[path]))
        done = total - len(objects)
        self._progress(done, total, "de-identifying")
        for some in workers.map(deidentify_files, Work(people, place), batches(objects, _BATCH)):
            for one in some:
                self._fates.append(one.fate)
                self._changes.update(one.changes)
                self._uids.update(one.uids)
                self._notes.update(one.notes)
            done += len(some)
            self._progress(done, total, "de-identifying")
        fates = sorted(self._fates, key=lambda fate: str(fate.source))
        return Outcome(tuple(fates), tuple(called), dict(self._changes), tuple(sorted(self._notes)), self._uids)

    def _looked_at(self, paths: Sequence[Path], workers: Workers) -> Iterator[Known]:
        some = [tuple(paths[at : at + _BATCH]) for at in range(0, len(paths), _BATCH)]
        looks = (look for batch in workers.map(looks_at, self._options, some) for look in batch)
        for number, (path, look) in enumerate(zip(paths, looks, strict=True)):
            self._progress(number, len(paths), "reading headers")
            if isinstance(look, Known):
                yield look
            elif look:
                self._fates.append(Fate(path, "left out", look))
            elif (result := self._result(path)) is not None:
                yield result.known

    def _result(self, path: Path) -> results.Result | None:
        try:
            result = results.result_of(path)
        except LesionError:
            self._fates.append(Fate(path, "quarantined", "a result that is damaged"))
            return None
        if result is None:
            self._fates.append(Fate(path, "left out", results.why_left_out(path)))
        else:
            self._results[path] = result
        return result


def looks_at(options: Options, paths: Sequence[Path]) -> list[Known | str]:
    """Read the headers of files: whose they are, or why they are left out; "" of those that are no DICOM."""
    return [_look_at(path, options) for path in paths]


def _look_at(path: Path, options: Options) -> Known | str:
    try:
        dataset = files.read(path, headers=True)
    except files.NotDicomError:
        return ""
    sop_class = str(dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID", ""))
    if sop_class == _DICOMDIR:
        return "a DICOMDIR, which names patients and old files"
    if iod_of(sop_class) is None:
        return f"what it is cannot be de-identified ({UID(sop_class).name})"
    return known_of(path, dataset, options)


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
