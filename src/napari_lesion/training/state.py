"""The state of a run of ``nodule-3d``: how it starts, and what a checkpoint of it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from napari_lesion.models.networks import NoduleNet
from napari_lesion.models.packages import find_pack, load_network
from napari_lesion.support.errors import ConfigError
from napari_lesion.training import checkpoint
from napari_lesion.training.ahead import Ahead
from napari_lesion.training.config import TrainingConfig
from napari_lesion.training.data import Background, Sampler
from napari_lesion.training.learner import Learner, make_learner
from napari_lesion.training.ranks import ALONE, Ranks
from napari_lesion.training.search import HardNegative, healthy
from napari_lesion.training.split import Split
from napari_lesion.training.verdict import Verdict


@dataclass
class State:
    """All that changes during a run; a checkpoint holds exactly this."""

    config: TrainingConfig
    learner: Learner
    ahead: Ahead
    verdict: Verdict
    hard: list[HardNegative] = field(default_factory=list)
    """All that were ever mined, as ``hard_negatives.csv`` lists them; ``ahead.sampler.hard`` holds the last ones."""

    @property
    def sampler(self) -> Sampler:
        """Where the batches come from."""
        return self.ahead.sampler

    @property
    def done(self) -> bool:
        """Whether no step is left to take."""
        return self.learner.step >= self.config.steps or self.verdict.stops

    def save(self, path: Path) -> None:
        """Write a checkpoint; to be called by all processes, of which the first one writes."""
        ranks = self.learner.ranks
        own = ranks.gathered({"sampler": self.ahead.state, "torch": checkpoint.randomness()})
        if ranks.first:
            content = {
                "learner": self.learner.state(),
                "verdict": self.verdict.state(),
                "mined": {name: torch.from_numpy(points) for name, points in self.sampler.hard.items()},
                "ranks": own,
            }
            checkpoint.save(path, content)
        ranks.wait()

    def load(self, path: Path) -> None:
        """Go back to a checkpoint.

        Raises
        ------
        ConfigError
            If it is damaged, or of another number of processes.
        """
        content = checkpoint.load(path)
        ranks = self.learner.ranks
        if len(content["ranks"]) != ranks.size:
            raise ConfigError(
                f"The run in {path.parent} was made by {len(content['ranks'])} processes, and goes on with as many "
                f"only, not with {ranks.size}."
            )
        self.learner.restore(content["learner"])
        self.verdict.restore(content["verdict"])
        self.sampler.hard = {name: points.numpy() for name, points in content["mined"].items()}
        for background in self.sampler.backgrounds:  # lesions may have been marked since
            points = self.sampler.hard.get(background.name, np.zeros((0, 3)))
            self.sampler.hard[background.name] = points[healthy(background, points)]
        own = content["ranks"][ranks.rank]
        self.ahead.restore(own["sampler"])
        checkpoint.restore_randomness(own["torch"])


def start(
    config: TrainingConfig,
    split: Split,
    backgrounds: list[Background],
    *,
    device: torch.device | str = "cpu",
    ranks: Ranks = ALONE,
    weights: bool = True,
) -> State:
    """Make the state at step 0: the same network in every process, and its own batches in each.

    Parameters
    ----------
    config : TrainingConfig
    split : Split
    backgrounds : list of Background
    device : torch.device or str
    ranks : Ranks
    weights : bool
        Read those that ``start_from`` names; a run that goes on has its own.

    Raises
    ------
    ConfigError
        If the weights to start from belong to another network.
    """
    where = torch.device(device)
    torch.manual_seed(config.seed)
    network = NoduleNet(config.width, config.dropout)
    if config.start_from and weights:
        _take_over(network, config.start_from)
    if where.type != "mps":  # MPS knows no channels_last_3d.
        network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # missing in torch's stubs
    data = config.data
    sampler = Sampler(
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
    if not ranks.first:
        torch.manual_seed(config.seed + ranks.rank)  # its own dropout
    plateau = config.optimiser.schedule == "plateau"
    return State(
        config=config,
        learner=make_learner(network, config.optimiser, device=where, precision=config.precision, ranks=ranks),
        ahead=Ahead(sampler, config.batch_size),
        verdict=Verdict(
            patience=config.validation.patience if config.validation else 0,
            plateau_patience=config.optimiser.plateau_patience if plateau else 0,
        ),
    )


def _take_over(network: NoduleNet, name: str) -> None:
    weights = load_network(find_pack(name)).state_dict()
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ConfigError(
            f"start_from: the weights of {name} belong to another network than the one of width "
            f"{network.head.in_channels} that the configuration asks for."
        ) from error
