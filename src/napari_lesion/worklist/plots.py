"""Plots of a forecast, as matplotlib figures: no window, no global state."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from napari_lesion.support.atomic import whole_file
from napari_lesion.worklist.forecast import WEEK_H, Arrivals, Forecast
from napari_lesion.worklist.readers import Staffing

_FORMATS = ("png", "svg")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def forecast_figure(arrivals: Arrivals, expected: Forecast, staffing: Staffing, share: float) -> Figure:
    """Draw the next week beside the last one, and how many readers are needed; made-up arrivals are called so."""
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=[2, 1])
    hours = np.arange(len(expected.mean))
    above.step(hours, arrivals.counts[-WEEK_H:], where="mid", color="0.55", linewidth=1, label="the week before")
    above.fill_between(hours, *expected.narrow, step="mid", color="#0b6e99", alpha=0.2, linewidth=0, label="80 %")
    above.plot(hours, expected.mean, color="#0b6e99", linewidth=1.8, label="expected")
    days = [_DAYS[time.weekday()] + f" {time:%d.%m.}" for time in expected.times[::24]]
    above.set_xticks(np.arange(0, len(hours), 24), days)
    above.set(ylabel="studies an hour", xlim=(0, len(hours)), ylim=(0, None))
    above.legend(loc="upper right", ncols=3, frameon=False)
    what = "Studies to expect"
    above.set_title(f"{what} (SIMULATED arrivals, not those of a site)" if arrivals.simulated else what)
    numbers = np.arange(1, len(staffing.shares) + 1)
    below.plot(numbers, [100 * one for one in staffing.shares], "o-", color="#c8502d")
    below.axhline(100 * share, linestyle=":", color="0.5")
    below.set(xlabel="readers", ylabel="read in time, %", ylim=(0, 102), xticks=numbers)
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def save_plot(figure: Figure, path: Path) -> None:
    """Save a figure, whole or not at all; the ending chooses PNG or SVG, PNG if it says neither."""
    kind = path.suffix.lower().removeprefix(".")
    with whole_file(path) as temporary, matplotlib.rc_context({"svg.hashsalt": "napari-lesion"}):
        figure.savefig(temporary, format=kind if kind in _FORMATS else _FORMATS[0], dpi=110, metadata={})
