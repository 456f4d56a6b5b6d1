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
    from napari_lesion.evaluation.robustness import Robustness
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
    list[str] | None, typer.Option("--only", metavar="NAME", help="Only this perturbation; may be given again.")
]


def robustness(
    paths: Paths,
    truth: Truth,
    out: Out,
    excluded: Excluded = None,
    model: Model = None,
    device: OnDevice = Device.AUTO,
    scans: Scans = None,
    only: Only = None,
) -> None:
    """Perturb scans whose lesions are known, and score the model each time.

    Slices of 1 to 5 mm, soft and sharp kernels, half the dose, contrast, half of the lungs, flips, and a shift by half
    a voxel. Writes OUT/robustness.csv, .json and .md.
    """
    from napari_lesion.detection.default import default_model
    from napari_lesion.detection.registry import load_detector
    from napari_lesion.evaluation import robustness as table
    from napari_lesion.evaluation.froc import load_marks
    from napari_lesion.evaluation.perturbations import default_perturbations

    ways = default_perturbations()
    unknown = sorted(set(only or ()) - set(ways))
    if unknown:
        raise OptionError(f"There is no perturbation {unknown[0]!r}; there are {', '.join(ways)}.")
    nodules = load_marks(truth)
    with show_progress() as progress:
        chosen = _chosen(paths, {mark.series_uid for mark in nodules}, scans)
        result = table.measure(
            _volumes(chosen),
            nodules,
            load_detector(model or default_model()),
            excluded=load_marks(excluded) if excluded else (),
            perturbations={name: ways[name] for name in ways if not only or name in only},
            count=len(chosen),
            device=device.value,
            progress=progress,
        )
    table.save_robustness(result, out)
    _print_table(result)
    print_line(f"Tables are in {out}.")


def _print_table(result: Robustness) -> None:
    about = result.model
    print_line(f"{about.id} {about.version}: {len(result.series_uids)} scans; default threshold {about.threshold:.4g}")
    show_table(
        [
            *("scans", "n", "nodules", "CPM", "95 % interval", "unchanged"),
            *("sensitivity", "unchanged", "FP/scan", "unchanged"),
        ],
        [
            [
                row.name + (f" ({row.refused} refused)" if row.refused else ""),
                str(row.scans),
                str(row.nodules),
                f"{row.cpm:.3f}",
                f"{row.cpm_low:.3f} to {row.cpm_high:.3f}",
                f"{row.cpm_unchanged:.3f}",
                f"{row.sensitivity:.3f}",
                f"{row.sensitivity_unchanged:.3f}",
                f"{row.fp_per_scan:.2f}",
                f"{row.fp_per_scan_unchanged:.2f}",
            ]
            for row in result.rows
        ],
    )
    print_line(
        "Sensitivity and false positives are at the default threshold. Unchanged: the same nodules in the same part of"
    )
    print_line("the same scans as they were. Refused: no lungs were found.")


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
