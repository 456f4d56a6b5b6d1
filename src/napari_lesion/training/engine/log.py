"""What a run writes down while it goes on: numbers by step, curves as a picture, and TensorBoard's files."""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import ConfigError

LoggedRow = dict[str, float]
_SMOOTH = 50


class Log:
    """A table of numbers by step: kept in memory, written whole, and read back up to a step when a run goes on."""

    def __init__(self, path: Path, until: int = 0) -> None:
        self.path = path
        self.rows: list[LoggedRow] = read_rows(path, until)

    def add(self, row: LoggedRow) -> None:
        """Add a row; it needs a ``step``."""
        self.rows.append(row)

    def write(self) -> None:
        """Write the table as CSV."""
        if not self.rows:
            return
        with whole_file(self.path) as new, new.open("w", newline="", encoding="utf-8") as file:
            # A run of an earlier version, which wrote other columns, may go on here.
            writer = csv.DictWriter(file, list(dict.fromkeys(name for row in self.rows for name in row)))
            writer.writeheader()
            writer.writerows(self.rows)

    def recent(self, name: str) -> float:
        """Mean of the last values of a column."""
        return float(np.mean([row[name] for row in self.rows[-_SMOOTH:]]))


def read_rows(path: Path, until: int = sys.maxsize) -> list[LoggedRow]:
    """Read a table up to a step; one that is not there has no rows."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if int(row["step"]) <= until]
    return [{name: _number(cell) for name, cell in row.items() if cell != ""} for row in rows]


def _number(text: str) -> float:
    return int(text) if text.isdigit() else float(text)


def draw_curves(path: Path, steps: Sequence[LoggedRow], validations: Sequence[LoggedRow], measure: str) -> None:
    """Draw loss, learning rate and validations by step, as PNG.

    Parameters
    ----------
    path : Path
    steps : sequence of dict
        With ``step``, ``loss`` and ``learning_rate``.
    validations : sequence of dict
        With ``step`` and ``measure``.
    measure : str
        Column of the validations to draw.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 7), layout="constrained")
    loss_axes, rate_axes, validation_axes = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1, 2))
    at = [row["step"] for row in steps]
    loss = np.array([row["loss"] for row in steps])
    loss_axes.plot(at, loss, color="0.8", linewidth=0.5)
    window = min(_SMOOTH, len(loss))
    if window:
        mean = np.convolve(loss, np.ones(window) / window, mode="valid")
        loss_axes.plot(at[window - 1 :], mean, label=f"mean of {window} steps")
        loss_axes.legend()
    if (loss > 0).all() and len(loss):
        loss_axes.set_yscale("log")
    loss_axes.set_ylabel("loss")
    rate_axes.plot(at, [row["learning_rate"] for row in steps])
    rate_axes.set_ylabel("learning rate")
    validation_axes.plot([row["step"] for row in validations], [row[measure] for row in validations], marker="o")
    validation_axes.set(xlabel="step", ylabel=f"validation: {measure}")
    with whole_file(path) as new:
        figure.savefig(new, dpi=100)


def draw_run(run: Path, out: Path) -> None:
    """Draw the curves of a run's folder as ``training.png`` and ``training.svg``.

    Raises
    ------
    ConfigError
        If the folder is none of a run, or its tables are damaged.
    """
    try:
        steps, validations = read_rows(run / "progress.csv"), read_rows(run / "validation.csv")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{run}: progress.csv or validation.csv is not as `train` writes it ({error}).") from error
    if not steps:
        raise ConfigError(f"{run}: no progress.csv with steps in it, so this is no folder of a training run.")
    absent = [name for name in ("loss", "learning_rate") if name not in steps[0]]
    if absent:
        raise ConfigError(f"{run}: progress.csv has no column {', '.join(absent)}, so there is no curve to draw.")
    measure = next((name for name in (validations[0] if validations else {}) if name != "step"), "none")
    for kind in ("png", "svg"):
        draw_curves(out / f"training.{kind}", steps, validations, measure)


class TensorBoardLogger:
    """TensorBoard's event files, beside the tables."""

    def __init__(self, folder: Path, step: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ConfigError(
                "The configuration asks for TensorBoard. Install it: pip install napari-lesion[tensorboard]."
            ) from error
        # Steps that a killed run had written after its last checkpoint are taken back.
        writer: Any = SummaryWriter  # untyped
        self._writer = writer(str(folder), purge_step=step + 1)

    def add(self, group: str, row: LoggedRow) -> None:
        """Write the numbers of a row."""
        for name, value in row.items():
            if name != "step" and math.isfinite(value):
                self._writer.add_scalar(f"{group}/{name}", value, int(row["step"]))

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()
