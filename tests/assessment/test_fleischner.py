from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged_nodules import change, entered, incidental, nodule, patient, since, unmeasured

from napari_lesion.assessment.guidelines.fleischner import of_exam, row

LOW = {"smoking": "never", "family_history": False, "emphysema": False}
HIGH = {"smoking": "current"}
NONE = "No routine follow-up."
OPTIONAL = "Optional CT at 12 months."
PERSISTS = "CT at 6 to 12 months to confirm that it persists, then CT every 2 years until 5 years."
YEARLY = (
    "CT at 3 to 6 months to confirm that it persists; if unchanged and its solid part stays under 6 mm, CT every year "
    "for 5 years."
)
MORE = "Consider CT at 3 months, PET/CT or tissue sampling."


@pytest.mark.parametrize(
    ("type_", "mm", "others", "risk", "advice"),
    [
        ("solid", 5.4, 0, LOW, NONE),
        ("solid", 5.4, 0, HIGH, OPTIONAL),
        ("solid", 5.5, 0, LOW, "CT at 6 to 12 months, then consider CT at 18 to 24 months."),
        ("solid", 8.4, 0, HIGH, "CT at 6 to 12 months, then CT at 18 to 24 months."),
        ("solid", 8.5, 0, LOW, MORE),
        ("solid", 8.5, 0, HIGH, MORE),
        ("solid", 5.4, 2, LOW, NONE),
        ("solid", 5.4, 2, HIGH, OPTIONAL),
        ("solid", 5.5, 2, LOW, "CT at 3 to 6 months, then consider CT at 18 to 24 months."),
        ("solid", 12.0, 2, HIGH, "CT at 3 to 6 months, then CT at 18 to 24 months."),
        ("non-solid", 5.4, 0, HIGH, NONE),
        ("non-solid", 5.5, 0, LOW, PERSISTS),
        ("part-solid", 5.4, 0, HIGH, NONE),
        ("part-solid", 5.5, 0, LOW, YEARLY),
        ("non-solid", 5.4, 1, LOW, "CT at 3 to 6 months; if stable, consider CT at 2 and 4 years."),
        ("part-solid", 5.5, 1, LOW, "CT at 3 to 6 months; then as the most suspicious nodule asks."),
    ],
)
def test_every_row_of_the_table(type_, mm, others, risk, advice):
    smaller = [nodule(4.0, str(n), type=type_, solid_mean_diameter_mm=2.0) for n in range(others)]

    told = of_exam([nodule(mm, type=type_, solid_mean_diameter_mm=2.0), *smaller], incidental(**risk))

    assert told.applies
    assert told.advice == advice
    assert told.missing == ()
    assert all(step.says.endswith(".") and "Fleischner" in step.rests_on for step in told.trace)


@given(
    mm=st.integers(1, 40),
    more=st.integers(1, 20),
    type_=st.sampled_from(["solid", "part-solid", "non-solid"]),
    multiple=st.booleans(),
    risk=st.sampled_from(["low", "high"]),
)
def test_a_larger_nodule_is_never_less_urgent(mm, more, type_, multiple, risk):
    assert row(type_, mm + more, multiple, risk).urgency >= row(type_, mm, multiple, risk).urgency


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ({"context": "screening"}, "not for lung cancer screening"),
        ({"age_years": 34.0}, "35 years or older. This one is 34"),
        ({"prior_cancer": True}, "known cancer"),
        ({"immunosuppression": True}, "immunosuppression"),
    ],
)
def test_it_refuses_those_it_is_not_for(known, why):
    told = of_exam([nodule(9.0)], incidental(**known))

    assert not told.applies
    assert why in told.why_not
    assert (told.category, told.advice, told.would_be) == ("", "", "")


def test_where_it_is_not_known_whether_it_applies_it_says_what_it_would_say():
    told = of_exam([nodule(9.0)], patient(smoking="former"))

    assert not told.applies
    assert told.category == ""
    assert told.would_be == "Single solid, over 8 mm"
    assert told.why_not == (
        "Fleischner 2017 is not for everyone, and what decides it is not known. If this is not screening, the patient "
        "is 35 or older, the patient has no known cancer and there is no immunosuppression: consider CT at 3 months, "
        "PET/CT or tissue sampling."
    )
    assert told.missing == ("Age", "Why the scan was made", "Known cancer, or none", "Immunosuppression, or none")


def test_unknown_risk_leaves_both_advices():
    told = of_exam([nodule(7.0)], incidental(smoking="never", emphysema=False))

    assert told.category == "Single solid, 6 to 8 mm, low or high risk"
    assert told.advice == (
        "Low risk: CT at 6 to 12 months, then consider CT at 18 to 24 months; high risk: CT at 6 to 12 months, then CT "
        "at 18 to 24 months."
    )
    assert told.missing == ("Smoking, emphysema and lung cancer in the family",)
    spiculated = of_exam([nodule(7.0, looks={"spiculated": True})], incidental(smoking="never", emphysema=False))
    assert spiculated.category == "Single solid, 6 to 8 mm, high risk"


def test_the_most_urgent_nodule_guides_and_calcified_ones_do_not_count():
    calcified = nodule(14.0, "c", calcification="complete")

    told = of_exam([nodule(5.0), nodule(9.0, "b", type="part-solid"), calcified], incidental(**LOW))
    alone = of_exam([nodule(5.0), calcified], incidental(**LOW))

    assert (told.category, told.advice) == ("Single part-solid, 6 mm or more", YEARLY)
    assert alone.category == "Single solid, under 6 mm, low risk"
    assert not of_exam([calcified], incidental(**LOW)).applies


def test_what_was_not_measured_makes_the_advice_conditional():
    told = of_exam([nodule(5.0), unmeasured("b")], incidental(**LOW))

    assert not told.applies
    assert told.why_not.startswith("1 of 2 findings was not measured. If none of them asks for more: no routine")
    assert of_exam([unmeasured()], incidental()).why_not == "It was not measured: It leaks into the chest wall."
    assert not of_exam([], incidental()).applies


def test_one_that_has_grown_is_not_for_the_table():
    told = of_exam([nodule(9.0)], incidental(), [since(100, change(9.0, 6.0, "grown"))])

    assert not told.applies
    assert "has grown" in told.why_not
    stable = of_exam([nodule(9.0)], incidental(), [since(100, change(9.0, 9.0))])
    assert any("count from when a nodule was first found" in step.says for step in stable.trace)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(
        st.tuples(st.floats(3, 20), st.sampled_from(["solid", "part-solid", "non-solid"])), min_size=1, max_size=4
    ),
    hide_types=st.booleans(),
    hide_risk=st.booleans(),
    smoker=st.booleans(),
)
def test_what_is_said_with_less_known_holds_what_is_said_with_all(sizes, hide_types, hide_risk, smoker):
    full = [nodule(mm, str(n), type=type_) for n, (mm, type_) in enumerate(sizes)]
    less = [nodule(mm, str(n), type="unknown" if hide_types else type_) for n, (mm, type_) in enumerate(sizes)]
    known = LOW | {"smoking": "current" if smoker else "never"}

    all_known = of_exam(full, incidental(**known))
    some = of_exam(less, incidental(**({} if hide_risk else known)))

    for name in all_known.category.split("; "):
        base, _, risk = name.rpartition(", ") if name.endswith("risk") else (name, "", "")
        assert base in some.category
        assert risk.removesuffix(" risk") in some.category


def test_entered_types_go_before_measured_ones():
    told = of_exam([nodule(9.0, looks={"type": "non-solid"})], incidental(**LOW))

    assert told.category == "Single non-solid, 6 mm or more"
    assert told.trace[2].says.startswith("Non-solid (entered), mean diameter 9.0 mm")
    assert entered("x").source == "entered"
