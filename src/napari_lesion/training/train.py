"""The training loop: checkpoints that survive a kill, exact resume, hard negatives mined on the way.

Everything of a run lies in its folder: ``config.yaml`` (as used), ``checkpoint.pt``, ``progress.csv``,
``hard_negatives.csv``, and, once it is done, ``model/`` (a model pack).
"""

from __future__ import annotations

import copy
import csv
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import yaml
from torch import Tensor

from napari_lesion.atomic import whole_file
from napari_lesion.detection import preprocess
from napari_lesion.detection.candidates import find_candidates
from napari_lesion.detection.inference import predict
from napari_lesion.detection.networks import NoduleNet
from napari_lesion.detection.nodule3d import output_affine
from napari_lesion.dicom.reader import read_series
from napari_lesion.dicom.series import find_series
from napari_lesion.errors import ConfigError
from napari_lesion.findings import Heatmap
from napari_lesion.pipeline import unsuitable
from napari_lesion.progress import Progress, silent
from napari_lesion.training.config import BackgroundConfig, OptimiserConfig, TrainingConfig, read_config
from napari_lesion.training.data import Background, Batch, Sampler, make_background
from napari_lesion.training.export import export
from napari_lesion.training.loss import Losses, finite, nodule_loss
from napari_lesion.training.nodules import Cube, read_cubes, split_cubes
from napari_lesion.volume import Volume

_HARD_SCORE = 0.1
_HARD_MOST = 60
_FIELDS = ("step", "loss", "heat", "size", "offset", "learning_rate", "nodules", "seconds")


def learning_rate(step: int, steps: int, options: OptimiserConfig) -> float:
    """Warm-up, constant, then a linear fall to zero over the last ``decay_share`` of the steps."""
    rate = options.learning_rate * min(1.0, (step + 1) / max(options.warmup_steps, 1))
    start = steps * (1 - options.decay_share)
    if step > start:
        rate *= max(0.0, (steps - step) / (steps - start))
    return rate


@dataclass
class State:
    """All that changes during a run; a checkpoint holds exactly this."""

    network: NoduleNet
    average: NoduleNet
    """Exponential moving average of the weights: the one that is shipped."""
    optimiser: torch.optim.Optimizer
    sampler: Sampler
    step: int = 0

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        content = {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "sampler": self.sampler.rng.bit_generator.state,
            "hard": {name: torch.from_numpy(points) for name, points in self.sampler.hard.items()},
            "torch": torch.get_rng_state(),
        }
        with whole_file(path) as new:
            torch.save(content, new)

    def load(self, path: Path) -> None:
        """Go back to a checkpoint."""
        content: dict[str, Any] = torch.load(path, weights_only=True)
        self.step = content["step"]
        self.network.load_state_dict(content["network"])
        self.average.load_state_dict(content["average"])
        self.optimiser.load_state_dict(content["optimiser"])
        self.sampler.rng.bit_generator.state = content["sampler"]
        self.sampler.hard = {name: points.numpy() for name, points in content["hard"].items()}
        for background in self.sampler.backgrounds:  # lesions may have been marked since
            points = self.sampler.hard.get(background.name, np.zeros((0, 3)))
            self.sampler.hard[background.name] = points[_healthy(background, points)]
        torch.set_rng_state(content["torch"])


def start(config: TrainingConfig, backgrounds: list[Background], cubes: list[Cube]) -> State:
    """Make the state at step 0."""
    torch.manual_seed(config.seed)
    network = NoduleNet(config.width, config.dropout)
    network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # missing in torch's stubs
    data = config.data
    return State(
        network=network,
        average=copy.deepcopy(network).eval().requires_grad_(False),
        optimiser=torch.optim.AdamW(network.parameters(), weight_decay=config.optimiser.weight_decay),
        sampler=Sampler(
            backgrounds,
            cubes,
            crop=config.crop,
            real_share=data.real_share,
            hard_share=data.hard_share,
            cube_share=data.cube_share,
            seed=config.seed,
        ),
    )


def take_step(state: State, config: TrainingConfig) -> dict[str, float]:
    """One step of the optimiser; returns what goes into ``progress.csv``."""
    begun = time.perf_counter()
    batch = state.sampler.batch(config.batch_size)
    rate = learning_rate(state.step, config.steps, config.optimiser)
    for group in state.optimiser.param_groups:
        group["lr"] = rate
    state.network.train()
    output: Tensor = state.network(batch.image.contiguous(memory_format=torch.channels_last_3d))
    losses = nodule_loss(output, batch)
    state.optimiser.zero_grad(set_to_none=True)
    if finite(losses):
        losses.total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(state.network.parameters(), config.optimiser.gradient_norm)
        state.optimiser.step()
        _average(state, config.optimiser.ema)
    state.step += 1
    return _row(state.step, losses, rate, batch, time.perf_counter() - begun)


def _row(step: int, losses: Losses, rate: float, batch: Batch, seconds: float) -> dict[str, float]:
    values = [float(v.detach()) for v in (losses.total, losses.heat, losses.size, losses.offset)]
    numbers = (step, *values, rate, batch.nodules, seconds)
    return dict(zip(_FIELDS, numbers, strict=True))


@torch.no_grad()
def _average(state: State, decay: float) -> None:
    decay = min(decay, (1 + state.step) / (10 + state.step))
    for ours, theirs in zip(state.average.state_dict().values(), state.network.state_dict().values(), strict=True):
        if ours.is_floating_point():
            ours.lerp_(theirs, 1 - decay)
        else:
            ours.copy_(theirs)


def mine(network: NoduleNet, background: Background) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Where the network sees nodules in a scan that has none (its real lesions are masked).

    Returns
    -------
    (n, 3) indices into the background, (n,) scores
    """
    low, high = preprocess.HU_WINDOW
    image = torch.from_numpy(background.hu.astype(np.float32)).sub_(low).div_(high - low).clamp_(0, 1)
    found = predict(network, image[None, None], device="cpu", mask=background.search)
    # With this affine "mm" are indices of the background.
    heatmap = Heatmap(found.heat, output_affine(np.eye(4)))
    candidates = find_candidates(heatmap, found.log_diameter, found.offsets, floor=_HARD_SCORE)
    points = np.array([c.center_mm for c in candidates], dtype=np.float64).reshape(-1, 3)
    scores = np.array([c.score for c in candidates], dtype=np.float64)
    healthy = _healthy(background, points)
    return points[healthy][:_HARD_MOST], scores[healthy][:_HARD_MOST]


def _healthy(background: Background, points: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Tell which points (n, 3) do not lie on a real lesion."""
    index = np.clip(points.round().astype(int), 0, np.array(background.hu.shape) - 1)
    result: npt.NDArray[np.bool_] = ~background.ignore[tuple(index.T)]
    return result


def read_background(part: BackgroundConfig) -> Volume:
    """Read the largest CT volume in a folder.

    Raises
    ------
    ConfigError
        If there is none.
    """
    series = [s for s in find_series(part.path) if not unsuitable(s)]
    if not series:
        raise ConfigError(f"There is no CT series in {part.path}. Correct data.backgrounds in the configuration.")
    return read_series(max(series, key=lambda s: s.n_slices))


def load_backgrounds(config: TrainingConfig, progress: Progress = silent) -> list[Background]:
    """Read the real and make the synthetic backgrounds of a run."""
    rng = np.random.default_rng(config.seed)
    total = len(config.data.backgrounds) + config.data.phantoms
    backgrounds = []
    for n, part in enumerate(config.data.backgrounds):
        progress(n, total, f"reading {part.path.name}")
        backgrounds.append(make_background(read_background(part), part.lesions, part.path.name, rng))
    for n in range(config.data.phantoms):
        progress(len(config.data.backgrounds) + n, total, f"making synthetic scan {n + 1}")
        backgrounds.append(make_background(_phantom(config.seed, n), (), f"phantom-{n}", rng))
    return backgrounds


def _phantom(seed: int, number: int) -> Volume:
    from napari_lesion.phantom.scan import make_scan

    volume, _ = make_scan(seed=1_000_000 + 1000 * (seed % 1000) + number)
    return volume


def run(config_path: Path, out: Path, *, resume: bool = False, progress: Progress = silent) -> Path:
    """Train from a configuration into a folder; returns the folder of the finished model pack.

    A run that was stopped goes on with ``resume`` as if it had not been.

    Raises
    ------
    ConfigError
        If the configuration is wrong, the folder holds another run, or there is nothing to resume.
    """
    config = read_config(config_path)
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists() and not resume:
        raise ConfigError(f"{out} already holds a run. Pass --resume to go on with it, or choose another folder.")
    if resume and not checkpoint.exists():
        raise ConfigError(f"{out} holds no run to go on with. Leave --resume out.")
    out.mkdir(parents=True, exist_ok=True)
    backgrounds = load_backgrounds(config, progress)
    cubes = split_cubes(read_cubes(config.data.nodules))["train"]
    state = start(config, backgrounds, cubes)
    if resume:
        state.load(checkpoint)
    (out / "config.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")), encoding="utf-8")
    log = out / "progress.csv"
    rows = _rows_until(log, state.step)
    while state.step < config.steps:
        row = take_step(state, config)
        rows.append(row)
        if not math.isfinite(row["loss"]):
            raise ConfigError(
                f"The loss is no number any more at step {state.step}. Lower optimiser.learning_rate and resume."
            )
        if state.step % config.mine_every == 0 and state.step < config.steps:
            _mine_all(state, out)
        if state.step % config.checkpoint_every == 0 or state.step == config.steps:
            state.save(checkpoint)
            _write_rows(log, rows)
        recent = np.mean([r["loss"] for r in rows[-50:]])
        progress(state.step, config.steps, f"training, loss {recent:.3f}")
    return export(config, state.average, out)


def _mine_all(state: State, out: Path) -> None:
    rows = []
    for background in state.sampler.backgrounds:
        points, scores = mine(state.average, background)
        state.sampler.hard[background.name] = points
        rows += [
            [state.step, background.name, *np.round(p, 1), round(float(s), 3)]
            for p, s in zip(points, scores, strict=True)
        ]
    with (out / "hard_negatives.csv").open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def _rows_until(log: Path, step: int) -> list[dict[str, float]]:
    if not log.exists():
        return []
    with log.open(newline="", encoding="utf-8") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file) if float(row["step"]) <= step]


def _write_rows(log: Path, rows: list[dict[str, float]]) -> None:
    with whole_file(log) as new, new.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _FIELDS)
        writer.writeheader()
        writer.writerows(rows)
