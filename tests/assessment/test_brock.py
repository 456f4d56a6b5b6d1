from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged_nodules import change, new, nodule, patient, since, unmeasured

from napari_lesion.assessment.guidelines.brock import brock, probability

KNOWN = {"age_years": 62.0, "sex": "male", "family_history": False, "emphysema": False, "prior_cancer": False}
LOOKS = {"lobe": "right lower", "spiculated": False}


def by_hand(age, female, family, emphysema, mm, type_, upper, count, spiculated):
    """The published formula in one line, apart from the program."""
    x = (
        -6.7892 + 0.0287 * (age - 62) + 0.6011 * female + 0.2961 * family + 0.2953 * emphysema
        - 5.3854 * ((mm / 10) ** -0.5 - 1.58113883) + {"solid": 0, "part-solid": 0.377, "non-solid": -0.1276}[type_]
        + 0.6581 * upper - 0.0824 * (count - 4) + 0.7729 * spiculated
    )  # fmt: skip
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize(
    ("known", "looks", "percent"),
    [
        ({"age_years": 62.0, "sex": "male", "emphysema": False}, LOOKS, 3.19),
        ({"age_years": 65.0, "sex": "female", "emphysema": True}, {"lobe": "left upper", "spiculated": True}, 26.9),
    ],
)
def test_the_published_examples_come_out(known, looks, percent):
    finding = nodule(9.0, long_mm=10.0, looks=looks)

    told = brock(finding, patient(**(KNOWN | known)), [finding])

    assert told.applies
    assert told.low == told.high
    assert round(100 * told.low, 2 if percent < 10 else 1) == percent
    assert told.missing == ()


@settings(max_examples=60, deadline=None)
@given(
    age=st.integers(40, 100),
    female=st.booleans(),
    family=st.booleans(),
    emphysema=st.booleans(),
    mm=st.floats(2, 30).map(lambda x: round(x, 1)),
    type_=st.sampled_from(["solid", "part-solid", "non-solid"]),
    upper=st.booleans(),
    count=st.integers(1, 9),
    spiculated=st.booleans(),
    hidden=st.sets(st.sampled_from(["age_years", "sex", "family_history", "emphysema", "lobe", "spiculated", "type"])),
)
def test_a_range_holds_whatever_the_unknown_turns_out_to_be(
    age, female, family, emphysema, mm, type_, upper, count, spiculated, hidden
):
    known = {
        "age_years": float(age),
        "sex": "female" if female else "male",
        "family_history": family,
        "emphysema": emphysema,
    }
    looks = {"lobe": "right upper" if upper else "right middle", "spiculated": spiculated}
    finding = nodule(
        mm,
        type="unknown" if "type" in hidden else type_,
        looks={name: value for name, value in looks.items() if name not in hidden},
    )
    others = [nodule(5.0, str(n)) for n in range(count - 1)]

    told = brock(
        finding, patient(**{name: value for name, value in known.items() if name not in hidden}), [finding, *others]
    )

    truth = by_hand(age, female, family, emphysema, mm, type_, upper, count, spiculated)
    assert told.low - 1e-12 <= truth <= told.high + 1e-12
    assert (told.low == told.high) == (not hidden)
    assert len(told.missing) == len(hidden)
    assert probability(sum(term.low for term in told.terms)) == told.low
    assert {term.source for term in told.terms if term.low != term.high} <= {None, "measured"}


def test_findings_that_no_reader_confirmed_make_the_count_a_range():
    finding = nodule(10.0, looks=LOOKS)
    findings = [
        finding,
        nodule(5.0, "b"),
        nodule(5.0, "c", status="candidate"),
        nodule(4.0, "d", calcification="complete"),
    ]

    told = brock(finding, patient(**KNOWN), findings)

    count = next(term for term in told.terms if term.name == "Number of nodules")
    assert count.value == "2 to 3: 1 not yet confirmed by a reader"
    assert (count.low, count.high) == pytest.approx((-0.0824 * (3 - 4), -0.0824 * (2 - 4)))
    assert told.missing == ("Number of nodules",)


def test_the_long_axis_is_the_size_and_a_zone_is_no_lobe():
    finding = nodule(8.0, long_mm=10.0, zone="upper", looks={"spiculated": False})

    told = brock(finding, patient(**KNOWN), [finding])

    terms = {term.name: term for term in told.terms}
    assert terms["Size"].value == "10.0 mm, the long axis"
    assert terms["Upper lobe"].source is None
    assert (terms["Upper lobe"].low, terms["Upper lobe"].high) == (0.0, 0.6581)
    by_mask = nodule(8.0, lobe="left upper lobe", looks={"spiculated": False})
    assert brock(by_mask, patient(**KNOWN), [by_mask]).missing == ()


@pytest.mark.parametrize(
    ("finding", "known", "comparisons", "why"),
    [
        (nodule(9.0), {"prior_cancer": True}, (), "known cancer"),
        (nodule(9.0), {"age_years": 34.0}, (), "34 years"),
        (nodule(9.0, calcification="complete"), {}, (), "calcification"),
        (unmeasured(), {}, (), "It leaks into the chest wall."),
        (nodule(9.0), {}, (since(200, new()),), "new since the scan of 2025-03-01"),
        (nodule(9.0), {}, (since(200, change(9.0, 6.0, "grown")),), "grown since"),
    ],
)
def test_where_the_model_is_not_for_a_finding_it_says_why(finding, known, comparisons, why):
    told = brock(finding, patient(**(KNOWN | known)), [finding], comparisons)

    assert not told.applies
    assert why in told.why_not
    assert told.low is None
    assert told.terms == ()


def test_what_is_outside_of_what_it_was_made_on_is_said():
    finding = nodule(35.0, looks=LOOKS)

    told = brock(finding, patient(age_years=82.0, sex="male", smoking="never"), [finding])

    assert told.applies
    assert [note.split(";")[0] for note in told.notes] == [
        "It was made on patients of 50 to 75 years",
        "It was made on current and former smokers",
        "It holds only for patients without a known cancer",
        "It was made on nodules",
    ]
