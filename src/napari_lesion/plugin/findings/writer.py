"""Save a findings layer: as ``findings.json``, or as a table in the form of LUNA16."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_lesion.plugin.viewer.finding_layers import report_of
from napari_lesion.plugin.widgets import messages as messages  # what napari shows of a fault here names nobody, too
from napari_lesion.report.json import save_report
from napari_lesion.support.tables import write_table

#: LUNA16's annotation columns, and the score behind them.
COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm", "score")


def write_json(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write the shown findings of a points layer as ``findings.json``.

    Raises
    ------
    ConfigError
        If the layer holds no findings.
    """
    save_report(report_of(data, attributes), Path(path))
    return [path]


def write_csv(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write the shown findings of a points layer in the form of LUNA16's annotations.csv, LPS mm; no rejected ones.

    Raises
    ------
    ConfigError
        If the layer holds no findings.
    """
    report = report_of(data, attributes)
    rows = []
    for finding in report.active:
        numbers = (f"{n:.3f}" for n in (*finding.center_mm, finding.diameter_mm))
        rows.append(dict(zip(COLUMNS, (report.series_uid, *numbers, f"{finding.score:.4f}"), strict=True)))
    write_table(COLUMNS, rows, Path(path))
    return [path]
