"""``napari-lesion evaluate``: score results against a truth, compare two models, judge a classifier."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lesion.cli.console import print_line, show_table
from napari_lesion.support.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_lesion.evaluation.froc import Mark
    from napari_lesion.evaluation.results import Results


class MissingScans(StrEnum):
    """What to do about scans of the truth that have no results."""

    ERROR = "error"
    MISSED = "missed"
    LEAVE_OUT = "leave-out"


def evaluate(
    truth: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Nodules: seriesuid,coordX,coordY,coordZ,diameter_mm and, optionally, type; LPS mm.",
        ),
    ] = None,
    results: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Output folder of `analyse`.")
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            exists=True, file_okay=False, metavar="A B", help="Two output folders of `analyse`: is B better than A?"
        ),
    ] = None,
    classification: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Scores of a classifier: label,score and, optionally, group (a patient)."
        ),
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--run", exists=True, file_okay=False, help="Folder of `train`: draw its curves.")
    ] = None,
    excluded: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Places that do not count, in the form of --truth.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", file_okay=False, help="Folder for tables, plots and page (default: RESULTS)."),
    ] = None,
    missing: Annotated[
        MissingScans, typer.Option(help="Scans of the truth without results: an error, all missed, or left out.")
    ] = MissingScans.ERROR,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="With --classification: the score from which a case is called positive.")
    ] = 0.5,
    bootstraps: Annotated[int, typer.Option(min=0, help="Resamples for the 95 % intervals.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the resampling.")] = 0,
) -> None:
    """Measure how good a model is: tables (CSV, JSON), plots (PNG, SVG) and one page, evaluation.html.

    --truth with --results scores by the rules of LUNA16: FROC, sensitivity at seven false positive rates, CPM. Every
    scan with a findings.json counts, also those without nodules in the truth. For a whole curve, analyse with a low
    --threshold first: what was not reported cannot be scored. --truth with --compare gives the difference of two
    models on the same scans. --classification judges a classifier, --run draws the curves of a training run.
    """
    chosen = [name for name, value in (("results", results), ("compare", compare)) if value]
    if bool(truth) != bool(chosen) or len(chosen) > 1 or (excluded and not truth):
        raise typer.BadParameter("--truth goes with either --results or --compare (and --excluded with --truth).")
    if not (truth or classification or run):
        raise typer.BadParameter("Say what to evaluate: --truth and --results, --compare, --classification or --run.")
    if sum(map(bool, (truth, classification, run))) > 1:
        raise typer.BadParameter("One thing at a time: --truth, --classification or --run.")
    target = out or results
    if target is None:
        raise typer.BadParameter("Say where the tables and plots go: -o FOLDER.")
    if run:
        _draw_run(run, target)
    elif classification:
        _score_classifier(classification, threshold, bootstraps, seed, target)
    elif truth and results:
        _score(truth, results, excluded, missing, bootstraps, seed, target)
    elif truth and compare:
        _compare(truth, *compare, excluded, missing, bootstraps, seed, target)
    print_line(f"Tables and plots are in {target}.")


def _load(
    truth: Path, results: Sequence[Path], excluded: Path | None, missing: MissingScans
) -> tuple[tuple[Mark, ...], tuple[Mark, ...], list[Results], tuple[str, ...]]:
    """Truth, excluded places, the results with what is missing settled, and the UIDs of the missing scans."""
    from dataclasses import replace

    from napari_lesion.evaluation import froc
    from napari_lesion.evaluation import results as tables

    nodules = froc.load_marks(truth)
    loaded: list[Results] = []
    absent: set[str] = set()
    for folder in results:
        found = tables.load_results(folder)
        nodules, points, uids = tables.settle_missing(nodules, found, missing.value)
        loaded.append(replace(found, points=points))
        absent.update(uids)
    return nodules, froc.load_marks(excluded) if excluded else (), loaded, tuple(sorted(absent))


def _score(
    truth: Path, results: Path, excluded: Path | None, missing: MissingScans, bootstraps: int, seed: int, out: Path
) -> None:
    from napari_lesion.evaluation import froc, page, plots
    from napari_lesion.evaluation import results as tables

    nodules, places, (found,), absent = _load(truth, [results], excluded, missing)
    evaluation = froc.evaluate(nodules, found.points, excluded=places, bootstraps=bootstraps, seed=seed)
    overall = evaluation.overall
    notes = _notes(found, len(absent), missing, overall.end)
    tables.save_evaluation(evaluation, found.model, absent, notes, out)
    figures = {
        "froc": plots.froc_figure([("all nodules", overall)]),
        "froc_by_size": plots.froc_figure([(curve.name, curve) for curve in evaluation.by_size]),
    }
    if evaluation.by_type:
        figures["froc_by_type"] = plots.froc_figure([(curve.name, curve) for curve in evaluation.by_type])
    plots.save_figures(figures, out)

    with_nodules = len({mark.series_uid for mark in nodules})
    headline = f"{found.model.id} {found.model.version}: {overall.scans} scans, {with_nodules} of them with nodules"
    header = ["nodules", "n", "found", *(f"{rate:g}" for rate in froc.FP_RATES), "CPM", "95 % interval"]
    rows = [
        [
            curve.name if group != "type" else f"type {curve.name}",
            str(curve.nodules),
            str(curve.found),
            *(f"{value:.3f}" for value in curve.at_rates),
            f"{curve.cpm:.3f}",
            f"{curve.cpm_interval[0]:.3f} to {curve.cpm_interval[1]:.3f}",
        ]
        for group, curve in tables.all_curves(evaluation)
    ]
    legend = "Columns 0.125 to 8: sensitivity at so many false positives a scan."
    names = {"froc": "FROC", "froc_by_size": "FROC by size", "froc_by_type": "FROC by type"}
    page.save_page(
        out / "evaluation.html",
        f"Evaluation of {found.model.id} {found.model.version}",
        facts=(
            f"{headline}. {overall.nodules} nodules, {overall.found} found at any score.",
            "Rules of LUNA16: a finding closer to a nodule's centre than its radius is a hit; further hits on the same "
            f"nodule and findings in {len(places)} excluded places do not count. Intervals: {bootstraps} bootstraps "
            "over scans.",
            legend,
        ),
        notes=notes,
        tables={"Sensitivity": (header, rows)},
        figures={names[name]: figure for name, figure in figures.items()},
    )
    print_line(headline)
    show_table(header, rows)
    print_line(legend)
    for note in notes:
        print_line(f"note: {note}")


def _notes(found: Results, absent: int, missing: MissingScans, end: float) -> list[str]:
    """Note what has to be known of a FROC curve, which ends at so many false positives a scan."""
    from napari_lesion.evaluation.froc import FP_RATES

    notes = []
    if found.reviewed:
        notes.append(
            f"Readers judged {found.reviewed} of the findings and rejected {found.rejected}, which are left out: "
            "this scores the readers with the model, not the model alone."
        )
    if absent:
        what = "all their nodules count as missed" if missing is MissingScans.MISSED else "they are left out"
        notes.append(f"{absent} scans of the truth have no results; {what}.")
    if end < FP_RATES[-1]:
        notes.append(
            f"The curve ends at {end:.3g} false positives a scan (findings were reported from a score of "
            f"{found.model.threshold:g} on); beyond that, sensitivity is continued level. Analyse with a lower "
            "--threshold for the rest."
        )
    return notes


def _compare(
    truth: Path, a: Path, b: Path, excluded: Path | None, missing: MissingScans, bootstraps: int, seed: int, out: Path
) -> None:
    from napari_lesion.evaluation import page, plots
    from napari_lesion.evaluation import results as tables
    from napari_lesion.evaluation.compare import compare_models

    if a.resolve() == b.resolve():
        raise OptionError(f"{a} would be compared with itself. Name two output folders of `analyse`.")
    nodules, places, (one, other), _ = _load(truth, [a, b], excluded, missing)
    if missing is MissingScans.LEAVE_OUT:
        one, other = tables.in_both(one, other)
    result = compare_models(nodules, one.points, other.points, excluded=places, bootstraps=bootstraps, seed=seed)
    tables.save_comparison(result, one.model, other.model, out)
    figure = plots.froc_figure([(f"A: {a.name}", result.curves[0]), (f"B: {b.name}", result.curves[1])])
    plots.save_figures({"comparison": figure}, out)
    header = ["measure", "A", "B", "B − A", "95 % interval", "p"]
    rows = [page.difference_cells(d) for d in result.differences]
    facts = (
        f"A: {one.model.id} {one.model.version} ({a.name}). B: {other.model.id} {other.model.version} ({b.name}). "
        f"{result.scans} scans, {result.nodules} nodules; {result.only_a} are found by A only, {result.only_b} by B "
        "only, at any score.",
        f"Paired bootstrap over scans, {bootstraps} resamples. p is two-sided and not corrected for testing several "
        "measures: decide on the CPM.",
    )
    page.save_page(
        out / "evaluation.html",
        "Comparison of two models",
        facts=facts,
        tables={"Differences": (header, rows)},
        figures={"FROC": figure},
    )
    print_line(facts[0])
    show_table(header, rows)
    print_line(facts[1])


def _score_classifier(scores: Path, threshold: float, bootstraps: int, seed: int, out: Path) -> None:
    from napari_lesion.evaluation import page, plots
    from napari_lesion.evaluation import results as tables
    from napari_lesion.evaluation.classification import classify, load_scores

    label, score, group = load_scores(scores)
    result = classify(label, score, threshold=threshold, group=group, bootstraps=bootstraps, seed=seed)
    tables.save_classification(result, scores.name, out)
    figures = {
        "roc": plots.roc_figure(result),
        "precision_recall": plots.precision_recall_figure(result),
        "calibration": plots.calibration_figure(result.reliability),
    }
    plots.save_figures(figures, out)
    (tn, fp), (fn, tp) = result.confusion
    header = ["measure", "value", "95 % interval"]
    rows = [[m.name, f"{m.value:.3f}", f"{m.interval[0]:.3f} to {m.interval[1]:.3f}"] for m in result.measures]
    rows.append(["ECE", f"{result.reliability.ece:.3f}", ""])
    confusion = (
        ["", "called negative", "called positive"],
        [["negative", f"{tn}", f"{fp}"], ["positive", f"{fn}", f"{tp}"]],
    )
    resampled = "cases" if group is None else "groups"
    facts = (
        f"{scores.name}: {result.cases} cases, {result.positives} positive; called positive from a score of "
        f"{threshold:g} on. Intervals: {bootstraps} bootstraps over {resampled}.",
    )
    page.save_page(
        out / "evaluation.html",
        f"Evaluation of {scores.stem}",
        facts=facts,
        tables={"Measures": (header, rows), "Confusion matrix": confusion},
        figures={
            "ROC": figures["roc"],
            "Precision and recall": figures["precision_recall"],
            "Calibration": figures["calibration"],
        },
    )
    print_line(facts[0])
    show_table(header, rows)
    show_table(*confusion)


def _draw_run(run: Path, out: Path) -> None:
    from napari_lesion.training.engine.log import draw_run

    draw_run(run, out)
