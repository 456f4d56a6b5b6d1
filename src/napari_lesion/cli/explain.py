"""``napari-lesion explain``: what the model looked at for a finding."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lesion.cli.analyse import AllowGaps, AssumeHu, Device, OnDevice
from napari_lesion.cli.console import print_error, print_line, show_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_lesion.dicom.index.series import Series
    from napari_lesion.explain.maps import Explanation
    from napari_lesion.model.findings import Finding, Report
    from napari_lesion.models.card import Detector


Scan = Annotated[Path, typer.Argument(exists=True, metavar="PATH", help="File, folder or zip with the CT series.")]
Out = Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")]
Number = Annotated[
    list[str] | None, typer.Option("--finding", help="Its number (F1 or 1), or its id; may be given again.")
]
ByMethod = Annotated[
    list[str] | None,
    typer.Option(help="heatmap, grad-cam, occlusion, integrated-gradients, shap, lime, or all; may be given again."),
]
Results = Annotated[
    Path | None,
    typer.Option(exists=True, help="What `analyse` wrote: its OUT, or a series' findings.json. Default: analyse."),
]
Model = Annotated[str, typer.Option(help="Id or folder of the model (default: that of --results, or nodule-3d).")]
SeriesUid = Annotated[str, typer.Option(help="SeriesInstanceUID, where PATH holds several.")]


def explain(
    path: Scan,
    out: Out,
    finding: Number = None,
    method: ByMethod = None,
    results: Results = None,
    model: Model = "",
    device: OnDevice = Device.AUTO,
    series: SeriesUid = "",
    allow_gaps: AllowGaps = False,
    assume_hu: AssumeHu = False,
) -> None:
    """Show what the model looked at for a finding, and how far each map can be believed.

    Writes OUT/<SeriesInstanceUID>/finding-N/ with explanations.json, a NIfTI map for each method and overview.png.
    """
    from napari_lesion.detection.default import default_model
    from napari_lesion.detection.registry import load_detector
    from napari_lesion.dicom.index.series import find_series
    from napari_lesion.dicom.read.reader import read_series
    from napari_lesion.explain import explain as explaining
    from napari_lesion.pipeline import analyse
    from napari_lesion.report.explanation import folder_of_explanations, save_explanation
    from napari_lesion.report.folders import owner_digest
    from napari_lesion.support.progress import part

    methods = explaining.check_methods(method or ["all"])
    with show_progress() as progress:
        one = _choose_series(find_series(path, progress=part(progress, 0, 20, 1000)), path, series)
        heatmap = None
        if results is not None:
            report = _read_report(results, one)
            detector = load_detector(model or report.model.id)
            _same_model(report, detector)
            volume = read_series(
                one, allow_gaps=allow_gaps, assume_hu=assume_hu, progress=part(progress, 20, 300, 1000)
            )
        else:
            detector = load_detector(model or default_model())
            analysis = analyse(
                one,
                detector=detector,
                device=device.value,
                allow_gaps=allow_gaps,
                assume_hu=assume_hu,
                measure=False,
                progress=part(progress, 20, 300, 1000),
            )
            report, volume, heatmap = analysis.report, analysis.volume, analysis.heatmap
        chosen = [_choose_finding(report, text) for text in finding or ["1"]]
        for n, wanted in enumerate(chosen):
            begin, end = (300 + 700 * m // len(chosen) for m in (n, n + 1))
            made = explaining.explain(
                detector,
                volume,
                wanted,
                methods,
                device=device.value,
                heatmap=heatmap,
                progress=part(progress, begin, end, 1000),
            )
            folder = folder_of_explanations(one, out) / f"finding-{wanted.number}"
            folder.parent.mkdir(parents=True, exist_ok=True)
            save_explanation(made, volume, report.model, folder, scan=owner_digest(one))
            _print_explanation(made, wanted, folder)
    print_line("For research use only.")


def _print_explanation(made: Explanation, finding: Finding, folder: Path) -> None:
    place = ", ".join(f"{value:.0f}" for value in finding.center_mm)
    print_line(f"{finding.name}: score {finding.score:.2f}, {finding.size} mm at ({place}) mm")
    for drawn in made.maps:
        known = "not tested" if drawn.faithfulness is None else f"{drawn.faithfulness:5.2f}"
        print_line(f"  {drawn.name:22}faithfulness {known}   {drawn.seconds:6.1f} s")
    for sentence in dict.fromkeys((*made.left_out.values(), *made.warnings)):
        print_error(f"  warning: {sentence}")
    print_line(f"  in {folder}")


def _choose_series(found: Sequence[Series], path: Path, wanted: str) -> Series:
    from napari_lesion.detection.searchable import unsuitable
    from napari_lesion.support.errors import OptionError, SeriesError

    if wanted:
        matching = [one for one in found if wanted in (one.identity.series_uid, one.key)]
        if not matching:
            raise OptionError(f"{path} holds no series {wanted}.")
    else:
        modalities = tuple({one.identity.modality for one in found})
        for images in (False, True):  # single images only where there is no volume; the model may refuse them
            matching = [one for one in found if not unsuitable(one, modalities, single_images=images)]
            if matching:
                break
    if not matching:
        raise SeriesError(f"{path} holds no series that can be searched for lesions.")
    if len(matching) > 1:
        names = ", ".join(one.key for one in matching[:5])
        raise OptionError(f"{path} holds {len(matching)} series; choose one with --series: {names}.")
    return matching[0]


def _read_report(results: Path, series: Series) -> Report:
    from napari_lesion.report import folders
    from napari_lesion.report import json as report_json
    from napari_lesion.support.errors import OptionError

    path = next((place for place in (results, results / report_json.FILE_NAME) if place.is_file()), None)
    if path is None:
        folder = folders.find_results(series, results)
        if folder is None:
            raise OptionError(f"{results} holds no {report_json.FILE_NAME} of series {series.key}. Analyse it first.")
        path = folder / report_json.FILE_NAME
    report = report_json.load_report(path)
    if report.series_uid != series.identity.series_uid:
        raise OptionError(f"{path} is of series {report.series_uid}, not of {series.identity.series_uid}.")
    if folders.contradict(report.series, series.identity):
        raise OptionError(f"{path} is of another patient or study than this scan, though their series have one UID.")
    return report


def _same_model(report: Report, detector: Detector) -> None:
    from napari_lesion.support.errors import OptionError

    if detector.card.sha256 != report.model.sha256:
        raise OptionError(
            f"The findings are of {report.model.id} {report.model.version}, whose weights differ from those of "
            f"{detector.card.id} {detector.card.version}: another model cannot explain them. Name the one that "
            "made them with --model, or leave out --results."
        )


def _choose_finding(report: Report, text: str) -> Finding:
    from napari_lesion.support.errors import OptionError

    for finding in report.findings:
        if text in (str(finding.number), finding.name, finding.id):
            return finding
    names = ", ".join(finding.name for finding in report.findings)
    raise OptionError(
        f"There is no finding {text}: series {report.series_uid} has "
        + (f"{names}." if names else "none (at this threshold).")
    )
