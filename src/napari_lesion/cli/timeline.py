"""``napari-lesion timeline``: models of a lesion's risk over the years, made and tested on simulated patients."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lesion.cli.console import print_error, print_line, show_progress, show_table
from napari_lesion.support.errors import OptionError

if TYPE_CHECKING:
    from napari_lesion.timeline.tables import Cohort

app = typer.Typer(
    no_args_is_help=True,
    help="The risk of a lesion over the years, for research: what comes with it was made on simulated patients only.",
)


class About(StrEnum):
    """What is told the risk of."""

    CANCER = "cancer"
    GROWTH = "growth"


class Made(StrEnum):
    """Which cohort is made."""

    USUAL = "usual"
    OTHER = "other"


Out = Annotated[Path, typer.Option("-o", "--out", file_okay=False, help="Folder for what is written.")]


@app.command("simulate")
def simulate(
    out: Out,
    persons: Annotated[int, typer.Option(min=1, help="How many.")] = 3000,
    seed: Annotated[int, typer.Option(help="Another number makes other persons.")] = 1,
    which: Annotated[
        Made, typer.Option("--which", help="`other`: other patients, scanners, readers than the usual ones.")
    ] = Made.USUAL,
) -> None:
    """Make a cohort of simulated patients: OUT/lesions.csv and OUT/visits.csv.

    Nobody in it exists. What it is made by is in OUT/simulation.json.
    """
    from napari_lesion.timeline.cohort import COHORTS
    from napari_lesion.timeline.cohort import simulate as make
    from napari_lesion.timeline.course import SIMULATED
    from napari_lesion.timeline.tables import save_cohort

    settings = COHORTS[which.value].model_copy(update={"persons": persons, "seed": seed})
    courses = make(settings)
    save_cohort(courses, out, settings)
    print_line(f"{len(courses)} lesions of {persons} simulated persons are in {out}.")
    print_line(SIMULATED)


@app.command("evaluate")
def evaluate(
    cohorts: Annotated[
        list[Path], typer.Argument(exists=True, file_okay=False, metavar="COHORT...", help="Cohorts to test on.")
    ],
    learn: Annotated[
        Path, typer.Option("--learn", exists=True, file_okay=False, help="The cohort that baselines learn from.")
    ],
    out: Out,
    about: Annotated[About, typer.Option("--about", help="The event.")] = About.CANCER,
    times: Annotated[int, typer.Option(min=20, help="How often persons are drawn again for intervals.")] = 200,
) -> None:
    """Compare models of risk on persons that none has learned from.

    After the first, second, third and any visit: AUC at a time, C-index, Brier score (censored times by IPCW), with
    intervals over persons. Writes OUT/timeline.html, OUT/timeline.csv and plots.
    """
    from napari_lesion.timeline import evaluate as evaluation
    from napari_lesion.timeline import report

    names = [path.name for path in cohorts]
    if len(set(names)) < len(names):
        raise OptionError("Two of the cohorts have one name: rename a folder.")
    known = _load(learn)
    baselines = evaluation.learned(known.courses, about.value)
    scores, tenths, simulated = {}, {}, known.simulated
    with show_progress() as progress:
        for path in cohorts:
            cohort = _load(path)
            evaluation.refuse_known(known.courses, cohort.courses)
            simulated |= cohort.simulated
            scores[path.name] = evaluation.evaluate(
                cohort.courses, baselines, about.value, times=times, progress=progress
            )
            tenths[path.name] = {
                one.name: evaluation.reliability(cohort.courses, one, about.value) for one in baselines
            }
    report.save_report(scores, tenths, about.value, out, simulated=simulated)
    for name, found in scores.items():
        print_line(f"{name}:")
        show_table(report.HEADER, [report.cells(one) for one in found])
    if simulated:
        print_line(report.NOT_PEOPLE)
    print_line(f"Page, table and plots are in {out}.")


def _load(path: Path) -> Cohort:
    from napari_lesion.timeline.tables import load_cohort

    cohort = load_cohort(path)
    for problem in cohort.problems:
        print_error(f"warning: {problem}")
    return cohort
