"""Category by ACR Lung-RADS v2022: of each nodule, and of the exam.

Where something decisive is unknown, the category is worked out for everything that it may be, and all that come out are
told: ``3 or 4A``. Nothing is counted against a nodule that nobody said: airways, juxtapleural nodules, 4X and S are as
a reader enters them.

References
----------
ACR, Lung-RADS v2022: assessment categories and notes. Christensen et al., Chest 165 (2024), 738-753.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from napari_lesion.assessment.guidelines.lung_rads_history import NoduleHistory, history_of
from napari_lesion.assessment.guidelines.lung_rads_table import (
    GUIDELINE,
    MANAGEMENT,
    ORDER,
    Entry,
    When,
    by_table,
    management,
    ordered,
    stepped,
)
from napari_lesion.assessment.measure.nodule import Nodule, either, is_true, nodule_of, to_tenth, unmeasured, unread
from napari_lesion.model.assessed import Advice, Category, NoduleType, Patient, Step
from napari_lesion.model.compared import Comparison
from napari_lesion.model.findings import Finding

FIRST_YEARS = 50
"""No screening guideline begins earlier (USPSTF 2021, ACS 2023, NCCN 2025)."""
LAST_YEARS = 80
"""Where those of USPSTF and ACS end; NCCN has no end."""
JUXTAPLEURAL_MM = 10.0
_CATEGORY_1 = Entry("1", "Calcified completely, in the centre, like popcorn or in rings, or containing fat")


def of_nodule(finding: Finding, patient: Patient, comparisons: Sequence[Comparison] = ()) -> Advice:
    """Determine the category of one nodule.

    Parameters
    ----------
    finding : Finding
    patient : Patient
    comparisons : sequence of Comparison
        With priors, the latest first.
    """
    nodule = nodule_of(finding)
    if nodule is None:
        return Advice(guideline=GUIDELINE, applies=False, why_not=unmeasured(finding), missing=("A measurement",))
    refusal, unknown = applicability(patient)
    if refusal:
        return Advice(guideline=GUIDELINE, applies=False, why_not=refusal)
    history = history_of(nodule, comparisons)
    entries = _entries(nodule, history)
    categories = ordered(entry.category for entry in entries)
    advice = management(categories, nodule.solid_mm or 0.0)
    trace = (
        *_population(patient),
        Step(
            says=f"{nodule.kind}, {nodule.size}.",
            rests_on=f"{GUIDELINE}, notes on size: mean of long and short axis, to 0.1 mm",
        ),
        *history.steps,
        *_entered(nodule),
        *(
            Step(says=f"{entry.words}: category {entry.category}.", rests_on=entry.rests_on)
            for entry in sorted(entries, key=lambda entry: ORDER.index(entry.category))
        ),
    )
    return _advice(either(categories), advice, unknown, trace, (*_missing(nodule, history), *_missing_of(patient)))


def applicability(patient: Patient) -> tuple[str, str]:
    """Why the guideline is not for a patient, and what would have to be so where that is not known."""
    age = patient.age_years
    if patient.context is not None and patient.context.value != "screening":
        return f"{GUIDELINE} is for lung cancer screening. This scan was made for another reason.", ""
    if is_true(patient.prior_cancer):
        return f"{GUIDELINE} is for people who are screened without a known cancer.", ""
    if age is not None and age.value < FIRST_YEARS:
        return (
            f"{GUIDELINE} is for people who are screened for lung cancer, from {FIRST_YEARS} years on. "
            f"This patient is {age.value:g}.",
            "",
        )
    if patient.context is None:
        return "", f"{GUIDELINE} is for lung cancer screening, and why this scan was made is not known."
    return "", ""


def _entries(nodule: Nodule, history: NoduleHistory) -> list[Entry]:
    """Work out every category that is possible with what is known."""
    found: dict[Entry, None] = {}
    for pattern in nodule.patterns:
        if pattern:
            found[_CATEGORY_1] = None
            continue
        for type_ in nodule.types:
            for solid_mm in _solid_sizes(nodule, type_):
                for when in history.whens:
                    found |= dict.fromkeys(_of_type(nodule, type_, solid_mm, when, history))
    if is_true(nodule.finding.appearance.suspicious):
        found = dict.fromkeys(_suspicious(entry) for entry in found)
    return list(found)


def _solid_sizes(nodule: Nodule, type_: NoduleType) -> tuple[float, ...]:
    """All sizes (mm) of the solid part that lead to different categories."""
    if type_ == "solid":
        return (nodule.mean_mm,)
    if type_ == "non-solid":
        return (0.0,)
    measured = nodule.measurement.solid_mean_diameter_mm
    if measured is not None:
        return (to_tenth(measured),)
    return tuple(mm for mm in (0.0, 4.0, 6.0, 8.0) if mm <= nodule.mean_mm)


def _of_type(nodule: Nodule, type_: NoduleType, solid_mm: float, when: When, history: NoduleHistory) -> Iterator[Entry]:
    looks = nodule.finding.appearance
    if looks.airway is not None:
        if looks.airway.value == "subsegmental":
            if when not in {"growing", "slowly growing"}:
                yield Entry("2", "In a subsegmental airway")
                return
        elif when in {"baseline", "new"}:
            yield Entry("4A", "In a segmental or more proximal airway")
            return
        else:
            yield Entry("4B", "In a segmental or more proximal airway, persisting")
            return
    juxtapleural = is_true(looks.juxtapleural) and type_ == "solid" and nodule.mean_mm < JUXTAPLEURAL_MM
    if juxtapleural and when not in {"growing", "slowly growing"}:
        yield Entry("2", "Juxtapleural, solid, smooth, under 10 mm")
    elif when == "stable":
        yield from _stable(nodule, type_, solid_mm, history)
    else:
        entry = by_table(type_, nodule.mean_mm, solid_mm, when)
        before = history.categories if when in {"growing", "slowly growing"} and type_ != "non-solid" else ()
        for earlier in before or (entry.category,):
            keeps = ORDER.index(earlier) > ORDER.index(entry.category)
            yield (Entry(earlier, f"{when.capitalize()}, category {earlier} before", stepped=True) if keeps else entry)


def _stable(nodule: Nodule, type_: NoduleType, solid_mm: float, history: NoduleHistory) -> Iterator[Entry]:
    """Step the category of a stable nodule down, unless it has crossed a limit of size since."""
    now = by_table(type_, nodule.mean_mm, solid_mm, "stable")
    words = now.words.removesuffix(", at baseline")
    for then in _by_size_then(type_, solid_mm, history.then_mm) or (now.category, _STEPS[now.category][0]):
        crossed = ORDER.index(now.category) > ORDER.index(then)
        for earlier in history.categories or _STEPS[then]:
            after = [Entry("2", f"{words}, stable")] if type_ == "non-solid" else stepped(earlier, history.months)
            for entry in after:
                higher = crossed and ORDER.index(now.category) > ORDER.index(entry.category)
                yield Entry(now.category, f"{words}, a limit of size newly crossed") if higher else entry


_STEPS: dict[Category, tuple[Category, ...]] = {
    "1": ("1",),
    "2": ("2",),
    "3": ("2", "3"),
    "4A": ("2", "3", "4A"),
    "4B": ("2", "4B"),
    "4X": ("2", "4X"),
}
"""What a nodule may have been at an earlier scan, by its size there: that, or stepped down; 2 after a workup."""


def _by_size_then(type_: NoduleType, solid_mm: float, then_mm: float | None) -> tuple[Category, ...]:
    """Look up what a nodule was by its size at the earlier scan; none where its size there is not known.

    How large a solid part was there is not known: any size is possible up to what it is now.
    """
    if then_mm is None:
        return ()
    if type_ != "part-solid":
        return (by_table(type_, then_mm, then_mm, "stable").category,)
    sizes = {mm for mm in (0.0, 6.0, 8.0, solid_mm) if mm <= min(then_mm, solid_mm)}
    return ordered(by_table(type_, then_mm, mm, "stable").category for mm in sizes)


def _suspicious(entry: Entry) -> Entry:
    if entry.category in {"3", "4A", "4B"}:
        return Entry("4X", f"{entry.words}: {entry.category}, with further features that increase suspicion")
    return entry


def of_exam(findings: Sequence[Finding], nodules: Sequence[Advice], patient: Patient) -> Advice:
    """Determine the category of the exam: the highest of its nodules.

    Parameters
    ----------
    findings : sequence of Finding
        Those that no reader rejected.
    nodules : sequence of Advice
        What is said of each of them.
    patient : Patient
    """
    refusal, unknown = applicability(patient)
    if refusal:
        return Advice(guideline=GUIDELINE, applies=False, why_not=refusal)
    if findings and all(finding.measurement is None for finding in findings):
        why_not = "None of the findings was measured."
        return Advice(guideline=GUIDELINE, applies=False, why_not=why_not, missing=("A measurement of every finding",))
    trace = list(_population(patient))
    missing = list(_missing_of(patient))
    if is_true(patient.inflammatory):
        says = "A reader says that what is seen suggests infection or inflammation: category 0."
        trace.append(Step(says=says, rests_on=f"{GUIDELINE}, category 0"))
        return _advice(_with_s(("0",), patient), MANAGEMENT["0"], unknown, tuple(trace), tuple(missing))
    options = [_options(advice) for advice in nodules]
    categories = highest(options)
    top = [n for n, one in zip(map(nodule_of, findings), options, strict=True) if n and one[-1] == categories[-1]]
    if not findings:
        says = "No finding stands: category 1, if a reader sees no nodule either."
    else:
        several = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}"
        says = f"The highest category of {several} counts: {either(categories)}"
        says += f", as of that of {max(n.mean_mm for n in top):.1f} mm." if top else "."
        if count := unread(findings):
            says += f" {count} of them {'is' if count == 1 else 'are'} not yet confirmed by a reader."
            missing.append("A reader's verdict on every finding")
    trace.append(Step(says=says, rests_on=f"{GUIDELINE}, the exam gets the category of its most suspicious nodule"))
    if any(finding.measurement is None for finding in findings):
        missing.append("A measurement of every finding")
    missing += [name for advice in nodules for name in advice.missing]
    solid = max((n.solid_mm or 0.0 for n in top), default=0.0)
    if is_true(patient.other_significant):
        trace.append(Step(says="A reader entered another significant finding: S.", rests_on=f"{GUIDELINE}, modifier S"))
    names = _with_s(categories, patient)
    return _advice(names, management(categories, solid), unknown, tuple(trace), tuple(dict.fromkeys(missing)))


def highest(options: Sequence[Sequence[Category]]) -> tuple[Category, ...]:
    """Find every category that can be the highest, where each nodule has one of some."""
    least = max((ORDER.index(one[0]) for one in options), default=0)
    return ordered(
        category for one in (*options, (ORDER[least],)) for category in one if ORDER.index(category) >= least
    )


def _options(advice: Advice) -> tuple[Category, ...]:
    """Find all that a nodule may be: all but 4X, which a reader enters, where it was not measured."""
    words = (advice.category or advice.would_be).replace(",", " ").split()
    return ordered(category for category in ORDER if category in words) or ORDER[:-1]


def _with_s(categories: Sequence[str], patient: Patient) -> str:
    return either([f"{category}S" if is_true(patient.other_significant) else category for category in categories])


def _advice(category: str, advice: str, unknown: str, trace: tuple[Step, ...], missing: tuple[str, ...]) -> Advice:
    """Make advice that holds, or that says what it would be where it is not known whether the guideline applies."""
    if unknown:
        return Advice(
            guideline=GUIDELINE,
            applies=False,
            why_not=f"{unknown} If it is screening: category {category}; {advice}.",
            would_be=category,
            trace=trace,
            missing=tuple(dict.fromkeys(("Whether this is screening", *missing))),
        )
    return Advice(
        guideline=GUIDELINE, applies=True, category=category, advice=_sentence(advice), trace=trace, missing=missing
    )


def _population(patient: Patient) -> Iterator[Step]:
    rests_on = f"{GUIDELINE}: for lung cancer screening CT"
    if patient.context is not None:
        yield Step(says=f"The scan was made for screening ({patient.context.source}).", rests_on=rests_on)
    age = patient.age_years
    if age is not None and age.value > LAST_YEARS:
        says = (
            f"The patient is {age.value:g} ({age.source}): USPSTF and ACS screen up to {LAST_YEARS} years, NCCN longer."
        )
        yield Step(says=says, rests_on=rests_on)


def _missing_of(patient: Patient) -> tuple[str, ...]:
    age = () if patient.age_years is not None else ("Age",)
    return age if patient.prior_cancer is not None else (*age, "Known cancer, or none")


def _missing(nodule: Nodule, history: NoduleHistory) -> tuple[str, ...]:
    missing = [*history.missing]
    if len(nodule.types) > 1:
        missing.append("Type")
    if "part-solid" in nodule.types and nodule.measurement.solid_mean_diameter_mm is None:
        missing.append("Size of the solid part")
    if len(nodule.patterns) > 1:
        missing.append("Pattern of calcification")
    return tuple(missing)


def _entered(nodule: Nodule) -> Iterator[Step]:
    looks = nodule.finding.appearance
    if looks.airway is None and looks.juxtapleural is None and looks.suspicious is None:
        yield Step(
            says="Nobody entered that it lies in an airway, is juxtapleural or has further suspicious features, and no "
            "program here tells: it is taken as a nodule in the lung without them.",
            rests_on=f"{GUIDELINE}, entries for airway and juxtapleural nodules, category 4X",
        )


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + "."
