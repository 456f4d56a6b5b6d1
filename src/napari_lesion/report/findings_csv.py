"""``findings.csv``: a row for every finding, with what was measured, judged and compared; one header line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_lesion.model.assessed import Advice, Appearance, Patient, Probability
from napari_lesion.model.findings import Finding, Report, image_name
from napari_lesion.model.measured import Likely, Looks
from napari_lesion.support.tables import write_table

FILE_NAME = "findings.csv"
_PATIENT = tuple(Patient.model_fields)
_SEEN = tuple(Appearance.model_fields)
_MEASURED = (
    *("mean_diameter_mm", "diameter_3d_mm", "volume_mm3", "volume_sd_mm3", "mass_mg", "type", "type_rule"),
    *("solid_mean_diameter_mm", "solid_volume_mm3", "calcification", "calcified_fraction"),
    *("pleura_distance_mm", "side", "zone", "lobe"),
)
_SIGNS = ("spiculated", "lobulated", "ill_defined", "calcified", "suspicious")
COLUMNS = (
    *("series_uid", "patient_id", "study_date", "number", "id", "tracking_uid", "status", "comment", "last_reader"),
    *("score", "model", "center_x_mm", "center_y_mm", "center_z_mm", "estimated_diameter_mm", "sop_instance_uid"),
    *("measured_by", "unmeasured", "mean_diameter_mm", "long_axis_mm", "short_axis_mm", "diameter_3d_mm"),
    *("volume_mm3", "volume_sd_mm3", "hu_mean", "hu_sd", "hu_p05", "hu_median", "hu_p95", "mass_mg"),
    *("type", "type_rule", "solid_mean_diameter_mm", "solid_volume_mm3", "calcification", "calcified_fraction"),
    *("pleura_distance_mm", "side", "zone", "lobe", "measurement_notes"),
    *(
        "lung_rads",
        "lung_rads_would_be",
        "lung_rads_missing",
        "lung_rads_why_not",
        "brock_low",
        "brock_high",
        "brock_missing",
    ),
    *("brock_why_not", "growth", "growth_why_not"),
    *("prior_study_date", "prior_days", "fate", "fate_why", "prior_mean_diameter_mm", "prior_volume_mm3"),
    *("volume_change", "doubling_days", "doubling_low_days", "doubling_high_days"),
    *(f"seen_{name}" for name in _SEEN),
    *(f"seen_{name}_source" for name in _SEEN),
    *(f"patient_{name}" for name in _PATIENT),
    *(f"patient_{name}_source" for name in _PATIENT),
    *("name", "size_mm", "image", "series_number", "instance_number", "frame"),
    *("estimated_by", "estimated_type", "estimated_type_certainty"),
    *("estimated_solid", "estimated_part_solid", "estimated_non_solid"),
    *(f"estimated_{name}" for name in _SIGNS),
    *(f"estimated_{name}_certainty" for name in _SIGNS),
    "estimated_suspicion",
)
"""Stable: further ones may come behind these."""


def save_findings(report: Report, path: Path) -> None:
    """Write the table, whole or not at all; rejected findings are in it, with their status."""
    rows = (_row(report, finding) for finding in report.findings)
    write_table(COLUMNS, ({name: _text(value) for name, value in row.items()} for row in rows), path, private=True)


def _row(report: Report, finding: Finding) -> dict[str, Any]:
    series, model = report.series, report.model
    x, y, z = finding.center_mm
    return {
        "series_uid": report.series_uid,
        "patient_id": series.patient_id,
        "study_date": series.study_date,
        "number": finding.number,
        "id": finding.id,
        "tracking_uid": finding.tracking_uid,
        "status": finding.status,
        "comment": finding.comment,
        "last_reader": finding.history[-1].reader if finding.history else None,
        "score": None if finding.status == "added" else round(finding.score, 4),
        "model": f"{model.id} {model.version}".strip(),
        "center_x_mm": round(x, 2),
        "center_y_mm": round(y, 2),
        "center_z_mm": round(z, 2),
        "estimated_diameter_mm": round(finding.diameter_mm, 2),
        "sop_instance_uid": finding.sop_instance_uid,
        "unmeasured": finding.unmeasured,
        **_measured(finding),
        **_judged(report, finding),
        **_compared(report, finding),
        **_known("seen", finding.appearance),
        **_known("patient", report.patient),
        "name": finding.name,
        "size_mm": round(finding.size_mm, 2),
        "image": image_name(series, finding.instance_number, finding.frame),
        "series_number": series.series_number,
        "instance_number": finding.instance_number,
        "frame": finding.frame,
    }


def _measured(finding: Finding) -> dict[str, Any]:
    m = finding.measurement
    if m is None:
        return {}
    return {
        "measured_by": m.method,
        "long_axis_mm": m.long_axis.length_mm,
        "short_axis_mm": m.short_axis.length_mm,
        **{f"hu_{name}": value for name, value in m.hu.model_dump().items()},
        "measurement_notes": " | ".join(m.notes),
        **{name: getattr(m, name) for name in _MEASURED},
        **(_estimated(m.looks) if m.looks is not None else {}),
    }


def _estimated(looks: Looks) -> dict[str, Any]:
    signs: dict[str, Likely] = {name: getattr(looks, name) for name in _SIGNS}
    return {
        "estimated_by": looks.method,
        "estimated_type": looks.type,
        "estimated_type_certainty": looks.type_certainty,
        "estimated_solid": looks.solid,
        "estimated_part_solid": looks.part_solid,
        "estimated_non_solid": looks.non_solid,
        "estimated_suspicion": looks.suspicion,
        **{f"estimated_{name}": sign.value for name, sign in signs.items()},
        **{f"estimated_{name}_certainty": sign.certainty for name, sign in signs.items()},
    }


def _judged(report: Report, finding: Finding) -> dict[str, Any]:
    judged = report.judgement.of(finding.id) if report.judgement else None
    if judged is None:
        return {}
    return {
        "lung_rads": judged.lung_rads.category if judged.lung_rads.applies else None,
        "lung_rads_would_be": judged.lung_rads.would_be,
        "lung_rads_missing": "; ".join(judged.lung_rads.missing),
        "lung_rads_why_not": judged.lung_rads.why_not,
        **_probability(judged.brock),
        "growth": _advised(judged.growth),
        "growth_why_not": judged.growth.why_not,
    }


def _probability(brock: Probability) -> dict[str, Any]:
    return {
        "brock_low": brock.low if brock.applies else None,
        "brock_high": brock.high if brock.applies else None,
        "brock_missing": "; ".join(brock.missing),
        "brock_why_not": brock.why_not,
    }


def _advised(advice: Advice) -> str | None:
    return (advice.category or advice.advice) if advice.applies else None


def _compared(report: Report, finding: Finding) -> dict[str, Any]:
    """Against the latest prior in which there is something to say of it."""
    for comparison in report.comparisons:
        if (change := comparison.of(finding.id)) is not None:
            return {
                "prior_study_date": comparison.prior_study_date,
                "prior_days": comparison.days,
                "fate": change.fate,
                "fate_why": change.why,
                "prior_mean_diameter_mm": change.prior_diameter_mm,
                "prior_volume_mm3": change.prior_volume_mm3,
                "volume_change": change.volume_change,
                "doubling_days": change.doubling_days,
                "doubling_low_days": change.doubling_low_days,
                "doubling_high_days": change.doubling_high_days,
            }
    return {}


def _known(prefix: str, values: Patient | Appearance) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name in type(values).model_fields:
        given = getattr(values, name)
        if given is not None:
            row[f"{prefix}_{name}"] = given.value
            row[f"{prefix}_{name}_source"] = f"{given.source}: {given.detail}" if given.detail else given.source
    return row


def _text(value: object) -> str:
    """Write a value: nothing for what is not known, numbers to six figures."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
