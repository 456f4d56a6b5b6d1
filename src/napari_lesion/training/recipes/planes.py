"""The recipe of ``nodule-3d-planes``: a classifier of the three planes through a detector's candidates together.

A run's folder also holds ``planes.npz`` and ``validation_planes.npz``, what it learns from and is validated with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_lesion.detection.candidates import REFERENCE_DIAMETER_MM
from napari_lesion.detection.false_positive_reduction import predict_planes
from napari_lesion.imaging.inference import choose_device
from napari_lesion.imaging.planes import PLANES
from napari_lesion.models.networks import PATCH_SIZE, PlanesNet
from napari_lesion.models.package_metadata import PlanesNetSpec
from napari_lesion.models.packages import find_package, load_network
from napari_lesion.support.errors import ConfigFileError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.training.config.detector import read_config
from napari_lesion.training.config.planes import PlanesTrainingConfig, read_planes_config
from napari_lesion.training.data.candidates import candidate_patches
from napari_lesion.training.data.patches import Patches, kept, scaled, turned
from napari_lesion.training.data.split import Part, make_split
from napari_lesion.training.engine import run_folder
from napari_lesion.training.engine.fit import fit
from napari_lesion.training.engine.ranks import Ranks
from napari_lesion.training.engine.recipe import SeededBatches
from napari_lesion.training.engine.trainer_state import TrainerState
from napari_lesion.training.recipes.classifier import ClassifierRecipe, best_f1_threshold, separation, size_loss
from napari_lesion.training.recipes.patches import vary_intensity

LEARNED, VALIDATED = "planes.npz", "validation_planes.npz"


@dataclass(frozen=True)
class PlanesData:
    """Planes through candidates, three (``PLANES``) of each in a row."""

    train: Patches
    validation: Patches


def load_data(config: PlanesTrainingConfig, out: Path, progress: Progress = silent) -> PlanesData:
    """Make the planes, which are kept in the run's folder.

    Raises
    ------
    ConfigError
        If something cannot be read.
    """
    split = make_split(read_config(config.data.scans))
    return PlanesData(
        train=_kept(config, out / LEARNED, split.train, config.data.candidate_scans, progress),
        validation=_kept(config, out / VALIDATED, split.validation, config.data.validation_scans, progress),
    )


def _kept(config: PlanesTrainingConfig, path: Path, part: Part, scans: int, progress: Progress) -> Patches:
    return kept(path, lambda: _made(config, part, scans, progress))


def _made(config: PlanesTrainingConfig, part: Part, scans: int, progress: Progress) -> Patches:
    package = find_package(config.data.detector)
    return candidate_patches(
        load_network(package),
        part.series,
        part.nodules(),
        scans,
        spacing_mm=package.metadata.preprocessing.spacing_mm,
        seed=config.seed,
        device=str(choose_device(config.device)),
        progress=progress,
    )


class PlanesBatches(SeededBatches[tuple[Tensor, Tensor, Tensor]]):
    """Draws augmented batches; all randomness comes from ``rng``, whose state is part of a checkpoint."""

    def __init__(self, config: PlanesTrainingConfig, data: Patches) -> None:
        self._config, self._data = config, data
        self.rng = np.random.default_rng(config.seed)
        nodule = data.nodule[:: len(PLANES)]
        self._sides = np.flatnonzero(nodule), np.flatnonzero(~nodule)

    def draw(self) -> tuple[Tensor, Tensor, Tensor]:
        """Planes (n, 3, 48, 48), labels (n,), ln(diameter / 8 mm) (n,), not a number where it is no nodule."""
        config, rng, data = self._config, self.rng, self._data
        nodules, others = self._sides
        positive = int(rng.binomial(config.batch_size, config.positive_share))
        points = np.concatenate([rng.choice(nodules, positive), rng.choice(others, config.batch_size - positive)])
        rows = (points[:, None] * len(PLANES) + np.arange(len(PLANES))).ravel()
        image, zoom = turned(data.image[rows], rng, zoom=config.zoom, shift=config.shift)
        vary_intensity(image, rng, 4 * len(PLANES))
        diameter = np.where(data.nodule[rows], data.diameter_mm[rows] * zoom, np.nan)
        size = np.log(diameter / REFERENCE_DIAMETER_MM).reshape(-1, len(PLANES)).mean(1)
        return (
            image.clamp_(0, 1).reshape(-1, len(PLANES), PATCH_SIZE, PATCH_SIZE),
            torch.from_numpy(data.nodule[rows[:: len(PLANES)]].astype(np.float32)),
            torch.from_numpy(size.astype(np.float32)),
        )


@dataclass(frozen=True)
class Scored:
    """What the threshold is, and how the validation's candidates were told apart."""

    threshold: float
    average_precision: float


class PlanesRecipe(ClassifierRecipe[Scored]):
    """How a classifier of three planes is trained."""

    config: PlanesTrainingConfig

    def __init__(self, config: PlanesTrainingConfig, data: PlanesData) -> None:
        self.config, self._data, self.start_from = config, data, config.start_from
        self.batches = PlanesBatches(config, data.train)

    def network(self, device: torch.device, *, start: bool) -> nn.Module:  # noqa: ARG002
        """Make the network, from a patch classifier where one is named."""
        network = PlanesNet(self.config.width, self.config.dropout)
        if self.start_from and start:
            try:
                network.planes.load_state_dict(load_network(find_package(self.start_from)).state_dict())
            except RuntimeError as error:
                raise ConfigFileError(
                    f"start_from: {self.start_from} is no patch classifier of width {self.config.width}."
                ) from error
        return network

    def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Give the loss of class and size; ``network`` is a ``PlanesNet``."""
        image, nodule, size = batch
        together, one_by_one = network.logits(image)  # type: ignore[operator]
        cross_entropy = functional.binary_cross_entropy_with_logits
        loss = cross_entropy(together, nodule) + self.config.one_by_one_weight * cross_entropy(one_by_one[:, 0], nodule)
        return loss + size_loss(one_by_one[:, 1], size), {}

    def validate(self, state: TrainerState) -> dict[str, float]:
        """Measure on candidates in the scans for validation."""
        return separation(*self._scored(state.average, state.device))

    def evaluate(
        self,
        network: nn.Module,
        device: torch.device,
        ranks: Ranks,  # noqa: ARG002
        progress: Progress,  # noqa: ARG002
    ) -> Scored:
        """Choose the threshold, on the same candidates."""
        nodule, score = self._scored(network, device)
        return Scored(best_f1_threshold(nodule, score), separation(nodule, score)[self.measure])

    def _scored(self, network: nn.Module, device: torch.device) -> tuple[np.ndarray, np.ndarray]:
        network.eval()
        data = self._data.validation
        planes = scaled(data.image).reshape(-1, len(PLANES), PATCH_SIZE, PATCH_SIZE)
        assert isinstance(network, PlanesNet)
        answers = predict_planes(network, planes, str(device))
        return data.nodule[:: len(PLANES)], answers[:, 0].double().sigmoid().numpy()

    def summary(self, result: Scored) -> Mapping[str, Any]:
        """Give the threshold, and how well the validation's candidates were told apart."""
        return {"threshold": result.threshold, "average_precision": result.average_precision}

    def inputs(self) -> Sequence[Path]:
        """Give the configuration of the scans."""
        return [self.config.data.scans]

    def about(self) -> Mapping[str, Any]:
        """Count the candidates of each part."""
        parts = {"learned": self._data.train, "validation": self._data.validation}
        step = len(PLANES)
        return {
            "candidates": {
                name: {"points": len(part) // step, "nodules": int(part.nodule[::step].sum())}
                for name, part in parts.items()
            }
        }

    def export(self, network: nn.Module, result: Scored, record: Mapping[str, Any], out: Path) -> Path:
        """Write the package."""
        config, detector = self.config, read_config(self.config.data.scans)
        train = make_split(detector).train
        cases = [part.path.name for part in train.series] + train.nodule_names()
        if config.start_from:
            cases = list(dict.fromkeys([*find_package(config.start_from).metadata.training_cases, *cases]))
        learned = record["candidates"]["learned"]
        return self._save(
            network.state_dict(),
            record,
            out,
            batch_of="candidates",
            data=f"{learned['points']} candidates and nodules ({learned['nodules']} nodules), three planes each.",
            task="classification of lung nodule candidates in three planes of chest CT",
            threshold=round(result.threshold, 4),
            summary="Small 2D network: tells nodules from what looks like them, in three planes of 34 mm together.",
            network=PlanesNetSpec(width=config.width),
            training_cases=tuple(cases),
            single_images=False,
            reduces_false_positives=True,
        )


def run_planes(config_path: Path, out: Path, *, resume: bool = False, progress: Progress = silent) -> Path:
    """Train a classifier of three planes into a folder; returns the folder of the finished model package.

    Raises
    ------
    ConfigError
        If the configuration is wrong, the folder holds another run, or there is nothing to resume.
    """
    config = read_planes_config(config_path)
    run_folder.place(out, resume=resume)
    recipe = PlanesRecipe(config, load_data(config, out, progress))
    return fit(recipe, out, device=choose_device(config.device), resume=resume, progress=progress)
