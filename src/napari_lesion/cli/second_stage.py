"""``napari-lesion second-stage``: let a patch classifier score the candidates of a detector again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_lesion.cli.console import print_line, show_progress, show_table


def second_stage(
    truth: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="Lesions in the validation scans, in the form of LUNA16.")
    ],
    results: Annotated[
        Path,
        typer.Option(exists=True, file_okay=False, help="Output folder of `analyse --threshold 0` on these scans."),
    ],
    scans: Annotated[Path, typer.Option(exists=True, help="The validation scans themselves.")],
    model: Annotated[
        str, typer.Option(help="The detector that made the results: its id, or the folder of its package.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", file_okay=False, help="Folder of the new package.")],
    classifier: Annotated[str, typer.Option("--judge", help="Id of the patch classifier.")] = "nodule-2d",
    excluded: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Places that do not count, in the same form.")
    ] = None,
    version: Annotated[str | None, typer.Option(help="Of the new model (default: that of the detector).")] = None,
) -> None:
    """Give a detector a false-positive reduction, fitted on validation scans.

    Writes a package with the same weights that scores candidates by both networks together, and prints what that brings
    (each scan left out of the fit that scores it). Analyse the scans with it and calibrate it next.
    """
    from napari_lesion.evaluation import results as tables
    from napari_lesion.evaluation.false_positive_reduction import add_false_positive_reduction
    from napari_lesion.evaluation.froc import FP_RATES, load_marks
    from napari_lesion.models.packages import CARD, find_package, verify, write_package

    package = find_package(model)
    found = tables.load_results(results)
    nodules, _, _ = tables.settle_missing(load_marks(truth), found, "error")
    with show_progress() as progress:
        joined = add_false_positive_reduction(
            package,
            classifier,
            found,
            scans,
            nodules,
            excluded=load_marks(excluded) if excluded else (),
            version=version,
            progress=progress,
        )
    card = package.folder / CARD
    write_package(out, verify(package), joined.metadata, card.read_text(encoding="utf-8") if card.is_file() else "")
    show_table(
        ["scored by", *(f"{rate:g}" for rate in FP_RATES), "CPM"],
        [
            [name, *(f"{value:.3f}" for value in curve.at_rates), f"{curve.cpm:.3f}"]
            for name, curve in (
                (package.metadata.id, joined.before),
                (f"{package.metadata.id} and {classifier}", joined.after),
            )
        ],
    )
    print_line(
        "Columns 0.125 to 8: sensitivity at so many false positives a scan. Each scan was left out of its own fit."
    )
    print_line(f"The package is in {out}.")
