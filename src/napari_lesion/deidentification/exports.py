"""Exports without what names a patient: made where nobody sees them, de-identified, checked, and only then there."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from napari_lesion.annotation.annotations import AnnotationSet
from napari_lesion.deidentification import verify
from napari_lesion.deidentification.release import Request, refuse_key_inside, release
from napari_lesion.deidentification.results import ANNOTATIONS, annotations_of
from napari_lesion.deidentification.run import DeidentificationError, Outcome
from napari_lesion.deidentification.verify_sources import CheckOptions
from napari_lesion.dicom.index.series import Series
from napari_lesion.model.findings import Report
from napari_lesion.model.volume import Volume
from napari_lesion.report.write import DICOM, FILE_NAMES, ReportKind, in_words, write_reports
from napari_lesion.security.roles import May, require
from napari_lesion.support.atomic import whole_folder
from napari_lesion.support.errors import OutputError
from napari_lesion.support.progress import Progress, part, silent
from napari_lesion.support.vault import temporary_folder

_SCANS = "scans"


def prepare_reports(
    report: Report,
    kinds: Iterable[ReportKind],
    folder: Path,
    *,
    volume: Volume | None = None,
    source: Series | None = None,
    progress: Progress = silent,
) -> tuple[str, ...]:
    """Write what de-identified reports are made of into a folder of their own, which `release_reports` takes.

    DICOM objects are written as they are, to be de-identified; pages are only asked for, by an empty file of their
    name: they are made of the de-identified findings.

    Returns
    -------
    tuple of str
        Which of them there is nothing to write of, a sentence each.

    Raises
    ------
    OutputError
        If one cannot be written; the sentences say why.
    """
    wanted = tuple(kinds)
    originals: tuple[ReportKind, ...] = ("json", *(kind for kind in wanted if kind in DICOM))
    written = write_reports(report, folder, originals, volume=volume, source=source, progress=progress)
    if written.problems:
        raise OutputError(" ".join(in_words(written.problems)))
    for kind in wanted:
        if kind not in DICOM and kind != "json":
            (folder / FILE_NAMES[kind]).touch()
    return tuple(in_words({}, written.absent))


def release_reports(folders: Sequence[Path], out: Path, request: Request, progress: Progress = silent) -> Outcome:
    """De-identify prepared reports into a new folder.

    Parameters
    ----------
    folders : sequence of Path
        Of `prepare_reports`.
    out : Path
    request : Request
        Its options, key and scans at hand; its sources do not count.
    progress : Progress

    Raises
    ------
    OutputError
        If one of them cannot leave; nothing is written then.
    """
    require(May.EXPORT, out)
    return release(replace(request, sources=tuple(folders), complete=True), out, progress)


def release_annotations(
    sets: Sequence[AnnotationSet],
    scans: Sequence[Path],
    out: Path,
    request: Request,
    write: Callable[[Sequence[AnnotationSet], Path | None, Path], None],
    progress: Progress = silent,
) -> Outcome:
    """De-identify annotations, and the scans that they are of, and export what came of it, in any form.

    Parameters
    ----------
    sets : sequence of AnnotationSet
    scans : sequence of Path
        Files and folders; empty where the form needs none. They come into ``out``, too.
    out : Path
        New folder.
    request : Request
        Its options and key; its sources do not count.
    write : callable
        Writes the form: gets the de-identified sets, the folder of the de-identified scans and the folder to write to.
    progress : Progress

    Raises
    ------
    OutputError
        If something cannot leave, or ``out`` is there already; nothing is written then.
    DeidentificationError
        If the check found something.
    """
    require(May.EXPORT, out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} is there already and not empty; choose a new folder for what is de-identified.")
    if request.key is not None:
        refuse_key_inside(request.key.path, out)
    with temporary_folder() as hidden, whole_folder(out, private=True) as place:
        marks = [_keep(one, Path(hidden) / "marks" / str(number)) for number, one in enumerate(sets)]
        made = place / _SCANS if scans else Path(hidden) / "made"
        whole = replace(request, sources=(*marks, *scans), complete=True)
        outcome = release(whole, made, part(progress, 0, 80, 100))
        written = {file.source: made / file.written for file in outcome.files if file.written}
        clean = [annotations_of(written[path]) for path in marks]
        with tempfile.TemporaryDirectory(dir=hidden) as name:
            write(clean, made if scans else None, Path(name))
            _refuse_leaks(marks, Path(name), request)
            for path in Path(name).iterdir():
                _move(path, place / path.name)
        progress(100, 100, "written")
    return outcome


def _keep(one: AnnotationSet, folder: Path) -> Path:
    folder.mkdir(parents=True)
    path = folder / f"marks{ANNOTATIONS}"
    path.write_text(one.model_dump_json(), encoding="utf-8")
    return path


def _refuse_leaks(marks: Sequence[Path], place: Path, request: Request) -> None:
    kept = CheckOptions(frozenset(request.options.names))
    leaks = verify.search([(path, place / path.name) for path in marks], place, kept, lambda *_: None).leaks
    if leaks:
        raise DeidentificationError(
            f"Nothing was kept: {len(leaks)} values of the annotations were found in what was exported; the first is "
            f"of {leaks[0].attribute} in {leaks[0].file}. Please report this as a bug, without the files."
        )


def _move(path: Path, target: Path) -> None:
    """Move a file or folder, also from memory to a disk."""
    if path.is_dir():
        target.mkdir(exist_ok=True)
        for one in path.iterdir():
            _move(one, target / one.name)
        return
    target.write_bytes(path.read_bytes())
