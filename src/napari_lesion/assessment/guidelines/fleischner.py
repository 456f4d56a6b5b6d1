"""Advice by the guideline of the Fleischner Society of 2017, for nodules that are found by chance.

Diameters are means of long and short axis, rounded to whole mm, as the Society asks (Bankier et al., Radiology 285
(2017), 584-600): 5.5 mm counts as 6 mm.

References
----------
MacMahon et al., Radiology 284 (2017), 228-243.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from napari_lesion.assessment.measure.nodule import Nodule, is_true, nodule_of, to_whole, unmeasured, unread
from napari_lesion.model.assessed import Advice, NoduleType, Patient, Step
from napari_lesion.model.compared import Comparison
from napari_lesion.model.findings import Finding

GUIDELINE = "Fleischner 2017"
FIRST_YEARS = 35
Risk = Literal["low", "high"]
Urgency = Literal[0, 1, 2, 3, 4, 5]
"""0: no follow-up; 1: optional; 2: from 6 months on; 3 and 4: from 3 months on; 5: at 3 months, or more than CT."""
_TABLE = f"{GUIDELINE}, table of recommendations"
_SHOWN = 5
"""Nodules in the trace, at most."""


@dataclass(frozen=True)
class Recommendation:
    """A row of the guideline's table."""

    name: str
    advice: str
    urgency: Urgency
    risk: Risk | None = None
    """Of the patient; None where it makes no difference."""


# -- the table ----------------------------------------------------------------------------------------------------


def row(type_: NoduleType, mm: int, multiple: bool, risk: Risk) -> Recommendation:
    """Look up what is advised.

    Parameters
    ----------
    type_ : NoduleType
    mm : int
        Mean diameter, rounded to whole mm.
    multiple : bool
        Whether there are other nodules; for subsolid ones, whether there are other subsolid ones.
    risk : Risk
    """
    number = "Multiple" if multiple else "Single"
    if type_ == "solid":
        return _solid(mm, multiple, risk, f"{number} solid")
    if multiple:
        size = "under 6 mm" if mm < 6 else "6 mm or more"
        after = "if stable, consider CT at 2 and 4 years" if mm < 6 else "then as the most suspicious nodule asks"
        return Recommendation(f"Multiple subsolid, {size}", f"CT at 3 to 6 months; {after}", 3 if mm < 6 else 4)
    if mm < 6:
        return Recommendation(f"Single {type_}, under 6 mm", "no routine follow-up", 0)
    if type_ == "non-solid":
        after = "CT at 6 to 12 months to confirm that it persists, then CT every 2 years until 5 years"
        return Recommendation("Single non-solid, 6 mm or more", after, 2)
    after = "if unchanged and its solid part stays under 6 mm, CT every year for 5 years"
    return Recommendation(
        "Single part-solid, 6 mm or more", f"CT at 3 to 6 months to confirm that it persists; {after}", 4
    )


def _solid(mm: int, multiple: bool, risk: Risk, name: str) -> Recommendation:
    if mm < 6:
        low = Recommendation(f"{name}, under 6 mm", "no routine follow-up", 0, "low")
        return low if risk == "low" else Recommendation(f"{name}, under 6 mm", "optional CT at 12 months", 1, "high")
    then = "consider CT" if risk == "low" else "CT"
    if multiple:
        advice = f"CT at 3 to 6 months, then {then} at 18 to 24 months"
        return Recommendation(f"{name}, 6 mm or more", advice, 4, risk)
    if mm <= 8:
        return Recommendation(f"{name}, 6 to 8 mm", f"CT at 6 to 12 months, then {then} at 18 to 24 months", 2, risk)
    return Recommendation(f"{name}, over 8 mm", "consider CT at 3 months, PET/CT or tissue sampling", 5)


# -- the exam -----------------------------------------------------------------------------------------------------


def of_exam(findings: Sequence[Finding], patient: Patient, comparisons: Sequence[Comparison] = ()) -> Advice:
    """Describe what the guideline advises after an exam.

    Parameters
    ----------
    findings : sequence of Finding
        Those that no reader rejected.
    patient : Patient
    comparisons : sequence of Comparison
        With priors. The table is for nodules when they are found, not for those that have grown.
    """
    refusal, conditions = applicability(patient)
    measured = [nodule for finding in findings if (nodule := nodule_of(finding)) is not None]
    nodules = [nodule for nodule in measured if nodule.patterns != (True,)]
    unseen_all = ("A measurement of every finding",) if findings and not measured and not refusal else ()
    refusal = refusal or _nothing_to_advise(findings, measured, nodules, comparisons)
    if refusal:
        return Advice(guideline=GUIDELINE, applies=False, why_not=refusal, missing=unseen_all)
    risks, risk_step = risk_of(patient, nodules)
    rows = [_rows(nodule, nodules, risks) for nodule in nodules]
    least = max(min(one.urgency for one in several) for several in rows)
    counted = sorted(
        {one for several in rows for one in several if one.urgency >= least},
        key=lambda one: (-one.urgency, one.name, one.risk != "low"),
    )
    category, advice = _names(counted), _advice_of(counted)
    trace = (*_population(patient), *_steps(findings, measured, nodules, rows, comparisons), risk_step)
    trace += tuple(Step(says=f"{_names([one])}: {one.advice}.", rests_on=_TABLE) for one in counted)
    missing = _missing(nodules, patient, risks, counted)
    unseen = len(findings) - len(measured)
    if unseen or conditions:
        why = []
        if unseen:
            missing = ("A measurement of every finding", *missing)
            why.append(f"{unseen} of {len(findings)} findings {'was' if unseen == 1 else 'were'} not measured.")
        if conditions:
            why.append(f"{GUIDELINE} is not for everyone, and what decides it is not known.")
        so = [*(["none of them asks for more"] if unseen else []), *conditions]
        why.append(f"If {_and(so)}: {advice}.")
        return Advice(
            guideline=GUIDELINE, applies=False, why_not=" ".join(why), would_be=category, trace=trace, missing=missing
        )
    return Advice(
        guideline=GUIDELINE,
        applies=True,
        category=category,
        advice=f"{advice[:1].upper()}{advice[1:]}.",
        trace=trace,
        missing=missing,
    )


def applicability(patient: Patient) -> tuple[str, tuple[str, ...]]:
    """Why the guideline is not for a patient, and what would have to be so where that is not known."""
    age = patient.age_years
    if patient.context is not None and patient.context.value == "screening":
        return f"{GUIDELINE} is not for lung cancer screening.", ()
    if age is not None and age.value < FIRST_YEARS:
        return f"{GUIDELINE} is for patients of {FIRST_YEARS} years or older. This one is {age.value:g}.", ()
    if is_true(patient.prior_cancer):
        return f"{GUIDELINE} is not for patients with a known cancer.", ()
    if is_true(patient.immunosuppression):
        return f"{GUIDELINE} is not for patients with immunosuppression.", ()
    conditions = (
        ("this is not screening", patient.context),
        (f"the patient is {FIRST_YEARS} or older", age),
        ("the patient has no known cancer", patient.prior_cancer),
        ("there is no immunosuppression", patient.immunosuppression),
    )
    return "", tuple(words for words, known in conditions if known is None)


def risk_of(patient: Patient, nodules: Sequence[Nodule]) -> tuple[tuple[Risk, ...], Step]:
    """Determine the risk: high, low, or either where too little is known.

    The guideline leaves the weighing of risk factors to the reader. The rule here: high with any of those it names that
    is known; low if the patient never smoked and has neither emphysema nor lung cancer in the family.
    """
    factors = (
        ("has smoked", None if patient.smoking is None else patient.smoking.value != "never"),
        ("lung cancer in the family", None if patient.family_history is None else patient.family_history.value),
        ("emphysema", None if patient.emphysema is None else patient.emphysema.value),
    )
    there = [name for name, known in factors if known]
    there += ["a spiculated nodule"] if any(is_true(n.finding.appearance.spiculated) for n in nodules) else []
    there += ["a nodule in an upper lobe"] if any(n.upper_lobe for n in nodules) else []
    unknown = [name for name, known in factors if known is None]
    rests_on = (
        f"{GUIDELINE}, risk factors. The rule is this program's: high with any of these; low for one who never smoked, "
        "without emphysema and without lung cancer in the family"
    )
    if there:
        return ("high",), Step(says=f"High risk: {', '.join(there)}.", rests_on=rests_on)
    if not unknown:
        says = "Low risk: never smoked, no emphysema, no lung cancer in the family."
        return ("low",), Step(says=says, rests_on=rests_on)
    says = f"Low or high risk, as it is not known: {', '.join(unknown)}."
    return ("low", "high"), Step(says=says, rests_on=rests_on)


def _nothing_to_advise(
    findings: Sequence[Finding],
    measured: Sequence[Nodule],
    nodules: Sequence[Nodule],
    comparisons: Sequence[Comparison],
) -> str:
    """Why there is nothing that the table could be asked; empty where there is."""
    if not findings:
        return "No finding stands, so there is nothing to advise on."
    if not measured:
        return unmeasured(findings[0]) if len(findings) == 1 else "None of the findings was measured."
    if not nodules:
        return "All nodules are calcified (or contain fat) as in category 1 of Lung-RADS; the table is not for these."
    for nodule in nodules:
        for comparison in comparisons:
            change = comparison.of(nodule.finding.id)
            if change is not None and change.fate == "grown":
                return (
                    f"The table is for nodules when they are found. That of {nodule.mean_mm:.1f} mm has grown since "
                    "an earlier scan."
                )
    return ""


def _rows(nodule: Nodule, nodules: Sequence[Nodule], risks: Sequence[Risk]) -> list[Recommendation]:
    """Look up all rows that a nodule may be in."""
    others = [other.types for other in nodules if other is not nodule]
    mm = to_whole(nodule.mean_mm)
    found: dict[Recommendation, None] = {}
    for type_ in nodule.types:
        if type_ == "solid":
            multiple = {bool(others)}
        else:
            multiple = {any("solid" not in types for types in others), any(types != ("solid",) for types in others)}
        found |= {row(type_, mm, several, risk): None for several in multiple for risk in risks}
    return list(found)


def _steps(
    findings: Sequence[Finding],
    measured: Sequence[Nodule],
    nodules: Sequence[Nodule],
    rows: Sequence[Sequence[Recommendation]],
    comparisons: Sequence[Comparison],
) -> Iterator[Step]:
    says = f"{len(nodules)} nodule{'s' if len(nodules) > 1 else ''}"
    if left := len(measured) - len(nodules):
        says += f"; {left} more left out: calcified or with fat as in category 1 of Lung-RADS"
    if count := unread(findings):
        says += f". {count} of the findings {'is' if count == 1 else 'are'} not yet confirmed by a reader"
    yield Step(says=f"{says}.", rests_on=f"{GUIDELINE}, single and multiple nodules; the most suspicious one guides")
    order = sorted(range(len(nodules)), key=lambda n: -max(one.urgency for one in rows[n]))
    for nodule in (nodules[n] for n in order[:_SHOWN]):
        yield Step(
            says=f"{nodule.kind}, {nodule.size}; {to_whole(nodule.mean_mm)} mm when rounded.",
            rests_on="Fleischner Society, measuring nodules (2017): mean of long and short axis, to whole mm",
        )
    if len(order) > _SHOWN:
        says = f"{len(order) - _SHOWN} more, none of which asks for more."
        yield Step(says=says, rests_on=f"{GUIDELINE}, the most suspicious nodule guides")
    for comparison in comparisons:
        if any((change := comparison.of(n.finding.id)) is not None and change.prior_finding_id for n in nodules):
            says = "Some were there at an earlier scan: times count from when a nodule was first found."
            yield Step(says=says, rests_on=_TABLE)
            break


def _population(patient: Patient) -> Iterator[Step]:
    known = [
        f"{patient.age_years.value:g} years ({patient.age_years.source})" if patient.age_years is not None else "",
        f"not screening ({patient.context.source})" if patient.context is not None else "",
        f"no known cancer ({patient.prior_cancer.source})" if patient.prior_cancer is not None else "",
        f"no immunosuppression ({patient.immunosuppression.source})" if patient.immunosuppression is not None else "",
    ]
    if any(known):
        yield Step(
            says=f"The patient: {', '.join(word for word in known if word)}.",
            rests_on=f"{GUIDELINE}: from 35 years; not for screening, known cancer or immunosuppression",
        )


def _names(rows: Sequence[Recommendation]) -> str:
    """Name rows, the same one of several risks once."""
    risks = {name: [one.risk for one in rows if one.name == name and one.risk] for name in (one.name for one in rows)}
    return "; ".join(f"{name}, {' or '.join(of)} risk" if of else name for name, of in risks.items())


def _advice_of(rows: Sequence[Recommendation]) -> str:
    """Join what several rows advise: each with its risk, and where they are of several nodules with its name."""
    if len({one.advice for one in rows}) == 1:
        return rows[0].advice
    one_name = len({one.name for one in rows}) == 1
    labels = [f"{one.risk} risk" if one_name and one.risk else _names([one]) for one in rows]
    return "; ".join(f"{label[:1].lower()}{label[1:]}: {one.advice}" for label, one in zip(labels, rows, strict=True))


def _missing(
    nodules: Sequence[Nodule], patient: Patient, risks: Sequence[Risk], rows: Sequence[Recommendation]
) -> tuple[str, ...]:
    missing = []
    for name, known in (
        ("Age", patient.age_years),
        ("Why the scan was made", patient.context),
        ("Known cancer, or none", patient.prior_cancer),
        ("Immunosuppression, or none", patient.immunosuppression),
    ):
        if known is None:
            missing.append(name)
    if len(risks) > 1 and any(one.risk for one in rows):
        missing.append("Smoking, emphysema and lung cancer in the family")
    if any(len(nodule.types) > 1 for nodule in nodules):
        missing.append("Type")
    if any(len(nodule.patterns) > 1 for nodule in nodules):
        missing.append("Pattern of calcification")
    return tuple(missing)


def _and(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
