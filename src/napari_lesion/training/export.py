"""From a finished run to a model pack: weights, description, and a card filled from ``run.json``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from napari_lesion.detection.calibration import operating_points
from napari_lesion.detection.detector import Metric
from napari_lesion.evaluation.froc import FP_RATES, Curve, Evaluation
from napari_lesion.evaluation.results import save_evaluation
from napari_lesion.imaging import preprocess
from napari_lesion.model.findings import ModelReference
from napari_lesion.models.packages import Metadata, NoduleNetSpec, Pack, Preprocessing, save_pack
from napari_lesion.training.card import CHOSEN, card
from napari_lesion.training.config import TrainingConfig
from napari_lesion.training.split import Split

MODEL = "model"
VALIDATION = "validation"


def export(
    config: TrainingConfig,
    network: nn.Module,
    split: Split,
    record: dict[str, Any],
    evaluation: Evaluation | None,
    out: Path,
) -> Pack:
    """Write the pack of a run to ``out/model``, and its validation to ``out/validation``.

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
    pack = save_pack(out / MODEL, network.state_dict(), metadata, card(config, split, record, evaluation))
    if evaluation:
        known = pack.metadata
        model = ModelReference(id=known.id, version=known.version, sha256=known.sha256, threshold=known.threshold)
        save_evaluation(evaluation, model, (), (CHOSEN,) if config.validation else (), out / VALIDATION)
    return pack


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
