"""From a folder of results to what ``froc.evaluate`` scores, and from its answer to JSON and CSV."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from napari_lesion.evaluation.classification import Classification
from napari_lesion.evaluation.compare import ModelComparison
from napari_lesion.evaluation.froc import FP_RATES, Curve, Evaluation, Mark, ScoredPoint
from napari_lesion.model.findings import ModelReference
from napari_lesion.report import json as report_json
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.tables import write_table

Missing = Literal["error", "missed", "leave-out"]


@dataclass(frozen=True)
class Results:
    """All results in a folder."""

    points: dict[str, tuple[ScoredPoint, ...]]
    """Findings of each scan that was searched, by series UID."""
    model: ModelReference
    reviewed: int = 0
    """Findings that a reader judged, moved or added: with them, not the model alone is scored."""
    rejected: int = 0
    """How many of those were rejected, and so are not among the points."""


def load_results(folder: Path) -> Results:
    """Read every ``findings.json`` one level below a folder, as ``analyse`` writes them.

    Findings that a reader rejected are no points: results that were reviewed score the reader with the model.

    Raises
    ------
    InputFileError
        If there is none, if one is damaged, if two are for the same series, or if they are by several models or at
        several thresholds and so cannot be scored together.
    """
    points: dict[str, tuple[ScoredPoint, ...]] = {}
    found_in: dict[str, Path] = {}
    models: dict[tuple[str, str, float], Path] = {}
    model = None
    reviewed = rejected = 0
    for path in sorted(folder.glob(f"[!.]*/{report_json.FILE_NAME}")):
        report = report_json.load_report(path)
        if report.series_uid in found_in:
            raise InputFileError(
                f"series {report.series_uid}: two results, {found_in[report.series_uid]} and {path}. Remove one."
            )
        found_in[report.series_uid] = path
        points[report.series_uid] = tuple(ScoredPoint(f.center_mm, f.score) for f in report.active)
        reviewed += sum(finding.status != "candidate" for finding in report.findings)
        rejected += len(report.findings) - len(report.active)
        model = report.model
        models.setdefault((model.id, model.sha256, model.threshold), path)
    if model is None:
        raise InputFileError(f"{folder}: no results; there is no */{report_json.FILE_NAME}.")
    if len(models) > 1:
        (one, first), (other, second) = list(models.items())[:2]
        raise InputFileError(
            f"{folder}: results of several models or thresholds: {one[0]} at {one[2]} ({first}), "
            f"{other[0]} at {other[2]} ({second}). Analyse all scans with the same."
        )
    return Results(points, model, reviewed, rejected)


def settle_missing(
    truth: Sequence[Mark], results: Results, missing: Missing
) -> tuple[tuple[Mark, ...], dict[str, tuple[ScoredPoint, ...]], tuple[str, ...]]:
    """Decide about scans that are in the truth but have no results.

    Returns
    -------
    truth, points, uids
        What to score, and which scans were missing.

    Raises
    ------
    InputFileError
        If there are some and they shall be an error.
    """
    uids = tuple(sorted({mark.series_uid for mark in truth} - set(results.points)))
    if uids and missing == "error":
        raise InputFileError(
            f"{len(uids)} of the scans in the truth have no results, the first is {uids[0]}. Analyse them, or say "
            "whether their nodules count as missed or are left out (--missing missed, --missing leave-out)."
        )
    if missing == "leave-out":
        return tuple(mark for mark in truth if mark.series_uid not in uids), results.points, uids
    return tuple(truth), {**results.points, **dict.fromkeys(uids, ())}, uids


def in_both(one: Results, other: Results) -> tuple[Results, Results]:
    """Keep the scans that both results have."""
    common = set(one.points) & set(other.points)

    def kept(results: Results) -> Results:
        return replace(results, points={uid: points for uid, points in results.points.items() if uid in common})

    return kept(one), kept(other)


def save_evaluation(
    evaluation: Evaluation, model: ModelReference, missing: Sequence[str], notes: Sequence[str], folder: Path
) -> None:
    """Write ``froc.json``, ``froc.csv`` (a row for each curve), ``curve.csv`` and ``nodules.csv``."""
    curves = all_curves(evaluation)
    content = {
        "protocol": "LUNA16",
        "model": model.model_dump(),
        "scans": evaluation.overall.scans,
        "scans_without_results": list(missing),
        "notes": list(notes),
        "fp_per_scan": list(FP_RATES),
        "curves": [{"group": group, **_summary(curve)} for group, curve in curves],
    }
    _save_json(folder / "froc.json", content)
    rate_names = [f"sensitivity_at_{rate:g}" for rate in FP_RATES]
    save_csv(
        folder / "froc.csv",
        ["group", "name", "nodules", "found", "scans", *rate_names, "cpm", "cpm_low", "cpm_high"],
        (
            [group, c.name, c.nodules, c.found, c.scans, *map(_digits, (*c.at_rates, c.cpm, *c.cpm_interval))]
            for group, c in curves
        ),
    )
    whole = evaluation.overall
    save_csv(
        folder / "curve.csv",
        ["threshold", "fp_per_scan", "sensitivity"],
        zip(map(_digits, whole.threshold), whole.fp_per_scan, map(_digits, whole.sensitivity), strict=True),
    )
    save_csv(
        folder / "nodules.csv",
        ["seriesuid", "coordX", "coordY", "coordZ", "diameter_mm", "type", "best_score"],
        (
            [mark.series_uid, *mark.center_mm, mark.diameter_mm, mark.type, "" if score is None else score]
            for mark, score in evaluation.outcomes
        ),
    )


def save_comparison(comparison: ModelComparison, a: ModelReference, b: ModelReference, folder: Path) -> None:
    """Write ``comparison.json`` and ``comparison.csv``."""
    content = {
        "a": a.model_dump(),
        "b": b.model_dump(),
        "scans": comparison.scans,
        "nodules": comparison.nodules,
        "found_only_by_a": comparison.only_a,
        "found_only_by_b": comparison.only_b,
        "differences": [_plain(asdict(one)) for one in comparison.differences],
    }
    _save_json(folder / "comparison.json", content)
    save_csv(
        folder / "comparison.csv",
        ["measure", "a", "b", "difference", "low", "high", "p_value"],
        ([d.name, *map(_digits, (d.a, d.b, d.difference, *d.interval, d.p_value))] for d in comparison.differences),
    )


def save_classification(result: Classification, source: str, folder: Path) -> None:
    """Write ``classification.json``, ``classification.csv``, and the points of the curves as CSV."""
    content = {
        "source": source,
        "cases": result.cases,
        "positives": result.positives,
        "threshold": result.threshold,
        "measures": [_plain(asdict(one)) for one in result.measures],
        "confusion": {
            "true_negatives": result.confusion[0][0],
            "false_positives": result.confusion[0][1],
            "false_negatives": result.confusion[1][0],
            "true_positives": result.confusion[1][1],
        },
        "calibration": _plain(asdict(result.reliability)),
    }
    _save_json(folder / "classification.json", content)
    save_csv(
        folder / "classification.csv",
        ["measure", "value", "low", "high"],
        ([one.name, *map(_digits, (one.value, *one.interval))] for one in result.measures),
    )
    for name, header, points in (
        ("roc", ("false_positive_rate", "true_positive_rate"), result.roc),
        ("precision_recall", ("recall", "precision"), result.precision_recall),
    ):
        save_csv(folder / f"{name}.csv", header, (list(map(_digits, row)) for row in zip(*points, strict=True)))


def _plain(value: Any) -> Any:
    """Make a value fit for JSON: what is no number becomes null."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _save_json(path: Path, content: dict[str, Any]) -> None:
    with whole_file(path) as temporary:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def all_curves(evaluation: Evaluation) -> list[tuple[str, Curve]]:
    """Every curve with its group: ``all``, ``size`` or ``type``."""
    return [
        ("all", evaluation.overall),
        *(("size", curve) for curve in evaluation.by_size),
        *(("type", curve) for curve in evaluation.by_type),
    ]


def _summary(curve: Curve) -> dict[str, Any]:
    def pair(interval: tuple[float, float]) -> list[float] | None:
        return None if math.isnan(interval[0]) else list(interval)

    return {
        "name": curve.name,
        "nodules": curve.nodules,
        "found": curve.found,
        "sensitivity": list(curve.at_rates),
        "sensitivity_interval_95": [pair(interval) for interval in curve.at_rates_interval],
        "cpm": curve.cpm,
        "cpm_interval_95": pair(curve.cpm_interval),
        "curve_ends_at_fp_per_scan": curve.end,
    }


def _digits(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


def save_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table, whole or not at all."""
    write_table(header, (dict(zip(header, row, strict=True)) for row in rows), path)
