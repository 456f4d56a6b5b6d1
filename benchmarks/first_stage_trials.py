"""What the field does for small nodules, each tried on the first stage of nodule-3d with the same crops and steps.

    python benchmarks/first_stage_trials.py FOLDER [ARM ...] [--steps N] [--config configs/nodule-3d.yaml]

Every arm starts from the weights that ship and takes the same steps over the same crops, so that one thing differs; the
average of its weights is scored on the validation scans (no held-out scan is read), against the arm ``same``, which
only goes on. FOLDER keeps crops, scans, weights and points, so a run goes on where it was stopped.

shipped     the weights as they are
flips       the same, averaged over the scan and its three mirror images
same        more steps
fine        an output at 1 mm instead of 2, which also sees the scan at 1 mm once more
wide        36 instead of 24 channels; at the first step it gives what the narrow one gives
sizes       positives out to half of the radius instead of a third; a nodule counts by 8 mm / diameter (0.7 to 2)
hard        of the healthy voxels only the hundredth that costs the most (online hard examples)
masked      before these steps half as many in which hidden blocks of the crops are made up (masked autoencoding)
"""

from __future__ import annotations

import argparse
import pickle
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_lesion.evaluation.compare import compare_models
from napari_lesion.evaluation.froc import Mark, ScoredPoint
from napari_lesion.models.networks import NoduleNet, conv_block, depth_to_space
from napari_lesion.models.packages import find_package, load_network
from napari_lesion.training.config.detector import TrainingConfig, read_config
from napari_lesion.training.config.options import OptimiserConfig
from napari_lesion.training.data import crops as crops_module
from napari_lesion.training.data.crops import Batch
from napari_lesion.training.data.hard_negatives import find, mine
from napari_lesion.training.data.scans import load_backgrounds
from napari_lesion.training.data.split import make_split
from napari_lesion.training.engine.optimiser import learning_rate
from napari_lesion.training.engine.trainer_state import make_trainer
from napari_lesion.training.recipes.detector import DetectorRecipe
from napari_lesion.training.recipes.detector_loss import costs, nodule_loss
from napari_lesion.training.recipes.detector_validation import ValidationScan, load_validation

ARMS = ("shipped", "flips", "same", "fine", "sizes", "hard", "wide", "masked")
SCANS = 12
WIDE = 36
BLOCK = 8
OPTIMISER = OptimiserConfig(learning_rate=0.0005, weight_decay=0.02, warmup_steps=15, decay_share=0.8, ema=0.98)
Crop = tuple[Tensor, list[Any], Any]
Results = dict[str, dict[str, tuple[ScoredPoint, ...]]]


class FineNet(NoduleNet):
    """``NoduleNet`` that answers at the scan's own grid; ``forward`` gives the best of each 2×2×2 as it does, too."""

    def __init__(self, width: int = 24, dropout: float = 0.0) -> None:
        super().__init__(width, dropout)
        self.finer = nn.Conv3d(width, 64, 1)
        self.seen = conv_block(1, 8)
        self.joined = conv_block(16, 8)
        self.correction = nn.Conv3d(8, 5, 1)
        nn.init.zeros_(self.correction.weight)
        nn.init.zeros_(self.correction.bias)
        shifts = torch.tensor([-0.5, 0.5])
        places = torch.stack(torch.meshgrid(shifts, shifts, shifts, indexing="ij"))
        self.register_buffer("places", places.reshape(1, 3, 8, 1, 1, 1), persistent=False)

    def fine(self, x: Tensor) -> Tensor:
        """(b, 1, d, h, w) → (b, 5, d, h, w); offsets are from the voxel's own centre."""
        features = self.features(x)
        coarse = self.head(features).repeat_interleave(8, dim=1)
        b, _, d, h, w = coarse.shape
        coarse = coarse.reshape(b, 5, 8, d, h, w)
        coarse = torch.cat([coarse[:, :2], coarse[:, 2:] - self.places.to(coarse)], dim=1)
        coarse = depth_to_space(coarse.reshape(b, 40, d, h, w))
        return coarse + self.correction(self.joined(torch.cat([depth_to_space(self.finer(features)), self.seen(x)], 1)))

    def forward(self, x: Tensor) -> Tensor:
        """(b, 1, d, h, w) → (b, 5, d/2, h/2, w/2), as ``NoduleNet``."""
        if self.training:
            return self.fine(x)
        fine = self.fine(x)
        b, c, d, h, w = fine.shape
        parts = fine.reshape(b, c, d // 2, 2, h // 2, 2, w // 2, 2).permute(0, 1, 3, 5, 7, 2, 4, 6)
        parts = parts.reshape(b, c, 8, d // 2, h // 2, w // 2)
        parts = torch.cat([parts[:, :2], parts[:, 2:] + self.places.to(parts)], dim=1)
        best = parts[:, :1].argmax(2, keepdim=True).expand(-1, c, -1, -1, -1, -1)
        return parts.gather(2, best)[:, :, 0]


class Flipped(nn.Module):
    """The mean of a network's logits over the scan and its mirror images; sizes and offsets are of the scan itself."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """As the network."""
        out = self.network(x)
        mirrored = [self.network(x.flip(axis)).flip(axis)[:, :1] for axis in (2, 3, 4)]
        return torch.cat([torch.stack([out[:, :1], *mirrored]).mean(0), out[:, 1:]], dim=1)


def widened(narrow: NoduleNet, width: int) -> NoduleNet:
    """Give a wider network with the same output: new channels lead nowhere at first (Net2Net)."""
    wide = NoduleNet(width, 0.1)
    old = narrow.state_dict()
    state = wide.state_dict()
    for name, new in state.items():
        was = old[name]
        if new.shape == was.shape:
            state[name] = was.clone()
            continue
        filled = new.clone()
        if new.ndim > 1 and new.shape[1] > was.shape[1]:
            filled[: was.shape[0], was.shape[1] :] = 0
        filled[tuple(slice(n) for n in was.shape)] = was
        state[name] = filled
    wide.load_state_dict(state)
    return wide


def sized_maps(make: Callable[..., Any], targets: Sequence[Any], crop: int, valid: Any) -> Any:
    """Weigh nodules by their size."""
    heatmap, weight, size, offset, usable = make(targets, crop, valid)
    diameter = 8 * np.exp(size)
    return heatmap, weight * np.clip(8 / diameter, 0.7, 2).astype(np.float32), size, offset, usable


def loss_of(arm: str, output: Tensor, batch: Batch) -> Tensor:
    """Give an arm's loss."""
    parts = nodule_loss(output, batch)
    if arm != "hard":
        return parts.total
    positive, negative = costs("focal", output[:, 0].float())
    healthy = (negative * (1 - batch.heatmap) ** 4 * batch.valid * (batch.weight == 0)).flatten()
    hardest = healthy.topk(len(healthy) // 100).values.sum()
    heatmap = ((positive * batch.weight).sum() + hardest) / max(batch.nodules, 1)
    return heatmap + 0.3 * parts.size + 0.1 * parts.offset


def learn_hidden(network: NoduleNet, batches: Sequence[Sequence[Crop]], say: Callable[[str], None]) -> None:
    """Masked autoencoding: six of ten blocks of a crop are hidden, and made up from the rest."""
    made_up = nn.Conv3d(network.head.in_channels, 8, 1)
    whole = nn.ModuleDict({"network": network, "made_up": made_up})
    optimiser = torch.optim.AdamW(whole.parameters(), lr=0.0003, weight_decay=0.02)
    chance = torch.Generator().manual_seed(1)
    network.train()
    for step, crops in enumerate(batches):
        image = torch.stack([crop for crop, _, _ in crops])[:, None].float()
        blocks = (torch.rand((len(image), 1, *(n // BLOCK for n in image.shape[2:])), generator=chance) < 0.6).float()
        hidden = functional.interpolate(blocks, scale_factor=BLOCK)
        with torch.autocast("cpu", torch.bfloat16):
            answer = depth_to_space(made_up(network.features(image * (1 - hidden)))).float()
        loss = ((answer - image).abs() * hidden).sum() / hidden.sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(whole.parameters(), 1.0)
        optimiser.step()
        if step % 10 == 0:
            say(f"masked {step}: {float(loss.detach()):.4f}")


def train(arm: str, recipe: DetectorRecipe, batches: Sequence[Sequence[Crop]], kept: Path) -> nn.Module:
    """Take the steps of an arm; what a run that was stopped had done is done anew."""
    torch.manual_seed(1)
    shipped = load_network(find_package("nodule-3d"))
    network: NoduleNet = NoduleNet(24, 0.1)
    network.load_state_dict(shipped.state_dict())
    if arm == "fine":
        network = FineNet(24, 0.1)
        network.load_state_dict(shipped.state_dict(), strict=False)
    elif arm == "wide":
        network = widened(network, WIDE)
    network.to(memory_format=torch.channels_last_3d)
    if kept.exists():
        network.load_state_dict(torch.load(kept, weights_only=True))
        return network.eval()
    begun = time.monotonic()

    def say(text: str) -> None:
        print(f"{arm} {text} ({time.monotonic() - begun:.0f} s)", flush=True)

    if arm == "masked":
        learn_hidden(network, batches[: len(batches) // 2], say)
    trainer = make_trainer(network, OPTIMISER, precision="auto")
    make = crops_module.target_maps
    patches = {
        "fine": {"OUTPUT_STRIDE": 1, "_POSITIVE_LEAST_MM": 1.2},
        "sizes": {"_POSITIVE_SHARE": 0.5, "target_maps": lambda *a: sized_maps(make, *a)},
    }.get(arm, {})
    for step, crops in enumerate(batches):
        with patch.multiple(crops_module, **patches) if patches else patch.object(crops_module, "_RIM", 5):
            batch = recipe.moved(crops_module._collate(list(crops)), torch.device("cpu"))
        lost: list[float] = []

        def loss(called: nn.Module, batch: Batch = batch, lost: list[float] = lost) -> Tensor:
            total = loss_of(arm, called(batch.image), batch)
            lost.append(float(total.detach()))
            return total

        trainer.learn(loss, learning_rate(step, len(batches), OPTIMISER))
        if step % 10 == 0:
            say(f"{step}: {lost[0]:.3f}")
    torch.save(trainer.average.state_dict(), kept)
    return trainer.average.eval()


def kept(path: Path, make: Callable[[], Any]) -> Any:
    """Read what an earlier run has made, or make it."""
    if not path.exists():
        made = make()
        new = path.with_suffix(".new")
        new.write_bytes(pickle.dumps(made))
        new.rename(path)
    return pickle.loads(path.read_bytes())  # written above


def main() -> None:
    """Train and score the arms that are asked for, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("arms", nargs="*", help="by default all")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--config", type=Path, default=Path(__file__).parents[1] / "configs" / "nodule-3d.yaml")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    config = read_config(arguments.config)
    split = make_split(config)
    recipes: list[DetectorRecipe] = []

    def recipe() -> DetectorRecipe:
        if not recipes:
            backgrounds = load_backgrounds(config, _say, series=split.train.series, pitch_mm=config.spacing_mm)
            recipes.append(DetectorRecipe(config, split, backgrounds))
        return recipes[0]

    scans: list[ValidationScan] = kept(
        folder / "scans.pickle", lambda: load_validation(_with_scans(config), split.validation, _say)
    )
    batches = kept(folder / f"crops-{arguments.steps}.pickle", lambda: drawn(recipe(), arguments.steps))
    results: Results = {}
    for arm in arguments.arms or ARMS:
        stored = folder / f"{arm}-{arguments.steps}.pickle"
        weights = folder / f"{arm}-{arguments.steps}.pt"
        if arm in ("shipped", "flips"):
            network = load_network(find_package("nodule-3d"))
            network = Flipped(network) if arm == "flips" else network
        else:
            network = train(arm, recipe_like(config), batches, weights)
        results[arm] = kept(stored, lambda network=network: points_of(network, scans))
        print_row(arm, scans, results)


def recipe_like(config: TrainingConfig) -> Any:
    """Give what moves batches as the recipe does, without reading a scan."""
    made = object.__new__(DetectorRecipe)
    made.config = config
    return made


def _with_scans(config: TrainingConfig) -> TrainingConfig:
    from napari_lesion.training.config.detector import ScanValidationConfig

    return config.model_copy(update={"validation": ScanValidationConfig(every=1, scans=SCANS)})


def drawn(recipe: DetectorRecipe, steps: int) -> list[list[Crop]]:
    """Draw the crops of all steps, after the weights that ship have been asked for hard negatives."""
    network = load_network(find_package("nodule-3d"))
    for background in recipe.sampler.backgrounds:
        recipe.sampler.hard[background.name] = mine(network, background)[0]
        print(f"{background.name}: {len(recipe.sampler.hard[background.name])} hard negatives", flush=True)
    found: list[list[Crop]] = []
    collect: Callable[[list[Crop]], Any] = lambda crops: found.append([(c.half(), t, v) for c, t, v in crops])  # noqa: E731
    with patch.object(crops_module, "_collate", collect):
        for step in range(steps):
            recipe.sampler.batch(recipe.config.batch_size)
            if step % 10 == 0:
                print(f"drawn {step}", flush=True)
    return found


def points_of(network: nn.Module, scans: Sequence[ValidationScan]) -> dict[str, tuple[ScoredPoint, ...]]:
    """Search the scans."""
    result = {}
    for scan in scans:
        found = find(network, scan.hu, scan.search, scan.affine, scan.beside_gas)
        result[scan.uid] = tuple(ScoredPoint(candidate.center_mm, candidate.score) for candidate in found)
    return result


def print_row(
    arm: str, scans: Sequence[ValidationScan], results: dict[str, dict[str, tuple[ScoredPoint, ...]]]
) -> None:
    """Print how an arm does, and its difference to ``same`` (or to what ships)."""
    truth = [mark for scan in scans for mark in scan.truth]
    excluded = [mark for scan in scans for mark in scan.excluded]
    small = [mark for mark in truth if mark.diameter_mm < 6]
    other = [mark for mark in truth if mark.diameter_mm >= 6]
    line = f"| {arm} |"
    for base in ("shipped", "same"):
        if base not in results:
            continue
        for name, marks, left_out in (("all", truth, excluded), ("< 6 mm", small, [*excluded, *other])):
            compared = compare_models(marks, results[base], results[arm], excluded=left_out)
            cpm = compared.differences[0]
            low, high = cpm.interval
            line += f" {name} {cpm.b:.3f}, to {base} {cpm.difference:+.3f} ({low:+.3f} to {high:+.3f}) |"
    found = sum(_is_found(mark, results[arm]) for mark in small)
    print(f"{line} {found} of {len(small)} small ones among the candidates", flush=True)


def _is_found(mark: Mark, results: dict[str, tuple[ScoredPoint, ...]]) -> bool:
    near = (np.linalg.norm(np.subtract(p.center_mm, mark.center_mm)) for p in results[mark.series_uid])
    return any(distance <= mark.diameter_mm / 2 for distance in near)


def _say(done: int, total: int, what: str) -> None:
    print(f"{what} {done}/{total}", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
