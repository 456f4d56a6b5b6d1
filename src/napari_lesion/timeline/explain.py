"""What each visit adds to the risk of a lesion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesion.support.tables import write_table
from napari_lesion.timeline.course import SIMULATED, Course, slope
from napari_lesion.timeline.evaluate import HORIZONS

if TYPE_CHECKING:
    from napari_lesion.timeline.model import TimelineModel

HEADER = ("lesion", "date", "day", "diameter, mm", "growth a year", "cancer, 1 year", "2 years", "3 years", "added")
_COLUMNS = (
    *("lesion", "date", "day", "diameter_mm", "volume_mm3", "growth_a_year"),
    *(f"risk_{years:g}_years" for years in HORIZONS),
    *("added_2_years", "note"),
)


@dataclass(frozen=True)
class Told:
    """The risk after a visit.

    Attributes
    ----------
    course : Course
    date : str
        YYYYMMDD.
    visit : int
        From 0 on.
    risk : tuple of float
        Of cancer within each of `HORIZONS`.
    added : float or None
        What the visit added to the risk within 2 years; None for the first.
    """

    course: Course
    date: str
    visit: int
    risk: tuple[float, ...]
    added: float | None


def explained(model: TimelineModel, lesions: Sequence[tuple[Course, tuple[str, ...]]]) -> tuple[Told, ...]:
    """Tell the risk of lesions after each visit, as it was known then; what is added sums to the last risk.

    Parameters
    ----------
    model : TimelineModel
    lesions : sequence of (Course, tuple of str)
        With the dates of their visits.
    """
    if not lesions:
        return ()
    risks = model.courses_risk(tuple(course for course, _ in lesions))
    return tuple(
        Told(
            course,
            date,
            n,
            tuple(float(one) for one in risks[row, n]),
            float(risks[row, n, 1] - risks[row, n - 1, 1]) if n else None,
        )
        for row, (course, dates) in enumerate(lesions)
        for n, date in enumerate(dates)
    )


def _growth(one: Told) -> float | None:
    line = slope(one.course.visits[: one.visit + 1])
    return None if math.isnan(line) else line


def cells(one: Told) -> list[str]:
    """Write a risk as cells of `HEADER`."""
    visit, growth = one.course.visits[one.visit], _growth(one)
    size = visit.longest_mm
    return [
        one.course.lesion,
        one.date,
        str(visit.day),
        "–" if size is None else f"{size:.1f}",
        "–" if growth is None else f"{growth:+.2f}",
        *(f"{risk:.1%}" for risk in one.risk),
        "–" if one.added is None else f"{100 * one.added:+.1f}",
    ]


def save_risks(told: Sequence[Told], path: Path, *, simulated: bool) -> None:
    """Write a row for each visit; growth a year is that of the volume's logarithm. Only the user may read it."""
    rows = []
    for one in told:
        visit, growth = one.course.visits[one.visit], _growth(one)
        values = {
            "lesion": one.course.lesion,
            "date": one.date,
            "day": visit.day,
            "diameter_mm": visit.longest_mm,
            "volume_mm3": visit.volume_mm3,
            "growth_a_year": growth,
            **{f"risk_{years:g}_years": f"{risk:.4f}" for years, risk in zip(HORIZONS, one.risk, strict=True)},
            "added_2_years": None if one.added is None else f"{one.added:.4f}",
            "note": SIMULATED if simulated else None,
        }
        rows.append({name: "" if value is None else value for name, value in values.items()})
    write_table(_COLUMNS, rows, path, private=True)
