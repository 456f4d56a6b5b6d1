"""The card of a model, filled from the record of its run."""

from __future__ import annotations

import math
from typing import Any

from napari_lesion.evaluation.froc import FP_RATES, Evaluation
from napari_lesion.model.findings import RESEARCH_USE
from napari_lesion.training.config import TrainingConfig
from napari_lesion.training.split import Split

CHOSEN = "The weights were chosen by these scans, so the numbers are better than on new ones."


def card(config: TrainingConfig, split: Split, record: dict[str, Any], evaluation: Evaluation | None) -> str:
    """Put a run's record into words, as the model's card.

    Parameters
    ----------
    config : TrainingConfig
    split : Split
    record : dict
        As in ``run.json``.
    evaluation : Evaluation, optional
        Of the validation scans.
    """
    result, session = record["result"], record["sessions"][-1]
    rate, hardware, optimiser = record["learning_rate"], session["hardware"], config.optimiser
    crops = f"{config.batch_size} crops of {config.crop} mm"
    if hardware["processes"] > 1:
        crops += f" in each of {hardware['processes']} processes"
    early = ", stopped early" if result["stopped_early"] else ""
    weights = result["weights"]
    if start := record["start_from"]:
        weights += f"; started from {start['id']} {start['version']} (sha256 {start['sha256']})"
    kept_small = f"weight decay {optimiser.weight_decay:g}, L1 {optimiser.l1:g}, dropout {config.dropout:g}"
    versions = ", ".join(f"{name} {version}" for name, version in session["versions"].items())
    rows = [
        ("steps", f"{result['steps']} of {config.steps}{early}; {crops}"),
        ("weights", weights),
        ("optimiser", f"{optimiser.name}, {kept_small}, average of weights {optimiser.ema:g}"),
        ("learning rate", f"{rate['peak']:g}, {rate['schedule']} schedule, {rate['last']:.3g} at the last step"),
        ("loss", f"{config.loss.heat}; {result['loss']:.4g} over the last steps"),
        ("computed in", f"{config.precision} on {hardware['device']} ({hardware['name']})"),
        ("seed", f"{config.seed}"),
        ("duration", f"{record['seconds'] / 3600:.2f} h in {len(record['sessions'])} sessions"),
        ("data", f"sha256 {record['data_sha256']}"),
        ("code", f"commit {session['commit'] or 'unknown'}; {versions}"),
    ]
    if len({s["data_sha256"] for s in record["sessions"]}) > 1:
        rows.append(("note", "the data changed between the sessions"))
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    fold = f"Fold {split.fold} of {split.folds} (from 0). " if split.fold is not None else ""
    parts = "\n".join(
        f"| {name} | {len(part.series)} | {len(part.cubes) + len(part.crops)} | {len(part.annotated)} | "
        f"{sum(len(scan.truth) for scan in part.annotated)} |"
        for name, part in (("training", split.train), ("validation", split.validation), ("test (not used)", split.test))
    )
    return f"""# {config.id} {config.version}

{RESEARCH_USE}

## Training
| | |
|---|---|
{table}

## Data
{fold}Divided by patient; run.json names every case. {config.data.phantoms} synthetic scans and synthetic nodules of \
every type come on top of the training part.

| part | series to insert into | nodules to insert | annotated scans | with nodules |
|---|---|---|---|---|
{parts}

{_validation_section(evaluation, config)}"""


def _validation_section(evaluation: Evaluation | None, config: TrainingConfig) -> str:
    if evaluation is None:
        return "Not evaluated yet.\n"
    curve = evaluation.overall
    rates = " | ".join(f"{rate:g}" for rate in FP_RATES)
    values = " | ".join(f"{value:.3f}" for value in curve.at_rates)
    low, high = curve.cpm_interval
    interval = "" if math.isnan(low) else f" (95 % interval {low:.3f} to {high:.3f}, bootstrap over scans)"
    return f"""## Validation
CPM {curve.cpm:.3f}{interval} on {curve.nodules} nodules in {curve.scans} scans of patients that were not \
learned from. {CHOSEN if config.validation else ""}

| false positives a scan | {rates} |
|---|{"---|" * len(FP_RATES)}
| sensitivity | {values} |

Not evaluated on other scans yet.
"""
