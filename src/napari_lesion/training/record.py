"""``run.json``: all that the card of a model has to say about its training, from the first step on."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from napari_lesion.models.packages import find_pack
from napari_lesion.training import provenance
from napari_lesion.training.config import TrainingConfig
from napari_lesion.training.learner import Learner
from napari_lesion.training.lidc import CROPS, CUBES
from napari_lesion.training.split import Split


class Record:
    """The record of a run: its sessions (from a start or a resumption to the next stop) and its result."""

    def __init__(self, config: TrainingConfig, split: Split, folder: Path, learner: Learner, *, resumed: bool) -> None:
        self._folder = folder
        self._begun = time.monotonic()
        text = json.dumps(config.model_dump(mode="json"), sort_keys=True)
        data = provenance.hashes(_inputs(config))
        session = {
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "from_step": learner.step,
            "to_step": learner.step,
            "seconds": 0.0,
            "config_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "data_sha256": provenance.sha256_of_parts(data),
            **provenance.software(),
            "hardware": provenance.hardware(learner.device, learner.ranks.size),
        }
        # Steps after the checkpoint that this session goes on from are taken again; the time that they took counts.
        earlier = provenance.read_record(folder) if resumed else {}
        self.content: dict[str, Any] = {
            "id": config.id,
            "version": config.version,
            "seed": config.seed,
            "config": config.model_dump(mode="json"),
            "start_from": earlier["start_from"] if earlier else _start_from(config),
            "split": split.record(),
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


def _inputs(config: TrainingConfig) -> list[Path]:
    """Files and folders that a run reads."""
    data = config.data
    paths = [part.path for part in (*data.backgrounds, *data.validation)]
    if data.nodules:
        packs = [data.nodules / f"{name}{ending}" for name in (CUBES, CROPS) for ending in (".npz", ".csv")]
        packs += [data.nodules / "lidc_cubes_ratings.csv"]
        paths += [path for path in packs if path.exists()]
    if annotated := data.annotated:
        tables = (annotated.annotations, annotated.excluded, annotated.patients)
        paths += [*annotated.scans, *(table for table in tables if isinstance(table, Path))]
    return paths


def _start_from(config: TrainingConfig) -> dict[str, str] | None:
    if not config.start_from:
        return None
    metadata = find_pack(config.start_from).metadata
    return {"id": metadata.id, "version": metadata.version, "sha256": metadata.sha256}
