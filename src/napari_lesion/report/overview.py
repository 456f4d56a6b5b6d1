"""``overview.png``: axial cut-outs of the best findings with the heatmap, to be judged at a glance."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.patheffects import withStroke

from napari_lesion.detection.operating_points import in_words
from napari_lesion.explain.maps import Explanation
from napari_lesion.model.findings import RESEARCH_USE, Analysis, Finding, ModelReference, Report, image_name
from napari_lesion.model.volume import FloatArray, Volume
from napari_lesion.report.plane import Plane, plane_around, sample, side_of
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.plain import one_line

FILE_NAME = "overview.png"

LUNG_WINDOW = (-1350.0, 150.0)
"""HU shown black and white (level −600, width 1500)."""
SOFT_TISSUE_WINDOW = (-160.0, 240.0)
"""HU shown black and white (level 40, width 400)."""
_LUNG_HU = (-980.0, -500.0)
_LUNG_SHARE = 0.02
_BACKGROUND = "#111111"
_TEXT = "#e8e8e8"
_DIM = "#9a9a9a"
_ACCENT = "#ffb000"
_OUTLINE = [withStroke(linewidth=2.5, foreground="black")]
_COLUMNS = 4
_CUTOUT_MM = 80.0
_PIXEL_MM = 0.4
_AIR_HU = -1024.0
_MOST_LETTERS = 120
"""Of one part of the heading."""


def save_overview(analysis: Analysis, path: Path, *, best: int = 12) -> None:
    """Draw the best findings as PNG, whole or not at all.

    Parameters
    ----------
    analysis : Analysis
    path : Path
    best : int
        At most this many findings.
    """
    figure = overview_figure(analysis, best=best)
    with whole_file(path, private=True) as temporary:
        figure.savefig(temporary, facecolor=_BACKGROUND)


def overview_figure(analysis: Analysis, *, best: int = 12) -> Figure:
    """Draw the best findings: an axial cut-out of each with heatmap, circle, score, size and place."""
    report = analysis.report
    shown = report.findings[:best]
    series = report.series
    title = (series.patient_id, series.study_date, series.series_number, series.series_description)
    figure, cells = _sheet(title, _header(report, len(shown)), len(shown), report.intended_use)
    for axes, finding in zip(cells, shown, strict=True):
        _draw(axes, analysis, finding)
    if not shown:
        figure.text(0.5, 0.4, "No findings", color=_DIM, size=20, ha="center", va="center")
    return figure


def _sheet(title: Sequence[str], lines: list[str], cells: int, use: str) -> tuple[Figure, list[Axes]]:
    """Make a page with a heading, lines below it, and cells in rows of ``_COLUMNS``."""
    rows = max(1, -(-cells // _COLUMNS))
    head, foot, cell = 0.42 + 0.2 * len(lines), 0.35, 3.3
    height = head + foot + rows * (cell + 0.3)
    figure = Figure(figsize=(_COLUMNS * cell + 0.4, height), dpi=110, facecolor=_BACKGROUND)
    FigureCanvasAgg(figure)
    heading = "   ·   ".join(one_line(part)[:_MOST_LETTERS] for part in title if part) or "CT"
    figure.text(0.015, 1 - 0.12 / height, heading, color=_TEXT, size=13, weight="bold", va="top", parse_math=False)
    for number, line in enumerate(lines):
        color = _ACCENT if line.startswith("⚠") else _DIM
        figure.text(0.015, 1 - (0.42 + 0.2 * number) / height, line, color=color, size=9, va="top", parse_math=False)
    grid = figure.add_gridspec(
        rows,
        _COLUMNS,
        left=0.015,
        right=0.985,
        top=1 - (head + 0.35) / height,
        bottom=foot / height,
        hspace=0.09,
        wspace=0.04,
    )
    figure.text(0.015, 0.1 / height, use, color=_ACCENT, size=9, va="bottom")
    return figure, [figure.add_subplot(grid[n // _COLUMNS, n % _COLUMNS]) for n in range(cells)]


def _header(report: Report, shown: int) -> list[str]:
    series, certificate, model = report.series, report.certificate, report.model
    count = len(report.findings)
    found = f"{count} finding{'' if count == 1 else 's'} at score ≥ {model.threshold:.2f}"
    if model.false_positives_per_scan is not None:
        found += f" (expect {in_words(model.false_positives_per_scan)})"
    if shown < count:
        found += f", the best {shown} shown"
    spacing = " × ".join(f"{s:.2f}" for s in certificate.spacing_mm[::-1])
    lines = [
        f"{found}   ·   {model.id} {model.version}",
        f"{certificate.orientation} acquisition, {certificate.shape[0]} slices, {spacing} mm (x, y, z of the file)"
        if certificate.orientation == "axial"
        else f"{certificate.orientation} acquisition, {certificate.shape[0]} slices, voxels {spacing} mm; "
        "shown reformatted to axial planes",
        f"Series {series.series_uid}",
    ]
    for warning in report.warnings:
        lines += textwrap.wrap(f"⚠ {warning}", 150)
    return lines


def _draw(axes: Axes, analysis: Analysis, finding: Finding) -> None:
    volume, heatmap = analysis.volume, analysis.heatmap
    plane = _draw_cut_out(axes, volume, finding)
    values = sample(heatmap.values, heatmap.affine, plane.points(), 0.0)
    axes.imshow(
        values, cmap="inferno", vmin=0, vmax=1, extent=_extent(plane), alpha=np.clip(values * 0.5, 0, 0.35), zorder=0.5
    )
    side = side_of(volume, finding.center_mm)
    where = image_name(analysis.report.series, finding.instance_number, finding.frame) or _height(finding)
    _title(axes, f"{finding.name}   score {finding.score:.2f}   {finding.size} mm   {side}   {where}")


def _draw_cut_out(axes: Axes, volume: Volume, finding: Finding) -> Plane:
    """Draw the axial slice through a finding, with a circle around it, the patient's sides and a scale."""
    center = np.asarray(finding.center_mm)
    plane = plane_around(on_slice(volume, center), max(_CUTOUT_MM, 2.5 * finding.size_mm), _PIXEL_MM)
    image = sample(volume.voxels, volume.affine, plane.points(), np.nan)
    extent = _extent(plane)
    x0, x1, y1, y0 = extent
    axes.set_facecolor("black")
    low, high = window_of(image, volume)
    axes.imshow(image, cmap="gray", vmin=low, vmax=high, extent=extent, interpolation="nearest", zorder=0)
    axes.add_patch(Circle((center[0], center[1]), max(finding.size_mm / 2 + 2.5, 5), fill=False, color=_ACCENT, lw=1.2))
    axes.set(xlim=(x0, x1), ylim=(y1, y0), xticks=[], yticks=[])
    for x, y, letter in ((0.02, 0.5, "R"), (0.98, 0.5, "L"), (0.5, 0.98, "A"), (0.5, 0.02, "P")):
        axes.text(
            x,
            y,
            letter,
            transform=axes.transAxes,
            color=_TEXT,
            size=9,
            path_effects=_OUTLINE,
            ha={0.02: "left", 0.98: "right"}.get(x, "center"),
            va={0.02: "bottom", 0.98: "top"}.get(y, "center"),
        )
    axes.plot([x0 + 4, x0 + 14], [y1 - 4, y1 - 4], color=_TEXT, lw=1.5, path_effects=_OUTLINE)
    axes.text(x0 + 9, y1 - 5.5, "10 mm", color=_TEXT, size=6.5, ha="center", va="bottom", path_effects=_OUTLINE)
    return plane


def _extent(plane: Plane) -> tuple[float, float, float, float]:
    """Left, right, bottom and top edge, LPS mm: x grows to the right of the image, y downwards."""
    x0, y0 = (float(value) for value in plane.corner_mm[:2] - plane.pixel_mm / 2)
    return x0, x0 + plane.shape[1] * plane.pixel_mm, y0 + plane.shape[0] * plane.pixel_mm, y0


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, color=_TEXT, size=9, pad=4, parse_math=False)


def _height(finding: Finding) -> str:
    return f"z {finding.center_mm[2]:.1f} mm".replace("-", "−")


def save_explanation_picture(explanation: Explanation, volume: Volume, model: ModelReference, path: Path) -> None:
    """Draw why a model reported one finding as PNG, whole or not at all."""
    figure = explanation_figure(explanation, volume, model)
    with whole_file(path, private=True) as temporary:
        figure.savefig(temporary, facecolor=_BACKGROUND, format="png")


def explanation_figure(explanation: Explanation, volume: Volume, model: ModelReference) -> Figure:
    """Draw one finding: the scan alone, then under each map, with the map's faithfulness."""
    finding = explanation.finding
    notes = [*explanation.warnings, *explanation.left_out.values()]
    lines = [
        f"{finding.name}: score {finding.score:.2f}, {finding.size} mm, {_height(finding)}   ·   "
        f"{model.id} {model.version}",
        "Bright: evidence for a finding. Faithfulness: 1 if the score falls at once where the map is bright, 0 if no "
        "faster than at random.",
        *(line for note in notes for line in textwrap.wrap(f"⚠ {note}", 150)),
    ]
    series = volume.series
    title = (series.patient_id, series.study_date, series.series_description)
    figure, cells = _sheet(title, lines, len(explanation.maps) + 1, RESEARCH_USE)
    for place, axes in enumerate(cells):
        plane = _draw_cut_out(axes, volume, finding)
        if place == 0:
            _title(axes, "scan")
            continue
        made = explanation.maps[place - 1]
        shown = np.clip(sample(made.values, made.affine, plane.points(), 0.0) / made.top, 0, 1)
        axes.imshow(
            shown, cmap="inferno", vmin=0, vmax=1, extent=_extent(plane), alpha=np.clip(shown * 1.5, 0, 0.6), zorder=0.5
        )
        faithful = "not tested" if made.faithfulness is None else f"faithfulness {made.faithfulness:.2f}"
        _title(axes, f"{made.name}   {faithful}")
    return figure


def window_of(image: npt.NDArray[np.float32], volume: Volume) -> tuple[float, float]:
    """Choose what is black and white: for lungs, for soft tissue where hardly any lung is in view, else by the values.

    Values that are not HU have no scale of their own, so the window spans all but the darkest and brightest 1 %.
    """
    seen = image[np.isfinite(image)]
    if seen.size == 0:
        return LUNG_WINDOW
    if volume.certificate.unit != "HU":
        low, high = (float(value) for value in np.percentile(seen, (1, 99)))
        return low, max(high, low + 1)
    lung = np.mean((seen > _LUNG_HU[0]) & (seen < _LUNG_HU[1]))
    return LUNG_WINDOW if lung > _LUNG_SHARE else SOFT_TISSUE_WINDOW


def on_slice(volume: Volume, center: FloatArray) -> FloatArray:
    """Move a point to the nearest acquired slice where slices are axial: that is what was seen by the scanner."""
    normal = volume.affine[:3, 0] / np.linalg.norm(volume.affine[:3, 0])
    if abs(normal[2]) < 1 - 1e-4:
        return center
    index = volume.to_index(center)
    index[0] = np.clip(np.rint(index[0]), 0, volume.shape[0] - 1)
    moved = center.copy()
    moved[2] = volume.to_patient(index)[2]
    return moved
