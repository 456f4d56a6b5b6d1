"""The recipe of ``nodule-seg``: outlines of LIDC's nodules, in their surroundings or in other lungs.

A run's folder also holds, once it is done, ``held_out.csv``: how well it outlines nodules of other patients.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_lesion.assessment.measure.nodule_seg import SIDES
from napari_lesion.imaging.inference import choose_device
from napari_lesion.imaging.preprocess import HU_WINDOW
from napari_lesion.models.card import Metric
from napari_lesion.models.networks import SegmentNet
from napari_lesion.models.package_metadata import Metadata, Preprocessing, SegmentNetSpec
from napari_lesion.models.packages import find_package, load_network, save_package
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import ConfigFileError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.training.config.detector import BackgroundConfig
from napari_lesion.training.config.segmenter import SegmentAugmentation, SegmentTrainingConfig, read_segment_config
from napari_lesion.training.data.background import make_background
from napari_lesion.training.data.lidc import Store, read_store, split_store
from napari_lesion.training.data.nodules import Split
from napari_lesion.training.data.outlines import Crops, Example, examples, in_surroundings, plain
from napari_lesion.training.data.scans import read_background
from napari_lesion.training.engine import run_folder
from napari_lesion.training.engine.card import card
from napari_lesion.training.engine.fit import fit
from napari_lesion.training.engine.ranks import Ranks
from napari_lesion.training.engine.recipe import Recipe
from napari_lesion.training.engine.trainer_state import TrainerState

HELD_OUT = "held_out.csv"
KINDS = ("cubes", "own", "lung")
"""Cubes in their true surroundings; crops in their own, completed above and below; the same in another lung."""
_VIEWS = 4
"""How often each nodule is outlined in a validation, each time told with another error."""
_THRESHOLDS = np.arange(0.30, 0.71, 0.05)

Kinds: TypeAlias = Mapping[str, Sequence[Example]]


@dataclass(frozen=True)
class Outlined:
    """How well one nodule was outlined: means over the errors it was told with."""

    kind: str
    name: str
    type: str
    diameter_mm: float
    dice: float
    volume_ratio: float
    """Over the volume of the mask."""


def segment_loss(logit: Tensor, mask: Tensor, known: Tensor) -> Tensor:
    """Soft Dice of each crop and cross-entropy, which counts the nodule as much as what is around it.

    Parameters
    ----------
    logit, mask, known : (n, 1, d, h, w)
        The mask may have any value from 0 to 1. Where nothing is known, nothing is learned.
    """
    logit = logit.float()
    probability = logit.sigmoid() * known
    mask = mask * known
    axes = (1, 2, 3, 4)
    both = (probability * mask).sum(axes)
    overlap = (2 * both + 1) / (probability.sum(axes) + mask.sum(axes) + 1)
    entropy = functional.binary_cross_entropy_with_logits(logit, mask, weight=known, reduction="none").sum(axes)
    # Per voxel of the nodule: otherwise the many voxels around it would drown those of its edge.
    return (1 - overlap).mean() + 0.5 * (entropy / mask.sum(axes).clamp(min=30)).mean()


Outline: TypeAlias = tuple[Tensor, Tensor, Tensor]
"""Probability, mask, and where it is known in one crop, all (d, h, w)."""


@torch.no_grad()
def probabilities(
    network: nn.Module, parts: Sequence[Example], options: SegmentAugmentation, device: torch.device
) -> list[list[Outline]]:
    """Outline each nodule several times, told with the same errors each time."""
    rng = np.random.default_rng(0)
    result = []
    for example in parts:
        views = [plain(example, rng, options) for _ in range(_VIEWS)]
        result.append([(network(x[None].to(device))[0, 0].sigmoid().cpu(), *truth) for x, *truth in views])
    return result


def score_outlines(
    kind: str, found: Sequence[Sequence[Outline]], parts: Sequence[Example], threshold: float
) -> list[Outlined]:
    """Compare outlines at a threshold with the masks; what a crop does not show counts as missed."""
    result = []
    for views, example in zip(found, parts, strict=True):
        total = int((example.mask > 127).sum())
        dice, ratio = [], []
        for probability, soft, known in views:
            outline = (probability > threshold) & (known > 0.5)
            size = int(outline.sum())
            dice.append(2 * int((outline & (soft > 0.5)).sum()) / (size + total))
            ratio.append(size / total)
        result.append(
            Outlined(kind, example.name, example.type, example.diameter_mm, float(np.mean(dice)), float(np.mean(ratio)))
        )
    return result


def validate(network: nn.Module, kinds: Kinds, options: SegmentAugmentation, device: torch.device) -> dict[str, float]:
    """Mean Dice of each kind of example, and in ``dice`` the mean of these means."""
    means = {}
    for kind, parts in kinds.items():
        outlined = score_outlines(kind, probabilities(network, parts, options, device), parts, 0.5)
        means[f"dice_{kind}"] = float(np.mean([one.dice for one in outlined]))
    return {"dice": float(np.mean(list(means.values()))), **means}


def load_kinds(
    config: SegmentTrainingConfig,
    store: Store,
    backgrounds: Sequence[BackgroundConfig],
    times: int,
    progress: Progress = silent,
) -> dict[str, list[Example]]:
    """Prepare the nodules of one side: all kinds of examples that there are."""
    rng = np.random.default_rng([config.seed, 7])
    loaded = []
    for number, part in enumerate(backgrounds):
        progress(number, len(backgrounds), f"reading {part.path.name}")
        loaded.append(make_background(read_background(part), part.lesions, part.path.name, rng))
    own, lung = in_surroundings(store.crops, loaded, times if loaded else 0, rng, progress)
    kinds = {"cubes": examples(store.cubes), "own": own, "lung": lung}
    return {name: parts for name, parts in kinds.items() if parts}


@dataclass(frozen=True)
class HeldOut:
    """The threshold, and how well nodules of other patients are outlined with it."""

    threshold: float
    outlined: tuple[Outlined, ...]


class SegmentRecipe(Recipe[tuple[Tensor, Tensor, Tensor], HeldOut]):
    """How ``nodule-seg`` is trained.

    Parameters
    ----------
    config : SegmentTrainingConfig
    sides : mapping
        The store of nodules, divided by patient.
    train, tuning : mapping
        Examples of each kind, to learn from and to validate with.
    """

    measure = "dice"
    config: SegmentTrainingConfig

    def __init__(
        self, config: SegmentTrainingConfig, sides: Mapping[Split, Store], train: Kinds, tuning: Kinds
    ) -> None:
        self.config, self._sides, self._tuning, self.start_from = config, sides, tuning, config.start_from
        shares = [(train.get(kind, []), getattr(config.shares, kind)) for kind in KINDS]
        self.batches = Crops(shares, config.augmentation, config.batch_size, config.seed)

    def network(self, device: torch.device, *, start: bool) -> nn.Module:
        """Make the network; a GPU of Apple knows no channels_last_3d."""
        network = SegmentNet(self.config.width, self.config.dropout)
        if self.start_from and start:
            take_over(network, self.start_from)
        if device.type != "mps":
            network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # missing in torch's stubs
        return network

    def moved(self, batch: tuple[Tensor, Tensor, Tensor], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Bring a batch to a device, the image in the layout of the network."""
        layout = torch.contiguous_format if device.type == "mps" else torch.channels_last_3d
        image, mask, known = (part.to(device) for part in batch)
        return image.contiguous(memory_format=layout), mask, known

    def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Give the loss of the outline."""
        image, mask, known = batch
        return segment_loss(network(image), mask, known), {}

    def validate(self, state: TrainerState) -> dict[str, float]:
        """Give the mean Dice of each kind of example, and the mean of these."""
        return validate(state.average, self._tuning, self.config.augmentation, state.device)

    def evaluate(
        self,
        network: nn.Module,
        device: torch.device,
        ranks: Ranks,  # noqa: ARG002
        progress: Progress,
    ) -> HeldOut:
        """Choose the threshold on the validation part, and outline the held-out nodules once."""
        config = self.config
        options = config.augmentation
        threshold = _best_threshold(network, self._tuning, options, device)
        outlined: list[Outlined] = []
        kinds = load_kinds(config, self._sides["test"], config.held_out_backgrounds, 1, progress)
        for kind, parts in kinds.items():
            outlined += score_outlines(kind, probabilities(network, parts, options, device), parts, threshold)
        return HeldOut(threshold, tuple(outlined))

    def summary(self, result: HeldOut) -> Mapping[str, Any]:
        """Give the threshold, and the numbers of each kind."""
        each = {kind: _summary([o for o in result.outlined if o.kind == kind]) for kind in KINDS}
        return {"threshold": result.threshold, "held_out": each}

    def inputs(self) -> Sequence[Path]:
        """Give the store of nodules, and the lungs that they are put into."""
        config = self.config
        places = (*config.backgrounds, *config.validation_backgrounds, *config.held_out_backgrounds)
        return [*sorted(config.nodules.glob("lidc_[cv]*")), *(part.path for part in places)]

    def export(self, network: nn.Module, result: HeldOut, record: Mapping[str, Any], out: Path) -> Path:
        """Write how well the held-out nodules are outlined, and the package."""
        config, outlined = self.config, result.outlined
        with whole_file(out / HELD_OUT) as new, new.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("kind", "name", "type", "diameter_mm", "dice", "volume_ratio"))
            writer.writerows(
                (o.kind, o.name, o.type, f"{o.diameter_mm:.2f}", f"{o.dice:.4f}", f"{o.volume_ratio:.4f}")
                for o in outlined
            )
        data = f"{len(outlined)} held-out LIDC-IDRI nodules of other patients, pointed at with a detector's error"
        train = self._sides["train"]
        cases = [part.path.name for part in config.backgrounds]
        cases += [f"LIDC-IDRI nodule {cube.name}" for cube in train.cubes]
        cases += sorted({crop.patient for crop in train.crops})
        if config.start_from:
            cases = list(dict.fromkeys([*find_package(config.start_from).metadata.training_cases, *cases]))
        all_of_them = _summary(outlined)
        metadata = Metadata(
            id=config.id,
            version=config.version,
            task="outlines of lung nodules in chest CT",
            licence="Apache-2.0",
            threshold=round(result.threshold, 2),
            summary=f"Small 3D network: outlines the nodule pointed at, in crops of {SIDES[0]} or {SIDES[1]} mm.",
            network=SegmentNetSpec(width=config.width),
            preprocessing=Preprocessing(spacing_mm=1.0, window_hu=HU_WINDOW),
            training_cases=tuple(cases),
            metrics=(
                Metric(name="Dice", value=round(all_of_them["dice"], 3), data=data),
                Metric(name="median volume error", value=round(all_of_them["volume_error"], 3), data=data),
            ),
        )
        learned = f"{len(train.cubes) + len(train.crops)} nodules of LIDC-IDRI."
        after = (
            f"On {data}: mean Dice {all_of_them['dice']:.3f}, median error of the volume "
            f"{100 * all_of_them['volume_error']:.0f} %."
        )
        text = card(record, f"{config.batch_size} crops", learned, after)
        return save_package(out / "model", network.state_dict(), metadata, text).folder


def run_segmenter(config_path: Path, out: Path, *, resume: bool = False, progress: Progress = silent) -> Path:
    """Train a segmenter into a folder; returns the folder of the finished model package.

    Raises
    ------
    ConfigFileError
        If the configuration is wrong, the folder holds another run, or there is nothing to resume.
    """
    config = read_segment_config(config_path)
    run_folder.place(out, resume=resume)
    sides = split_store(read_store(config.nodules, patches=False))
    train = load_kinds(config, sides["train"], config.backgrounds, config.insertions, progress)
    tuning = load_kinds(config, sides["validation"], config.validation_backgrounds, 1, progress)
    recipe = SegmentRecipe(config, sides, train, tuning)
    return fit(recipe, out, device=choose_device(config.device), resume=resume, progress=progress)


def take_over(network: SegmentNet, name: str) -> None:
    """Go on from a segmenter, or start from the pyramid of a detector: what is told then counts for nothing at first.

    Raises
    ------
    ConfigFileError
        If its network is another one.
    """
    package = find_package(name)
    weights = dict(load_network(package).state_dict())
    if package.metadata.is_segmenter:
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise ConfigFileError(f"start_from: {name} has another width than the network to be trained.") from error
        return
    own = network.state_dict()
    first = "stage1.0.0.weight"
    shared = {key: value for key, value in weights.items() if key in own and not key.startswith("head")}
    try:
        shared[first] = torch.cat([weights[first], torch.zeros_like(weights[first])], 1)
        network.load_state_dict({**own, **shared})
    except (KeyError, RuntimeError) as error:
        raise ConfigFileError(f"start_from: {name} has another pyramid than the one that is to be trained.") from error


def _best_threshold(network: nn.Module, tuning: Kinds, options: SegmentAugmentation, device: torch.device) -> float:
    """Find the threshold of the best mean of the mean Dice of each kind."""
    found = {kind: probabilities(network, parts, options, device) for kind, parts in tuning.items()}

    def mean(threshold: float) -> float:
        each = [score_outlines(kind, found[kind], parts, threshold) for kind, parts in tuning.items()]
        return float(np.mean([np.mean([one.dice for one in outlined]) for outlined in each]))

    return float(max(_THRESHOLDS, key=mean))


def _summary(outlined: Sequence[Outlined]) -> dict[str, float]:
    if not outlined:
        return {"nodules": 0}
    return {
        "nodules": len(outlined),
        "dice": float(np.mean([one.dice for one in outlined])),
        "volume_error": float(np.median([abs(one.volume_ratio - 1) for one in outlined])),
        "volume_ratio": float(np.median([one.volume_ratio for one in outlined])),
    }
