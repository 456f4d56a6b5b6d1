"""Growth by the guideline of the British Thoracic Society of 2015: volume, and the time in which it doubles.

References
----------
Callister et al., Thorax 70 Suppl 2 (2015), ii1-ii54: recommendations on growth and volume doubling time.
"""

from __future__ import annotations

from collections.abc import Sequence

from napari_lesion.assessment.measure.nodule import either, nodule_of
from napari_lesion.model.assessed import Advice, Step
from napari_lesion.model.compared import Change, Comparison
from napari_lesion.model.findings import Finding

GUIDELINE = "BTS 2015"
GROWTH = 0.25
"""Of the volume: as much or more is growth."""
FAST_DAYS = 400.0
SLOW_DAYS = 600.0
CLASSES = (
    ("under 400 days", "further investigation: biopsy, imaging or resection"),
    ("400 to 600 days", "yearly surveillance or biopsy, as the patient prefers"),
    ("over 600 days", "discharge or yearly surveillance, as the patient prefers"),
)
"""Of the volume doubling time, and what is advised."""


def doubling_class(days: float) -> int:
    """Which of `CLASSES` a volume doubling time is in."""
    return 0 if days < FAST_DAYS else 1 if days <= SLOW_DAYS else 2


def growth(finding: Finding, comparisons: Sequence[Comparison] = ()) -> Advice:
    """Describe what the change of a nodule's volume since the latest prior means.

    Parameters
    ----------
    finding : Finding
    comparisons : sequence of Comparison
        With priors, the latest first.
    """
    for comparison in comparisons:
        change = comparison.of(finding.id)
        if comparison.alignment.accepted and change is not None and change.prior_finding_id is not None:
            return _of_change(finding, comparison, change)
    missing = ("An earlier scan in which it was measured",)
    return Advice(guideline=GUIDELINE, applies=False, why_not=_why_not(finding, comparisons), missing=missing)


def _why_not(finding: Finding, comparisons: Sequence[Comparison]) -> str:
    if not comparisons:
        return "No earlier scan was compared with."
    for comparison in comparisons:
        if not comparison.alignment.accepted:
            return f"The earlier scan could not be compared with: {comparison.alignment.says}"
        if (change := comparison.of(finding.id)) is not None:
            return f"Growth is told from two measurements of one nodule. {change.why}".strip()
    return "What became of it since the earlier scan is not known."


def _of_change(finding: Finding, comparison: Comparison, change: Change) -> Advice:
    more = change.volume_change
    if more is None or change.volume_mm3 is None or change.prior_volume_mm3 is None:
        why_not = f"Its volume is not known in both scans. {change.why}".strip()
        return Advice(guideline=GUIDELINE, applies=False, why_not=why_not, missing=("Its volume in both scans",))
    since = "an unknown time" if comparison.days is None else f"{comparison.days} days"
    measured = Step(
        says=f"In {since} from {change.prior_volume_mm3:.0f} to {change.volume_mm3:.0f} mm³: {more:+.0%}.",
        rests_on=f"{GUIDELINE}: a change of volume of 25 % or more is growth",
    )
    if change.fate == "unclear":
        return Advice(
            guideline=GUIDELINE, applies=False, why_not=change.why, trace=(measured,), missing=("A clear change",)
        )
    if round(more, 9) < GROWTH:
        name = "Smaller by 25 % or more" if more <= -GROWTH else "No growth: volume changed by less than 25 %"
        return Advice(guideline=GUIDELINE, applies=True, category=name, trace=(measured,))
    return _grown(finding, change, measured)


def _grown(finding: Finding, change: Change, measured: Step) -> Advice:
    """Determine the class of the doubling time; all that its interval reaches into."""
    nodule = nodule_of(finding)
    types = nodule.types if nodule is not None else ()
    rests_on = f"{GUIDELINE}: volume doubling time of solid nodules, under 400, 400 to 600, over 600 days"
    if types and "solid" not in types:
        says = "The classes of doubling time are for solid nodules; this one is not."
        return Advice(
            guideline=GUIDELINE,
            applies=True,
            category="Growth of 25 % or more",
            trace=(measured, Step(says=says, rests_on=rests_on)),
        )
    missing = () if types == ("solid",) else ("Type",)
    days, low, high = change.doubling_days, change.doubling_low_days, change.doubling_high_days
    if days is None or days <= 0:
        first, last = 0, len(CLASSES) - 1
        says = "Its doubling time can't be told."
        missing = ("Days between the scans", *missing)
    else:
        first = 0 if low is None else doubling_class(low)
        last = len(CLASSES) - 1 if high is None or high <= 0 else doubling_class(high)
        says = f"Its volume doubles in {days:.0f} days (95 % interval: {_interval(low, high)})."
    classes = CLASSES[first : last + 1]
    name = f"Growth of 25 % or more; doubling time {either([name for name, _ in classes])}"
    advice = [words if len(classes) == 1 else f"{name}: {words}" for name, words in classes]
    joined = "; ".join(advice)
    return Advice(
        guideline=GUIDELINE,
        applies=True,
        category=name,
        advice=f"{joined[:1].upper()}{joined[1:]}.",
        trace=(measured, Step(says=says, rests_on=rests_on)),
        missing=missing,
    )


def _interval(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "open on both sides"
    if low is None:
        return f"up to {high:.0f}"
    return f"from {low:.0f} on" if high is None or high <= 0 else f"{low:.0f} to {high:.0f}"
