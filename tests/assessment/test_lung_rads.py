from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from judged_nodules import change, new, nodule, patient, screened, since, unmeasured

from napari_lesion.assessment.guidelines.lung_rads import highest, of_exam, of_nodule
from napari_lesion.assessment.guidelines.lung_rads_table import ORDER, by_table
from napari_lesion.model.assessed import Advice
from napari_lesion.model.findings import Finding

BASELINE = None
NEW = (since(200, new()),)
GROWING = lambda mm: (since(200, change(mm, mm - 1.6, "grown")),)  # noqa: E731
SLOW = lambda mm: (since(200, change(mm, mm - 0.8)), since(700, change(mm, mm - 1.6)))  # noqa: E731


def category(finding: Finding, comparisons=(), **known) -> str:
    return of_nodule(finding, screened(**known), comparisons).category


def options(told: Advice) -> set[str]:
    return set(told.category.replace(",", "").replace(" or", "").split())


@pytest.mark.parametrize(
    ("mm", "at_baseline", "as_new", "as_growing"),
    [
        (3.9, "2", "2", "4A"),
        (4.0, "2", "3", "4A"),
        (5.9, "2", "3", "4A"),
        (5.94, "2", "3", "4A"),
        (5.95, "3", "4A", "4A"),
        (6.0, "3", "4A", "4A"),
        (7.9, "3", "4A", "4A"),
        (8.0, "4A", "4B", "4B"),
        (14.9, "4A", "4B", "4B"),
        (15.0, "4B", "4B", "4B"),
    ],
)
def test_solid_nodules_at_every_limit(mm, at_baseline, as_new, as_growing):
    assert category(nodule(mm)) == at_baseline
    assert category(nodule(mm), NEW) == as_new
    assert category(nodule(mm), GROWING(mm)) == as_growing
    assert category(nodule(mm), SLOW(mm)) == "4B"


@pytest.mark.parametrize(
    ("mm", "solid_mm", "at_baseline", "as_new", "as_growing"),
    [
        (5.9, 3.9, "2", "3", "4A"),
        (5.9, 5.0, "2", "3", "4B"),
        (6.0, 3.9, "3", "4A", "4A"),
        (6.0, 4.0, "3", "4B", "4B"),
        (12.0, 5.9, "3", "4B", "4B"),
        (12.0, 6.0, "4A", "4B", "4B"),
        (12.0, 7.9, "4A", "4B", "4B"),
        (12.0, 8.0, "4B", "4B", "4B"),
    ],
)
def test_part_solid_nodules_at_every_limit(mm, solid_mm, at_baseline, as_new, as_growing):
    finding = nodule(mm, type="part-solid", solid_mean_diameter_mm=solid_mm)
    assert category(finding) == at_baseline
    assert category(finding, NEW) == as_new
    assert category(finding, GROWING(mm)) == as_growing
    assert category(finding, SLOW(mm)) == "4B"


@pytest.mark.parametrize(("mm", "at_baseline", "when_slow"), [(29.9, "2", "2"), (30.0, "3", "2")])
def test_non_solid_nodules_at_the_limit(mm, at_baseline, when_slow):
    finding = nodule(mm, type="non-solid")
    assert category(finding) == at_baseline
    assert category(finding, NEW) == at_baseline
    assert category(finding, SLOW(mm)) == when_slow
    assert category(finding, (since(200, change(mm, mm)),)) == "2"


@pytest.mark.parametrize(
    ("days", "by_mm", "expected"),
    [
        (365, 1.5, "2"),
        (365, 1.6, "4A"),
        (380, 1.6, "4A"),
        (381, 1.6, "4A or 4B"),
        (None, 1.6, "4A or 4B"),
        (381, 1.5, "2"),
        (200, -0.1, "2"),
    ],
)
def test_growth_is_more_than_1_5_mm_within_12_months(days, by_mm, expected):
    assert category(nodule(5.8), (since(days, change(5.8, 5.8 - by_mm)),)) == expected


@pytest.mark.parametrize(
    ("before", "days", "expected"),
    [
        ("2", 90, "2"),
        ("3", 167, "3"),
        ("3", 168, "2"),
        ("3", None, "2 or 3"),
        ("4A", 76, "4A"),
        ("4A", 77, "3"),
        ("4A", 365, "3"),
        ("4B", 365, "4B"),
        ("3 or 4A", 200, "2 or 3"),
    ],
)
def test_stable_nodules_step_down_from_the_category_they_had(before, days, expected):
    stable = change(7.0, 7.0, prior_lung_rads=before)
    assert category(nodule(7.0), (since(days, stable),)) == expected


def test_a_reader_says_what_category_it_had():
    entered = nodule(9.0, looks={"earlier_category": "4A"})

    told = of_nodule(entered, screened(), (since(95, change(9.0, 9.2)),))

    assert told.category == "3"
    assert any("of category 4A before (entered)" in step.says for step in told.trace)
    assert any("stepped management" in step.rests_on for step in told.trace)


def test_without_the_earlier_category_all_that_it_may_have_been_count():
    told = of_nodule(nodule(9.0), screened(), (since(95, change(9.0, 9.0)),))

    assert told.category == "2 or 3"
    assert "Its category at the earlier scan" in told.missing
    assert category(nodule(9.0), (since(60, change(9.0, 9.0)),)) == "2, 3 or 4A"
    assert category(nodule(7.0), (since(200, change(7.0, 7.0)),)) == "2"
    assert category(nodule(20.0), (since(200, change(20.0, 20.0)),)) == "2 or 4B"  # 2, if a workup said so


def test_a_stable_nodule_that_crosses_a_limit_is_classed_by_its_size():
    crossed = (since(200, change(6.1, 5.5, prior_lung_rads="2")),)
    assert category(nodule(6.1), crossed) == "3"
    assert category(nodule(5.9), (since(200, change(5.9, 5.5, prior_lung_rads="2")),)) == "2"


@pytest.mark.parametrize(
    ("looks", "comparisons", "expected"),
    [
        ({"airway": "subsegmental"}, (), "2"),
        ({"airway": "segmental or more proximal"}, (), "4A"),
        ({"airway": "segmental or more proximal"}, (since(95, change(9.0, 9.0)),), "4B"),
        ({"juxtapleural": True}, (), "2"),
        ({"juxtapleural": True}, GROWING(9.0), "4B"),
        ({"category_1_pattern": True}, (), "1"),
        ({"suspicious": True}, (), "4X"),
        ({"juxtapleural": False, "suspicious": False}, (), "4A"),
    ],
)
def test_what_a_reader_enters_of_its_looks_counts(looks, comparisons, expected):
    assert category(nodule(9.0, looks=looks), comparisons) == expected


def test_what_nobody_entered_is_said():
    told = of_nodule(nodule(9.0), screened())

    assert any(step.says.startswith("Nobody entered that it lies in an airway") for step in told.trace)
    assert not any(
        "Nobody" in step.says for step in of_nodule(nodule(9.0, looks={"airway": "subsegmental"}), screened()).trace
    )
    assert category(nodule(10.0, looks={"juxtapleural": True})) == "4A"
    assert category(nodule(5.0, looks={"suspicious": True})) == "2"


TYPES = st.sampled_from(["solid", "part-solid", "non-solid"])


@settings(max_examples=60, deadline=None)
@given(
    mm=st.floats(2, 35),
    more=st.floats(0, 10),
    share=st.floats(0, 1),
    more_solid=st.floats(0, 10),
    type_=TYPES,
    before_mm=st.floats(2, 35),
    days=st.integers(30, 900),
    before=st.sampled_from(["2", "3", "4A", "4B", "4X"]),
    past=st.sampled_from(["baseline", "new", "followed"]),
)
def test_a_category_never_falls_as_a_nodule_is_larger(
    mm, more, share, more_solid, type_, before_mm, days, before, past
):
    def told(mm: float, solid_mm: float) -> Advice:
        history = {
            "baseline": (),
            "new": (since(days, new()),),
            "followed": (since(days, change(mm, before_mm, prior_lung_rads=before)),),
        }
        finding = nodule(mm, type=type_, solid_mean_diameter_mm=min(solid_mm, mm))
        return of_nodule(finding, screened(), history[past])

    small, large = told(mm, share * mm), told(mm + more, share * mm + more_solid)
    for end in (min, max):
        assert end(map(ORDER.index, options(large))) >= end(map(ORDER.index, options(small)))


@settings(max_examples=60, deadline=None)
@given(
    mm=st.floats(2, 35),
    share=st.floats(0, 1),
    type_=TYPES,
    calcified=st.booleans(),
    before=st.sampled_from(["2", "3", "4A", "4B"]),
    before_mm=st.floats(2, 35),
    days=st.integers(30, 900),
    hide=st.sets(st.sampled_from(["type", "solid", "calcification", "days", "past"]), min_size=1),
)
def test_a_range_holds_whatever_the_unknown_turns_out_to_be(mm, share, type_, calcified, before, before_mm, days, hide):
    assume(not calcified or type_ != "non-solid")
    assume("days" not in hide or mm - before_mm <= 1.4 or days < 380)
    known = {"type": type_, "solid_mean_diameter_mm": share * mm, "calcification": "complete" if calcified else "none"}
    hidden = {
        "type": {"type": "unknown"},
        "solid": {"solid_mean_diameter_mm": None},
        "calcification": {"calcification": "unknown"},
    }
    less = known | {name: value for key in hide & hidden.keys() for name, value in hidden[key].items()}
    followed = since(days, change(mm, before_mm, prior_lung_rads=before))
    seen = since(None if "days" in hide else days, change(mm, before_mm, prior_lung_rads=before))
    lost = since(days, accepted=False)

    full = of_nodule(nodule(mm, **known), screened(), (followed,))
    some = of_nodule(nodule(mm, **less), screened(), (lost if "past" in hide else seen,))

    if "past" not in hide:
        assert options(full) <= options(some)
    else:
        assert min(map(ORDER.index, options(some))) <= min(map(ORDER.index, options(full)))
        assert max(map(ORDER.index, options(some))) >= max(map(ORDER.index, options(full))) or type_ == "non-solid"
    assert some.missing or options(some) == options(full)


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ({"context": "incidental"}, "for another reason"),
        ({"prior_cancer": True}, "without a known cancer"),
        ({"age_years": 49.0}, "from 50 years on. This patient is 49"),
    ],
)
def test_it_refuses_those_it_is_not_for(known, why):
    for told in (of_nodule(nodule(9.0), screened(**known)), of_exam([nodule(9.0)], [], screened(**known))):
        assert not told.applies
        assert why in told.why_not
        assert (told.category, told.advice, told.would_be) == ("", "", "")


def test_where_it_is_not_known_whether_this_is_screening_it_says_what_it_would_say():
    told = of_nodule(nodule(9.0), patient(age_years=62.0))
    exam = of_exam([nodule(9.0)], [told], patient(age_years=62.0))

    for one in (told, exam):
        assert (one.applies, one.category, one.advice, one.would_be) == (False, "", "", "4A")
        assert one.why_not == (
            "Lung-RADS v2022 is for lung cancer screening, and why this scan was made is not known. If it is "
            "screening: category 4A; LDCT in 3 months; PET/CT may be considered, as there is a solid nodule or solid "
            "part of 8 mm or more."
        )
        assert "Whether this is screening" in one.missing


def exam(*findings: Finding, **known) -> Advice:
    return of_exam(findings, [of_nodule(finding, screened(**known)) for finding in findings], screened(**known))


def test_the_exam_has_the_highest_category_of_its_nodules():
    told = exam(nodule(5.0), nodule(7.0, "b"), nodule(9.0, "c", status="candidate"))

    assert (told.category, told.advice[:17]) == ("4A", "LDCT in 3 months;")
    assert told.trace[1].says == (
        "The highest category of 3 findings counts: 4A, as of that of 9.0 mm. 1 of them is not yet confirmed by a "
        "reader."
    )
    assert exam(unmeasured()).why_not == "None of the findings was measured."
    assert exam().category == "1"
    assert exam(nodule(5.0), other_significant=True).category == "2S"
    assert exam(nodule(9.0), inflammatory=True).category == "0"
    assert exam(nodule(9.0), inflammatory=True).advice == "LDCT in 1 to 3 months."
    assert any("82" in step.says and "NCCN" in step.says for step in exam(nodule(5.0), age_years=82.0).trace)


def test_an_exam_with_an_unmeasured_finding_has_all_that_it_may_be():
    told = exam(nodule(7.0), unmeasured("b"))

    assert told.category == "3, 4A or 4B"
    assert told.advice.startswith("3: LDCT in 6 months; 4A: LDCT in 3 months; 4B: diagnostic chest CT")
    assert "A measurement of every finding" in told.missing


def test_the_highest_of_several_ranges_is_every_highest_there_can_be():
    several = [("2", "4A"), ("3",), ("2", "3", "4B")]
    expected = {max(chosen, key=ORDER.index) for chosen in itertools.product(*several)}

    assert set(highest(several)) == expected


def test_a_slowly_growing_nodule_is_one_that_grew_over_several_exams_only():
    told = of_nodule(nodule(7.0), screened(), (since(365, change(7.0, 6.2)), since(730, change(7.0, 5.0))))
    stopped = of_nodule(nodule(7.0), screened(), (since(200, change(7.0, 7.0)), since(730, change(7.0, 5.0))))

    assert told.category == "4B"
    assert any("slowly growing over several exams" in step.says for step in told.trace)
    assert stopped.category == "2"
    assert by_table("solid", 7.0, 7.0, "slowly growing").category == "4B"
