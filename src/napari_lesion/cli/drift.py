"""``napari-lesion drift``: whether the scans of a site, or what is found in them, have changed since a reference."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lesion.cli.console import print_error, print_line, show_progress, show_table
from napari_lesion.support.errors import LesionError, OptionError

if TYPE_CHECKING:
    from napari_lesion.dicom.index.series import Series
    from napari_lesion.evaluation.drift_inputs import Reference, Searched


class Order(StrEnum):
    """What puts studies one after another."""

    STUDY = "study"
    RUN = "run"


Results = Annotated[
    list[Path], typer.Argument(exists=True, file_okay=False, metavar="RESULTS...", help="Folders of `analyse`.")
]
Out = Annotated[Path, typer.Option("-o", "--out", file_okay=False, help="Folder for page, tables and charts.")]
ReferencePath = Annotated[
    Path | None, typer.Option(exists=True, help="A reference.json, or a folder of `analyse` to compare with.")
]
Model = Annotated[
    str | None, typer.Option(help="Compare with the reference.json in this model's package (its id, or folder).")
]
First = Annotated[int, typer.Option(min=30, help="Without a reference: the first so many studies are it.")]
Scans = Annotated[
    list[Path] | None,
    typer.Option("--scans", exists=True, help="Scans, for HU of lungs and air, noise, dose; may be given again."),
]
InOrder = Annotated[Order, typer.Option("--order", help="By the date of the study, or by when it was analysed.")]
FalseAlarms = Annotated[
    float, typer.Option(help="Chance of any false alarm within --horizon studies, where nothing changes.")
]
Horizon = Annotated[int, typer.Option(min=1, help="Studies for which --false-alarms holds.")]
Weight = Annotated[float, typer.Option(help="Of the newest study in the moving averages.")]


def drift(
    results: Results,
    out: Out,
    reference: ReferencePath = None,
    model: Model = None,
    first: First = 100,
    scans: Scans = None,
    order: InOrder = Order.STUDY,
    false_alarms: FalseAlarms = 0.05,
    horizon: Horizon = 500,
    weight: Weight = 0.05,
) -> None:
    """Compare a site's studies over time with a reference: what comes in, and what is found.

    Follows slices, pixels, kernel, scanner, contrast, age and sex, how many could not be searched, warnings, findings a
    scan and scores; with --scans also HU of lungs and air, noise, lung volume, dose and kV. Writes OUT/drift.html with
    control charts, tables, and OUT/reference.json, to compare others with or to lay into a model's package.

    Exit status: 0 nothing has drifted, 1 something has or could not be read, 2 wrong usage.
    """
    from napari_lesion.evaluation import drift as charts
    from napari_lesion.evaluation import drift_inputs as inputs
    from napari_lesion.evaluation import drift_report as report

    settings = charts.ChartSettings(weight, horizon, false_alarms)
    found, problems = inputs.load_searched(results)
    studies = inputs.by_study(found, order.value)
    series = _series(scans or [])
    studies, more = _measured(studies, series, out)
    problems += more
    if reference or model:
        base, odd = _reference(reference, model, series, out)
        problems += odd
    else:
        base, studies = inputs.reference_of(studies[:first], f"the first {first} studies"), studies[first:]
    values, note = inputs.comparable(base, studies)
    result = charts.watch(values, inputs.studies_of(studies, order.value), settings)
    inputs.save_reference(base, out / report.REFERENCE)
    notes = [sentence for sentence in (note, _short(result.left_out)) if sentence]
    report.save_drift(result, base.of, order.value, notes, out)
    for sentence in report.facts(result, base.of, order.value):
        print_line(sentence)
    show_table(report.HEADER, [report.cells(one) for one in result.values])
    for sentence in (*notes, *(report.warnings(result) or ("Nothing has drifted beyond the limits.",))):
        print_line(sentence)
    print_line(f"Page and tables are in {out}.")
    for problem in problems:
        print_error(f"warning: {problem}")
    if result.drifted or problems:
        raise typer.Exit(1)


def _short(names: tuple[str, ...]) -> str:
    return f"Not followed, for fewer than 30 studies of the reference have them: {', '.join(names)}." if names else ""


def _reference(
    given: Path | None, model: str | None, series: dict[str, Series], out: Path
) -> tuple[Reference, list[str]]:
    from napari_lesion.evaluation import drift_inputs as inputs
    from napari_lesion.evaluation.drift_report import REFERENCE
    from napari_lesion.models.packages import find_package

    if given and model:
        raise OptionError("Give either --reference or --model.")
    if given is not None and given.is_dir():
        found, problems = inputs.load_searched([given])
        studies, more = _measured(inputs.by_study(found), series, out)
        return inputs.reference_of(studies, "a folder of results"), problems + more
    if given is not None:
        return inputs.load_reference(given), []
    package = find_package(model or "")
    path = package.folder / REFERENCE
    if not path.is_file():
        raise OptionError(
            f"Model {package.metadata.id} {package.metadata.version} says nothing of the scans it was measured on: its "
            f"package has no {REFERENCE}. Run `drift` on results of such scans, and lay the {REFERENCE} that it writes "
            "there; or compare with your own first studies."
        )
    return inputs.load_reference(path), []


def _series(paths: list[Path]) -> dict[str, Series]:
    from napari_lesion.dicom.index.series import find_series

    found: dict[str, Series] = {}
    for path in paths:
        try:
            found |= {one.identity.series_uid: one for one in find_series(path) if one.kind == "volume"}
        except LesionError as error:
            print_error(f"warning: {error}")
    return found


def _measured(studies: list[Searched], series: dict[str, Series], out: Path) -> tuple[list[Searched], list[str]]:
    from napari_lesion.evaluation.drift_inputs import with_scans

    kept = out / "scan_values.csv"
    if not series and not kept.is_file():
        return studies, []
    with show_progress() as progress:
        return with_scans(studies, series, kept, progress)
