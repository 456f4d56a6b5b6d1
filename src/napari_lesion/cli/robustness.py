"""``napari-lesion robustness``: how a model's findings hold when scans are made otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lesion.cli.analyse import Device, OnDevice, Paths
from napari_lesion.cli.console import print_error, print_line, show_progress, show_table
from napari_lesion.support.errors import LesionError, OptionError

if TYPE_CHECKING:
    from napari_lesion.dicom.index.series import Series
    from napari_lesion.evaluation.scan_facts import ScanFacts
    from napari_lesion.model.volume import Volume


Truth = Annotated[
    Path, typer.Option(exists=True, dir_okay=False, help="Lesions in these scans, in the form of LUNA16.")
]
Out = Annotated[Path, typer.Option("-o", "--out", file_okay=False, help="Folder for the tables.")]
Excluded = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="Places that do not count, in the same form.")
]
Model = Annotated[str | None, typer.Option(help="Id of the model, or its folder. Default: see `models default`.")]
Scans = Annotated[int | None, typer.Option(min=1, help="Use so many of the scans, evenly chosen (default: all).")]
Only = Annotated[
    list[str] | None, typer.Option("--only", metavar="NAME", help="Only this perturbation or kind; may be given again.")
]
About = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, help="What headers don't say: seriesuid,patient,age_years,sex,scanner,site."
    ),
]
Bootstraps = Annotated[int, typer.Option(min=1, help="Resamples of the patients for the 95 % intervals.")]


def robustness(
    paths: Paths,
    truth: Truth,
    out: Out,
    excluded: Excluded = None,
    model: Model = None,
    device: OnDevice = Device.AUTO,
    scans: Scans = None,
    only: Only = None,
    about: About = None,
    bootstraps: Bootstraps = 1000,
) -> None:
    """Perturb scans whose lesions are known, and score the model each time; and score it by group.

    Slices of 1 to 5 mm, soft and sharp kernels, less dose, contrast, motion, another scanner, half of the lungs, flips,
    and a shift by half a voxel. Groups: age, sex, scanner and site, where headers or --about say. Writes
    OUT/robustness.html with plots, and tables (CSV, JSON, Markdown).
    """
    from napari_lesion.detection.default import default_model
    from napari_lesion.detection.registry import load_detector
    from napari_lesion.evaluation import robustness as table
    from napari_lesion.evaluation import robustness_report as report
    from napari_lesion.evaluation.froc import load_marks
    from napari_lesion.evaluation.perturbations import chosen, default_perturbations

    ways = chosen(only or (), default_perturbations())
    nodules = load_marks(truth)
    with show_progress() as progress:
        found = _chosen(paths, {mark.series_uid for mark in nodules}, scans)
        result = table.measure(
            _volumes(found),
            nodules,
            load_detector(model or default_model()),
            excluded=load_marks(excluded) if excluded else (),
            perturbations=ways,
            facts=_facts(found, about),
            count=len(found),
            device=device.value,
            bootstraps=bootstraps,
            progress=progress,
        )
    report.save_robustness(result, out)
    for sentence in report.facts(result):
        print_line(sentence)
    show_table(report.HEADER, [report.cells(row) for row in result.rows])
    show_table(report.GROUP_HEADER, [report.group_cells(row) for row in result.groups])
    for sentence in report.notes(result):
        print_line(f"note: {sentence}")
    print_line(f"Tables and page are in {out}.")


def _facts(series: list[Series], about: Path | None) -> dict[str, ScanFacts]:
    """Take what headers and a table say of the scans."""
    from napari_lesion.evaluation.scan_facts import facts_of_series, load_facts, with_table

    rows = load_facts(about) if about else {}
    uids = {one.identity.series_uid for one in series}
    if about and not uids & set(rows):
        raise OptionError(f"{about}: names none of the scans.")
    return {
        one.identity.series_uid: with_table(facts_of_series(one), rows.get(one.identity.series_uid, {}))
        for one in series
    }


def _chosen(paths: list[Path], wanted: set[str], count: int | None) -> list[Series]:
    """Take the series that are in the truth, or so many of them, evenly over the list."""
    from napari_lesion.dicom.index.series import find_series

    found: dict[str, Series] = {}
    for path in paths:
        try:
            index = find_series(path)
        except LesionError as error:
            print_error(f"warning: {error}")
            continue
        found |= {one.identity.series_uid: one for one in index if one.identity.series_uid in wanted}
    if not found:
        raise OptionError(f"None of the series below {', '.join(map(str, paths))} is in the truth.")
    series = [found[uid] for uid in sorted(found)]
    if count is None or count >= len(series):
        return series
    return [series[n * len(series) // count] for n in range(count)]


def _volumes(series: list[Series]) -> Iterator[Volume]:
    from napari_lesion.dicom.read.reader import read_series

    for one in series:
        yield read_series(one)
