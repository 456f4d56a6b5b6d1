"""The recipe of ``nodule-looks``: how readers rate the look of a nodule.

How well it does on held-out patients, ``benchmarks/looks.py`` measures.
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

from napari_lesion.assessment.measure.nodule_looks import PIXEL_MM, extent_mm, pitch_of, seen, sizes, split, windows
from napari_lesion.imaging.inference import choose_device
from napari_lesion.imaging.preprocess import HU_WINDOW
from napari_lesion.models.networks import RATED, LooksNet
from napari_lesion.models.package_metadata import LooksNetSpec, Metadata, Preprocessing
from napari_lesion.models.packages import save_package
from napari_lesion.support.errors import ConfigFileError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.training.config.looks import LooksTrainingConfig, read_looks_config
from napari_lesion.training.data.lidc import read_store, split_store
from napari_lesion.training.data.looks import Rated, RatedBatches, rated
from napari_lesion.training.engine import run_folder
from napari_lesion.training.engine.card import card
from napari_lesion.training.engine.fit import fit
from napari_lesion.training.engine.ranks import Ranks
from napari_lesion.training.engine.recipe import Recipe
from napari_lesion.training.engine.trainer_state import TrainerState

_BATCH = 64


def looks_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of what each reader said, where one said anything: the mean over all that is rated.

    Parameters
    ----------
    logits : (n, 27)
    labels : (n, 6)
        Numbers of the values; -1 where nobody said.
    """
    parts = split(logits.float())
    each = [
        functional.cross_entropy(part, labels[:, n], ignore_index=-1)
        for n, part in enumerate(parts.values())
        if bool((labels[:, n] >= 0).any())
    ]
    return torch.stack(each).mean()


@torch.no_grad()
def logits_of(network: nn.Module, nodules: Sequence[Rated], device: torch.device) -> tuple[Tensor, Tensor]:
    """Ask the network for each slice as it is: logits (n, 27) and labels (n, 6)."""
    network.eval()
    images, told, labels = [], [], []
    for one in nodules:
        for each in one.slices:
            pitch = pitch_of(extent_mm(each))
            images.append(windows(*seen(each, pitch)))
            told.append(sizes(each.diameter_mm, pitch))
            labels.append([one.labels[name] for name in RATED])
    parts = [
        network(torch.stack(images[n : n + _BATCH]).to(device), torch.stack(told[n : n + _BATCH]).to(device)).cpu()
        for n in range(0, len(images), _BATCH)
    ]
    return torch.cat(parts), torch.tensor(labels)


@dataclass(frozen=True)
class Calibrated:
    """What calibrating changed: the temperature of each rating, and the likelihood of the validation part."""

    factors: Mapping[str, float]
    before: float
    after: float


class LooksRecipe(Recipe[tuple[Tensor, Tensor, Tensor], Calibrated]):
    """How ``nodule-looks`` is trained.

    Parameters
    ----------
    config : LooksTrainingConfig
    train, tuning : sequence of Rated
        To learn from, and to validate and calibrate with.
    """

    measure = "likelihood"
    config: LooksTrainingConfig

    def __init__(self, config: LooksTrainingConfig, train: Sequence[Rated], tuning: Sequence[Rated]) -> None:
        self.config, self._train, self._tuning = config, train, tuning
        self.batches = RatedBatches(config, train)

    def network(self, device: torch.device, *, start: bool) -> nn.Module:  # noqa: ARG002
        """Make the network; it starts from nothing."""
        return LooksNet(self.config.width, self.config.dropout)

    def moved(self, batch: tuple[Tensor, Tensor, Tensor], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Bring a batch to a device."""
        image, told, labels = batch
        return image.to(device), told.to(device), labels.to(device)

    def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Give the loss of all ratings."""
        image, told, labels = batch
        return looks_loss(network(image, told), labels), {}

    def validate(self, state: TrainerState) -> dict[str, float]:
        """Give the mean logarithm of the likelihood."""
        return {self.measure: -float(looks_loss(*logits_of(state.average, self._tuning, state.device)))}

    def evaluate(
        self,
        network: nn.Module,
        device: torch.device,  # noqa: ARG002
        ranks: Ranks,  # noqa: ARG002
        progress: Progress,  # noqa: ARG002
    ) -> Calibrated:
        """Calibrate the network on the validation part."""
        network.cpu()
        if not isinstance(network, LooksNet):
            raise TypeError("the network that was trained is another one")
        before = logits_of(network, self._tuning, torch.device("cpu"))
        factors = calibrate(network, *before)
        after = logits_of(network, self._tuning, torch.device("cpu"))
        return Calibrated(factors, -float(looks_loss(*before)), -float(looks_loss(*after)))

    def summary(self, result: Calibrated) -> Mapping[str, Any]:
        """Give what calibrating changed."""
        return {
            "factors": dict(result.factors),
            "validation": {"before": result.before, "calibrated": result.after},
        }

    def inputs(self) -> Sequence[Path]:
        """Give the store of nodules."""
        return sorted(self.config.nodules.glob("lidc_[acv]*"))

    def about(self) -> Mapping[str, Any]:
        """Count the values of each rating."""
        return {"counts": {"train": class_counts(self._train), "validation": class_counts(self._tuning)}}

    def export(self, network: nn.Module, result: Calibrated, record: Mapping[str, Any], out: Path) -> Path:  # noqa: ARG002
        """Write the package."""
        config, train = self.config, self._train
        metadata = Metadata(
            id=config.id,
            version=config.version,
            task="how lung nodules look in chest CT, as readers rate it",
            licence="Apache-2.0",
            threshold=0.5,
            summary="Small 2D network: texture, spiculation, lobulation, margin, calcification, suspicion of a nodule.",
            network=LooksNetSpec(width=config.width),
            preprocessing=Preprocessing(spacing_mm=PIXEL_MM, window_hu=HU_WINDOW),
            training_cases=tuple(sorted({one.patient for one in train})),
        )
        crops = sum(one.crop for one in train)
        data = f"{crops} nodules of LIDC-IDRI and {len(train) - crops} axial patches, as its readers rated them."
        text = card(record, f"{config.batch_size} slices", data, "Not evaluated yet.")
        return save_package(out / "model", network.state_dict(), metadata, text).folder


def run_looks(config_path: Path, out: Path, *, resume: bool = False, progress: Progress = silent) -> Path:
    """Train into a folder; returns the folder of the finished model package.

    Raises
    ------
    ConfigFileError
        If the configuration is wrong, the folder holds another run, or there is nothing to resume.
    """
    config = read_looks_config(config_path)
    run_folder.place(out, resume=resume)
    sides = split_store(read_store(config.nodules))
    train, tuning = rated(sides["train"]), rated(sides["validation"])
    if not train or not tuning:
        raise ConfigFileError(f"There are no rated nodules in {config.nodules} to learn from and to validate with.")
    return fit(
        LooksRecipe(config, train, tuning), out, device=choose_device(config.device), resume=resume, progress=progress
    )


def calibrate(network: LooksNet, logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Change the last layer so that the probabilities fit what readers said; give the temperature of each rating.

    Rare looks were drawn more often than they are, and networks are surer than they should be: each rating gets a
    factor and an offset for each of its values, by maximum likelihood, held near 1 and 0 by a weak prior.

    References
    ----------
    Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017).
    """
    factors, start = {}, 0
    for n, (name, part) in enumerate(split(logits.detach()).items()):
        count = RATED[name]
        known = labels[:, n] >= 0
        factor = torch.zeros(1, requires_grad=True)
        offset = torch.zeros(count, requires_grad=True)
        if known.any():
            search = torch.optim.LBFGS([factor, offset], max_iter=100, line_search_fn="strong_wolfe")

            def lost(
                part: Tensor = part[known],
                wanted: Tensor = labels[known, n],
                factor: Tensor = factor,
                offset: Tensor = offset,
                search: torch.optim.LBFGS = search,
            ) -> Tensor:
                search.zero_grad()
                prior = (factor**2).sum() + (offset**2).sum()
                loss = functional.cross_entropy(part * factor.exp() + offset, wanted) + _PRIOR / len(wanted) * prior
                loss.backward()  # type: ignore[no-untyped-call]
                return loss

            search.step(lost)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            rows = slice(start, start + count)
            network.head.weight[rows] *= factor.exp()
            network.head.bias[rows] = network.head.bias[rows] * factor.exp() + offset
        factors[name] = float(factor.exp())
        start += count
    return factors


_PRIOR = 1.0


def class_counts(nodules: Sequence[Rated]) -> dict[str, list[int]]:
    """Count the values of each rating."""
    return {
        name: np.bincount([one.labels[name] for one in nodules if one.labels[name] >= 0], minlength=count).tolist()
        for name, count in RATED.items()
    }
