"""Give a detector a false-positive reduction: how its scores and a patch classifier's are joined, fitted on scans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.evaluation.calibrate import label_findings
from napari_lesion.evaluation.froc import Curve, Mark, ScoredPoint, evaluate
from napari_lesion.evaluation.results import Results
from napari_lesion.models.package_metadata import FalsePositiveReduction, Metadata
from napari_lesion.models.packages import ModelPackage
from napari_lesion.support.errors import ConfigError
from napari_lesion.support.progress import Progress, silent

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Joined:
    """A detector with a false-positive reduction, and what that brings."""

    metadata: Metadata
    before: Curve
    """FROC of the detector alone."""
    after: Curve
    """FROC of both together; each scan was left out of the fit that scored it."""


def add_false_positive_reduction(
    package: ModelPackage,
    classifier_id: str,
    results: Results,
    scans: Path,
    truth: Sequence[Mark],
    *,
    excluded: Iterable[Mark] = (),
    version: str | None = None,
    progress: Progress = silent,
) -> Joined:
    """Fit a false-positive reduction on the results of validation scans.

    Parameters
    ----------
    package : ModelPackage
        The detector that made the results; not calibrated, and without a false-positive reduction.
    classifier_id : str
        Id of the patch classifier.
    results : Results
        With a low threshold: what was not reported cannot be scored again.
    scans : Path
        Folder with the series that were searched.
    truth, excluded : sequence of Mark
        As for ``froc.evaluate``.

    Raises
    ------
    ConfigError
        If the results are of another model, or a series is not below ``scans``.
    ModelError
        If the two do not fit together.
    """
    from napari_lesion.detection import false_positive_reduction as stages  # brings torch along

    old = package.metadata
    if old.calibration or old.false_positive_reduction:
        raise ConfigError(
            f"{old.id} {old.version} is calibrated or has false-positive reduction already. Name the bare model."
        )
    if results.model.sha256 != old.sha256:
        raise ConfigError(
            f"The results are of {results.model.id} {results.model.version}, not of {old.id} {old.version}."
        )
    if len(results.points) < 2:
        raise ConfigError("One scan is too few: each scan is left out of the fit that scores it. Give results of more.")
    places = tuple(excluded)
    labels = label_findings(truth, results.points, excluded=places)
    series = {one.identity.series_uid: one for one in find_series(scans)}
    classifier = stages.load_classifier(classifier_id)
    uids = sorted(results.points)
    second: dict[str, Floats] = {}
    for n, uid in enumerate(uids):
        progress(n, len(uids), "reducing false positives")
        if uid not in series:
            raise ConfigError(f"series {uid}: there are results, but the series is not below {scans}.")
        logits, _ = classifier(read_series(series[uid]), [point.center_mm for point in results.points[uid]])
        second[uid] = logits.mean(axis=1)
    progress(len(uids), len(uids), "candidates scored again")

    def fitted(kept: Sequence[str]) -> FalsePositiveReduction:
        first = [point.score for uid in kept for point in results.points[uid]]
        hit = [label for uid in kept for label in labels[uid]]
        known = np.array([label is not None for label in hit])
        again_scored = np.concatenate([second[uid] for uid in kept])
        return stages.fit_stage(
            classifier_id, np.array(first)[known], again_scored[known], np.array(hit, dtype=object)[known].astype(bool)
        )

    left_out: dict[str, Sequence[ScoredPoint]] = {}
    for uid in uids:
        stage = fitted([other for other in uids if other != uid])
        scores = stages.join(stage, np.array([point.score for point in results.points[uid]]), second[uid])
        left_out[uid] = [
            ScoredPoint(point.center_mm, float(score)) for point, score in zip(results.points[uid], scores, strict=True)
        ]
    changes = {"false_positive_reduction": fitted(uids).model_dump(), "version": version or old.version}
    return Joined(
        metadata=Metadata.model_validate({**dict(old), **changes}),
        before=evaluate(truth, results.points, excluded=places).overall,
        after=evaluate(truth, left_out, excluded=places).overall,
    )
