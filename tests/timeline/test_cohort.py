"""The made cohort is what its settings say, and models are tested on persons that they have not learned from."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_lesion.assessment.guidelines import brock
from napari_lesion.support.errors import InputFileError
from napari_lesion.timeline import evaluate
from napari_lesion.timeline.baselines import BASELINES, brock_of, fit_baseline
from napari_lesion.timeline.cohort import COHORTS, Settings, brock_logit, simulate
from napari_lesion.timeline.course import (
    Course,
    End,
    Person,
    Prefix,
    Visit,
    cancer_after,
    growth_after,
    prefixes,
    slope,
)
from napari_lesion.timeline.tables import LESIONS, VISITS, load_cohort, save_cohort

SMALL = Settings(persons=500, seed=3)


@pytest.fixture(scope="module")
def courses() -> tuple[Course, ...]:
    return simulate(SMALL)


def lesion(*logs: float | None, days: tuple[int, ...] = (0, 365, 730, 1095), end: End | None = None) -> Course:
    visits = tuple(
        Visit(day, None if log is None else math.exp(log)) for day, log in zip(days[: len(logs)], logs, strict=True)
    )
    return Course("L", Person("P"), visits, end=end)


def test_the_same_settings_make_the_same_cohort(courses: tuple[Course, ...]) -> None:
    assert simulate(SMALL) == courses
    assert simulate(SMALL.model_copy(update={"seed": 4})) != courses


def test_visits_are_irregular_and_facts_are_missing(courses: tuple[Course, ...]) -> None:
    gaps = [b.day - a.day for one in courses for a, b in zip(one.visits, one.visits[1:], strict=False)]
    assert min(gaps) >= 14
    assert np.std(gaps) > 60
    visits = [visit for one in courses for visit in one.visits]
    assert np.mean([one.volume_mm3 is None for one in visits]) == pytest.approx(SMALL.no_volume, abs=0.03)
    assert np.mean([one.type is None for one in visits]) == pytest.approx(SMALL.unknown, abs=0.03)
    assert {one.end.how for one in courses if one.end} == {"cancer", "other", "censored"}
    assert all(one.end and one.end.day > one.visits[-1].day for one in courses)


def test_cancers_grow_as_fast_as_the_settings_say() -> None:
    """Measured through all dates, the median doubling time of solid cancers lies near what the literature gives."""
    made = simulate(COHORTS["usual"].model_copy(update={"persons": 4000}))
    rates = [
        slope(one.visits)
        for one in made
        if one.end and one.end.how == "cancer" and len(one.visits) > 1 and one.visits[0].type == "solid"
    ]
    assert len(rates) > 100
    # Those that grow faster are found before they have a second scan: the seen ones are slower.
    assert 180 < 365.25 * math.log(2) / np.median(rates) < 300


def test_measuring_twice_differs_as_much_as_the_settings_say() -> None:
    stable = Settings(persons=1500, slow_share=0, flare_share=0, resolving_share=0, prevalence_logit=-20, no_volume=0)
    pairs = [
        b.log_volume - a.log_volume
        for one in simulate(stable)
        for a, b in zip(one.visits, one.visits[1:], strict=False)
        if a.type == b.type == "solid" and b.day - a.day < 200
    ]
    assert np.std(pairs) / math.sqrt(2) == pytest.approx(stable.volume_error[0], rel=0.15)


def test_brock_is_the_model_of_the_guidelines() -> None:
    """The vectors of `guidelines.brock`: a man of 62, 10 mm; a woman of 65 with emphysema, upper lobe, spiculation."""
    man = brock.probability(brock_logit(10, "solid", False, False, 1, Person("A", 62, False, False, False)))
    woman = brock.probability(brock_logit(10, "solid", True, True, 1, Person("B", 65, True, False, True)))
    assert (man, woman) == (pytest.approx(0.0319, abs=1e-4), pytest.approx(0.269, abs=1e-3))
    visits = (Visit(0, None, 10, 9, "solid", True), Visit(90))  # what was not seen again stays
    known = Prefix(Course("L", Person("B", 65, True, False, True), visits, True, 1), 2)
    assert brock.probability(brock_of(known)) == pytest.approx(woman)


def test_only_what_was_seen_up_to_a_visit_is_known() -> None:
    course = lesion(4.0, 4.1, 6.0, end=End(1200, "cancer"))
    for name, knows in BASELINES.items():
        later = replace(course, visits=(*course.visits[:2], replace(course.visits[2], volume_mm3=9.0)))
        assert knows(Prefix(course, 2)) == knows(Prefix(later, 2)), name


def test_what_comes_after_a_visit() -> None:
    course = lesion(4.0, None, 4.1, 4.3, end=End(1200, "cancer"))
    known = prefixes((course,))
    assert [one.seen for one in known] == [1, 2, 3, 4]
    cancer, growth = cancer_after(known), growth_after(known)
    assert cancer.years == pytest.approx([1200 / 365.25, 835 / 365.25, 470 / 365.25, 105 / 365.25])
    assert cancer.event.all()
    assert not cancer.never.any()
    assert growth.event.tolist() == [True, True, False, False]  # 4.0 to 4.3 is 35 %, 4.1 to 4.3 is 22 %
    assert growth.years == pytest.approx([1095 / 365.25, 730 / 365.25, 1.0, 0.0], abs=2e-3)
    assert prefixes((lesion(4.0),)) == ()  # nobody knows how it ended


def test_growth_through_all_dates_never_falls_when_it_grows_faster_anywhere() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        days = tuple(int(day) for day in np.cumsum([0, *rng.integers(20, 900, 3)]))
        steps, more = rng.normal(0, 1, 3), rng.exponential(0.5, 3) * (rng.random(3) < 0.5)
        slow, fast = (lesion(4.0, *(4.0 + np.cumsum(each)), days=days) for each in (steps, steps + more))
        assert slope(fast.visits) >= slope(slow.visits) - 1e-12


def test_a_cohort_comes_back_from_its_tables(courses: tuple[Course, ...], tmp_path: Path) -> None:
    save_cohort(courses, tmp_path, SMALL)
    back = load_cohort(tmp_path)
    assert back.simulated
    assert back.problems == ()
    assert [(one.lesion, one.visits, one.end, one.count) for one in back.courses] == [
        (one.lesion, one.visits, one.end, one.count) for one in courses
    ]
    assert [one.person.female for one in back.courses] == [one.person.female for one in courses]
    assert back.courses[0].person.age_years == pytest.approx(courses[0].person.age_years, abs=0.05)


def test_lines_that_cannot_be_are_named(tmp_path: Path) -> None:
    (tmp_path / VISITS).write_text(
        "lesion,day,volume_mm3,long_mm,short_mm,type,spiculated\n"
        "A,100,80,,,solid,yes\nA,30,60,,,,\nA,x,60,,,,\nB,0,-3,,,,\nB,0,50,,,gas,\nC,0,50,,,,\nC,9,50,,,,\n"
    )
    (tmp_path / LESIONS).write_text(
        "lesion,person,age_years,female,family_history,emphysema,pack_years,upper_lobe,count,end_day,end\n"
        "A,P,60,yes,,no,,,1,430,cancer\nB,P,60,,,,,,,,\nC,P,60,,,,,,,5,cancer\n"
    )
    cohort = load_cohort(tmp_path)
    (one,) = cohort.courses
    assert ([visit.day for visit in one.visits], one.end) == ([0, 70], End(400, "cancer"))
    assert not cohort.simulated
    assert [said.split(":")[0] for said in cohort.problems] == [
        *("visits.csv, line 4", "visits.csv, line 5", "visits.csv, line 6"),
        *("lesions.csv, line 3", "lesions.csv, line 4"),
    ]
    with pytest.raises(InputFileError, match="holds neither lesions"):
        load_cohort(tmp_path / "nothing")


def test_what_knows_more_is_better_and_intervals_are_around_it(courses: tuple[Course, ...]) -> None:
    learn = simulate(SMALL.model_copy(update={"seed": 9}))
    evaluate.refuse_known({one.person.id for one in learn}, courses)
    with pytest.raises(InputFileError, match="500 persons are both"):
        evaluate.refuse_known({one.person.id for one in courses}, courses)
    models = [one for one in evaluate.learned(learn, "cancer") if one.name in ("Brock", evaluate.REFERENCE)]
    scores = {(one.visit, one.model): one for one in evaluate.evaluate(courses, models, times=30)}
    brock_auc, all_auc = (scores[2, name].values["AUC, 2 years"] for name in ("Brock", evaluate.REFERENCE))
    assert brock_auc.value < all_auc.value
    assert brock_auc.low < brock_auc.value < brock_auc.high
    change = scores[2, "Brock"].change["AUC, 2 years"]
    assert change.value == pytest.approx(brock_auc.value - all_auc.value)
    assert change.low < change.value < change.high
    assert scores[1, "Brock"].persons == len({one.person.id for one in courses})
    tenths = evaluate.reliability(courses, models[1])
    assert len(tenths) == 10
    assert tenths[-1].observed > 5 * max(tenths[0].observed, 0.01)


def test_risks_never_fall_with_the_horizon(courses: tuple[Course, ...]) -> None:
    known = prefixes(courses)
    for name in BASELINES:
        risk = fit_baseline(name, known, cancer_after(known), evaluate.HORIZONS).risk(known)
        assert risk.shape == (len(known), 3)
        assert (np.diff(risk, axis=1) >= 0).all()
