"""Cross-validation: a run for each fold, and what they say together."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np

from napari_lesion.evaluation.froc import FP_RATES
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import OptionError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.training.config.detector import read_config
from napari_lesion.training.engine import run_folder
from napari_lesion.training.engine.provenance import read_record
from napari_lesion.training.engine.ranks import processes
from napari_lesion.training.recipes.detector import run

TABLE, DIVISION = "folds.csv", "folds.json"


def cross_validate(
    config_path: Path, out: Path, folds: int | None = None, *, resume: bool = False, progress: Progress = silent
) -> Path:
    """Train every fold into ``out/fold-N``; write ``folds.csv`` (their validations) and ``folds.json`` (who was where).

    Folds that are done stay as they are when it goes on with ``resume``.

    Returns
    -------
    Path
        ``folds.csv``.

    Raises
    ------
    OptionError
        As ``run``.
    """
    count = folds or read_config(config_path).folds
    if count is None:
        raise OptionError("How many folds there are is not given. Write folds into the configuration, or pass --folds.")
    if processes() > 1:
        raise OptionError("Under torchrun the folds are trained one by one. Pass --fold as well.")
    records = []
    for fold in range(count):
        folder = out / f"fold-{fold}"
        started = (folder / run_folder.CHECKPOINT).exists()
        if not (resume and read_record(folder).get("result")):
            run(config_path, folder, resume=resume and started, fold=fold, folds=count, progress=progress)
        records.append(read_record(folder))
    measured = [record["result"]["validation"] for record in records]
    rows = [[n, m["scans"], m["nodules"], m["cpm"], *m["sensitivity"]] for n, m in enumerate(measured)]
    numbers = np.array([row[3:] for row in rows])
    rows += [
        ["mean", sum(m["scans"] for m in measured), sum(m["nodules"] for m in measured), *numbers.mean(0)],
        ["sd", "", "", *numbers.std(0, ddof=1)],
    ]
    with whole_file(out / DIVISION) as new:
        new.write_text(json.dumps([record["split"] for record in records], indent=2) + "\n", encoding="utf-8")
    with whole_file(out / TABLE) as new, new.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["fold", "scans", "nodules", "cpm", *(f"sensitivity_at_{rate:g}" for rate in FP_RATES)])
        writer.writerows([_short(value) for value in row] for row in rows)
    return out / TABLE


def _short(value: float | str) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
