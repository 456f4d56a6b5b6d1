"""From the results of validation scans to a model whose scores mean something: ``detection.calibration`` on a truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_lesion.detection import calibration as fitting
from napari_lesion.detection.calibration import Method, Reliability, Sample
from napari_lesion.detection.operating_points import score_at
from napari_lesion.evaluation.froc import Mark, ScoredPoint, lies_on
from napari_lesion.evaluation.results import Results
from napari_lesion.models.card import Metric
from napari_lesion.models.package_metadata import Calibration, Metadata
from napari_lesion.models.packages import CARD, ModelPackage, verify, write_package
from napari_lesion.support.errors import ConfigError

ECE = "ECE"
_HEADING = "## Calibration"


@dataclass(frozen=True)
class Calibrated:
    """A calibration, and how good it is."""

    metadata: Metadata
    """Of the calibrated model."""
    method: Method
    compared: dict[Method, Reliability]
    """Of scores that were predicted for scans left out of the fit, by method."""
    before: Reliability
    """Of the network's own probability."""
    sample: Sample
    lesions: int


def calibrate(
    package: ModelPackage,
    results: Results,
    truth: Sequence[Mark],
    *,
    excluded: Sequence[Mark] = (),
    methods: Sequence[Method] = fitting.METHODS,
    false_positives: float = 1.0,
    version: str | None = None,
) -> Calibrated:
    """Fit scores, operating points and the default threshold of a model on validation scans.

    Parameters
    ----------
    package : ModelPackage
        The model that made the results.
    results : Results
        Of the validation scans, with a low threshold: what was not reported cannot be learned from.
    truth, excluded : sequence of Mark
        As for ``froc.evaluate``.
    methods : sequence of str
        Of several the one is taken that predicts scans left out of its fit better (by log loss).
    false_positives : float
        A scan, at the default threshold.
    version : str, optional
        Of the calibrated model; by default one more in the last place.

    Raises
    ------
    ConfigError
        If the results are of another model, or too few.
    """
    old, made_by = package.metadata, results.model
    if (old.id, old.version, old.sha256) != (made_by.id, made_by.version, made_by.sha256):
        raise ConfigError(
            f"The results are of {made_by.id} {made_by.version} (sha256 {made_by.sha256[:8]}…), but the model to "
            f"calibrate is {old.id} {old.version} (sha256 {old.sha256[:8]}…). Analyse the scans with that one first."
        )
    sample = _sample(results.points, label_findings(truth, results.points, excluded=excluded), old.calibration)
    compared = {one: fitting.reliability(fitting.left_out_scores(sample, one), sample.hit) for one in methods}
    method = min(methods, key=lambda one: compared[one].log_loss)
    curve = fitting.fit(sample, method)
    false = curve(sample.probability[~sample.hit].astype(np.float32)).astype(np.float64)
    metric = Metric(
        name=ECE,
        value=round(compared[method].ece, 4),
        data=f"{len(sample.hit)} findings in {sample.scans} validation scans, each left out of the fit once",
    )
    changes = {
        "version": version or _next_version(old.version),
        "calibration": curve.model_dump(),
        "operating_points": fitting.operating_points(false, sample.scans),
        "metrics": (*(one for one in old.metrics if one.name != ECE), metric),
    }
    new = Metadata.model_validate({**dict(old), **changes})
    new = Metadata.model_validate({**dict(new), "threshold": score_at(new, false_positives)})
    return Calibrated(
        metadata=new,
        method=method,
        compared=compared,
        before=fitting.reliability(sample.probability, sample.hit),
        sample=sample,
        lesions=len(truth),
    )


def save_calibrated(calibrated: Calibrated, package: ModelPackage, folder: Path) -> ModelPackage:
    """Write the calibrated model with the weights of the old one; its card gets a section on the calibration.

    Raises
    ------
    ModelError
        If the weights are damaged.
    """
    path = package.folder / CARD
    card = path.read_text(encoding="utf-8") if path.is_file() else f"# {package.metadata.id}\n"
    old = f"# {package.metadata.id} {package.metadata.version}\n"
    if card.startswith(old):
        card = card.replace(old, f"# {calibrated.metadata.id} {calibrated.metadata.version}\n", 1)
    return write_package(folder, verify(package), calibrated.metadata, _with_section(card, card_section(calibrated)))


def card_section(calibrated: Calibrated) -> str:
    """Put a calibration in words and tables, as a section of a model card."""
    new, sample = calibrated.metadata, calibrated.sample
    best = calibrated.compared[calibrated.method]
    rows = "\n".join(
        f"| {b.low:.1f} to {b.high:.1f} | {b.findings} | {b.mean_score:.3f} | {b.share_true:.3f} |" for b in best.bins
    )
    points = "\n".join(f"| {rate:.3g} | {score:.4f} |" for rate, score in new.operating_points)
    return f"""{_HEADING}
A score is the share of findings with such a score that were true on the validation scans: {sample.scans} scans with \
{calibrated.lesions} lesions, {int(sample.hit.sum())} of which were hit, and {int((~sample.hit).sum())} false findings \
({calibrated.method} fit). In scans with fewer lesions fewer findings are true at the same score.

Each scan left out of the fit once: expected calibration error {best.ece:.4f} (the network's own probability: \
{calibrated.before.ece:.4f}), log loss {best.log_loss:.4f} ({calibrated.before.log_loss:.4f}), Brier score \
{best.brier:.4f} ({calibrated.before.brier:.4f}).

| score | findings | mean score | share of true findings |
|---|---|---|---|
{rows}

False positives a scan on the validation scans, and the score from which on they are reported (default threshold \
{new.threshold:.4f}):

| false positives a scan | score |
|---|---|
{points}
"""


def label_findings(
    truth: Iterable[Mark], results: Mapping[str, Sequence[ScoredPoint]], *, excluded: Iterable[Mark] = ()
) -> dict[str, list[bool | None]]:
    """Tell true from false findings by the rules of LUNA16.

    Parameters
    ----------
    truth, results, excluded
        As for ``froc.evaluate``.

    Returns
    -------
    dict
        For each scan a label a finding, in the order of ``results``: True where it is the best hit on a nodule, False
        where it is a false positive, None where it does not count (a further hit, or in an excluded place).
    """
    nodules, places = list(truth), list(excluded)
    labels: dict[str, list[bool | None]] = {}
    for uid, points in results.items():
        here: list[bool | None] = [
            None if any(lies_on(point, mark) for mark in (*nodules, *places) if mark.series_uid == uid) else False
            for point in points
        ]
        for nodule in (one for one in nodules if one.series_uid == uid):
            hits = [n for n, point in enumerate(points) if lies_on(point, nodule)]
            if hits:
                here[max(hits, key=lambda n: points[n].score)] = True
        labels[uid] = here
    return labels


def _sample(
    results: Mapping[str, Sequence[ScoredPoint]],
    labels: Mapping[str, Sequence[bool | None]],
    calibration: Calibration | None,
) -> Sample:
    """Take the findings that count, with what the network itself said of them."""
    rows = [
        (point.score, label, scan)
        for scan, (uid, points) in enumerate(sorted(results.items()))
        for point, label in zip(points, labels[uid], strict=True)
        if label is not None
    ]
    score = np.array([row[0] for row in rows], dtype=np.float64)
    return Sample(
        probability=score if calibration is None else calibration.probability(score),
        hit=np.array([row[1] for row in rows], dtype=np.bool_),
        scan=np.array([row[2] for row in rows], dtype=np.int64),
        scans=len(results),
    )


def _next_version(version: str) -> str:
    head, dot, last = version.rpartition(".")
    if not last.isdecimal():
        raise ConfigError(f"No version follows {version!r} by itself. Say what the new one is (--version).")
    return f"{head}{dot}{int(last) + 1}"


def _with_section(card: str, section: str) -> str:
    """Add a section at the end of a card, or put it in place of the one that is there."""
    before, found, after = card.partition(f"{_HEADING}\n")
    if not found:
        return f"{card.rstrip()}\n\n{section}"
    _, next_heading, rest = after.partition("\n## ")
    return f"{before}{section}{next_heading}{rest}"
