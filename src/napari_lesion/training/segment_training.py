"""The training of ``nodule-seg``: outlines of LIDC's nodules, in their surroundings or in other lungs.

A run's folder holds ``config.yaml`` (as used), ``checkpoint.pt``, ``progress.csv``, ``validation.csv``,
``progress.png``, ``run.json``, and, once it is done, ``held_out.csv`` (how well it outlines nodules of other patients)
and ``model/``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
import yaml
from torch import Tensor, nn
from torch.nn import functional

from napari_lesion.assessment.measure.nodule_seg import SIDES
from napari_lesion.detection.detector import Metric
from napari_lesion.imaging.inference import choose_device
from napari_lesion.imaging.preprocess import HU_WINDOW
from napari_lesion.model.findings import RESEARCH_USE
from napari_lesion.models.networks import SegmentNet
from napari_lesion.models.packages import Metadata, Preprocessing, SegmentNetSpec, find_pack, load_network, save_pack
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import ConfigError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.training import checkpoint, provenance
from napari_lesion.training.config import BackgroundConfig
from napari_lesion.training.data import make_background
from napari_lesion.training.learner import Learner, make_learner
from napari_lesion.training.lidc import Store, read_store, split_store
from napari_lesion.training.log import Log, draw_curves
from napari_lesion.training.nodules import Split
from napari_lesion.training.optimiser import learning_rate
from napari_lesion.training.scans import read_background
from napari_lesion.training.segment_config import SegmentAugmentation, SegmentTrainingConfig, read_segment_config
from napari_lesion.training.segment_data import Crops, Example, examples, in_surroundings, plain
from napari_lesion.training.verdict import Verdict

MEASURE = "dice"
MODEL, HELD_OUT = "model", "held_out.csv"
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


def judge(kind: str, found: Sequence[Sequence[Outline]], parts: Sequence[Example], threshold: float) -> list[Outlined]:
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
        outlined = judge(kind, probabilities(network, parts, options, device), parts, 0.5)
        means[f"dice_{kind}"] = float(np.mean([one.dice for one in outlined]))
    return {MEASURE: float(np.mean(list(means.values()))), **means}


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


def run_segmenter(config_path: Path, out: Path, *, resume: bool = False, progress: Progress = silent) -> Path:
    """Train a segmenter into a folder; returns the folder of the finished model pack.

    Raises
    ------
    ConfigError
        If the configuration is wrong, the folder holds another run, or there is nothing to resume.
    """
    config = read_segment_config(config_path)
    path = checkpoint.place(out, resume=resume)
    sides = split_store(read_store(config.nodules, patches=False))
    train = load_kinds(config, sides["train"], config.backgrounds, config.insertions, progress)
    tuning = load_kinds(config, sides["validation"], config.validation_backgrounds, 1, progress)
    device = choose_device(config.device)
    torch.manual_seed(config.seed)
    network = SegmentNet(config.width, config.dropout)
    if config.start_from and not resume:
        take_over(network, config.start_from)
    network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # missing in torch's stubs
    learner = make_learner(network, config.optimiser, device=device, precision=config.precision)
    shares = [(train.get(kind, []), getattr(config.shares, kind)) for kind in KINDS]
    crops = Crops(shares, config.augmentation, config.batch_size, config.seed)
    verdict = Verdict(patience=config.validation.patience)
    if resume:
        content = checkpoint.load(path)
        learner.restore(content["learner"])
        verdict.restore(content["verdict"])
        crops.rng.bit_generator.state = content["crops"]
        checkpoint.restore_randomness(content["torch"])
    out.mkdir(parents=True, exist_ok=True)
    with whole_file(out / "config.yaml") as new:
        new.write_text(yaml.safe_dump(config.model_dump(mode="json")), encoding="utf-8")
    steps, validations = Log(out / "progress.csv", learner.step), Log(out / "validation.csv", learner.step)
    while learner.step < config.steps and not verdict.stops:
        _step(config, learner, crops, steps)
        progress(learner.step, config.steps, f"training, loss {steps.recent('loss'):.3f}")
        if learner.step % config.validation.every == 0 or learner.step == config.steps:
            values = validate(learner.average, tuning, config.augmentation, device)
            verdict.hear(values[MEASURE], learner.step, learner.average)
            validations.add({"step": learner.step, **values})
        if learner.step % config.checkpoint_every == 0 or learner.step == config.steps or verdict.stops:
            steps.write()
            validations.write()
            draw_curves(out / "progress.png", steps.rows, validations.rows, MEASURE)
            checkpoint.save(
                path,
                {
                    "learner": learner.state(),
                    "verdict": verdict.state(),
                    "crops": crops.rng.bit_generator.state,
                    "torch": checkpoint.randomness(),
                },
            )
    if verdict.weights:
        learner.average.load_state_dict(verdict.weights)
    return _export(config, sides, tuning, learner, verdict, out)


def take_over(network: SegmentNet, name: str) -> None:
    """Go on from a segmenter, or start from the pyramid of a detector: what is told then counts for nothing at first.

    Raises
    ------
    ConfigError
        If its network is another one.
    """
    pack = find_pack(name)
    weights = dict(load_network(pack).state_dict())
    if pack.metadata.is_segmenter:
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise ConfigError(f"start_from: {name} has another width than the network to be trained.") from error
        return
    own = network.state_dict()
    first = "stage1.0.0.weight"
    shared = {key: value for key, value in weights.items() if key in own and not key.startswith("head")}
    try:
        shared[first] = torch.cat([weights[first], torch.zeros_like(weights[first])], 1)
        network.load_state_dict({**own, **shared})
    except (KeyError, RuntimeError) as error:
        raise ConfigError(f"start_from: {name} has another pyramid than the one that is to be trained.") from error


def _step(config: SegmentTrainingConfig, learner: Learner, crops: Crops, log: Log) -> None:
    image, mask, known = (part.to(learner.device) for part in crops.draw())
    image = image.contiguous(memory_format=torch.channels_last_3d)
    rate = learning_rate(learner.step, config.steps, config.optimiser)
    values: list[float] = []

    def loss(network: nn.Module) -> Tensor:
        total = segment_loss(network(image), mask, known)
        values.append(float(total.detach()))
        return total

    if not learner.learn(loss, rate):
        raise ConfigError(
            f"The loss is no number any more at step {learner.step}. Lower optimiser.learning_rate and resume."
        )
    log.add({"step": learner.step, "loss": values[0], "learning_rate": rate})


def _export(
    config: SegmentTrainingConfig,
    sides: Mapping[Split, Store],
    tuning: Kinds,
    learner: Learner,
    verdict: Verdict,
    out: Path,
) -> Path:
    """Choose the threshold on the validation part, outline the held-out nodules once, and write the pack."""
    network, device, options = learner.average, learner.device, config.augmentation
    threshold = _best_threshold(network, tuning, options, device)
    outlined = []
    for kind, parts in load_kinds(config, sides["test"], config.held_out_backgrounds, 1).items():
        outlined += judge(kind, probabilities(network, parts, options, device), parts, threshold)
    with whole_file(out / HELD_OUT) as new, new.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("kind", "name", "type", "diameter_mm", "dice", "volume_ratio"))
        writer.writerows(
            (o.kind, o.name, o.type, f"{o.diameter_mm:.2f}", f"{o.dice:.4f}", f"{o.volume_ratio:.4f}") for o in outlined
        )
    record = {
        "id": config.id,
        "version": config.version,
        "seed": config.seed,
        "config": config.model_dump(mode="json"),
        "data": provenance.hashes(sorted(config.nodules.glob("lidc_[cv]*"))),
        "steps": learner.step,
        "weights_of_step": verdict.step,
        "threshold": threshold,
        "held_out": {kind: _summary([o for o in outlined if o.kind == kind]) for kind in KINDS},
        **provenance.software(),
    }
    with whole_file(out / provenance.FILE_NAME) as new:
        new.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    data = f"{len(outlined)} held-out LIDC-IDRI nodules of other patients, pointed at with a detector's error"
    train = sides["train"]
    cases = [part.path.name for part in config.backgrounds]
    cases += [f"LIDC-IDRI nodule {cube.name}" for cube in train.cubes]
    cases += sorted({crop.patient for crop in train.crops})
    if config.start_from:
        cases = list(dict.fromkeys([*find_pack(config.start_from).metadata.training_cases, *cases]))
    all_of_them = _summary(outlined)
    metadata = Metadata(
        id=config.id,
        version=config.version,
        task="outlines of lung nodules in chest CT",
        licence="Apache-2.0",
        threshold=round(threshold, 2),
        summary=f"Small 3D network: outlines the nodule that is pointed at, in crops of {SIDES[0]} or {SIDES[1]} mm.",
        network=SegmentNetSpec(width=config.width),
        preprocessing=Preprocessing(spacing_mm=1.0, window_hu=HU_WINDOW),
        training_cases=tuple(cases),
        metrics=(
            Metric(name="Dice", value=round(all_of_them["dice"], 3), data=data),
            Metric(name="median volume error", value=round(all_of_them["volume_error"], 3), data=data),
        ),
    )
    learned = len(train.cubes) + len(train.crops)
    card = f"""# {config.id} {config.version}

{RESEARCH_USE}

Trained for {learner.step} steps (the weights are the average of step {verdict.step}) on {learned} nodules of LIDC-IDRI.
On {data}: mean Dice {all_of_them["dice"]:.3f}, median error of the volume {100 * all_of_them["volume_error"]:.0f} %.
"""
    return save_pack(out / MODEL, network.state_dict(), metadata, card).folder


def _best_threshold(network: nn.Module, tuning: Kinds, options: SegmentAugmentation, device: torch.device) -> float:
    """Find the threshold of the best mean of the mean Dice of each kind."""
    found = {kind: probabilities(network, parts, options, device) for kind, parts in tuning.items()}

    def mean(threshold: float) -> float:
        each = [judge(kind, found[kind], parts, threshold) for kind, parts in tuning.items()]
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
