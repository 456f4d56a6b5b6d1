"""Plots of an evaluation, as matplotlib figures: no window, no global state."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_lesion.detection.calibration import Reliability
from napari_lesion.evaluation.classification import Classification
from napari_lesion.evaluation.froc import BAND_RATES, FP_RATES, Curve
from napari_lesion.support.atomic import whole_file

_FORMATS = ("png", "svg")
_MOST_BANDS = 2
"""Curves up to which bands are drawn: of more, nothing could be seen."""
_COLOURS = ("#0b6e99", "#c8502d", "#4c8c2b", "#7a4fa3", "#8a6d1f", "#555555")


def froc_figure(curves: Sequence[tuple[str, Curve]]) -> Figure:
    """FROC curves: sensitivity against false positives a scan, on LUNA16's axis; one or two with their 95 % bands."""
    figure, axes = _figure()
    for (name, curve), colour in zip(curves, _cycle(len(curves)), strict=True):
        shown = np.clip(curve.fp_per_scan, FP_RATES[0] / 2, None)
        axes.step(shown, curve.sensitivity, where="post", color=colour, linewidth=1.8, label=_label(name, curve))
        if len(curves) <= _MOST_BANDS:
            axes.fill_between(BAND_RATES, *curve.band, color=colour, alpha=0.15, linewidth=0)
        if curve.end < FP_RATES[-1]:
            axes.plot([max(curve.end, shown[0]), FP_RATES[-1]], [curve.sensitivity[-1]] * 2, ":", color=colour)
        axes.plot(FP_RATES, curve.at_rates, "o", color=colour, markersize=4)
    axes.set_xscale("log", base=2)
    axes.set_xticks(FP_RATES, [f"{rate:g}" for rate in FP_RATES])
    axes.set(xlim=(FP_RATES[0] * 0.9, FP_RATES[-1] * 1.1), xlabel="false positives a scan", ylabel="sensitivity")
    # Below the axes: FROC curves may run anywhere within.
    figure.legend(loc="outside lower center")
    _finish(axes)
    return figure


def roc_figure(result: Classification) -> Figure:
    """ROC of a classifier."""
    figure, axes = _figure()
    axes.plot([0, 1], [0, 1], ":", color="0.6")
    axes.plot(*result.roc, color=_COLOURS[0], linewidth=1.8, label=f"ROC AUC {result['ROC AUC']:.3f}")
    axes.set(xlim=(-0.01, 1), xlabel="false positive rate (1 − specificity)", ylabel="true positive rate (recall)")
    _finish(axes, "lower right")
    return figure


def precision_recall_figure(result: Classification) -> Figure:
    """Precision against recall of a classifier, beside what chance gives."""
    figure, axes = _figure()
    share = result.positives / result.cases
    axes.axhline(share, linestyle=":", color="0.6", label=f"chance {share:.3f}")
    recall, precision = result.precision_recall
    axes.step(recall, precision, where="pre", color=_COLOURS[0], linewidth=1.8, label=f"PR AUC {result['PR AUC']:.3f}")
    axes.set(xlim=(0, 1), xlabel="recall", ylabel="precision")
    _finish(axes, "lower left")
    return figure


def calibration_figure(reliability: Reliability) -> Figure:
    """Reliability: the share of true cases against the score that was given; below, how many cases there are."""
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes, counts = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    axes.plot([0, 1], [0, 1], ":", color="0.6", label="perfect")
    bins = reliability.bins
    score, share = [b.mean_score for b in bins], [b.share_true for b in bins]
    axes.plot(score, share, "o-", color=_COLOURS[0], label=f"ECE {reliability.ece:.3f}")
    axes.set(xlim=(0, 1), ylabel="share of true cases")
    _finish(axes, "upper left")
    counts.bar([(b.low + b.high) / 2 for b in bins], [b.findings for b in bins], width=0.09, color=_COLOURS[0])
    counts.set_yscale("log")
    counts.set(xlabel="score", ylabel="cases")
    return figure


def save_figures(figures: Mapping[str, Figure], folder: Path) -> None:
    """Write every figure as ``NAME.png`` and ``NAME.svg``."""
    for name, figure in figures.items():
        for kind in _FORMATS:
            with whole_file(folder / f"{name}.{kind}") as new:
                if kind == "svg":
                    new.write_text(as_svg(figure, name), encoding="utf-8")
                else:
                    figure.savefig(new, dpi=120)


def as_svg(figure: Figure, name: str) -> str:
    """Draw a figure as SVG; the same numbers give the same text, and figures of other names share no identifiers."""
    text = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def _label(name: str, curve: Curve) -> str:
    low, high = curve.cpm_interval
    name = name.replace("$", r"\$")  # else it begins a formula
    return f"{name} (n = {curve.nodules}): CPM {curve.cpm:.3f}" + ("" if np.isnan(low) else f" [{low:.3f}, {high:.3f}]")


def _cycle(number: int) -> list[str]:
    return [_COLOURS[n % len(_COLOURS)] for n in range(number)]


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7, 5), layout="constrained")
    return figure, figure.subplots()


def _finish(axes: Axes, corner: Literal["lower left", "lower right", "upper left"] | None = None) -> None:
    axes.set_ylim(0, 1.02)
    axes.grid(color="0.9")
    if corner:
        axes.legend(loc=corner, frameon=True, framealpha=0.9)
    axes.spines[["top", "right"]].set_visible(False)
