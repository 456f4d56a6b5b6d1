"""Probability by the Brock (PanCan) model, as a range where inputs are unknown.

McWilliams et al., N Engl J Med 369 (2013), 910-919: the full model with spiculation ("2b"), made on current and former
smokers of 50 to 75 years, for noncalcified nodules at their first screening CT. Its diameter is the longest one on an
axial slice (van Riel et al., Eur Radiol 27 (2017), 4019-4029, "D longest-C").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from napari_lesion.assessment.guidelines.lung_rads_history import prior_date
from napari_lesion.assessment.measure.nodule import TYPES, Nodule, either, is_true, nodule_of, percent, unmeasured
from napari_lesion.model.assessed import NoduleType, Patient, Probability, Source, SourcedValue, Term
from napari_lesion.model.compared import Comparison
from napari_lesion.model.findings import Finding

MODEL = "Brock (PanCan) full model with spiculation, 2b (McWilliams 2013)"
INTERCEPT = -6.7892
AGE = 0.0287
FEMALE = 0.6011
FAMILY_HISTORY = 0.2961
EMPHYSEMA = 0.2953
SIZE = -5.3854
TYPE: dict[NoduleType, float] = {"solid": 0.0, "part-solid": 0.377, "non-solid": -0.1276}
UPPER_LOBE = 0.6581
COUNT = -0.0824
SPICULATION = 0.7729

MADE_ON_YEARS = (50.0, 75.0)
YEARS = (40.0, 100.0)
"""Ages for which it is told. From 40 years on it was tested outside of screening (Chung et al., Thorax 73 (2018))."""
LARGEST_NODULE_MM = 30.0


def size_term(diameter_mm: float) -> float:
    """Describe what the longest diameter on an axial slice (mm) adds to the logit."""
    return SIZE * (1 / math.sqrt(diameter_mm / 10) - 1.58113883)


def probability(logit: float) -> float:
    """Turn a logit into a probability."""
    return 1 / (1 + math.exp(-logit))


def brock(
    finding: Finding, patient: Patient, findings: Sequence[Finding], comparisons: Sequence[Comparison] = ()
) -> Probability:
    """Determine the probability for one finding.

    Parameters
    ----------
    finding : Finding
    patient : Patient
    findings : sequence of Finding
        All that no reader rejected: they are counted.
    comparisons : sequence of Comparison
        The model is for nodules at their first CT: not for one that has grown or is new since a prior.

    Returns
    -------
    Probability
        From the lowest to the highest that is possible with what is known.
    """
    nodule = nodule_of(finding)
    why_not = _why_not(finding, nodule, patient, comparisons)
    if nodule is None or why_not:
        missing = ("A measurement",) if nodule is None else ()
        return Probability(model=MODEL, applies=False, why_not=why_not, missing=missing)
    terms = _terms(nodule, patient, findings)
    low, high = (probability(sum(getattr(term, end) for term in terms)) for end in ("low", "high"))
    return Probability(
        model=MODEL,
        applies=True,
        low=low,
        high=high,
        terms=terms,
        missing=tuple(term.name for term in terms if term.low != term.high),
        notes=_notes(nodule, patient),
    )


def _why_not(finding: Finding, nodule: Nodule | None, patient: Patient, comparisons: Sequence[Comparison]) -> str:
    """Why the model is not for this finding; empty where it is."""
    if nodule is None:
        return unmeasured(finding)
    if is_true(patient.prior_cancer):
        return "The model is not for patients with a known cancer."
    if patient.age_years is not None and not YEARS[0] <= patient.age_years.value <= YEARS[1]:
        return f"The model is not for a patient of {patient.age_years.value:g} years: it was tested from 40 years on."
    if nodule.patterns == (True,):
        return "The model is for nodules without the calcification or fat of category 1 of Lung-RADS."
    for comparison in comparisons:
        change = comparison.of(finding.id)
        if change is not None and change.fate in {"new", "grown"}:
            return (
                f"The model is for nodules at their first CT. This one is {change.fate} since the scan of "
                f"{prior_date(comparison)}, which says more."
            )
    return ""


def _terms(nodule: Nodule, patient: Patient, findings: Sequence[Finding]) -> tuple[Term, ...]:
    long_mm = nodule.measurement.long_axis.length_mm
    types = {TYPE[one] for one in nodule.types}
    age, sex = patient.age_years, patient.sex
    years = (age.value, age.value) if age is not None else YEARS
    return (
        Term(name="Intercept", value="constant of the model", source=None, low=INTERCEPT, high=INTERCEPT),
        Term(
            name="Age",
            value=f"{age.value:g} years" if age is not None else f"unknown, {YEARS[0]:g} to {YEARS[1]:g} years taken",
            source=age.source if age is not None else None,
            low=AGE * (years[0] - 62),
            high=AGE * (years[1] - 62),
        ),
        _yes_or_no("Sex", FEMALE, sex is not None and sex.value == "female", sex, ("female", "male")),
        _known("Lung cancer in the family", FAMILY_HISTORY, patient.family_history),
        _known("Emphysema", EMPHYSEMA, patient.emphysema),
        Term(
            name="Size",
            value=f"{long_mm:.1f} mm, the long axis",
            source="measured",
            low=size_term(long_mm),
            high=size_term(long_mm),
        ),
        Term(
            name="Type",
            value=_type_in_words(nodule),
            source=nodule.type_source,
            low=min(types),
            high=max(types),
        ),
        _upper_lobe(nodule),
        _count(nodule, findings),
        _spiculation(nodule),
    )


def _known(name: str, adds: float, given: SourcedValue[bool] | None) -> Term:
    return _yes_or_no(name, adds, is_true(given), given, ("yes", "no"))


def _yes_or_no(name: str, adds: float, so: bool, given: SourcedValue[Any] | None, words: tuple[str, str]) -> Term:
    if given is None:
        return Term(name=name, value="unknown", source=None, low=0.0, high=adds)
    there = adds if so else 0.0
    return Term(name=name, value=words[0] if so else words[1], source=given.source, low=there, high=there)


def _type_in_words(nodule: Nodule) -> str:
    looks = nodule.measurement.looks
    if nodule.type_source == "estimated" and looks is not None:
        return f"{nodule.types[0]}, {percent(looks.type_certainty)}"
    if nodule.type_source is None:
        return "unknown" if nodule.types == TYPES else f"unknown: {either(nodule.types)}"
    return nodule.types[0]


def _spiculation(nodule: Nodule) -> Term:
    """Take a reader's word, or a network's where it is certain."""
    entered, looks = nodule.finding.appearance.spiculated, nodule.measurement.looks
    if entered is not None or looks is None:
        return _known("Spiculation", SPICULATION, entered)
    said = f"{'yes' if looks.spiculated.value else 'no'}, {percent(looks.spiculated.certainty)}"
    known = len(nodule.spiculated) == 1
    return Term(
        name="Spiculation",
        value=said if known else f"unknown; estimated {said}",
        source="estimated" if known else None,
        low=SPICULATION * min(nodule.spiculated),
        high=SPICULATION * max(nodule.spiculated),
    )


def _upper_lobe(nodule: Nodule) -> Term:
    lobe = nodule.finding.appearance.lobe
    source: Source = lobe.source if lobe is not None else "measured"
    if nodule.upper_lobe is None:
        zone = nodule.measurement.zone
        value = "unknown" if zone == "unknown" else f"unknown; a third of the lung's height ({zone}) is not a lobe"
        return Term(name="Upper lobe", value=value, source=None, low=0.0, high=UPPER_LOBE)
    there = UPPER_LOBE if nodule.upper_lobe else 0.0
    value = lobe.value if lobe is not None else nodule.measurement.lobe
    return Term(name="Upper lobe", value=value, source=source, low=there, high=there)


def _count(nodule: Nodule, findings: Sequence[Finding]) -> Term:
    """Count nodules: at least those that a reader confirmed, at most all that nobody rejected."""
    others = [
        finding
        for finding in findings
        if finding.id != nodule.finding.id and ((one := nodule_of(finding)) is None or one.patterns != (True,))
    ]
    most = 1 + len(others)
    least = 1 + sum(finding.status != "candidate" for finding in others)
    value = f"{most}" if least == most else f"{least} to {most}: {most - least} not yet confirmed by a reader"
    return Term(
        name="Number of nodules",
        value=value,
        source="measured",
        low=COUNT * (most - 4),
        high=COUNT * (least - 4),
    )


def _notes(nodule: Nodule, patient: Patient) -> tuple[str, ...]:
    notes = []
    if patient.age_years is not None and not MADE_ON_YEARS[0] <= patient.age_years.value <= MADE_ON_YEARS[1]:
        notes.append(f"It was made on patients of 50 to 75 years; this one is {patient.age_years.value:g}.")
    if patient.smoking is not None and patient.smoking.value == "never":
        notes.append("It was made on current and former smokers; this patient never smoked.")
    if patient.prior_cancer is None:
        notes.append("It holds only for patients without a known cancer; nobody said whether there is one.")
    if nodule.patterns == (False, True):
        notes.append("It holds only if the nodule is not calcified or fatty as in category 1 of Lung-RADS.")
    if nodule.measurement.long_axis.length_mm > LARGEST_NODULE_MM:
        notes.append("It was made on nodules; this finding is larger than 30 mm.")
    return tuple(notes)
