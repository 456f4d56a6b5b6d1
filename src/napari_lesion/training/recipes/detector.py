"""The recipe of ``nodule-3d``: crops with inserted and real nodules, hard negatives mined on the way, FROC of scans.

A run's folder also holds ``hard_negatives.csv`` and, once it is done, ``validation/`` (its FROC).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from napari_lesion.evaluation.froc import FP_RATES, Evaluation
from napari_lesion.imaging.inference import choose_device
from napari_lesion.models.networks import NoduleNet
from napari_lesion.models.packages import find_package, load_network
from napari_lesion.support.errors import ConfigFileError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.training.config.detector import TrainingConfig, read_config
from napari_lesion.training.data.background import Background
from napari_lesion.training.data.crops import Batch, Sampler
from napari_lesion.training.data.hard_negatives import HardNegative, healthy, mine, read_hard, write_hard
from napari_lesion.training.data.lidc import CROPS, CUBES
from napari_lesion.training.data.scans import load_backgrounds
from napari_lesion.training.data.split import Split, make_split
from napari_lesion.training.engine import run_folder
from napari_lesion.training.engine.fit import fit
from napari_lesion.training.engine.ranks import ALONE, Ranks, joined, local_device
from napari_lesion.training.engine.recipe import Recipe, SeededBatches
from napari_lesion.training.engine.trainer_state import TrainerState
from napari_lesion.training.recipes.detector_export import export
from napari_lesion.training.recipes.detector_loss import nodule_loss
from napari_lesion.training.recipes.detector_validation import ValidationScan, found_in, load_validation, score
from napari_lesion.training.recipes.mistakes import Mistake, draw_mistakes, mistakes_of

_BOOTSTRAPS = 1000


class SampledBatches(SeededBatches[Batch]):
    """Batches of a size out of a sampler."""

    def __init__(self, sampler: Sampler, size: int) -> None:
        self._sampler, self._size, self.rng = sampler, size, sampler.rng

    def draw(self) -> Batch:
        """Draw the next batch."""
        return self._sampler.batch(self._size)


class DetectorRecipe(Recipe[Batch, Evaluation | None]):
    """How ``nodule-3d`` is trained.

    Parameters
    ----------
    config : TrainingConfig
    split : Split
        What is learned from, and what is kept apart.
    backgrounds : sequence of Background
        Lungs of the training part.
    scans : sequence of ValidationScan
        None where nothing is validated.
    ranks : Ranks
        The processes that train together; each draws batches of its own.
    """

    measure = "cpm"
    config: TrainingConfig

    def __init__(
        self,
        config: TrainingConfig,
        split: Split,
        backgrounds: Sequence[Background],
        scans: Sequence[ValidationScan] = (),
        ranks: Ranks = ALONE,
    ) -> None:
        data = config.data
        self.config, self.split, self.start_from = config, split, config.start_from
        self._scans = list(scans)
        self._mistakes: tuple[int, tuple[Mistake, ...]] | None = None
        self.sampler = Sampler(
            backgrounds,
            split.train.cubes,
            split.train.crops,
            crop=config.crop,
            real_share=data.real_share,
            hard_share=data.hard_share,
            cube_share=data.cube_share,
            lesion_share=data.lesion_share,
            insert_share=data.insert_share,
            sizes=data.sizes,
            places=(data.surface_share, data.vessel_share),
            augmentation=config.augmentation,
            seed=config.seed if ranks.first else [config.seed, ranks.rank],
        )
        self.batches = SampledBatches(self.sampler, config.batch_size)
        self.hard: list[HardNegative] = []
        """All that were ever mined, as ``hard_negatives.csv`` lists them; ``sampler.hard`` holds the last ones."""

    def network(self, device: torch.device, *, start: bool) -> nn.Module:
        """Make the network; a GPU of Apple knows no channels_last_3d."""
        network = NoduleNet(self.config.width, self.config.dropout)
        if self.start_from and start:
            _take_over(network, self.start_from)
        if device.type != "mps":
            network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # missing in torch's stubs
        return network

    def moved(self, batch: Batch, device: torch.device) -> Batch:
        """Bring a batch to a device, the image in the layout of the network."""
        layout = torch.contiguous_format if device.type == "mps" else torch.channels_last_3d
        moved = {f.name: getattr(batch, f.name).to(device) for f in fields(batch) if f.name != "nodules"}
        return replace(batch, **{**moved, "image": moved["image"].contiguous(memory_format=layout)})

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Mapping[str, Tensor | float]]:
        """Give the loss of heatmap, size and place."""
        parts = nodule_loss(network(batch.image), batch, self.config.loss)
        return parts.total, {
            "heat": parts.heatmap,
            "size": parts.size,
            "offset": parts.offset,
            "nodules": float(batch.nodules),
        }

    def validates_after(self, step: int) -> bool:
        """Whether the average is measured after a step; never without scans."""
        return bool(self._scans) and super().validates_after(step)

    def validate(self, state: TrainerState) -> dict[str, float]:
        """Score the average on the validation scans."""
        points = found_in(state.average, self._scans, device=str(state.device), ranks=state.ranks)
        result = score(self._scans, points)
        self._mistakes = (state.step, mistakes_of(self._scans, points, result))
        curve = result.overall
        rates = {f"sensitivity_at_{rate:g}": value for rate, value in zip(FP_RATES, curve.at_rates, strict=True)}
        return {self.measure: curve.cpm, **rates}

    def evaluate(
        self,
        network: nn.Module,
        device: torch.device,
        ranks: Ranks,
        progress: Progress,  # noqa: ARG002
    ) -> Evaluation | None:
        """Score the weights that are exported, with intervals."""
        if not self._scans:
            return None
        points = found_in(network, self._scans, device=str(device), ranks=ranks)
        return score(self._scans, points, bootstraps=_BOOTSTRAPS)

    def summary(self, result: Evaluation | None) -> Mapping[str, Any]:
        """Give the FROC of the validation scans."""
        return {"validation": _summary(result) if result else None}

    def export(self, network: nn.Module, result: Evaluation | None, record: Mapping[str, Any], out: Path) -> Path:
        """Write the package, and the validation beside it."""
        return export(self.config, network, self.split, record, result, out).folder

    def inputs(self) -> Sequence[Path]:
        """Give series, tables and the store of nodules."""
        data = self.config.data
        paths = [part.path for part in (*data.backgrounds, *data.validation)]
        if data.nodules:
            stores = [data.nodules / f"{name}{ending}" for name in (CUBES, CROPS) for ending in (".npz", ".csv")]
            stores += [data.nodules / "lidc_cubes_ratings.csv"]
            paths += [path for path in stores if path.exists()]
        if annotated := data.annotated:
            tables = (annotated.annotations, annotated.excluded, annotated.patients)
            paths += [*annotated.scans, *(table for table in tables if isinstance(table, Path))]
        return paths

    def about(self) -> Mapping[str, Any]:
        """Name every case of each part."""
        return {"split": self.split.record()}

    # -- hard negatives -----------------------------------------------------------------------------------------------

    def prepare(self, state: TrainerState, progress: Progress) -> None:
        """Mine with the weights that the run starts from."""
        if self.start_from and self.config.mine_every:
            self.change_data(state, progress)

    def changes_data_after(self, step: int) -> bool:
        """Whether hard negatives are mined after a step."""
        every = self.config.mine_every
        return every > 0 and step % every == 0 and step < self.config.steps

    def change_data(self, state: TrainerState, progress: Progress) -> None:
        """Search the backgrounds for hard negatives, shared among the processes."""
        progress(state.step, self.config.steps, "searching hard negatives")
        state.ranks.agree(state.average)
        backgrounds = self.sampler.backgrounds
        found = state.ranks.shared(backgrounds, lambda one: mine(state.average, one, str(state.device)))
        for background, (points, scores) in zip(backgrounds, found, strict=True):
            self.sampler.hard[background.name] = points
            for (k, j, i), value in zip(points.tolist(), scores.tolist(), strict=True):
                self.hard.append(HardNegative(state.step, background.name, (k, j, i), value))

    def state(self) -> Mapping[str, Any]:
        """Give the places that are drawn from."""
        return {"mined": {name: torch.from_numpy(points) for name, points in self.sampler.hard.items()}}

    def restore(self, content: Mapping[str, Any], out: Path, step: int) -> None:
        """Go back to a checkpoint; lesions may have been marked since."""
        self.sampler.hard = {name: points.numpy() for name, points in content["mined"].items()}
        for background in self.sampler.backgrounds:
            points = self.sampler.hard.get(background.name, np.zeros((0, 3)))
            self.sampler.hard[background.name] = points[healthy(background, points)]
        self.hard = read_hard(out, step)

    def write(self, out: Path) -> None:
        """Write all hard negatives, and draw what the last validation got wrong."""
        write_hard(out, self.hard)
        if self._mistakes:
            step, mistakes = self._mistakes
            draw_mistakes(out / run_folder.MISTAKES, mistakes, self._scans, step)
            self._mistakes = None


def run(
    config_path: Path,
    out: Path,
    *,
    resume: bool = False,
    fold: int | None = None,
    folds: int | None = None,
    progress: Progress = silent,
) -> Path:
    """Train from a configuration into a folder; returns the folder of the finished model package.

    A run that was stopped goes on with ``resume`` as if it had not been. Started by ``torchrun``, all its processes
    train one network; the first one writes.

    Parameters
    ----------
    config_path, out : Path
    resume : bool
    fold, folds : int, optional
        Part of a cross-validation that is judged by, from 0, and how many there are.
    progress : Progress

    Raises
    ------
    ConfigFileError
        If the configuration is wrong, the folder holds another run, or there is nothing to resume.
    """
    config = read_config(config_path)
    device = local_device(choose_device(config.device))
    with joined(device) as ranks:
        progress = progress if ranks.first else silent
        run_folder.place(out, resume=resume)
        split = make_split(config, fold, folds or config.folds)
        scans = _validation_scans(config, split, progress)
        backgrounds = load_backgrounds(
            config,
            progress,
            series=split.train.series,
            annotated=split.train.annotated,
            pitch_mm=config.spacing_mm,
        )
        recipe = DetectorRecipe(config, split, backgrounds, scans, ranks)
        return fit(recipe, out, device=device, ranks=ranks, resume=resume, progress=progress)


def _take_over(network: NoduleNet, name: str) -> None:
    weights = load_network(find_package(name)).state_dict()
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ConfigFileError(
            f"start_from: the weights of {name} belong to another network than the one of width "
            f"{network.head.in_channels} that the configuration asks for."
        ) from error


def _summary(evaluation: Evaluation) -> dict[str, Any]:
    curve = evaluation.overall
    return {
        "scans": curve.scans,
        "nodules": curve.nodules,
        "cpm": curve.cpm,
        "cpm_interval_95": None if math.isnan(curve.cpm_interval[0]) else list(curve.cpm_interval),
        "fp_per_scan": list(FP_RATES),
        "sensitivity": list(curve.at_rates),
    }


def _validation_scans(config: TrainingConfig, split: Split, progress: Progress) -> list[ValidationScan]:
    if config.validation is None and split.fold is None:
        return []
    if not (split.validation.series or split.validation.annotated):
        raise ConfigFileError(
            "The configuration has a section validation, but no series to validate on. Name some in data.validation, "
            "or train a fold of a cross-validation (--fold)."
        )
    scans = load_validation(config, split.validation, progress)
    if not any(scan.truth for scan in scans):
        raise ConfigFileError("The scans for validation hold no nodules, so there is no sensitivity to measure.")
    return scans
