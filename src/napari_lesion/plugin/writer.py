"""Save a findings layer: as ``findings.json``, or as a table in the form of LUNA16."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from napari_lesion.atomic import whole_file
from napari_lesion.plugin.layers import report_of
from napari_lesion.report.json import save_report

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
    with whole_file(Path(path)) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for finding in report.standing:
            numbers = (*finding.center_mm, finding.diameter_mm)
            writer.writerow([report.series_uid, *(f"{n:.3f}" for n in numbers), f"{finding.score:.4f}"])
    return [path]
