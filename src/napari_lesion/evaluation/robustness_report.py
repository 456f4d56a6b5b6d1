"""The tables of robustness on disk: CSV, JSON, Markdown for a model card, and a page with plots."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_lesion.evaluation import page
from napari_lesion.evaluation.plots import save_figures
from napari_lesion.evaluation.robustness import Robustness, RobustnessRow
from napari_lesion.evaluation.scan_groups import FEW, GroupRow
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.tables import write_table

TABLE, CONTENT, MARKDOWN, GROUPS, PAGE = (
    *("robustness.csv", "robustness.json", "robustness.md"),
    *("robustness_groups.csv", "robustness.html"),
)
HEADER = (
    *("scans", "n", "patients", "nodules", "sensitivity", "unchanged", "change", "p", "CPM", "unchanged", "FP/scan"),
    "unchanged",
)
GROUP_HEADER = (
    *("by", "group", "scans", "patients", "nodules", "sensitivity", "rest", "p", "CPM", "FP/scan", "rest", "p"),
)
_AXES = {
    "thickness": "slices, mm",
    "kernel": "kernel: soft, mm, and sharp, times",
    "dose": "one over the dose",
    "contrast": "contrast, HU",
    "motion": "motion, mm",
    "vendor": "header, kernel, field",
}
_NOW, _BEFORE = "#0b6e99", "0.55"


def save_robustness(result: Robustness, folder: Path) -> None:
    """Write the tables and the page, each whole or not at all.

    The page and ``robustness_groups.csv`` name scanners and sites; the others name nobody and no place.
    """
    _save_rows(result.rows, RobustnessRow, folder / TABLE)
    _save_rows(result.groups, GroupRow, folder / GROUPS)
    content = {
        "protocol": "LUNA16",
        "model": result.model.model_dump(),
        "series_uids": list(result.series_uids),
        "patients": result.patients,
        "bootstraps": result.bootstraps,
        "rows": [_plain(row) for row in result.rows],
    }
    with whole_file(folder / CONTENT) as temporary:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    with whole_file(folder / MARKDOWN) as temporary:
        temporary.write_text(as_markdown(result), encoding="utf-8")
    figures = {"robustness": strengths_figure(result.rows), "robustness_groups": groups_figure(result.groups)}
    save_figures({"robustness": figures["robustness"]}, folder)
    page.save_page(
        folder / PAGE,
        f"Robustness of {result.model.id} {result.model.version}",
        facts=facts(result),
        notes=notes(result),
        tables={
            "Scans made otherwise": (HEADER, [cells(row) for row in result.rows]),
            "Groups": (GROUP_HEADER, [group_cells(row) for row in result.groups]),
        },
        figures={"By strength": figures["robustness"], "By group": figures["robustness_groups"]},
    )


def facts(result: Robustness) -> tuple[str, ...]:
    """Describe what was measured and how, as sentences."""
    about = result.model
    return (
        f"{about.id} {about.version}: {len(result.series_uids)} scans of {result.patients} patients. Sensitivity and "
        f"false positives a scan (FP/scan) are at the default threshold ({about.threshold:.4g}).",
        "Unchanged: the same nodules in the same part of the same scans as they were. Intervals: 95 %, "
        f"{result.bootstraps} bootstraps over patients. p: of the change of sensitivity (signs flipped over patients) "
        "and of the difference to the rest (patients exchanged), corrected for their number (Holm).",
        "The scans are made otherwise from the image alone, not from raw data: this tells what the model depends on, "
        "not how good it is on another scanner.",
    )


def notes(result: Robustness) -> tuple[str, ...]:
    """Describe what no claim can be made from, as sentences."""
    said = []
    if result.patients < FEW:
        said.append(
            f"{result.patients} patients are fewer than {FEW}: intervals over so few are too narrow, and tests can "
            "hardly tell anything. No row is a claim about other patients."
        )
    few = sum(row.few for row in result.groups)
    if few:
        said.append(
            f"{few} of {len(result.groups)} groups (marked *) have fewer than {FEW} patients or nodules, or the rest "
            "has: they are shown and not tested, and no claim is made from them."
        )
    return tuple(said)


def cells(row: RobustnessRow) -> list[str]:
    """Write a row as text."""
    return [
        f"{row.name}{f' ({row.refused} refused)' if row.refused else ''}{' *' if row.few else ''}",
        *map(str, (row.scans, row.patients, row.nodules)),
        _with_interval(row.sensitivity, row.sensitivity_interval),
        f"{row.sensitivity_unchanged:.3f}",
        _with_interval(row.sensitivity_change, row.sensitivity_change_interval, "+.3f") if row.kind else "",
        _number(row.p_corrected),
        _with_interval(row.cpm, row.cpm_interval),
        f"{row.cpm_unchanged:.3f}",
        _with_interval(row.fp_per_scan, row.fp_per_scan_interval, ".2f"),
        f"{row.fp_per_scan_unchanged:.2f}",
    ]


def group_cells(row: GroupRow) -> list[str]:
    """Write a group as text."""
    return [
        row.by,
        f"{row.group}{' *' if row.few else ''}",
        *map(str, (row.scans, row.patients, row.nodules)),
        _with_interval(row.sensitivity, row.sensitivity_interval),
        _number(row.sensitivity_rest),
        _number(row.p_sensitivity_corrected),
        _with_interval(row.cpm, row.cpm_interval),
        _with_interval(row.fp_per_scan, row.fp_per_scan_interval, ".2f"),
        _number(row.fp_per_scan_rest, ".2f"),
        _number(row.p_fp_corrected),
    ]


def as_markdown(result: Robustness) -> str:
    """Put the table in Markdown, as it stands in a model card: after each figure that of the unchanged scans."""
    lines = [_line(HEADER), _line(["---"] * len(HEADER)), *(_line(cells(row)) for row in result.rows)]
    return "\n".join([*lines, "", *facts(result), *notes(result), ""])


def strengths_figure(rows: Sequence[RobustnessRow]) -> Figure:
    """Sensitivity against strength for each kind of perturbation, with intervals, beside the unchanged scans."""
    kinds = [kind for kind in _AXES if any(row.kind == kind for row in rows)]
    columns = min(3, len(kinds)) or 1
    figure = Figure(figsize=(3.6 * columns, 3.0 * max(1, math.ceil(len(kinds) / columns))), layout="constrained")
    for n, kind in enumerate(kinds):
        axes = figure.add_subplot(math.ceil(len(kinds) / columns), columns, n + 1)
        chosen = [row for row in rows if row.kind == kind]
        _draw(axes, [row.sensitivity for row in chosen], [row.sensitivity_interval for row in chosen])
        axes.plot(
            range(len(chosen)), [row.sensitivity_unchanged for row in chosen], "_", color=_BEFORE, markersize=16,
            label="unchanged",
        )  # fmt: skip
        axes.set_xticks(range(len(chosen)), [f"{row.strength:g}" for row in chosen])
        axes.set(xlabel=_AXES[kind], ylim=(0, 1.02), xlim=(-0.5, len(chosen) - 0.5))
        if n % columns == 0:
            axes.set_ylabel("sensitivity")
        if n == 0:
            axes.legend(loc="lower left", fontsize="small")
    return figure


def groups_figure(rows: Sequence[GroupRow]) -> Figure:
    """Sensitivity of each group with its interval; those with too few are pale."""
    figure = Figure(figsize=(7, 1.0 + 0.32 * max(1, len(rows))), layout="constrained")
    axes = figure.subplots()
    for n, row in enumerate(rows):
        colour = _BEFORE if row.few else _NOW
        axes.plot(row.sensitivity_interval, (n, n), color=colour, linewidth=1.5)
        axes.plot([row.sensitivity], [n], "o", color=colour)
    axes.set_yticks(range(len(rows)), [_plain_text(f"{row.by}: {row.group} ({row.patients} patients)") for row in rows])
    axes.set(xlim=(-0.02, 1.02), xlabel="sensitivity at the default threshold (grey: too few for a claim)")
    axes.invert_yaxis()
    axes.grid(axis="x", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _draw(axes: Axes, values: Sequence[float], intervals: Sequence[tuple[float, float]]) -> None:
    for n, (low, high) in enumerate(intervals):
        axes.plot((n, n), (low, high), color=_NOW, linewidth=1.5)
    axes.plot(range(len(values)), values, "o", color=_NOW, label="made otherwise")
    axes.grid(axis="y", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)


def _plain_text(text: str) -> str:
    return text.replace("$", r"\$")  # else it begins a formula


def _line(row: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"


def _with_interval(value: float, interval: tuple[float, float], form: str = ".3f") -> str:
    if math.isnan(value):
        return ""
    return f"{value:{form}} ({_number(interval[0], form)} to {_number(interval[1], form)})"


def _number(value: float, form: str = ".3f") -> str:
    return "" if math.isnan(value) else f"{value:{form}}"


def _save_rows(rows: Sequence[Any], kind: type[Any], path: Path) -> None:
    columns = [name for one in fields(kind) for name in _columns(one.name)]
    write_table(columns, map(_plain, rows), path)


def _columns(name: str) -> tuple[str, ...]:
    """Name the columns of a field: an interval has two."""
    what = name.removesuffix("_interval")
    return (name,) if what == name else (f"{what}_low", f"{what}_high")


def _plain(row: Any) -> Mapping[str, float | int | str | None]:
    """Round a row for files; what is not a number is left empty."""
    values: dict[str, Any] = {}
    for name, value in asdict(row).items():
        columns = _columns(name)
        values |= zip(columns, value if len(columns) > 1 else (value,), strict=True)
    return {name: _rounded(value) for name, value in values.items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return value
