"""From a finished run to a model package: weights, description, and a card filled from ``run.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from napari_lesion.detection.calibration import operating_points
from napari_lesion.evaluation.froc import FP_RATES, Curve, Evaluation
from napari_lesion.evaluation.results import save_evaluation
from napari_lesion.imaging import preprocess
from napari_lesion.model.findings import ModelReference
from napari_lesion.models.card import Metric
from napari_lesion.models.package_metadata import Metadata, NoduleNetSpec, Preprocessing
from napari_lesion.models.packages import ModelPackage, save_package
from napari_lesion.training.config.detector import TrainingConfig
from napari_lesion.training.data.split import Split
from napari_lesion.training.engine.card import card

MODEL = "model"
VALIDATION = "validation"
CHOSEN = "The weights were chosen by these scans, so the numbers are better than on new ones."


def export(
    config: TrainingConfig,
    network: nn.Module,
    split: Split,
    record: Mapping[str, Any],
    evaluation: Evaluation | None,
    out: Path,
) -> ModelPackage:
    """Write the package of a run to ``out/model``, and its validation to ``out/validation``.

    The card says what is known from the run. What was measured on other data has to be added by those who measured.
    """
    train = split.train
    backgrounds = [part.path.name for part in train.series]
    cases = [*backgrounds, *(scan.uid for scan in train.annotated)]
    metadata = Metadata(
        id=config.id,
        version=config.version,
        task="detection of lung nodules in chest CT",
        licence="Apache-2.0",
        threshold=config.threshold,
        summary="Small fully convolutional 3D network: centre heatmap and size of nodules.",
        network=NoduleNetSpec(width=config.width),
        preprocessing=Preprocessing(spacing_mm=config.spacing_mm, window_hu=preprocess.HU_WINDOW),
        training_cases=(*cases, *train.nodule_names()),
        metrics=_metrics(evaluation) if evaluation else (),
        operating_points=_operating_points(evaluation.overall) if evaluation else (),
    )
    package = save_package(out / MODEL, network.state_dict(), metadata, _card(config, split, record, evaluation))
    if evaluation:
        known = package.metadata
        model = ModelReference(id=known.id, version=known.version, sha256=known.sha256, threshold=known.threshold)
        save_evaluation(evaluation, model, (), (CHOSEN,) if config.validation else (), out / VALIDATION)
    return package


def _operating_points(curve: Curve) -> tuple[tuple[float, float], ...]:
    false = np.diff(np.rint(curve.fp_per_scan * curve.scans)).astype(int)
    return operating_points(np.repeat(curve.threshold[1:], false), curve.scans)


def _metrics(evaluation: Evaluation) -> tuple[Metric, ...]:
    curve = evaluation.overall
    data = f"{curve.nodules} nodules in {curve.scans} validation scans of the training run"
    interval = None if math.isnan(curve.cpm_interval[0]) else curve.cpm_interval
    at_one = curve.at_rates[FP_RATES.index(1.0)]
    return (
        Metric(name="CPM", value=round(curve.cpm, 4), interval=interval, data=data),
        Metric(name="sensitivity at 1 FP/scan", value=round(at_one, 4), data=data),
    )


def _card(config: TrainingConfig, split: Split, record: Mapping[str, Any], evaluation: Evaluation | None) -> str:
    fold = f"Fold {split.fold} of {split.folds} (from 0). " if split.fold is not None else ""
    parts = "\n".join(
        f"| {name} | {len(part.series)} | {len(part.cubes) + len(part.crops)} | {len(part.annotated)} | "
        f"{sum(len(scan.truth) for scan in part.annotated)} |"
        for name, part in (("training", split.train), ("validation", split.validation), ("test (not used)", split.test))
    )
    data = f"""{fold}Divided by patient; run.json names every case. {config.data.phantoms} synthetic scans and \
synthetic nodules of every type come on top of the training part.

| part | series to insert into | nodules to insert | annotated scans | with nodules |
|---|---|---|---|---|
{parts}"""
    batches = f"{config.batch_size} crops of {config.crop} mm"
    return card(record, batches, data, _validation_section(evaluation, config), config.loss.heatmap)


def _validation_section(evaluation: Evaluation | None, config: TrainingConfig) -> str:
    if evaluation is None:
        return "Not evaluated yet."
    curve = evaluation.overall
    rates = " | ".join(f"{rate:g}" for rate in FP_RATES)
    values = " | ".join(f"{value:.3f}" for value in curve.at_rates)
    low, high = curve.cpm_interval
    interval = "" if math.isnan(low) else f" (95 % interval {low:.3f} to {high:.3f}, bootstrap over scans)"
    return f"""## Validation
CPM {curve.cpm:.3f}{interval} on {curve.nodules} nodules in {curve.scans} scans of patients that were not \
learned from. {CHOSEN if config.validation else ""}

| false positives a scan | {rates} |
|---|{"---|" * len(FP_RATES)}
| sensitivity | {values} |

Not evaluated on other scans yet."""
