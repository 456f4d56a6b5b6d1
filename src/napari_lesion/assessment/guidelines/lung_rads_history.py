"""What earlier scans say of a nodule, as ACR Lung-RADS v2022 asks: whether it is new, growing or stable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_lesion.assessment.guidelines.lung_rads_table import GUIDELINE, ORDER, When, ordered, whole
from napari_lesion.assessment.measure.nodule import Nodule, either, to_tenth
from napari_lesion.model.assessed import Category, Step
from napari_lesion.model.compared import Change, Comparison
from napari_lesion.model.volume import readable_date

GROWTH_MM = 1.5
"""More than that within 12 months is growth."""
MONTH_DAYS = 30.4375


@dataclass(frozen=True)
class NoduleHistory:
    """What is known of a nodule's past.

    Attributes
    ----------
    whens : tuple of When
        All that it may be.
    months : float or None
        Since the earlier scan in which it was.
    then_mm : float or None
        Its mean diameter there.
    categories : tuple of Category
        All that it may have been there; empty where that is not known.
    steps : tuple of Step
    missing : tuple of str
    """

    whens: tuple[When, ...]
    months: float | None = None
    then_mm: float | None = None
    categories: tuple[Category, ...] = ()
    steps: tuple[Step, ...] = ()
    missing: tuple[str, ...] = ()


def history_of(nodule: Nodule, comparisons: Sequence[Comparison]) -> NoduleHistory:
    """Find out what priors say of a nodule: whether it is new, growing or stable."""
    rests_on = f"{GUIDELINE}, notes on growth: more than 1.5 mm of mean diameter within 12 months"
    if not comparisons:
        says = "No earlier scan was compared with, so it is taken as at baseline."
        return NoduleHistory(("baseline",), steps=(Step(says=says, rests_on=f"{GUIDELINE}, entries for baseline"),))
    told = [
        (comparison, change)
        for comparison in comparisons
        if comparison.alignment.accepted and (change := comparison.of(nodule.finding.id)) is not None
    ]
    was_there = [(comparison, change) for comparison, change in told if change.prior_finding_id is not None]
    if was_there:
        return _with_prior(nodule, was_there, rests_on)
    if any(change.fate == "new" for _, change in told):
        comparison = next(comparison for comparison, change in told if change.fate == "new")
        says = f"It is new since the scan of {prior_date(comparison)}."
        return NoduleHistory(("new",), steps=(Step(says=says, rests_on=f"{GUIDELINE}, entries for new nodules"),))
    if told and all(change.fate == "not in view" for _, change in told):
        says = "Its place is not in view of the earlier scan, so it is taken as at baseline."
        return NoduleHistory(("baseline",), steps=(Step(says=says, rests_on=f"{GUIDELINE}, entries for baseline"),))
    says = "What became of it since the earlier scan is not known: it may be new, growing or stable."
    return NoduleHistory(
        ("new", "growing", "slowly growing", "stable"),
        steps=(Step(says=says, rests_on=rests_on),),
        missing=("What became of it since the earlier scan",),
    )


def _with_prior(nodule: Nodule, was_there: Sequence[tuple[Comparison, Change]], rests_on: str) -> NoduleHistory:
    """Assess a nodule that earlier scans have too."""
    comparison, latest = was_there[0]
    months = None if comparison.days is None or comparison.days <= 0 else comparison.days / MONTH_DAYS
    larger: list[tuple[float, float | None]] = []
    steps = []
    for one, change in was_there:
        if change.diameter_mm is None or change.prior_diameter_mm is None:
            continue
        by = to_tenth(to_tenth(change.diameter_mm) - to_tenth(change.prior_diameter_mm))
        after = None if one.days is None or one.days <= 0 else one.days / MONTH_DAYS
        larger.append((by, after))
        when = "an unknown number of months" if after is None else f"{after:.0f} months"
        steps.append(
            Step(
                says=f"Since the scan of {prior_date(one)}, {when} before: {to_tenth(change.prior_diameter_mm):.1f} to "
                f"{to_tenth(change.diameter_mm):.1f} mm ({by:+.1f} mm).",
                rests_on=rests_on,
            )
        )
    categories = _categories_before(nodule, latest)
    if categories:
        where = "entered" if nodule.finding.appearance.earlier_category else "in the report of the earlier scan"
        steps.append(
            Step(
                says=f"It was of category {either(categories)} before ({where}).",
                rests_on=f"{GUIDELINE}, stepped management",
            )
        )
    whens = _whens(larger)
    unknown = [] if len(whens) == 1 else ["How much it grew within 12 months"]
    if months is None:
        unknown.append("When the earlier scan was made")
    if not categories and "stable" in whens:
        unknown.append("Its category at the earlier scan")
    return NoduleHistory(
        whens,
        months,
        None if latest.prior_diameter_mm is None else to_tenth(latest.prior_diameter_mm),
        categories,
        tuple(steps),
        tuple(unknown),
    )


def _whens(larger: Sequence[tuple[float, float | None]]) -> tuple[When, ...]:
    """Tell growing from stable by how much larger (mm) it is than some months before, the latest scan first."""
    if not larger:
        return "growing", "slowly growing", "stable"
    within_a_year = [by for by, months in larger if months is not None and whole(months) <= 12]
    if any(by > GROWTH_MM for by in within_a_year):
        return ("growing",)
    if all(by <= GROWTH_MM for by, _ in larger):
        return ("stable",)
    if not within_a_year:
        return "growing", "slowly growing"
    return ("slowly growing",) if larger[0][0] > 0 else ("stable",)


def _categories_before(nodule: Nodule, change: Change) -> tuple[Category, ...]:
    read = nodule.finding.appearance.earlier_category
    if read is not None:
        return (read.value,)
    return ordered(one for one in ORDER if one in change.prior_lung_rads.replace(",", " ").split())


def prior_date(comparison: Comparison) -> str:
    """Write the date of a prior scan for a sentence."""
    date = comparison.prior_study_date
    return readable_date(date) if len(date) == 8 else "unknown date"
