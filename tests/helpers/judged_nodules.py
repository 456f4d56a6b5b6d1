"""Findings with measurements, patients and comparisons, as models and guidelines are asked about them in tests."""

from __future__ import annotations

from typing import Any

from napari_lesion.model.assessed import Appearance, Patient, SourcedValue
from napari_lesion.model.compared import Alignment, Change, Comparison
from napari_lesion.model.findings import Finding
from napari_lesion.model.measured import Axis, HounsfieldUnits, Measurement

ZERO = (0.0, 0.0, 0.0)


def axis(length_mm: float) -> Axis:
    return Axis(length_mm=length_mm, start_mm=ZERO, end_mm=ZERO)


def measured(mean_mm: float, *, long_mm: float | None = None, **values: Any) -> Measurement:
    """Measure a solid nodule that is not calcified, unless told otherwise."""
    long_mm = mean_mm if long_mm is None else long_mm
    known: dict[str, Any] = {
        "method": "test",
        "long_axis": axis(long_mm),
        "short_axis": axis(2 * mean_mm - long_mm),
        "mean_diameter_mm": mean_mm,
        "diameter_3d_mm": long_mm,
        "volume_mm3": 0.5236 * mean_mm**3,
        "hu": HounsfieldUnits(mean=20, sd=10, p05=0, median=20, p95=40),
        "mass_mg": 100.0,
        "type": "solid",
        "calcification": "none",
    }
    return Measurement(**(known | values))


def nodule(mean_mm: float, id_: str = "a", *, status: str = "accepted", looks: Any = None, **values: Any) -> Finding:
    """Make a finding with a measurement; `looks` are what a reader entered."""
    return Finding(
        id=id_,
        center_mm=ZERO,
        diameter_mm=mean_mm,
        box_mm=(ZERO, ZERO),
        score=0.5,
        status=status,
        measurement=measured(mean_mm, **values),
        appearance=Appearance(**{name: entered(value) for name, value in (looks or {}).items()}),
    )


def unmeasured(id_: str = "a") -> Finding:
    return Finding(
        id=id_,
        center_mm=ZERO,
        diameter_mm=8,
        box_mm=(ZERO, ZERO),
        score=0.5,
        unmeasured="It leaks into the chest wall.",
    )


def entered(value: Any) -> SourcedValue[Any]:
    return SourcedValue(value=value, source="entered", detail="test")


def patient(**values: Any) -> Patient:
    """Know of a patient what is given; None stays unknown."""
    return Patient(**{name: entered(value) for name, value in values.items() if value is not None})


def screened(**values: Any) -> Patient:
    return patient(**({"age_years": 62.0, "context": "screening", "prior_cancer": False} | values))


def incidental(**values: Any) -> Patient:
    known = {"age_years": 62.0, "context": "incidental", "prior_cancer": False, "immunosuppression": False}
    return patient(**(known | values))


def since(days: int | None, *changes: Change, accepted: bool = True, date: str = "20250301") -> Comparison:
    """Compare with a scan so many days before."""
    says = "" if accepted else "The lungs overlap by 0.31 only."
    return Comparison(
        prior_series_uid="1.2",
        prior_study_date=date,
        days=days,
        alignment=Alignment(accepted=accepted, says=says),
        changes=changes,
    )


def change(now_mm: float, before_mm: float, fate: str = "stable", id_: str = "a", **values: Any) -> Change:
    """Make a change of diameter, and of volume as of balls."""
    now, before = (0.5236 * mm**3 for mm in (now_mm, before_mm))
    known: dict[str, Any] = {
        "finding_id": id_,
        "prior_finding_id": "p",
        "fate": fate,
        "why": "Told by the test.",
        "diameter_mm": now_mm,
        "prior_diameter_mm": before_mm,
        "volume_mm3": now,
        "prior_volume_mm3": before,
        "volume_change": now / before - 1,
    }
    return Change(**(known | values))


def new(id_: str = "a") -> Change:
    return Change(finding_id=id_, prior_finding_id=None, fate="new", why="Nothing was there.")
