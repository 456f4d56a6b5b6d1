"""``napari-lesion report``: reports of results that are on disk, also as readers left them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_lesion.cli.analyse import Clinical
from napari_lesion.cli.console import print_error, print_line, show_progress
from napari_lesion.cli.deidentify import Clean, KeyPath, Retain, request_of
from napari_lesion.cli.known_patients import load_known, warn_of_no_known_patient
from napari_lesion.cli.withholding import withholding
from napari_lesion.support.plain import path_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_lesion.deidentification.release import Request
    from napari_lesion.dicom.index.series import Series
    from napari_lesion.model.findings import Report
    from napari_lesion.report.withheld import Withheld
    from napari_lesion.report.write import ReportKind
    from napari_lesion.support.progress import Progress


Out = Annotated[
    Path, typer.Argument(exists=True, metavar="OUT", help="What `analyse` wrote: its OUT, or one series' folder.")
]
Kinds = Annotated[
    str,
    typer.Option(
        "--format", metavar="KIND,...", help="csv, measurements, html, pdf, sr, seg, key-images, heatmap, fhir, json."
    ),
]
Scans = Annotated[
    Path | None, typer.Option(exists=True, metavar="PATH", help="Where the scans are now (default: where they were).")
]
WithholdNames = Annotated[
    bool, typer.Option("--withhold-names", help="Keep what names a patient out of these reports, and out of the log.")
]
DeidentifiedFolder = Annotated[
    Path | None,
    typer.Option(
        "--deidentified", help="New folder for these reports, de-identified by --key, --retain and --clean; OUT stays."
    ),
]


def report(
    out: Out,
    kinds: Kinds = "html,pdf,csv",
    scans: Scans = None,
    clinical: Clinical = None,
    withhold_names: WithholdNames = False,
    deidentified: DeidentifiedFolder = None,
    key: KeyPath = None,
    retain: Retain = None,
    clean: Clean = None,
) -> None:
    """Make reports of results on disk, also after a review.

    Findings that a reader added or moved are measured, and all are judged anew; findings.json is brought up to date
    with that. Without the scan there are no pictures and no DICOM objects. With --deidentified they are made of the
    results as they are, name nobody, and go into a folder of their own, all of them checked, or none.

    Exit status: 0 all done, 1 some report is missing, 2 wrong usage.
    """
    from napari_lesion.report import folders as results_folders
    from napari_lesion.report import json as report_json
    from napari_lesion.report.write import kinds_of, refuse_naming
    from napari_lesion.support.errors import OptionError
    from napari_lesion.support.progress import part

    wanted = kinds_of(kinds)
    if not wanted:
        raise OptionError("--format names no report.")
    folders = _folders(out)
    if (request := request_of(deidentified is not None, key, retain, clean)) is not None and deidentified is not None:
        _report_deidentified(out, folders, scans, wanted, deidentified, request)
        return
    failed = 0
    with (
        withholding(withhold_names, (clinical, scans, out)) as withheld,
        results_folders.held(folders[0].parent),
        show_progress() as bar,
    ):
        if withheld is not None:
            refuse_naming(wanted)
        progress = bar if withheld is None else withheld.progress(bar)
        known, patients = load_known(clinical, listed=withheld is None), 0
        results = {folder: report_json.load_report(folder / report_json.FILE_NAME) for folder in folders}
        if withheld is not None:
            for one in results.values():
                withheld.learn(one.series)
        found = _find_scans(out, results, scans, part(progress, 0, 100, 1000), withheld)
        for number, (folder, before) in enumerate(results.items()):
            begin, end = (100 + 900 * n // len(results) for n in (number, number + 1))
            patient = known.of(before.series.patient_id, before.series.study_date) if known else None
            patients += patient is not None
            failed += not _renewed(
                folder,
                before,
                wanted,
                source=_scan_of(before, found),
                patient=patient,
                notes=known.problems_of(before.series.patient_id) if known else (),
                withheld=withheld,
                progress=part(progress, begin, end, 1000),
            )
        if known is not None and clinical is not None:
            warn_of_no_known_patient(clinical, known, patients, listed=withheld is None)
    print_line(f"Reports are in {'the folder that was named' if withhold_names else out}. For research use only.")
    if failed:
        raise typer.Exit(1)


def _renewed(
    folder: Path,
    before: Report,
    kinds: Sequence[ReportKind],
    *,
    source: Series | None,
    withheld: Withheld | None,
    **known: Any,
) -> bool:
    """Write the reports of a result, and print what came of it; whether all of them are there."""
    from napari_lesion.batch import renew_reports
    from napari_lesion.report.write import in_words
    from napari_lesion.support.errors import LesionError

    def cleared(text: str) -> str:
        return text if withheld is None else withheld.clear(text, source)

    if source is None:
        print_error(f"warning: {folder.name}: its scan is not where it was; say where it is with --scans.")
    try:
        made, written = renew_reports(
            folder, kinds, source=source, guidelines=_is_about_lungs(before), withheld=withheld, **known
        )
    except LesionError as error:
        print_error(f"error: {folder.name}: {cleared(str(error))}")
        return False
    print_line(f"{folder.name}: {len(made.active)} findings; wrote {', '.join(written.kinds) or 'nothing'}")
    for sentence in (*written.notes, *in_words({}, written.absent)):
        print_error(f"warning: {folder.name}: {cleared(sentence)}")
    for sentence in in_words(written.problems):
        print_error(f"error: {folder.name}: {cleared(sentence)}")
    return not written.problems


def _report_deidentified(
    out: Path, folders: Sequence[Path], scans: Path | None, wanted: Sequence[ReportKind], to: Path, request: Request
) -> None:
    from napari_lesion.cli.report_deidentified import report_deidentified
    from napari_lesion.report import json as report_json
    from napari_lesion.support.progress import silent

    results = {folder: report_json.load_report(folder / report_json.FILE_NAME) for folder in folders}
    found = _find_scans(out, results, scans, silent, None)
    report_deidentified(results, lambda one: _scan_of(one, found), wanted, to, request)


def _folders(out: Path) -> list[Path]:
    from napari_lesion.report import json as report_json
    from napari_lesion.support.errors import InputFileError

    if out.name == report_json.FILE_NAME:
        return [out.parent]
    if (out / report_json.FILE_NAME).is_file():
        return [out]
    folders = sorted(
        path.parent for path in out.glob(f"*/{report_json.FILE_NAME}") if not path.parent.name.startswith(".")
    )
    if not folders:
        raise InputFileError(f"{out}: there are no results of `napari-lesion analyse`.")
    return folders


def _scan_of(report: Report, found: Sequence[Series]) -> Series | None:
    """Find the series that a result was made from: of the same patient and study, and of its several stacks the one."""
    from napari_lesion.report.folders import images_digest, owner

    mine = [one for one in found if owner(one.identity) == owner(report.series)]
    if report.inputs is not None:
        return next((one for one in mine if images_digest(one) == report.inputs.images_sha256), None)
    acquired = report.certificate.shape[0] - len(report.certificate.interpolated_slices)
    return next((one for one in mine if one.n_slices == acquired), None)


def _find_scans(
    out: Path, results: dict[Path, Report], scans: Path | None, progress: Progress, withheld: Withheld | None
) -> list[Series]:
    """Find the series at a path, else where ``summary.csv`` says that those of the results were."""
    from napari_lesion.dicom.index.series import find_series
    from napari_lesion.report import summary
    from napari_lesion.support.errors import LesionError
    from napari_lesion.support.progress import part

    places = [scans] if scans else []
    if scans is None:
        for table in (out / summary.FILE_NAME, out.parent / summary.FILE_NAME):
            if table.is_file():
                rows = [row for row in summary.load_summary(table) if row["folder"] in {f.name for f in results}]
                places = list(dict.fromkeys(path_of(row["source"]) for row in rows if row["source"]))
                break
    found: list[Series] = []
    for number, place in enumerate(places):
        try:
            index = find_series(place, progress=part(progress, number, number + 1, len(places)))
        except LesionError as error:
            print_error(f"warning: {error if withheld is None else withheld.clear(str(error), files=[place])}")
            continue
        if withheld is not None:
            for series in index:
                withheld.learn(series.identity)
        found += index
    return found


def _is_about_lungs(report: Report) -> bool:
    """Whether guidelines for lung nodules were asked before, or the model is known to search for such."""
    from napari_lesion.detection.registry import list_models
    from napari_lesion.detection.searchable import is_about_lungs

    if report.judgement is not None:
        return True
    return any(card.id == report.model.id and is_about_lungs(card) for card in list_models())
