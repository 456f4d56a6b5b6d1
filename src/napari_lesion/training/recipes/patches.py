"""The recipe of ``nodule-2d``: a classifier of patches, from LUNA16's real ones and from planes of real lungs.

A run's folder also holds ``planes.npz`` and, once it is done, ``scores.csv`` (of LUNA16's validation patches).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.transforms.compose import Compose, OneOf
from monai.transforms.intensity.array import (
    RandAdjustContrast,
    RandGaussianNoise,
    RandGaussianSharpen,
    RandGaussianSmooth,
    RandScaleIntensity,
    RandShiftIntensity,
)
from monai.transforms.utility.array import Identity
from torch import Tensor, nn
from torch.nn import functional

from napari_lesion.detection.candidates import FLOOR, MOST, REFERENCE_DIAMETER_MM
from napari_lesion.imaging.inference import choose_device
from napari_lesion.imaging.preprocess import SPACING_MM
from napari_lesion.models.networks import PatchNet
from napari_lesion.models.package_metadata import PatchNetSpec
from napari_lesion.models.packages import find_package, load_network
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import ConfigError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.training.config.detector import TrainingConfig, read_config
from napari_lesion.training.config.patches import PatchTrainingConfig, read_patch_config
from napari_lesion.training.data.background import Background
from napari_lesion.training.data.candidates import axial_patches, candidate_patches
from napari_lesion.training.data.hard_negatives import mine
from napari_lesion.training.data.lidc import read_store, split_store
from napari_lesion.training.data.patches import Patches, inserted_patches, joined, kept, read_patches, scaled, turned
from napari_lesion.training.data.scans import load_backgrounds
from napari_lesion.training.data.split import make_split
from napari_lesion.training.engine import run_folder
from napari_lesion.training.engine.fit import fit
from napari_lesion.training.engine.ranks import Ranks
from napari_lesion.training.engine.recipe import SeededBatches
from napari_lesion.training.engine.trainer_state import TrainerState
from napari_lesion.training.recipes.classifier import ClassifierRecipe, best_f1_threshold, separation, size_loss

SCORES, PLANES = "scores.csv", "planes.npz"
_GROUP = 8
"""Patches that share one draw of the intensity transforms: MONAI's calls cost more than their work here."""
_BATCH = 256
_TUNING_BLOCKS = 40
_TUNING_EVERY = 10

AUGMENT = Compose(
    [
        OneOf(
            [
                RandGaussianSmooth(prob=1.0, sigma_x=(0.3, 1.2), sigma_y=(0.3, 1.2)),
                RandGaussianSmooth(prob=1.0, sigma_x=(0.5, 2.0), sigma_y=(0.01, 0.02)),
                RandGaussianSharpen(prob=1.0, alpha=(0.3, 1.5)),
                Identity(),
            ],
            weights=[0.25, 0.15, 0.15, 0.45],
        ),
        RandGaussianNoise(prob=0.4, std=0.04),
        RandAdjustContrast(prob=0.2, gamma=(0.8, 1.25)),
        RandScaleIntensity(factors=0.08, prob=0.3),
        RandShiftIntensity(offsets=0.04, prob=0.3),
    ]
)
"""Other kernels, thick slices across the plane's rows, noise, calibration."""


@dataclass(frozen=True)
class PatchData:
    """The parts of the data."""

    luna: Patches
    scans: Patches | None
    tuning: Patches
    """A part of LUNA16's training patches that is not learned, for the choice of weights and threshold."""
    validation: Patches


def load_data(config: PatchTrainingConfig, out: Path, progress: Progress = silent) -> PatchData:
    """Read the patches and make the planes, which are kept in the run's folder.

    Raises
    ------
    ConfigError
        If something cannot be read.
    """
    folder = config.data.patches
    train = read_patches(folder / "luna16_patches2d_train.npz")
    validation = read_patches(folder / "luna16_patches2d_val.npz")
    train = train.part(~np.isin(train.row, config.data.leave_out))
    tuning = tuning_part(train.row)
    return PatchData(
        luna=train.part(~tuning),
        scans=_planes(config, out, progress) if config.data.scans else None,
        tuning=train.part(tuning),
        validation=validation,
    )


def tuning_part(row: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Choose a tenth of the patches, by whole stretches of ``candidates.csv``: scans are not torn apart by this."""
    rank = np.empty(len(row), np.int64)
    rank[np.argsort(row)] = np.arange(len(row))
    stretch = rank * _TUNING_BLOCKS * _TUNING_EVERY // max(len(row), 1)
    result: npt.NDArray[np.bool_] = stretch // 2 % _TUNING_EVERY == _TUNING_EVERY - 1
    return result


def _planes(config: PatchTrainingConfig, out: Path, progress: Progress) -> Patches:
    return kept(out / PLANES, lambda: _made(config, progress))


def _made(config: PatchTrainingConfig, progress: Progress) -> Patches:
    data = config.data
    detector = read_config(data.scans)  # type: ignore[arg-type]
    planes = (
        _of_candidates(config, detector, progress) if data.candidate_scans else _of_places(config, detector, progress)
    )
    if data.axial and detector.data.nodules:
        planes = joined([planes, axial_patches(split_store(read_store(detector.data.nodules))["train"].patches)])
    return planes


def _of_candidates(config: PatchTrainingConfig, detector: TrainingConfig, progress: Progress) -> Patches:
    data, train = config.data, make_split(detector).train
    package = find_package(data.detector)  # type: ignore[arg-type]
    return candidate_patches(
        load_network(package),
        train.series,
        train.nodules(),
        data.candidate_scans,
        spacing_mm=package.metadata.preprocessing.spacing_mm,
        seed=config.seed,
        device=str(choose_device(config.device)),
        progress=progress,
    )


def _of_places(config: PatchTrainingConfig, detector: TrainingConfig, progress: Progress) -> Patches:
    data = config.data
    backgrounds = load_backgrounds(detector, progress)
    hard = _candidates(data.detector, backgrounds, progress) if data.detector else {}
    progress(len(backgrounds), len(backgrounds), "cutting planes")
    rng = np.random.default_rng([config.seed, 2])
    return inserted_patches(backgrounds, make_split(detector).train.cubes, data.inserted, rng, hard=hard)


def _candidates(
    detector: str, backgrounds: Sequence[Background], progress: Progress
) -> dict[str, npt.NDArray[np.float64]]:
    """Give the places in each background that a detector would hand on to be classified again: none is a nodule."""
    package = find_package(detector)
    if package.metadata.preprocessing.spacing_mm != SPACING_MM:
        raise ConfigError(f"{detector} works on a grid of its own: set data.candidate_scans in the configuration.")
    network = load_network(package)
    found = {}
    for n, background in enumerate(backgrounds):
        progress(n, len(backgrounds), f"searching {background.name}")
        found[background.name], _ = mine(network, background, floor=FLOOR, most=MOST)
    return found


class PatchBatches(SeededBatches[tuple[Tensor, Tensor, Tensor]]):
    """Draws augmented batches; all randomness comes from ``rng``, whose state is part of a checkpoint."""

    def __init__(self, config: PatchTrainingConfig, data: PatchData) -> None:
        self._config = config
        self.rng = np.random.default_rng(config.seed)
        share = config.data.scan_share if data.scans is not None else 0.0
        pools = [(data.luna, 1 - share)] + ([(data.scans, share)] if data.scans is not None else [])
        positive = config.positive_share
        self._pools = [
            (pool.part(np.flatnonzero(pool.nodule == side)), part * (positive if side else 1 - positive))
            for pool, part in pools
            for side in (True, False)
        ]

    def draw(self) -> tuple[Tensor, Tensor, Tensor]:
        """Images (n, 1, 48, 48), labels (n,), ln(diameter / 8 mm) (n,), not a number where it is not known."""
        config, rng = self._config, self.rng
        counts = rng.multinomial(config.batch_size, [share for _, share in self._pools])
        batch = joined(
            [
                pool.part(rng.integers(len(pool), size=count))
                for (pool, _), count in zip(self._pools, counts, strict=True)
            ]
        )
        batch = batch.part(rng.permutation(len(batch)))
        image, zoom = turned(batch.image, rng, zoom=config.zoom, shift=config.shift)
        vary_intensity(image, rng)
        diameter = np.where(batch.diameter_mm > 0, batch.diameter_mm * zoom, np.nan)
        size = torch.from_numpy(np.log(diameter / REFERENCE_DIAMETER_MM).astype(np.float32))
        return image.clamp_(0, 1), torch.from_numpy(batch.nodule.astype(np.float32)), size


def vary_intensity(image: Tensor, rng: np.random.Generator, group: int = _GROUP) -> None:
    """Change kernel, noise and calibration of patches (n, 1, 48, 48) in place, alike in each ``group``."""
    for start in range(0, len(image), group):
        AUGMENT.set_random_state(seed=int(rng.integers(2**31)))
        image[start : start + group, 0] = torch.as_tensor(AUGMENT(image[start : start + group, 0]))


def patch_loss(output: Tensor, nodule: Tensor, size: Tensor) -> Tensor:
    """Cross-entropy of the class, and the error of the size where it is known.

    Parameters
    ----------
    output : (n, 2, 1, 1)
    nodule, size : (n,)
        As from ``PatchBatches.draw``.
    """
    logit, answered = output[:, 0, 0, 0], output[:, 1, 0, 0]
    return functional.binary_cross_entropy_with_logits(logit, nodule) + size_loss(answered, size)


@torch.no_grad()
def patch_scores(
    network: nn.Module, image: npt.NDArray[np.uint8], device: torch.device | str = "cpu"
) -> npt.NDArray[np.float64]:
    """Score patches (n, 50, 50): the mean logit over the eight ways to turn and mirror them, as a probability."""
    network.eval()
    parts = []
    for x in torch.split(scaled(image), _BATCH):
        x = x.to(device)
        turns = [torch.rot90(view, k, (2, 3)) for view in (x, x.flip(3)) for k in range(4)]
        parts.append(torch.stack([network(view)[:, 0, 0, 0] for view in turns]).mean(0))
    return torch.cat(parts).double().sigmoid().cpu().numpy()


@dataclass(frozen=True)
class Scored:
    """What the threshold is, and the score of each of LUNA16's validation patches."""

    threshold: float
    validation: npt.NDArray[np.float64]


class PatchRecipe(ClassifierRecipe[Scored]):
    """How ``nodule-2d`` is trained."""

    config: PatchTrainingConfig

    def __init__(self, config: PatchTrainingConfig, data: PatchData) -> None:
        self.config, self._data = config, data
        self.batches = PatchBatches(config, data)

    def network(self, device: torch.device, *, start: bool) -> nn.Module:  # noqa: ARG002
        """Make the network; it starts from nothing."""
        return PatchNet(self.config.width, self.config.dropout)

    def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Give the loss of class and size."""
        image, nodule, size = batch
        return patch_loss(network(image), nodule, size), {}

    def validate(self, state: TrainerState) -> dict[str, float]:
        """Measure on the tuning part."""
        tuning = self._data.tuning
        return separation(tuning.nodule, patch_scores(state.average, tuning.image, state.device))

    def evaluate(
        self,
        network: nn.Module,
        device: torch.device,
        ranks: Ranks,  # noqa: ARG002
        progress: Progress,  # noqa: ARG002
    ) -> Scored:
        """Choose the threshold on the tuning part, and score the validation patches once."""
        data = self._data
        threshold = best_f1_threshold(data.tuning.nodule, patch_scores(network, data.tuning.image, device))
        return Scored(threshold, patch_scores(network, data.validation.image, device))

    def summary(self, result: Scored) -> Mapping[str, Any]:
        """Give the threshold."""
        return {"threshold": result.threshold}

    def inputs(self) -> Sequence[Path]:
        """Give LUNA16's patches."""
        return [self.config.data.patches / f"luna16_patches2d_{part}.npz" for part in ("train", "val")]

    def about(self) -> Mapping[str, Any]:
        """Count the patches of each part."""
        data = self._data
        return {
            "patches": {
                "learned": _count([data.luna]),
                "planes of scans": _count([data.scans] if data.scans is not None else []),
                "tuning": _count([data.tuning]),
                "validation": _count([data.validation]),
            }
        }

    def export(self, network: nn.Module, result: Scored, record: Mapping[str, Any], out: Path) -> Path:
        """Write the scores and the package."""
        config, validation = self.config, self._data.validation
        with whole_file(out / SCORES) as new, new.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("candidate_row", "label", "score"))
            rows = zip(validation.row.tolist(), validation.nodule.tolist(), result.validation.tolist(), strict=True)
            writer.writerows((row, int(label), f"{value:.6f}") for row, label, value in rows)
        cases = ["LUNA16 patches (train)"]
        if config.data.scans:
            detector = read_config(config.data.scans)
            cases += [part.path.name for part in detector.data.backgrounds]
            cases += make_split(detector).train.nodule_names()
        learned, planes = record["patches"]["learned"], record["patches"]["planes of scans"]
        return self._save(
            network.state_dict(),
            record,
            out,
            batch_of="patches",
            data=(
                f"{learned['patches']} patches of LUNA16 ({learned['nodules']} of nodules) and {planes['patches']} "
                "planes of scans."
            ),
            task="classification of lung nodule candidates in planes of chest CT",
            threshold=round(result.threshold, 4),
            summary="Small 2D network: tells nodules from what looks like them, in planes of 34 mm.",
            network=PatchNetSpec(width=config.width),
            training_cases=tuple(cases),
            single_images=not config.data.candidate_scans,
            reduces_false_positives=config.data.candidate_scans > 0,
        )


def run_patches(config_path: Path, out: Path, *, resume: bool = False, progress: Progress = silent) -> Path:
    """Train a patch classifier into a folder; returns the folder of the finished model package.

    Raises
    ------
    ConfigError
        If the configuration is wrong, the folder holds another run, or there is nothing to resume.
    """
    config = read_patch_config(config_path)
    run_folder.place(out, resume=resume)
    recipe = PatchRecipe(config, load_data(config, out, progress))
    return fit(recipe, out, device=choose_device(config.device), resume=resume, progress=progress)


def _count(parts: Sequence[Patches]) -> dict[str, int]:
    return {"patches": sum(map(len, parts)), "nodules": sum(int(p.nodule.sum()) for p in parts)}
