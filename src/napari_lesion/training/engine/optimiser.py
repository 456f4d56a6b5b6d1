"""Optimisers and schedules, for any network."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch.nn import Parameter

from napari_lesion.training.config.options import OptimiserConfig


def make_optimiser(parameters: Iterable[Parameter], options: OptimiserConfig) -> torch.optim.Optimizer:
    """Make the optimiser that a configuration names."""
    rate, decay = options.learning_rate, options.weight_decay
    if options.name == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)
    if options.name == "adam":
        return torch.optim.Adam(parameters, lr=rate, weight_decay=decay)
    momentum = options.momentum if options.name == "momentum" else 0.0
    return torch.optim.SGD(parameters, lr=rate, weight_decay=decay, momentum=momentum, nesterov=momentum > 0)


def learning_rate(step: int, steps: int, options: OptimiserConfig, cuts: int = 0) -> float:
    """Give the rate of a step by the schedule.

    Parameters
    ----------
    step, steps : int
        Steps done, and in all.
    options : OptimiserConfig
    cuts : int
        How often ``plateau`` has cut the rate so far.
    """
    rate = options.learning_rate * min(1.0, (step + 1) / max(options.warmup_steps, 1))
    start = steps * (1 - options.decay_share)
    fallen = max(0.0, (step - start) / (steps - start))
    match options.schedule:
        case "linear":
            return rate * max(0.0, 1 - fallen)
        case "cosine":
            return rate * (1 + math.cos(math.pi * min(fallen, 1.0))) / 2
        case "step":
            return rate * options.factor ** (step // options.step_every)
        case "plateau":
            return rate * options.factor**cuts
        case "constant":
            return rate
