"""``napari-lesion calibrate``: make a model's scores mean what was measured on validation scans."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from napari_lesion.cli.console import print_line, show_table


class FitMethod(StrEnum):
    """How the network's probability becomes a score."""

    AUTO = "auto"
    ISOTONIC = "isotonic"
    PLATT = "platt"


Truth = Annotated[
    Path, typer.Option(exists=True, dir_okay=False, help="Lesions in the validation scans, in the form of LUNA16.")
]
Results = Annotated[
    Path, typer.Option(exists=True, file_okay=False, help="Output folder of `analyse --threshold 0` on these scans.")
]
Model = Annotated[str, typer.Option(help="The model that made the results: its id, or the folder of its package.")]
Out = Annotated[Path, typer.Option("-o", "--out", file_okay=False, help="Folder of the calibrated package.")]
Excluded = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="Places that do not count, in the same form.")
]
ByMethod = Annotated[
    FitMethod, typer.Option(help="auto: whichever predicts scans that were left out of its fit better.")
]
FalsePositives = Annotated[
    float, typer.Option(min=0.125, max=8, help="False positives a scan at the default threshold.")
]
Version = Annotated[str | None, typer.Option(help="Of the calibrated model (default: one more in the last place).")]


def calibrate(
    truth: Truth,
    results: Results,
    model: Model,
    out: Out,
    excluded: Excluded = None,
    method: ByMethod = FitMethod.AUTO,
    false_positives: FalsePositives = 1.0,
    version: Version = None,
) -> None:
    """Calibrate a model on validation scans, so that a score is the share of true findings.

    Writes a package with the same weights, calibrated scores, operating points (false positives a scan and the score
    for it) and a default threshold; its card says how reliable the scores are. Never fit on scans for testing.
    """
    from napari_lesion.detection.calibration import METHODS
    from napari_lesion.evaluation import calibrate as fitting
    from napari_lesion.evaluation import results as tables
    from napari_lesion.evaluation.froc import load_marks
    from napari_lesion.models.packages import find_package

    package = find_package(model)
    found = tables.load_results(results)
    nodules, _, _ = tables.settle_missing(load_marks(truth), found, "error")
    made = fitting.calibrate(
        package,
        found,
        nodules,
        excluded=load_marks(excluded) if excluded else (),
        methods=[one for one in METHODS if method.value in ("auto", one)],
        false_positives=false_positives,
        version=version,
    )
    fitting.save_calibrated(made, package, out)

    new, sample = made.metadata, made.sample
    print_line(
        f"{new.id} {new.version}: {sample.scans} scans, {made.lesions} lesions, {int(sample.hit.sum())} hit, "
        f"{int((~sample.hit).sum())} false findings"
    )
    show_table(
        ["scores", "ECE", "log loss", "Brier score"],
        [
            [f"{name} (taken)" if name == made.method else name, f"{r.ece:.4f}", f"{r.log_loss:.4f}", f"{r.brier:.4f}"]
            for name, r in [("before", made.before), *made.compared.items()]
        ],
    )
    show_table(
        ["score", "findings", "mean score", "share true"],
        [
            [f"{b.low:.1f} to {b.high:.1f}", str(b.findings), f"{b.mean_score:.3f}", f"{b.share_true:.3f}"]
            for b in made.compared[made.method].bins
        ],
    )
    show_table(
        ["false positives a scan", "score"], [[f"{rate:.3g}", f"{score:.4f}"] for rate, score in new.operating_points]
    )
    print_line("Reliability: each scan was left out of the fit once.")
    print_line(
        f"Default threshold {new.threshold:.4f}: {false_positives:g} false positives a scan. The package is in {out}."
    )
