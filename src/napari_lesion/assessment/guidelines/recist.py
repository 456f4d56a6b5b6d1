"""Response of a patient in a trial by RECIST 1.1: sums of diameters, nadir, non-targets, new lesions.

Each visit is judged by itself (time point response); best overall response and its confirmation are the trial's matter.

References
----------
Eisenhauer et al., Eur J Cancer 45 (2009), 228-247: sections 3.1 to 3.3 (what is measurable), 4.3.1 to 4.3.4 (response),
tables 1 and 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from napari_lesion.model.compared import Lesion as Lesion
from napari_lesion.support.errors import ConfigError
from napari_lesion.support.tables import write_table

MOST_TARGETS = 5
MOST_IN_ORGAN = 2
LEAST_MM = 10.0
"""Longest diameter of a target that is no node."""
LEAST_NODE_MM = 15.0
"""Short axis of a node that is a target."""
NORMAL_NODE_MM = 10.0
"""A node with a shorter short axis is normal."""
TOO_SMALL_MM = 5.0
"""Recorded for a target that is seen but too small to be measured."""
COLUMNS = (
    *("date", "lesion", "organ", "role", "node", "size_mm", "state", "sum_mm", "nadir_mm"),
    *("from_baseline_percent", "from_nadir_percent", "targets", "non_targets", "new_lesions", "response", "why"),
)

Response = Literal["baseline", "CR", "PR", "SD", "PD", "NE", "non-CR/non-PD"]
State = Literal["present", "absent", "progressed", "not evaluated"]


class Visit(BaseModel):
    """What was seen at one date."""

    model_config = ConfigDict(frozen=True)

    date: str
    """YYYYMMDD."""
    sizes_mm: dict[str, float | None]
    """Of the targets: longest diameter, of nodes the short axis; 0 where it is gone, None where not evaluated."""
    states: dict[str, State] = {}
    """Of the non-targets; one that is not named was not evaluated."""
    new_lesions: tuple[str, ...] = ()
    """Lesions that are new beyond doubt."""


class Assessed(BaseModel):
    """The response at one visit."""

    model_config = ConfigDict(frozen=True)

    date: str
    sum_mm: float | None
    """None where a target was not evaluated."""
    nadir_mm: float | None
    """Smallest sum before this visit, the baseline's included."""
    from_baseline: float | None
    """(sum - baseline) / baseline."""
    from_nadir: float | None
    targets: Response
    non_targets: Response
    response: Response
    why: str


def assess(lesions: Sequence[Lesion], visits: Sequence[Visit]) -> tuple[Assessed, ...]:
    """Assess each visit.

    Parameters
    ----------
    lesions : sequence of Lesion
        As chosen at the baseline.
    visits : sequence of Visit
        The baseline first, then by date.

    Raises
    ------
    ConfigError
        If the targets are not those that RECIST 1.1 allows, a visit names others, or dates are out of order.
    """
    targets = [one for one in lesions if one.role == "target"]
    others = [one for one in lesions if one.role == "non-target"]
    _check(targets, others, visits)
    results: list[Assessed] = []
    sums: list[float] = []
    complete_before = False
    for number, visit in enumerate(visits):
        total = _sum(targets, visit)
        nadir = min(sums, default=None)
        if number == 0:
            results.append(_baseline(visit, total))
        else:
            found, why = _of_targets(targets, visit, sums[0] if sums else None, nadir, complete_before)
            rest = _of_others(others, visit)
            response = _overall_response(found, rest, bool(visit.new_lesions), bool(targets), bool(others))
            if visit.new_lesions:
                why += f" New: {', '.join(visit.new_lesions)}."
            if rest == "PD":
                why += " A non-target progressed unequivocally."
            complete_before = complete_before or response == "CR"
            results.append(
                Assessed(
                    date=visit.date,
                    sum_mm=total,
                    nadir_mm=nadir,
                    from_baseline=_relative(total, sums[0] if sums else None),
                    from_nadir=_relative(total, nadir),
                    targets=found,
                    non_targets=rest,
                    response=response,
                    why=why.strip(),
                )
            )
        if targets and total is not None:
            sums.append(total)
    return tuple(results)


def save_table(lesions: Sequence[Lesion], visits: Sequence[Visit], path: Path) -> None:
    """Write a row for each lesion at each visit, with the response of the visit in its first row (CSV)."""
    rows = []
    for visit, result in zip(visits, assess(lesions, visits), strict=True):
        summary: dict[str, object] = {
            "sum_mm": _number(result.sum_mm),
            "nadir_mm": _number(result.nadir_mm),
            "from_baseline_percent": _number(result.from_baseline, 100),
            "from_nadir_percent": _number(result.from_nadir, 100),
            "targets": result.targets,
            "non_targets": result.non_targets,
            "new_lesions": "; ".join(visit.new_lesions),
            "response": result.response,
            "why": result.why,
        }
        for lesion in lesions:
            target = lesion.role == "target"
            row: dict[str, object] = {"date": visit.date, "lesion": lesion.uid, "organ": lesion.organ}
            row |= {"role": lesion.role, "node": "yes" if lesion.node else "no"}
            row |= {"size_mm": _number(visit.sizes_mm.get(lesion.uid))} if target else {}
            row |= {} if target else {"state": visit.states.get(lesion.uid, "not evaluated")}
            rows.append(row | summary)
            summary = {}
    write_table(COLUMNS, rows, path)


def _check(targets: Sequence[Lesion], others: Sequence[Lesion], visits: Sequence[Visit]) -> None:
    if not visits:
        raise ConfigError("RECIST needs at least a baseline.")
    uids = [one.uid for one in (*targets, *others)]
    if len(set(uids)) < len(uids):
        raise ConfigError("A lesion is named twice among the targets and non-targets.")
    if len(targets) > MOST_TARGETS:
        raise ConfigError(f"{len(targets)} targets; RECIST 1.1 allows {MOST_TARGETS}. Make the others non-targets.")
    for organ in {one.organ for one in targets}:
        count = sum(one.organ == organ for one in targets)
        if count > MOST_IN_ORGAN:
            raise ConfigError(
                f"{count} targets in one organ ({organ}); RECIST 1.1 allows {MOST_IN_ORGAN}. Make the others "
                "non-targets."
            )
    for lesion in targets:
        size, least = visits[0].sizes_mm.get(lesion.uid), LEAST_NODE_MM if lesion.node else LEAST_MM
        if size is None or size < least:
            raise ConfigError(
                f"Target {lesion.uid} is {'not measured' if size is None else f'{size:g} mm'} at the baseline; RECIST "
                f"1.1 asks for {least:g} mm {'short axis of a node' if lesion.node else 'or more'}. Make it a "
                "non-target."
            )
    known = {one.uid for one in targets}, {one.uid for one in others}
    for visit in visits:
        strange = sorted((visit.sizes_mm.keys() - known[0]) | (visit.states.keys() - known[1]))
        if strange:
            raise ConfigError(f"The visit of {visit.date} names {', '.join(strange)}, not followed since the baseline.")
        if any(size is not None and size < 0 for size in visit.sizes_mm.values()):
            raise ConfigError(f"The visit of {visit.date} has a size below 0.")
    dates = [visit.date for visit in visits]
    if dates != sorted(dates):
        raise ConfigError("The visits are not in the order of their dates.")


def _baseline(visit: Visit, total: float | None) -> Assessed:
    return Assessed(
        date=visit.date,
        sum_mm=total,
        nadir_mm=None,
        from_baseline=None,
        from_nadir=None,
        targets="baseline",
        non_targets="baseline",
        response="baseline",
        why="Baseline." if total is None else f"Baseline: the sum is {total:g} mm.",
    )


def _sum(targets: Sequence[Lesion], visit: Visit) -> float | None:
    sizes = [visit.sizes_mm.get(one.uid) for one in targets]
    known = [size for size in sizes if size is not None]
    return round(sum(known), 3) if targets and len(known) == len(sizes) else None


def _of_targets(
    targets: Sequence[Lesion], visit: Visit, first: float | None, nadir: float | None, complete_before: bool
) -> tuple[Response, str]:
    """Response of the targets, and why."""
    if not targets or first is None or nadir is None:
        return "NE", "There are no targets."
    sizes = {one: visit.sizes_mm.get(one.uid) for one in targets}
    known = round(sum(size for size in sizes.values() if size is not None), 3)
    # What was measured may be enough for progression even where a target is missing.
    more = round(known - nadir, 3)
    if more >= 5 and more >= 0.2 * nadir - 1e-9:
        share = f"{100 * more / nadir:.0f} %" if nadir else "from nothing"
        return "PD", f"The sum of {known:g} mm is {more:g} mm ({share}) over the nadir of {nadir:g} mm."
    missing = [one.uid for one, size in sizes.items() if size is None]
    if missing:
        return "NE", f"Not evaluated: {', '.join(missing)}."
    back = [one.uid for one, size in sizes.items() if not one.node and size]
    if complete_before and back:
        return "PD", f"Came back after a complete response: {', '.join(back)}."
    if all(size < NORMAL_NODE_MM if one.node else size == 0 for one, size in sizes.items() if size is not None):
        return "CR", "All targets are gone, and nodes are below 10 mm."
    less = round(first - known, 3)
    share = f"{100 * less / first:.0f} %"
    if less >= 0.3 * first - 1e-9:
        return "PR", f"The sum of {known:g} mm is {share} under the baseline's {first:g} mm."
    return "SD", (
        f"The sum of {known:g} mm is neither 30 % under the baseline's {first:g} mm nor 20 % and 5 mm over the nadir "
        f"of {nadir:g} mm."
    )


def _of_others(others: Sequence[Lesion], visit: Visit) -> Response:
    states = [visit.states.get(one.uid, "not evaluated") for one in others]
    if "progressed" in states:
        return "PD"
    if "present" in states:
        return "non-CR/non-PD"
    return "NE" if "not evaluated" in states else "CR"


def _overall_response(targets: Response, others: Response, new: bool, has_targets: bool, has_others: bool) -> Response:
    """Look the overall response up: table 1 of the paper, or table 2 where there are no targets."""
    if new or "PD" in (targets, others if has_others else targets):
        return "PD"
    if not has_targets:
        return others if has_others else "NE"
    if targets == "CR" and has_others and others != "CR":
        return "PR"
    return targets


def _relative(value: float | None, to: float | None) -> float | None:
    return None if value is None or not to else value / to - 1


def _number(value: float | None, times: int = 1) -> object:
    return "" if value is None else round(times * value, 1) + 0.0  # never -0.0
