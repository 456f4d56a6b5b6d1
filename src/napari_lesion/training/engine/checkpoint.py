"""Checkpoints: written whole or not at all, read without running code, with the state of all randomness."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import InputFileError


def save(path: Path, content: Mapping[str, Any]) -> None:
    """Write a checkpoint: tensors, numbers, strings, and lists and dicts of them."""
    with whole_file(path) as new:
        torch.save(dict(content), new)


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint, onto the CPU.

    Raises
    ------
    InputFileError
        If it is damaged.
    """
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputFileError(f"The checkpoint {path} cannot be read ({reason}). Start the run anew.") from error
    return content


def randomness() -> dict[str, Any]:
    """State of torch's own generators (dropout draws from them)."""
    return {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []}


def restore_randomness(state: Mapping[str, Any]) -> None:
    """Go back to a state of torch's generators."""
    torch.set_rng_state(state["cpu"])
    if torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
