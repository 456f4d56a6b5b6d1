"""The rule of the worklist: who comes first and why, as data; and nobody waits for ever."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged_nodules import change, new, nodule, since, unmeasured
from worklist_case import result

from napari_lesion.model.findings import Report
from napari_lesion.support.errors import ConfigFileError
from napari_lesion.worklist.ranking import points, terms
from napari_lesion.worklist.rule import PRIORITIES, Rule, load_rule
from napari_lesion.worklist.study_findings import CATEGORIES, Found, found_in, merged

RULE = Rule()
founds = st.builds(
    Found,
    unsearched=st.integers(0, 2),
    largest_mm=st.floats(0, 200),
    lung_rads=st.sampled_from(("", *CATEGORIES)),
    course=st.sampled_from(("", "unclear", "new", "grown")),
    doubling_days=st.none() | st.floats(1, 900),
    uncertainty=st.floats(0, 1),
    warnings=st.integers(0, 9),
)
some = st.floats(0, 200)
rules = st.builds(
    Rule,
    lung_rads=st.dictionaries(st.sampled_from(CATEGORIES), some),
    grown=some,
    new=some,
    per_mm=some,
    uncertain=some,
    not_searched=some,
    priority=st.dictionaries(st.sampled_from(PRIORITIES), some),
    overtaken_h=st.floats(0.5, 500),
)


@given(rules, founds, founds, st.sampled_from(PRIORITIES), st.sampled_from(PRIORITIES), st.floats(0, 1000))
@settings(max_examples=200, deadline=None)
def test_nothing_is_overtaken_by_what_came_so_many_hours_later_whatever_the_rule(
    rule: Rule, dull: Found, urgent: Found, low: str, high: str, waited_h: float
) -> None:
    """The bound on starving: the later one cannot come first, be it as urgent as can be."""
    earlier = points(terms(dull, low, waited_h + rule.overtaken_h * 1.000001, rule))  # type: ignore[arg-type]
    later = points(terms(urgent, high, waited_h, rule))  # type: ignore[arg-type]
    assert earlier >= later - 1e-6


def at_once(report: Report) -> float:
    return points(terms(found_in(report), "ROUTINE", 0.0, RULE))


def test_what_was_found_decides_and_each_point_is_explained() -> None:
    grown = result(1, nodule(9.0), category="4B").model_copy(
        update={"comparisons": (since(200, change(9.0, 6.0, "grown", doubling_days=114.0)),)}
    )
    found = found_in(grown)
    told = terms(found, "HIGH", 2.0, RULE)
    assert [str(one) for one in told] == [
        "+50.0 requested as HIGH",
        "+40.0 Lung-RADS 4B",
        "+20.0 a finding has grown, its volume doubles in 114 days",
        f"{2 * RULE.per_hour:+.1f} waiting for 2.0 h",
        "+4.5 the largest finding is 9.0 mm",
    ]
    in_order = [
        grown,
        result(1, nodule(9.0), category="4B"),
        result(1, nodule(9.0), category="4A"),
        result(1, nodule(9.0), category="3"),
        result(1, nodule(4.0), category="2"),
        result(1),
    ]
    assert sorted(in_order, key=at_once, reverse=True) == in_order


def test_the_highest_category_that_is_possible_counts_and_is_said_to_be_possible_only() -> None:
    report = result(1, nodule(9.0), category="3 or 4A")
    assert found_in(report).lung_rads == "4A"
    unknown = report.judgement.lung_rads.model_copy(update={"applies": False, "category": "", "would_be": "4BS"})
    perhaps = report.model_copy(update={"judgement": report.judgement.model_copy(update={"lung_rads": unknown})})
    assert "Lung-RADS 4B, if this is screening" in [
        str(one).split(" ", 1)[1] for one in terms(found_in(perhaps), "LOW", 0, RULE)
    ]


def test_what_a_reader_rejected_and_what_is_of_other_findings_does_not_count() -> None:
    rejected = result(1, nodule(30.0, status="rejected")).model_copy(update={"comparisons": (since(90, new()),)})
    assert found_in(rejected) == Found()


def test_changes_against_a_prior_that_could_not_be_aligned_do_not_count() -> None:
    report = result(1, nodule(9.0)).model_copy(update={"comparisons": (since(90, new(), accepted=False),)})
    assert found_in(report).course == ""


def test_a_model_is_least_sure_at_a_half_and_a_reader_is_sure() -> None:
    assert found_in(result(1, unmeasured())).uncertainty == pytest.approx(1.0)
    assert found_in(result(1, nodule(8.0, status="accepted"))).uncertainty == 0.0


def test_what_nobody_searched_comes_before_what_holds_nothing_suspicious() -> None:
    assert at_once(result(1, searched=False)) > at_once(result(1, nodule(4.0), category="2"))


def test_of_the_series_of_a_study_the_most_urgent_counts() -> None:
    one = Found(lung_rads="4A", largest_mm=9, findings=1)
    other = Found(lung_rads="2", largest_mm=3, course="new", unsearched=1, reason="Why.", doubling_days=90)
    assert merged([one, other]) == Found(
        series=2, unsearched=1, reason="Why.", findings=1, largest_mm=9, lung_rads="4A", course="new", doubling_days=90
    )


def test_a_rule_is_a_file_and_a_wrong_one_is_refused_by_the_name_of_its_field(tmp_path) -> None:
    path = tmp_path / "rule.yaml"
    path.write_text("overtaken_h: 8\nlung_rads: {'4B': 100}\n")
    rule = load_rule(path)
    assert (rule.overtaken_h, rule.lung_rads, rule.grown) == (8, {"4B": 100}, 20)
    assert load_rule(None) == Rule()
    for wrong, where in (
        ("grown: -1", "grown"),
        ("lung_rads: {'5': 1}", "'5' is no category"),
        ("overtaken_h: 0", "overtaken_h"),
        ("grow: 3", "grow"),
        ("priority: {SOON: 3}", "priority"),
    ):
        path.write_text(wrong)
        with pytest.raises(ConfigFileError, match=where):
            load_rule(path)
