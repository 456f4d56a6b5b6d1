"""What `drift` says and writes: sentences, a table, control charts on a page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from napari_lesion.evaluation import page
from napari_lesion.evaluation.drift import RECENT, Chart, Drift, Followed
from napari_lesion.evaluation.plots import save_figures
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.tables import write_table

HEADER = ("value", "reference", f"last {RECENT} studies", "charts", "drifted")
REFERENCE, TABLE, CONTENT, PAGE, CHARTS = "reference.json", "drift.csv", "drift.json", "drift.html", "drift_charts"
_LINES = {"place": "#0b6e99", "spread": "#c8502d", "rarity": "#4c8c2b"}


def facts(drift: Drift, reference: str, order: str) -> tuple[str, ...]:
    """Describe what was compared and how sure that is, as sentences."""
    settings = drift.settings
    return (
        f"{drift.studies} studies against a reference of {drift.reference} ({reference}), in the order of "
        f"{'their dates' if order == 'study' else 'their analysis'}; of a study with several series the one with the "
        "thinnest slices.",
        "Of each number the place and the spread, of words the rarity, are followed by a moving average "
        f"(weight {settings.weight:g}) of normal scores of its rank in the reference; a limit of {drift.limit:.2f} "
        f"standard deviations. Where nothing changes and studies are independent, any alarm within {settings.horizon} "
        f"studies has a chance of {100 * settings.false_alarms:g} %; simulated with a reference as long as this one: "
        f"{100 * drift.false_alarm_rate:.1f} %.",
    )


def warnings(drift: Drift) -> tuple[str, ...]:
    """Describe what has drifted, a sentence each; the first alarm first."""
    return tuple(map(warning, drift.drifted))


def warning(value: Followed) -> str:
    """How one value has drifted."""
    chart = value.alarm
    if chart is None or chart.alarm is None or chart.begun is None:
        raise ValueError("there is no alarm")
    what = {"place": "lies elsewhere", "spread": "is spread otherwise", "rarity": "has other words"}[chart.of]
    now = "" if any(one.is_out for one in value.charts) else " By now the charts are within their limits again."
    return (
        f"{value.name} {what}: in the reference {value.reference}, in the last {min(RECENT, len(value.when))} studies "
        f"{value.recent}. Seen at study {chart.alarm + 1}{_on(value.when[chart.alarm])}, begun about study "
        f"{chart.begun + 1}{_on(value.when[chart.begun])}.{now} What the model's card says was measured on other scans "
        "than these: check a sample by eye before its findings are trusted as before."
    )


def _on(when: str) -> str:
    day = f"{when[:4]}-{when[4:6]}-{when[6:]}" if when.isdigit() and len(when) == 8 else when[:10]
    return f" ({day})" if day else ""


def cells(value: Followed) -> list[str]:
    """Write a value as text."""
    return [value.name, value.reference, value.recent, ", ".join(map(_last, value.charts)), _drifted(value)]


def _last(chart: Chart) -> str:
    if not len(chart.line):
        return ""
    return f"{chart.of} {chart.line[-1]:+.1f}{' (out)' if chart.is_out else ''}"


def _drifted(value: Followed) -> str:
    chart = value.alarm
    return "" if chart is None or chart.alarm is None else f"{chart.of}, study {chart.alarm + 1}"


def save_drift(drift: Drift, reference: str, order: str, notes: Sequence[str], folder: Path) -> None:
    """Write ``drift.html``, ``drift.json``, ``drift.csv`` and the charts; they name no patient and no study."""
    rows = [dict(zip(HEADER, cells(one), strict=True)) for one in drift.values]
    write_table(HEADER, rows, folder / TABLE)
    content = {
        "reference": {"of": reference, "studies": drift.reference},
        "studies": drift.studies,
        "weight": drift.settings.weight,
        "horizon": drift.settings.horizon,
        "false_alarms": drift.settings.false_alarms,
        "false_alarm_rate_simulated": round(drift.false_alarm_rate, 4),
        "limit": round(drift.limit, 4),
        "warnings": list(warnings(drift)),
        "notes": list(notes),
        "values": [
            {
                "name": one.name,
                "reference": one.reference,
                "recent": one.recent,
                "charts": [
                    {
                        "of": chart.of,
                        "alarm_at_study": None if chart.alarm is None else chart.alarm + 1,
                        "begun_at_study": None if chart.begun is None else chart.begun + 1,
                        "is_out": chart.is_out,
                        "line": [round(float(y), 3) for y in chart.line],
                    }
                    for chart in one.charts
                ],
            }
            for one in drift.values
        ],
    }
    with whole_file(folder / CONTENT) as temporary:
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    figure = charts_figure(drift)
    save_figures({CHARTS: figure}, folder)
    page.save_page(
        folder / PAGE,
        "Drift",
        facts=facts(drift, reference, order),
        notes=(*(warnings(drift) or ("Nothing has drifted beyond the limits.",)), *notes),
        tables={"Values": (HEADER, [cells(one) for one in drift.values])},
        figures={"Control charts": figure},
    )


def charts_figure(drift: Drift) -> Figure:
    """Draw both charts of each value with the limits, and where the first alarm was."""
    columns = 3
    rows = -(-len(drift.values) // columns)
    figure = Figure(figsize=(11, 2.1 * rows), layout="constrained")
    for n, value in enumerate(drift.values):
        axes = figure.add_subplot(rows, columns, n + 1)
        for chart in value.charts:
            axes.plot(range(1, len(chart.line) + 1), chart.line, color=_LINES[chart.of], linewidth=1.2, label=chart.of)
        for sign in (-1, 1):
            axes.axhline(sign * drift.limit, color="0.4", linestyle=":", linewidth=1)
        told = value.alarm
        if told is not None and told.alarm is not None:
            axes.axvline(told.alarm + 1, color="#b00020", linewidth=1)
        axes.set_title(value.name, fontsize=9, color="#b00020" if told is not None else "black")
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
        if n == 0:
            axes.legend(fontsize=7, loc="upper left")
    figure.supxlabel("study", fontsize=9)
    figure.supylabel("moving average, standard deviations", fontsize=9)
    return figure
