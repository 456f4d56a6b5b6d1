"""``run.json``: all that the card of a model has to say about its training, from the first step on."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from napari_lesion.models.packages import find_package
from napari_lesion.training.engine import provenance
from napari_lesion.training.engine.recipe import Recipe
from napari_lesion.training.engine.trainer_state import TrainerState


class Record:
    """The record of a run: its sessions (from a start or a resumption to the next stop) and its result."""

    def __init__(self, recipe: Recipe[Any, Any], folder: Path, trainer: TrainerState, *, resumed: bool) -> None:
        config = recipe.config
        self._folder = folder
        self._begun = time.monotonic()
        text = json.dumps(config.model_dump(mode="json"), sort_keys=True)
        data = provenance.hashes(recipe.inputs())
        session = {
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "from_step": trainer.step,
            "to_step": trainer.step,
            "seconds": 0.0,
            "config_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "data_sha256": provenance.sha256_of_parts(data),
            **provenance.software(),
            "hardware": provenance.hardware(trainer.device, trainer.ranks.size),
        }
        # Steps after the checkpoint that this session goes on from are taken again; the time that they took counts.
        earlier = provenance.read_record(folder) if resumed else {}
        self.content: dict[str, Any] = {
            "id": config.id,
            "version": config.version,
            "seed": config.seed,
            "config": config.model_dump(mode="json"),
            "start_from": earlier["start_from"] if "start_from" in earlier else _start_from(recipe.start_from),
            **recipe.about(),
            "data": data,
            "data_sha256": session["data_sha256"],
            "learning_rate": {
                "schedule": config.optimiser.schedule,
                "peak": config.optimiser.learning_rate,
            },
            "sessions": [*earlier.get("sessions", []), session],
            "result": None,
        }

    @property
    def seconds(self) -> float:
        """Duration of all sessions, up to the last ``update``."""
        return float(sum(session["seconds"] for session in self.content["sessions"]))

    def update(self, step: int, rate: float | None, result: dict[str, Any] | None = None) -> None:
        """Note the step and the learning rate that the run has come to, and write it."""
        session = self.content["sessions"][-1]
        session["to_step"], session["seconds"] = step, round(time.monotonic() - self._begun, 1)
        self.content["learning_rate"]["last"] = rate
        self.content["seconds"] = round(self.seconds, 1)
        self.content["result"] = result
        provenance.write_record(self._folder, self.content)


def _start_from(name: str | None) -> dict[str, str] | None:
    if not name:
        return None
    metadata = find_package(name).metadata
    return {"id": metadata.id, "version": metadata.version, "sha256": metadata.sha256}
