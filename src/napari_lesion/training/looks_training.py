"""The training of ``nodule-looks``: how readers rate the look of a nodule.

A run's folder holds ``config.yaml`` (as used), ``checkpoint.pt``, ``progress.csv``, ``validation.csv``,
``progress.png``, ``run.json``, and, once it is done, ``model/``. How well it does on held-out patients,
``benchmarks/looks.py`` tells.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import yaml
from torch import Tensor, nn
from torch.nn import functional

from napari_lesion.assessment.measure.nodule_looks import PIXEL_MM, extent_mm, pitch_of, seen, sizes, split, windows
from napari_lesion.imaging.inference import choose_device
from napari_lesion.imaging.preprocess import HU_WINDOW
from napari_lesion.model.findings import RESEARCH_USE
from napari_lesion.models.networks import RATED, LooksNet
from napari_lesion.models.packages import LooksNetSpec, Metadata, Preprocessing, save_pack
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import ConfigError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.training import checkpoint, provenance
from napari_lesion.training.learner import Learner, make_learner
from napari_lesion.training.lidc import read_store, split_store
from napari_lesion.training.log import Log, draw_curves
from napari_lesion.training.looks_config import LooksTrainingConfig, read_looks_config
from napari_lesion.training.looks_data import Rated, RatedBatches, rated
from napari_lesion.training.optimiser import learning_rate
from napari_lesion.training.verdict import Verdict

MEASURE = "likelihood"
MODEL = "model"
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


def run_looks(config_path: Path, out: Path, *, resume: bool = False, progress: Progress = silent) -> Path:
    """Train into a folder; returns the folder of the finished model pack.

    Raises
    ------
    ConfigError
        If the configuration is wrong, the folder holds another run, or there is nothing to resume.
    """
    config = read_looks_config(config_path)
    path = checkpoint.place(out, resume=resume)
    sides = split_store(read_store(config.nodules))
    train, tuning = rated(sides["train"]), rated(sides["validation"])
    if not train or not tuning:
        raise ConfigError(f"There are no rated nodules in {config.nodules} to learn from and to validate with.")
    device = choose_device(config.device)
    torch.manual_seed(config.seed)
    learner = make_learner(LooksNet(config.width, config.dropout), config.optimiser, device=device)
    batches, verdict = RatedBatches(config, train), Verdict(patience=config.validation.patience)
    if resume:
        content = checkpoint.load(path)
        learner.restore(content["learner"])
        verdict.restore(content["verdict"])
        batches.rng.bit_generator.state = content["batches"]
        checkpoint.restore_randomness(content["torch"])
    out.mkdir(parents=True, exist_ok=True)
    with whole_file(out / "config.yaml") as new:
        new.write_text(yaml.safe_dump(config.model_dump(mode="json")), encoding="utf-8")
    steps, validations = Log(out / "progress.csv", learner.step), Log(out / "validation.csv", learner.step)
    while learner.step < config.steps and not verdict.stops:
        _step(config, learner, batches, steps)
        progress(learner.step, config.steps, f"training, loss {steps.recent('loss'):.3f}")
        if learner.step % config.validation.every == 0 or learner.step == config.steps:
            value = -float(looks_loss(*logits_of(learner.average, tuning, device)))
            verdict.hear(value, learner.step, learner.average)
            validations.add({"step": learner.step, MEASURE: value})
        if learner.step % config.checkpoint_every == 0 or learner.step == config.steps or verdict.stops:
            steps.write()
            validations.write()
            draw_curves(out / "progress.png", steps.rows, validations.rows, MEASURE)
            checkpoint.save(
                path,
                {
                    "learner": learner.state(),
                    "verdict": verdict.state(),
                    "batches": batches.rng.bit_generator.state,
                    "torch": checkpoint.randomness(),
                },
            )
    if verdict.weights:
        learner.average.load_state_dict(verdict.weights)
    return _export(config, train, tuning, learner, verdict, out)


def _step(config: LooksTrainingConfig, learner: Learner, batches: RatedBatches, log: Log) -> None:
    image, told, labels = (part.to(learner.device) for part in batches.draw())
    rate = learning_rate(learner.step, config.steps, config.optimiser)
    values: list[float] = []

    def loss(network: nn.Module) -> Tensor:
        total = looks_loss(network(image, told), labels)
        values.append(float(total.detach()))
        return total

    if not learner.learn(loss, rate):
        raise ConfigError(
            f"The loss is no number any more at step {learner.step}. Lower optimiser.learning_rate and resume."
        )
    log.add({"step": learner.step, "loss": values[0], "learning_rate": rate})


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


def _export(
    config: LooksTrainingConfig,
    train: Sequence[Rated],
    tuning: Sequence[Rated],
    learner: Learner,
    verdict: Verdict,
    out: Path,
) -> Path:
    """Calibrate on the validation part, and write the pack."""
    network = learner.average.cpu()
    if not isinstance(network, LooksNet):
        raise TypeError("the network that was trained is another one")
    before = logits_of(network, tuning, torch.device("cpu"))
    factors = calibrate(network, *before)
    after = logits_of(network, tuning, torch.device("cpu"))
    record = {
        "id": config.id,
        "version": config.version,
        "seed": config.seed,
        "config": config.model_dump(mode="json"),
        "data": provenance.hashes(sorted(config.nodules.glob("lidc_[acv]*"))),
        "steps": learner.step,
        "weights_of_step": verdict.step,
        "counts": {"train": class_counts(train), "validation": class_counts(tuning)},
        "factors": factors,
        "validation": {"before": -float(looks_loss(*before)), "calibrated": -float(looks_loss(*after))},
        **provenance.software(),
    }
    with whole_file(out / provenance.FILE_NAME) as new:
        new.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    metadata = Metadata(
        id=config.id,
        version=config.version,
        task="how lung nodules look in chest CT, as readers rate it",
        licence="Apache-2.0",
        threshold=0.5,
        summary="Small 2D network: texture, spiculation, lobulation, margin, calcification and suspicion of a nodule.",
        network=LooksNetSpec(width=config.width),
        preprocessing=Preprocessing(spacing_mm=PIXEL_MM, window_hu=HU_WINDOW),
        training_cases=tuple(sorted({one.patient for one in train})),
    )
    crops = sum(one.crop for one in train)
    card = f"""# {config.id} {config.version}

{RESEARCH_USE}

Trained for {learner.step} steps (the weights are the average of step {verdict.step}) on {crops} nodules of LIDC-IDRI
and {len(train) - crops} axial patches, as its readers rated them. Not evaluated yet.
"""
    return save_pack(out / MODEL, network.state_dict(), metadata, card).folder
