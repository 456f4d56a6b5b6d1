"""The FROC of whole scans while a run goes on: scans of other patients, with inserted or with annotated nodules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from torch import nn

from napari_lesion.evaluation.froc import Evaluation, Mark, ScoredPoint, evaluate
from napari_lesion.imaging import preprocess
from napari_lesion.model.volume import FloatArray, Volume
from napari_lesion.support.progress import Progress, silent
from napari_lesion.training.config.detector import TrainingConfig
from napari_lesion.training.data.hard_negatives import find
from napari_lesion.training.data.held_out import inserted_scans
from napari_lesion.training.data.split import Part
from napari_lesion.training.engine.ranks import ALONE, Ranks


@dataclass(frozen=True)
class ValidationScan:
    """A scan as the network sees it, with its truth (LPS mm)."""

    uid: str
    hu: npt.NDArray[np.int16] = field(repr=False)
    search: npt.NDArray[np.bool_] = field(repr=False)
    beside_gas: npt.NDArray[np.bool_] = field(repr=False)
    affine: FloatArray
    """Index (k, j, i) → LPS mm."""
    truth: tuple[Mark, ...]
    excluded: tuple[Mark, ...]


def load_validation(config: TrainingConfig, part: Part, progress: Progress = silent) -> list[ValidationScan]:
    """Read the scans of the validation part, and insert its nodules into its series.

    Raises
    ------
    ConfigError
        If a series cannot be read.
    """
    result = []
    nodules = part.nodules()
    count = config.validation.scans if config.validation else 6
    for made in inserted_scans(config, part.series, nodules, count, progress):
        truth = tuple(one.mark() for one in made.truth)
        excluded = tuple(one.mark() for one in made.excluded)
        result.append(_prepared(made.uid, made.volume, truth, excluded, config.spacing_mm))
    for n, scan in enumerate(part.annotated):
        progress(n, len(part.annotated), f"reading {scan.uid} for validation")
        volume = scan.read()
        scan.lesions(volume)  # refuses marks outside the scan
        result.append(_prepared(scan.uid, volume, scan.truth, scan.excluded, config.spacing_mm))
    return result


def _prepared(
    uid: str, volume: Volume, truth: tuple[Mark, ...], excluded: tuple[Mark, ...], spacing_mm: float
) -> ValidationScan:
    box = preprocess.prepare(volume, spacing_mm=spacing_mm)
    hu = preprocess.image_hu(volume, box)
    return ValidationScan(uid, hu, box.search, box.beside_gas, box.affine, truth, excluded)


def found_in(
    network: nn.Module, scans: Sequence[ValidationScan], *, device: str = "cpu", ranks: Ranks = ALONE
) -> dict[str, tuple[ScoredPoint, ...]]:
    """Search the scans, shared among the processes; what is found comes by scan."""

    def points(scan: ValidationScan) -> tuple[ScoredPoint, ...]:
        found = find(network, scan.hu, scan.search, scan.affine, scan.beside_gas, device=device)
        return tuple(ScoredPoint(candidate.center_mm, candidate.score) for candidate in found)

    return dict(zip((scan.uid for scan in scans), ranks.shared(scans, points), strict=True))


def score(
    scans: Sequence[ValidationScan], points: Mapping[str, Sequence[ScoredPoint]], *, bootstraps: int = 0
) -> Evaluation:
    """Score what was found in the scans by the rules of LUNA16.

    Raises
    ------
    ConfigError
        If there are no nodules in the scans.
    """
    return evaluate(
        [mark for scan in scans for mark in scan.truth],
        points,
        excluded=[mark for scan in scans for mark in scan.excluded],
        bootstraps=bootstraps,
    )
