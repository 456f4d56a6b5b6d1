"""What `drift` follows, out of folders of results, their ledgers, and the scans themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from napari_lesion.dicom.index.series import Series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.dicom_objects.study import header_text
from napari_lesion.evaluation.drift import Study, Value
from napari_lesion.evaluation.scan_facts import facts_of
from napari_lesion.imaging.suitability import noise_hu
from napari_lesion.model.findings import Report
from napari_lesion.model.volume import Volume
from napari_lesion.report import json as report_json
from napari_lesion.report.ledger import read_ledgers
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.bounded import is_finite, parse_json
from napari_lesion.support.errors import InputFileError, LesionError, LungsNotFoundError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.support.tables import read_table, write_table
from napari_lesion.support.vault import read_text

SCAN_VALUES = ("lung HU", "lung HU, 90th percentile", "air HU", "noise, HU", "lungs, ml", "CTDIvol, mGy", "kV")
FOUND_VALUES = ("findings", "highest score")
REFUSED = "searched"
_AIR_HU = (-1019.0, -850.0)
"""Air around the patient; below that lies what scanners write where they measured nothing."""


@dataclass(frozen=True)
class Searched:
    """A series that was searched, or could not be.

    Attributes
    ----------
    study_uid, series_uid : str
    date, created : str
        Of the study (YYYYMMDD) and of the result (ISO 8601); empty where unknown.
    model : str
        Id, version and threshold; empty where it was not searched.
    slice_mm : float
        To choose between the series of a study.
    values : mapping
        As `Study` has them.
    """

    study_uid: str
    series_uid: str
    date: str
    created: str
    model: str
    slice_mm: float
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Reference:
    """Values to compare with: what a site's or a model's scans were like.

    Attributes
    ----------
    of : str
        In words.
    model : str
        As in `Searched`.
    values : mapping of str to tuple
        By name, in no order that would tell which belong together.
    """

    of: str
    model: str
    values: Mapping[str, tuple[Value, ...]]


def load_searched(folders: Iterable[Path]) -> tuple[list[Searched], list[str]]:
    """Read what runs of `analyse` left: every ``findings.json``, and in the ledgers what could not be searched.

    Returns
    -------
    list of Searched
    list of str
        What could not be read, a sentence each.

    Raises
    ------
    InputFileError
        If there is no result at all, or a ledger is damaged.
    """
    found: list[Searched] = []
    problems: list[str] = []
    folders = list(folders)
    for folder in folders:
        for path in sorted(folder.glob(f"[!.]*/{report_json.FILE_NAME}")):
            try:
                found.append(searched_of(report_json.load_report(path)))
            except InputFileError as error:
                problems.append(str(error))
        found += [
            Searched(
                *(entry.study_uid, entry.series_uid, entry.outcome.study_date, _time(entry.ended), "", np.inf),
                {REFUSED: "no"},
            )
            for entry in read_ledgers(folder)
            if entry.outcome is not None and entry.outcome.status == "failed" and entry.outcome.modality == "CT"
        ]
    if not any(one.model for one in found):
        raise InputFileError(f"{', '.join(map(str, folders))}: no results; there is no */{report_json.FILE_NAME}.")
    return found, problems


def _time(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def searched_of(report: Report) -> Searched:
    """Take from a result what is followed; what readers added is not the model's finding, what they rejected is."""
    series, certificate, model = report.series, report.certificate, report.model
    facts = facts_of(series)
    own = [one for one in report.findings if one.status != "added"]
    return Searched(
        study_uid=series.study_uid or report.series_uid,
        series_uid=report.series_uid,
        date=series.study_date,
        created=report.created,
        model=f"{model.id} {model.version}, threshold {model.threshold:.4g}",
        slice_mm=certificate.spacing_mm[0],
        values={
            "slice distance, mm": round(certificate.spacing_mm[0], 3),
            "slice thickness, mm": certificate.slice_thickness_mm,
            "pixel, mm": round(certificate.spacing_mm[1], 4),
            "slices": float(certificate.shape[0]),
            "kernel": series.kernel or None,
            "scanner": facts.scanner or None,
            "contrast": "yes" if series.contrast else "no",
            "age, years": facts.age_years,
            "sex": facts.sex or None,
            "warnings": float(len(report.warnings)),
            REFUSED: "yes",
            "findings": float(len(own)),
            "highest score": max((one.score for one in own), default=0.0),
        },
    )


def by_study(found: Iterable[Searched], order: str = "study") -> list[Searched]:
    """Keep one series of each study, in the order of time: one that was searched, of those the thinnest slices.

    Parameters
    ----------
    found : iterable of Searched
    order : str
        ``study``: by date; ``run``: by when they were searched.
    """
    best: dict[str, Searched] = {}
    for one in sorted(found, key=lambda one: (not one.model, one.slice_mm, one.series_uid)):
        best.setdefault(one.study_uid or one.series_uid, one)
    dated = [one.created if order == "run" else one.date for one in best.values()]
    pairs = sorted(
        zip(dated, best.values(), strict=True), key=lambda pair: (pair[0], pair[1].created, pair[1].series_uid)
    )
    return [one for _, one in pairs]


def studies_of(found: Sequence[Searched], order: str = "study") -> list[Study]:
    """Put series that were kept into the form that charts take."""
    return [Study(one.created if order == "run" else one.date, one.values) for one in found]


def reference_of(found: Sequence[Searched], of: str) -> Reference:
    """Take the values of studies as a reference."""
    names = dict.fromkeys(name for one in found for name in one.values)
    values = {name: _unordered(one.values[name] for one in found if name in one.values) for name in names}
    models = {one.model for one in found if one.model}
    return Reference(of, models.pop() if len(models) == 1 else "", values)


def _unordered(values: Iterable[Value]) -> tuple[Value, ...]:
    return tuple(sorted(values, key=lambda one: (one is not None, str(type(one)), one if one is not None else 0)))


def save_reference(reference: Reference, path: Path) -> None:
    """Write a reference as JSON: values alone, sorted each by itself, so that none tells whose it was."""
    content = {
        "of": reference.of,
        "model": reference.model,
        "values": {k: list(v) for k, v in reference.values.items()},
    }
    with whole_file(path) as temporary:
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def load_reference(path: Path) -> Reference:
    """Read what `save_reference` wrote.

    Raises
    ------
    InputFileError
        If it is none.
    """
    try:
        content: Any = parse_json(read_text(path))
        values = {str(name): tuple(map(_value, some)) for name, some in content["values"].items()}
        of, model = str(content["of"]), str(content["model"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputFileError(f"{path}: is no reference that `drift` wrote ({type(error).__name__}).") from error
    return Reference(of, model, values)


def _value(value: Any) -> Value:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value):
        raise ValueError
    return float(value)


def comparable(reference: Reference, found: Sequence[Searched]) -> tuple[dict[str, tuple[Value, ...]], str]:
    """Leave out of a reference what another model or threshold makes incomparable; says so in a sentence."""
    models = {one.model for one in found if one.model}
    if models == {reference.model}:
        return dict(reference.values), ""
    left = {name: values for name, values in reference.values.items() if name not in FOUND_VALUES}
    return left, (
        f"Findings and scores are not followed: the reference is by {reference.model or 'several models'}, the studies "
        f"are by {' and '.join(sorted(models))}. Another model or threshold is no drift."
    )


def values_of_scan(volume: Volume) -> dict[str, Value]:
    """Measure the values of a scan: lungs, air around the patient, noise; what cannot be told is None."""
    from napari_lesion.imaging.preprocess import canonical, coarse_grid, find_search_region

    values: dict[str, Value] = dict.fromkeys(SCAN_VALUES[:5])
    values["noise, HU"] = round(noise_hu(volume), 2) or None
    coarse, affine = coarse_grid(canonical(volume))
    air = coarse[(coarse > _AIR_HU[0]) & (coarse < _AIR_HU[1])]
    try:
        region = find_search_region(volume)
    except LungsNotFoundError:
        pass
    else:
        lungs = coarse[region.lungs]
        values["lung HU"] = round(float(np.median(lungs)), 1)
        values["lung HU, 90th percentile"] = round(float(np.quantile(lungs, 0.9)), 1)
        values["lungs, ml"] = round(float(region.lungs.sum() * abs(np.linalg.det(affine[:3, :3])) / 1000), 0)
        air = coarse[~region.search & (coarse > _AIR_HU[0]) & (coarse < _AIR_HU[1])]
    values["air HU"] = round(float(np.median(air)), 1) if air.size else None
    return values


def values_of_series(series: Series) -> dict[str, Value]:
    """Measure the values of a series, with the dose that its headers state."""
    stated = {"CTDIvol, mGy": "CTDIvol", "kV": "KVP"}
    return values_of_scan(read_series(series)) | {
        name: _number(header_text(series, keyword)) for name, keyword in stated.items()
    }


def with_scans(
    found: Sequence[Searched], series: Mapping[str, Series], kept: Path, progress: Progress = silent
) -> tuple[list[Searched], list[str]]:
    """Add the values of the scans themselves to what was searched; each scan is read once, and kept in a table.

    Parameters
    ----------
    found : sequence of Searched
    series : mapping of str to Series
        By series UID; those that are missing have no such values.
    kept : Path
        The table, which may be there from earlier.
    progress : Progress
        One step a scan.

    Returns
    -------
    list of Searched
    list of str
        Scans that could not be read, a sentence each.
    """
    rows = {row["seriesuid"]: row for _, row in read_table(kept, ("seriesuid",)).rows()} if kept.is_file() else {}
    problems: list[str] = []
    done: list[Searched] = []
    for number, one in enumerate(found):
        uid = one.series_uid
        progress(number, len(found), f"measuring {uid}")
        if uid not in rows and uid in series and one.model:
            try:
                measured = values_of_series(series[uid])
            except LesionError as error:
                problems.append(str(error))
            else:
                rows[uid] = {"seriesuid": uid} | {k: "" if v is None else str(v) for k, v in measured.items()}
                write_table(("seriesuid", *SCAN_VALUES), rows.values(), kept)
        more = {name: _number(rows[uid].get(name, "")) for name in SCAN_VALUES} if uid in rows else {}
        done.append(replace(one, values={**one.values, **more}))
    return done, problems


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None
