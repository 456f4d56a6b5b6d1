"""``napari-lesion timeline``: models of a lesion's risk over the years, made and tested on simulated patients."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lesion.cli.console import print_error, print_line, show_progress, show_table
from napari_lesion.support.errors import OptionError

if TYPE_CHECKING:
    from napari_lesion.timeline.evaluate import Predictor
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


@app.command("train")
def train(
    cohort: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The cohort to learn from.")],
    out: Out,
    steps: Annotated[int, typer.Option(min=1, help="It stops sooner where it gets no better.")] = 2000,
    seed: Annotated[int, typer.Option(help="Of the first weights, and of who is learned from.")] = 1,
) -> None:
    """Train a recurrent network over visits for the risk of cancer and growth: OUT/model, with a card.

    A fifth of the persons serves to choose the weights and to calibrate. Takes a minute or two on one core.
    """
    from napari_lesion.timeline.recipe import TimelineConfig, train_timeline

    with show_progress() as progress:
        folder = train_timeline(cohort, out, TimelineConfig(steps=steps, seed=seed), progress=progress)
    print_line(f"The model is in {folder}; its card says on whom it was made.")


@app.command("predict")
def predict(
    results: Annotated[
        list[Path], typer.Argument(exists=True, file_okay=False, metavar="RESULTS...", help="Folders of `analyse`.")
    ],
    model: Annotated[Path, typer.Option(exists=True, file_okay=False, help="A model of `timeline train`.")],
    out: Out,
    records: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A records.csv of the patients, for what results do not say."),
    ] = None,
) -> None:
    """Tell the risk of each lesion after each of its scans, and what each scan added: OUT/risk.csv.

    Scans of any number of dates; which findings are one lesion is as comparisons with priors say. For research: a model
    of simulated patients says nothing about a person. Exit status 1: something could not be read; it is named.
    """
    from napari_lesion.records.rows import load_rows
    from napari_lesion.timeline.course import SIMULATED
    from napari_lesion.timeline.explain import HEADER, cells, explained, save_risks
    from napari_lesion.timeline.model import load_model
    from napari_lesion.timeline.results import courses_of_results

    network = load_model(model)
    found, problems = courses_of_results(results, load_rows(records) if records else ())
    for problem in problems:
        print_error(f"warning: {problem}")
    told = explained(network, found)
    out.mkdir(parents=True, exist_ok=True)
    save_risks(told, out / "risk.csv", simulated=network.description.simulated)
    show_table(HEADER, [cells(one) for one in told])
    if network.description.simulated:
        print_line(SIMULATED)
    print_line(f"The table is in {out}.")
    if problems:
        raise typer.Exit(1)


@app.command("evaluate")
def evaluate(
    cohorts: Annotated[
        list[Path], typer.Argument(exists=True, file_okay=False, metavar="COHORT...", help="Cohorts to test on.")
    ],
    learn: Annotated[
        Path, typer.Option("--learn", exists=True, file_okay=False, help="The cohort that baselines learn from.")
    ],
    out: Out,
    model: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="A model of `timeline train`, to compare with them."),
    ] = None,
    about: Annotated[About, typer.Option("--about", help="The event.")] = About.CANCER,
    times: Annotated[int, typer.Option(min=20, help="How often persons are drawn again for intervals.")] = 200,
) -> None:
    """Compare models of risk on persons that none has learned from.

    After the first, second and third visit: AUC at a time, C-index, Brier score (censored times by IPCW), with
    intervals over persons. Writes OUT/timeline.html, OUT/timeline.csv and plots.
    """
    from napari_lesion.timeline import evaluate as evaluation
    from napari_lesion.timeline import report

    names = [path.name for path in cohorts]
    if len(set(names)) < len(names):
        raise OptionError("Two of the cohorts have one name: rename a folder.")
    known = _load(learn)
    models: list[Predictor] = [*evaluation.learned(known.courses, about.value)]
    seen = {one.person.id for one in known.courses}
    if model is not None:
        from napari_lesion.timeline.model import load_model

        network = load_model(model, about.value)
        models.append(network)
        seen |= set(network.description.persons)
    scores, tenths, simulated = {}, {}, known.simulated
    with show_progress() as progress:
        for path in cohorts:
            cohort = _load(path)
            evaluation.refuse_known(seen, cohort.courses)
            simulated |= cohort.simulated
            scores[path.name] = evaluation.evaluate(cohort.courses, models, about.value, times=times, progress=progress)
            tenths[path.name] = {one.name: evaluation.reliability(cohort.courses, one, about.value) for one in models}
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
