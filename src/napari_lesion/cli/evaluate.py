"""``napari-lesion evaluate``: score results against a truth."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from napari_lesion.cli.console import say, show_table


class MissingScans(StrEnum):
    """What to do about scans of the truth that have no results."""

    ERROR = "error"
    MISSED = "missed"
    LEAVE_OUT = "leave-out"


def evaluate(
    truth: Annotated[
        Path,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Nodules: seriesuid,coordX,coordY,coordZ,diameter_mm and, optionally, type; LPS mm.",
        ),
    ],
    results: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Output folder of `analyse`.")],
    excluded: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Places that do not count, in the same form.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", file_okay=False, help="Folder for the tables (default: RESULTS).")
    ] = None,
    missing: Annotated[
        MissingScans, typer.Option(help="Scans of the truth without results: an error, all missed, or left out.")
    ] = MissingScans.ERROR,
    bootstraps: Annotated[int, typer.Option(min=0, help="Resamples of the scans for the 95 % intervals.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the resampling.")] = 0,
) -> None:
    """Score results by the rules of LUNA16: FROC, sensitivity at seven false positive rates, CPM.

    Every scan with a findings.json in RESULTS counts, also those without nodules in the truth. For a whole curve,
    analyse with a low --threshold first: what was not reported cannot be scored.
    """
    from napari_lesion.evaluation import froc
    from napari_lesion.evaluation import results as tables

    nodules = froc.load_marks(truth)
    found = tables.load_results(results)
    nodules, points, absent = tables.settle_missing(nodules, found, missing.value)
    evaluation = froc.evaluate(
        nodules,
        points,
        excluded=froc.load_marks(excluded) if excluded else (),
        bootstraps=bootstraps,
        seed=seed,
    )
    overall = evaluation.overall
    notes = []
    if absent:
        what = "all their nodules count as missed" if missing is MissingScans.MISSED else "they are left out"
        notes.append(f"{len(absent)} scans of the truth have no results; {what}.")
    if overall.end < froc.FP_RATES[-1]:
        notes.append(
            f"The curve ends at {overall.end:.3g} false positives a scan (findings were reported from a score of "
            f"{found.model.threshold:g} on); beyond that, sensitivity is continued level. Analyse with a lower "
            "--threshold for the rest."
        )
    target = out or results
    tables.save_evaluation(evaluation, found.model, absent, notes, target)

    with_nodules = len({mark.series_uid for mark in nodules})
    say(f"{found.model.id} {found.model.version}: {overall.scans} scans, {with_nodules} of them with nodules")
    header = ["nodules", "n", "found", *(f"{rate:g}" for rate in froc.FP_RATES), "CPM", "95 % interval"]
    show_table(
        header,
        [
            [
                curve.name if group != "type" else f"type {curve.name}",
                str(curve.nodules),
                str(curve.found),
                *(f"{value:.3f}" for value in curve.at_rates),
                f"{curve.cpm:.3f}",
                f"{curve.cpm_interval[0]:.3f} to {curve.cpm_interval[1]:.3f}",
            ]
            for group, curve in tables.all_curves(evaluation)
        ],
    )
    say("Columns 0.125 to 8: sensitivity at so many false positives a scan.")
    for note in notes:
        say(f"note: {note}")
    say(f"Tables are in {target}.")
