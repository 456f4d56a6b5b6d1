"""``napari-lesion reading-study``: what readers find alone, with the detector, and the detector by itself."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lesion.cli.console import print_line, show_table
from napari_lesion.cli.evaluate import MissingScans
from napari_lesion.reading_study.words import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.figure import Figure

    from napari_lesion.evaluation.compare import Difference
    from napari_lesion.reading_study.study import ReaderResult


class Language(StrEnum):
    """What the page is in."""

    ENGLISH = "en"
    GERMAN = "de"
    CHINESE = "zh"


Readings = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of the panel Second reader.")]
Truth = Annotated[
    Path, typer.Option(exists=True, dir_okay=False, help="Nodules: seriesuid,coordX,coordY,coordZ,diameter_mm; LPS mm.")
]
Out = Annotated[Path, typer.Option("-o", "--out", file_okay=False, help="Folder for results, tables and plots.")]
Excluded = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="Places that do not count, in the form of --truth.")
]
Missing = Annotated[
    MissingScans, typer.Option(help="Scans of the truth without a reading: an error, all missed, or left out.")
]
Bootstraps = Annotated[int, typer.Option(min=0, help="Resamples for the 95 % intervals.")]
Seed = Annotated[int, typer.Option(help="Of the resampling.")]
InLanguage = Annotated[
    Language,
    typer.Option(envvar=VARIABLE, help="Of the page and of what is printed: en, de, zh. Tables (CSV) stay in English."),
]


def reading_study(
    readings: Readings,
    truth: Truth,
    out: Out,
    excluded: Excluded = None,
    missing: Missing = MissingScans.ERROR,
    bootstraps: Bootstraps = 1000,
    seed: Seed = 0,
    language: InLanguage = Language.ENGLISH,
) -> None:
    """Evaluate a reading study: three FROC curves of each reader, what the detector brings, and the time it takes.

    Takes the finished blind reads below READINGS. Writes, for each reader, the reader's findings alone, the detector's,
    and the reader's with the detector as OUT/READER/ARM/SERIES/findings.json (the form that `evaluate --compare`
    takes), a plot (PNG, SVG) of the three curves, and for all readers study.csv, gain.csv, cases.csv and one page,
    reading-study.html.
    """
    from napari_lesion.evaluation import froc, page
    from napari_lesion.evaluation.results import save_csv
    from napari_lesion.model.findings import RESEARCH_USE
    from napari_lesion.reading_study import study
    from napari_lesion.reading_study.journal import folder_name
    from napari_lesion.reading_study.words import words

    words_of = partial(words, language=language.value)
    found = study.load_readings(readings)
    nodules = froc.load_marks(truth)
    places = froc.load_marks(excluded) if excluded else ()
    results: list[ReaderResult] = []
    figures = {}
    for reader, own in found.by_reader.items():
        folder = out / folder_name(reader)
        study.save_results(own, folder)
        result = study.score(
            own, folder, nodules, excluded=places, missing=missing.value, bootstraps=bootstraps, seed=seed
        )
        figures[words_of("FROC of {reader}", reader=reader)] = _plotted(result, folder, words_of)
        results.append(result)

    notes = [
        words_of("Left out: {file}, {reason}.", file=path.relative_to(readings), reason=words_of(reason))
        for path, reason in found.left_out
    ]
    notes += _notes(results, words_of)
    (header, rows), (gain_header, gain_rows) = _curves(results), _gains(results)
    cases = [study.case_row(reading) for reading in found.finished]
    # Machines read these, whatever the language.
    save_csv(out / "study.csv", header, rows)
    save_csv(out / "gain.csv", gain_header, gain_rows)
    save_csv(out / "cases.csv", study.CASE_COLUMNS, cases)
    shown, gain = _translated(header, rows, words_of), _translated(gain_header, gain_rows, words_of)
    facts = _facts(results, len(found.finished), bootstraps, words_of)
    page.save_page(
        out / "reading-study.html",
        words_of("Reading study"),
        facts=facts,
        notes=notes,
        tables={
            words_of("Sensitivity"): shown,
            words_of("Reader with detector against reader alone"): gain,
            words_of("Readings"): ([words_of(name) for name in study.CASE_COLUMNS], cases),
        },
        figures=figures,
        intended_use=words_of(RESEARCH_USE),
        language=language.value,
    )
    show_table(*shown)
    show_table(gain[0], [row for row in gain[1] if row[1] == "CPM"])
    print_line(facts[-1])
    for note in notes:
        print_line(words_of("note: {note}", note=note))
    print_line(words_of("Results, tables and plots are in {folder}.", folder=out))


Table = tuple[list[str], list[list[str]]]
"""Header and rows."""


def _curves(results: Sequence[ReaderResult]) -> Table:
    from napari_lesion.evaluation.froc import FP_RATES

    header = ["reader", "findings of", "scans", "nodules", "found", *(f"{r:g}" for r in FP_RATES), "CPM", "95 %"]
    return header, [row for result in results for row in _curve_rows(result)]


def _gains(results: Sequence[ReaderResult]) -> Table:
    from napari_lesion.reading_study import study

    rows = [row for result in results for row in _gain_rows(result.reader, result.gain.differences)]
    if len(results) > 1 and study.same_scans(results):
        rows += _gain_rows("mean of readers", study.mean_gain(results))
    return ["reader", "measure", "alone", "with detector", "difference", "95 %", "p"], rows


def _translated(header: Sequence[str], rows: Sequence[Sequence[str]], words_of: Callable[..., str]) -> Table:
    return [words_of(cell) for cell in header], [_in_words(row, words_of) for row in rows]


def _plotted(result: ReaderResult, folder: Path, words_of: Callable[..., str]) -> Figure:
    """Plot the curves of a reader, and save that in the reader's folder."""
    from napari_lesion.evaluation import plots
    from napari_lesion.reading_study.study import ARM_NAMES

    curves = [(words_of(ARM_NAMES[arm]), evaluation.overall) for arm, evaluation in result.arms.items()]
    figure = plots.froc_figure(curves)
    plots.save_figures({"froc": figure}, folder)
    return figure


def _notes(results: Sequence[ReaderResult], words_of: Callable[..., str]) -> list[str]:
    """Note of which readers a curve ends early, and where there is no mean."""
    from napari_lesion.evaluation import froc
    from napari_lesion.reading_study.study import ARM_NAMES, same_scans

    notes = []
    for result in results:
        ends = {arm: evaluation.overall.end for arm, evaluation in result.arms.items()}
        short = [f"{words_of(ARM_NAMES[arm])} {end:.3g}" for arm, end in ends.items() if end < froc.FP_RATES[-1]]
        if short:
            notes.append(
                words_of(
                    "{reader}: curves end before {rate} false positives a scan ({arms}); beyond that, sensitivity is "
                    "continued level.",
                    reader=result.reader,
                    rate=f"{froc.FP_RATES[-1]:g}",
                    arms=", ".join(short),
                )
            )
    if len(results) > 1 and not same_scans(results):
        notes.append(words_of("The readers did not read the same scans, so there is no mean over readers."))
    return notes


def _facts(results: Sequence[ReaderResult], readings: int, bootstraps: int, words_of: Callable[..., str]) -> list[str]:
    """Describe how it was read and measured, and how long reading took."""
    from napari_lesion.reading_study.reading import LEVELS

    return [
        words_of(
            "{readings} readings by {readers} readers. Each read a scan without the detector's findings, then saw "
            "those over the model's threshold, and accepted or rejected each that they had not marked themselves.",
            readings=readings,
            readers=len(results),
        ),
        words_of(
            "Scores of readers are confidence levels, 1 to {levels}. Rules of LUNA16: a mark closer to a nodule's "
            "centre than its radius is a hit. The detector's curve is of all its candidates.",
            levels=LEVELS,
        ),
        words_of(
            "Paired bootstrap over scans, {count} resamples: intervals are for other scans and the same readers. p is "
            "two-sided and not corrected for testing several measures: decide on the CPM.",
            count=bootstraps,
        ),
        _times(results, words_of),
    ]


def _in_words(row: Sequence[str], words_of: Callable[..., str]) -> list[str]:
    """Phrase the cells of a row: names as they are translated, intervals and rates with their numbers."""
    cells = []
    for cell in row:
        low, to, high = cell.partition(" to ")
        of, at, rate = cell.partition("sensitivity at ")
        if to and not at:
            cells.append(words_of("{low} to {high}", low=low, high=high))
        else:
            cells.append(words_of("sensitivity at {rate}", rate=rate) if at and not of else words_of(cell))
    return cells


def _curve_rows(result: ReaderResult) -> list[list[str]]:
    from napari_lesion.reading_study.study import ARM_NAMES

    return [
        [
            result.reader,
            ARM_NAMES[arm],
            str(curve.scans),
            str(curve.nodules),
            str(curve.found),
            *(f"{value:.3f}" for value in curve.at_rates),
            f"{curve.cpm:.3f}",
            f"{curve.cpm_interval[0]:.3f} to {curve.cpm_interval[1]:.3f}",
        ]
        for arm, evaluation in result.arms.items()
        for curve in (evaluation.overall,)
    ]


def _gain_rows(reader: str, differences: Sequence[Difference]) -> list[list[str]]:
    from napari_lesion.evaluation.page import difference_cells

    return [[reader, *difference_cells(d)] for d in differences]


def _times(results: Sequence[ReaderResult], words_of: Callable[..., str]) -> str:
    from statistics import median

    times = []
    for result in results:
        blind = median(reading.blind_s for reading in result.readings)
        assisted = median(reading.assisted_s for reading in result.readings)
        times.append(
            words_of(
                "{reader} {blind} s and {assisted} s",
                reader=result.reader,
                blind=f"{blind:.0f}",
                assisted=f"{assisted:.0f}",
            )
        )
    return words_of("Median time of a scan, blind and then with the findings: {times}.", times="; ".join(times))
