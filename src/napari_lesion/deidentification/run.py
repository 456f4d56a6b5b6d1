"""De-identify folders of DICOM: all of it, or nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydicom.dataset import Dataset
from pydicom.uid import UID

from napari_lesion.deidentification import burned_in, files, pixels, results, verify
from napari_lesion.deidentification.engine import Change, Deidentifier
from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.options import Options
from napari_lesion.deidentification.people import Known, Patient, known_of, patients_of
from napari_lesion.deidentification.table import edition, iod_of
from napari_lesion.dicom.index.tree import look_through
from napari_lesion.support.atomic import whole_folder
from napari_lesion.support.errors import LesionError, OutputError
from napari_lesion.support.progress import Progress, silent

What = Literal["written", "masked", "quarantined", "left out"]

RECORD = "deidentification.json"
_DICOMDIR = "1.2.840.10008.1.3.10"
_FACES = "a head scan shows a face, which can be recognised"


class DeidentificationError(LesionError):
    """What was written still holds something of a patient, so it was taken away again."""


@dataclass(frozen=True)
class Fate:
    """What became of one file."""

    source: Path
    what: What
    why: str = ""
    """Empty where it was simply written."""
    written: str = ""
    """Its path below the output, where there is one."""


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
    progress : Progress

    Raises
    ------
    OutputError
        If ``out`` is there and not empty, or lies among the sources.
    DeidentificationError
        If the check found something.
    """
    if out is None:
        return _Run(sources, options, key, progress).all(None)
    _refuse_bad_place(sources, out)
    with whole_folder(out, private=True) as place:
        run = _Run(sources, options, key, progress)
        outcome = run.all(place)
        (place / RECORD).write_text(json.dumps(_record(outcome, options), indent=1) + "\n", encoding="utf-8")
        if check:
            _refuse_leaks(outcome, place, options, progress)
    return outcome


def _refuse_leaks(outcome: Outcome, place: Path, options: Options, progress: Progress) -> None:
    written = [(fate.source, place / fate.written) for fate in outcome.fates if fate.written]
    asked = verify.Asked(frozenset(options.names))
    leaks = verify.leaks(written, place, asked, lambda done, total: progress(done, total, "checking what was written"))
    if leaks:
        first = leaks[0]
        raise DeidentificationError(
            f"Nothing was kept: {len(leaks)} values of the sources were found in what was written; the first is of "
            f"{first.attribute} in {first.file}, from {first.source}. Please report this as a bug, without the files."
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
        self._names: set[str] = set()
        self._results: dict[Path, results.Result] = {}

    def all(self, place: Path | None) -> Outcome:
        known = list(self._looked_at())
        patients, refused = patients_of(known)
        self._fates += [Fate(path, "quarantined", why) for path, why in refused.items()]
        total, done = sum(len(one.files) for one in patients), 0
        called = []
        for patient in patients:
            pseudonym = self._key.pseudonym(patient.identity_text)
            called.append((patient, pseudonym))
            by = Deidentifier(
                self._options, self._key, patient.identity, pseudonym, self._key.days(patient.identity_text)
            )
            for path in patient.files:
                self._progress(done, total, "de-identifying")
                self._fates.append(self._one(path, by, place))
                done += 1
        fates = sorted(self._fates, key=lambda fate: str(fate.source))
        return Outcome(tuple(fates), tuple(called), dict(self._changes), tuple(sorted(self._notes)), self._uids)

    def _looked_at(self) -> Iterator[Known]:
        paths = []
        for source in self._sources:
            if source.is_dir():
                tree = look_through(source, lambda found: self._progress(0, 0, f"looking: {found} files"))
                paths += tree.paths
                self._fates += [Fate(path, "left out", why) for path, why in (*tree.skipped, *tree.left_out)]
            else:
                paths.append(source)
        for number, path in enumerate(paths):
            self._progress(number, len(paths), "reading headers")
            try:
                dataset = files.read(path, headers=True)
            except files.NotDicomError:
                result = self._result(path)
                if result is not None:
                    yield result.known
                continue
            sop_class = str(dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID", ""))
            if sop_class == _DICOMDIR:
                self._fates.append(Fate(path, "left out", "a DICOMDIR, which names patients and old files"))
            elif iod_of(sop_class) is None:
                self._fates.append(
                    Fate(path, "left out", f"what it is cannot be de-identified ({UID(sop_class).name})")
                )
            else:
                yield known_of(path, dataset, self._options)

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

    def _one(self, path: Path, by: Deidentifier, place: Path | None) -> Fate:
        if path in self._results:
            return Fate(path, "written", "", "" if place is None else results.write(self._results[path], by, place))
        try:
            source = files.read(path)
        except files.NotDicomError as error:
            return Fate(path, "left out", str(error))
        sop_class = str(source.get("SOPClassUID", ""))
        iod = iod_of(sop_class)
        syntax = files.syntax_of(source)
        if iod is None or not source.get("SOPInstanceUID"):
            return Fate(path, "left out", "it has no SOPInstanceUID")
        if not files.can_be_written(syntax):
            return Fate(path, "quarantined", f"files of its transfer syntax are not written ({syntax.name})")
        seen: set[tuple[str, str]] = set()

        def told(change: Change) -> None:
            seen.add((change.path, change.what))

        what: What = "written"
        try:
            made = by.dataset(source, iod, told)
            pixels.only_pixels(made, source, syntax)
            verdict = pixels.verdict(source)
            if verdict.search:
                masked = burned_in.without_text(made, syntax, mask=self._options.clean_pixels)
                if masked is not None:
                    syntax, what = masked, "masked"
                made.BurnedInAnnotation = "NO"
        except (pixels.PixelError, burned_in.TextFoundError) as error:
            return Fate(path, "quarantined", str(error))
        if pixels.shows_a_face(source):
            self._notes.add(_FACES)
        files.mark(made, self._options)
        files.say_charset(made)
        self._changes.update(seen)
        self._remember(source, by)
        name = "/".join((by.pseudonym, made.StudyInstanceUID, made.SeriesInstanceUID, f"{made.SOPInstanceUID}.dcm"))
        if name in self._names:
            return Fate(path, "left out", "another file with its SOPInstanceUID was written")
        self._names.add(name)
        if place is not None:
            target = place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(files.encode(made, syntax))
        return Fate(path, what, "text was masked" if what == "masked" else "", name if place is not None else "")

    def _remember(self, source: Dataset, by: Deidentifier) -> None:
        for uid in files.uids(source):
            if (new := by.uid(uid)) != uid:
                self._uids[new] = uid


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
