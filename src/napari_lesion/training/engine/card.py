"""The card of a model that was just trained, filled from the record of its run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from napari_lesion.model.findings import RESEARCH_USE


def card(record: Mapping[str, Any], batches: str, data: str, after: str, loss: str = "") -> str:
    """Put a run's record into words, as the model's card.

    Parameters
    ----------
    record : dict
        As in ``run.json``.
    batches : str
        What a step learns from: "6 crops of 64 mm".
    data : str
        What the network was trained on, as sections or sentences.
    after : str
        How well it does, or that nobody has measured that.
    loss : str
        Its name, where there are several.
    """
    table = "\n".join(f"| {name} | {value} |" for name, value in _rows(record, batches, loss))
    return f"""# {record["id"]} {record["version"]}

{RESEARCH_USE}

## Training
| | |
|---|---|
{table}

## Data
{data.strip()}

{after.strip()}
"""


def _rows(record: Mapping[str, Any], batches: str, loss: str) -> Sequence[tuple[str, str]]:
    config, result, session = record["config"], record["result"], record["sessions"][-1]
    rate, hardware, optimiser = record["learning_rate"], session["hardware"], config["optimiser"]
    if hardware["processes"] > 1:
        batches += f" in each of {hardware['processes']} processes"
    early = ", stopped early" if result["stopped_early"] else ""
    weights = result["weights"]
    if start := record["start_from"]:
        weights += f"; started from {start['id']} {start['version']} (sha256 {start['sha256']})"
    kept_small = f"weight decay {optimiser['weight_decay']:g}, L1 {optimiser['l1']:g}, dropout {config['dropout']:g}"
    versions = ", ".join(f"{name} {version}" for name, version in session["versions"].items())
    rows = [
        ("steps", f"{result['steps']} of {config['steps']}{early}; {batches}"),
        ("weights", weights),
        ("optimiser", f"{optimiser['name']}, {kept_small}, average of weights {optimiser['ema']:g}"),
        ("learning rate", f"{rate['peak']:g}, {rate['schedule']} schedule, {rate['last']:.3g} at the last step"),
        ("loss", f"{loss + '; ' if loss else ''}{result['loss']:.4g} over the last steps"),
        ("computed in", f"{config['precision']} on {hardware['device']} ({hardware['name']})"),
        ("seed", f"{record['seed']}"),
        ("duration", f"{record['seconds'] / 3600:.2f} h in {len(record['sessions'])} sessions"),
        ("data", f"sha256 {record['data_sha256']}"),
        ("code", f"commit {session['commit'] or 'unknown'}; {versions}"),
    ]
    if len({s["data_sha256"] for s in record["sessions"]}) > 1:
        rows.append(("note", "the data changed between the sessions"))
    return rows
