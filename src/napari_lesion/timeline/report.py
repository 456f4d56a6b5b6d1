"""What came of comparing models of risk: a page, a table, plots."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from napari_lesion.evaluation.page import Table, save_page
from napari_lesion.evaluation.plots import save_figures
from napari_lesion.support.tables import write_table
from napari_lesion.timeline.course import SIMULATED
from napari_lesion.timeline.evaluate import REFERENCE, About, Measured, Score, Tenth

AFTER = {1: "the first visit", 2: "the second visit", 3: "the third visit"}
ABOUT = {"cancer": "cancer is diagnosed in the lesion", "growth": "the lesion is measured to be 25 % larger"}
HEADER = ("after", "model", "lesions", "events", "AUC, 1 year", "AUC, 2 years", "C-index, 3 years", "Brier, 2 years",
          "expected / observed")  # fmt: skip
NOT_PEOPLE = "Simulated patients: none of these numbers says anything about people."
_COLOURS = ("#8a8a8a", "#8a6d1f", "#4c8c2b", "#c8502d", "#7a4fa3", "#0b6e99")


def cells(score: Score) -> list[str]:
    """Write a score as cells of `HEADER`."""
    values = [_shown(score.values[name]) for name in HEADER[4:]]
    return [AFTER[score.visit], score.model, str(score.lesions), str(score.events), *values]


def _shown(one: Measured, sign: str = "") -> str:
    if math.isnan(one.value):
        return "–"
    return f"{one.value:{sign}.3f} [{one.low:{sign}.3f}, {one.high:{sign}.3f}]"


def change_cells(score: Score) -> list[str]:
    """Write how much better a model is than the reference, as cells of `HEADER`."""
    values = [_shown(score.change[name], "+") if name in score.change else "–" for name in HEADER[4:-1]]
    return [AFTER[score.visit], score.model, *values]


def save_report(
    scores: Mapping[str, Sequence[Score]],
    tenths: Mapping[str, Mapping[str, Sequence[Tenth]]],
    about: About,
    out: Path,
    *,
    simulated: bool,
) -> None:
    """Write ``timeline.html``, ``timeline.csv`` and the plots.

    Parameters
    ----------
    scores : mapping
        By the cohort that was tested on.
    tenths : mapping
        The same: reliability by model.
    about : str
    out : Path
    simulated : bool
        Any of the cohorts is made.
    """
    out.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Figure] = {}
    tables: dict[str, Table] = {}
    for cohort, found in scores.items():
        tables[f"{cohort}: how good"] = (HEADER, [cells(one) for one in found])
        others = [one for one in found if one.model != REFERENCE]
        header = ("after", "model", *HEADER[4:-1])
        tables[f"{cohort}: less “{REFERENCE}”"] = (header, [change_cells(one) for one in others])
        figures[f"auc_{cohort}"] = auc_figure(found, "Simulated patients" if simulated else "")
        figures[f"reliability_{cohort}"] = reliability_figure(tenths[cohort])
    save_figures(figures, out)
    rows = [_row(cohort, one) for cohort, found in scores.items() for one in found]
    write_table(tuple(rows[0]) if rows else (), rows, out / "timeline.csv")
    facts = [
        f"The event: {ABOUT[about]}. After each visit a model knows what was seen up to then, and tells the risk "
        "within 1, 2 and 3 years.",
        "Who was lost before a horizon is stood in for by others (IPCW); who died of something else, or whose lesion "
        "was removed and benign, or vanished, is without the event. Intervals (95 %) draw persons again, with all of "
        "their lesions.",
    ]
    notes = [NOT_PEOPLE, SIMULATED] if simulated else []
    save_page(out / "timeline.html", "A patient's years", facts=facts, notes=notes, tables=tables, figures=figures)


def _row(cohort: str, one: Score) -> dict[str, object]:
    row: dict[str, object] = {
        "cohort": cohort,
        "visit": one.visit,
        "model": one.model,
        "persons": one.persons,
        "lesions": one.lesions,
        "events": one.events,
    }
    for name, value in one.values.items():
        change = one.change.get(name)
        row |= {name: value.value, f"{name}, low": value.low, f"{name}, high": value.high}
        row[f"{name}, change"] = "" if change is None else change.value
        row[f"{name}, change low"] = "" if change is None else change.low
        row[f"{name}, change high"] = "" if change is None else change.high
    return row


def auc_figure(scores: Sequence[Score], title: str) -> Figure:
    """AUC at 2 years after each visit, by model, with intervals."""
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    axes = figure.subplots()
    models = [name for name in dict.fromkeys(one.model for one in scores) if name != "the same for all"]
    visits = sorted({one.visit for one in scores})
    for n, name in enumerate(models):
        shift = (n - (len(models) - 1) / 2) * 0.12
        own = {one.visit: one.values["AUC, 2 years"] for one in scores if one.model == name}
        x, y = [m + shift for m in range(len(visits))], [own[visit] for visit in visits]
        error = [[one.value - one.low for one in y], [one.high - one.value for one in y]]
        colour = _COLOURS[-len(models) :][n]
        axes.errorbar(x, [one.value for one in y], error, fmt="o", color=colour, capsize=2, label=name)
    axes.set_xticks(range(len(visits)), [f"after {AFTER[visit]}" for visit in visits])
    axes.set(ylabel="AUC, event within 2 years", title=title)
    axes.grid(axis="y", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def reliability_figure(tenths: Mapping[str, Sequence[Tenth]]) -> Figure:
    """Draw what was told against what came, by tenths of the risk, on axes that spread small risks."""
    figure = Figure(figsize=(5.6, 5.6), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], ":", color="0.6", label="as told")
    models = [name for name in tenths if name != "the same for all"]
    for n, name in enumerate(models):
        x, y = [one.expected for one in tenths[name]], [one.observed for one in tenths[name]]
        axes.plot(x, y, "o-", color=_COLOURS[-len(models) :][n], linewidth=1.2, markersize=4, label=name)
    axes.set_xscale("function", functions=(np.sqrt, np.square))
    axes.set_yscale("function", functions=(np.sqrt, np.square))
    ticks = (0, 0.02, 0.1, 0.25, 0.5, 1)
    axes.set_xticks(ticks, [f"{one:.0%}" for one in ticks])
    axes.set_yticks(ticks, [f"{one:.0%}" for one in ticks])
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="told risk within 2 years", ylabel="share with the event within 2 years")
    axes.grid(color="0.9")
    axes.legend(loc="upper left", frameon=True, framealpha=0.9)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
