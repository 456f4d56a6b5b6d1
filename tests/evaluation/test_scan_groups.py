"""Results by age, sex, scanner and site: with what stands behind each, and no claim from few."""

from __future__ import annotations

import math

import pytest

from napari_lesion.evaluation.froc import Mark, ScoredPoint
from napari_lesion.evaluation.scan_facts import ScanFacts, age_band, facts_of, load_facts, with_table
from napari_lesion.evaluation.scan_groups import Searched, group_rows
from napari_lesion.model.volume import SeriesIdentity
from napari_lesion.support.errors import InputFileError

PLACE = (1.0, 2.0, 3.0)


def scan(uid: str, found: bool, false: int = 0, **facts) -> Searched:
    points = [ScoredPoint(PLACE, 0.9)] if found else []
    points += [ScoredPoint((50.0 + n, 0.0, 0.0), 0.8) for n in range(false)]
    return Searched(ScanFacts(patient=uid, **facts), (Mark(uid, PLACE, 8.0),), (), tuple(points))


def test_a_group_that_is_found_worse_is_told_apart_and_unknown_is_a_group():
    scans = {f"f{n}": scan(f"f{n}", n >= 11, sex="female") for n in range(12)}
    scans |= {f"m{n}": scan(f"m{n}", n < 11, false=1, sex="male") for n in range(12)}
    scans |= {f"u{n}": scan(f"u{n}", True) for n in range(12)}
    rows = {row.group: row for row in group_rows(scans, 0.5, 200) if row.by == "sex"}
    assert set(rows) == {"female", "male", "unknown"}
    female = rows["female"]
    assert (female.scans, female.patients, female.nodules, female.few) == (12, 12, 12, False)
    assert (female.sensitivity, female.sensitivity_rest) == pytest.approx((1 / 12, 23 / 24))
    low, high = female.sensitivity_interval
    assert 0 <= low < 1 / 12 < high < 0.5
    assert female.p_sensitivity < female.p_sensitivity_corrected < 0.01
    assert rows["male"].fp_per_scan == 1.0
    assert rows["male"].p_fp_corrected < 0.01


def test_a_group_of_few_is_marked_and_not_tested_nor_is_one_whose_rest_is_few():
    scans = {f"a{n}": scan(f"a{n}", True, site="A") for n in range(30)}
    scans |= {f"b{n}": scan(f"b{n}", False, site="B") for n in range(9)}
    rows = {row.group: row for row in group_rows(scans, 0.5, 50) if row.by == "site"}
    for row in rows.values():
        assert row.few
        assert math.isnan(row.p_sensitivity)
        assert math.isnan(row.p_sensitivity_corrected)
    assert rows["B"].sensitivity == 0.0


def test_many_scans_of_few_patients_are_few():
    scans = {f"a{n}": scan(f"a{n}", True, site="A") for n in range(20)}
    more = {f"b{n}": scan(f"b{n}", False, site="B") for n in range(20)}
    same = {uid: Searched(ScanFacts(patient="one", site="B"), s.truth, (), ()) for uid, s in more.items()}
    row = next(row for row in group_rows(scans | same, 0.5, 50) if row.group == "B")
    assert (row.scans, row.patients, row.few) == (20, 1, True)


def test_two_groups_that_are_each_others_rest_are_one_test():
    scans = {f"a{n}": scan(f"a{n}", n < 8, site="A") for n in range(12)}
    scans |= {f"b{n}": scan(f"b{n}", n < 6, site="B") for n in range(12)}
    rows = [row for row in group_rows(scans, 0.5, 50) if row.by == "site"]
    assert len({row.p_sensitivity for row in rows}) == 1
    assert rows[0].p_sensitivity_corrected == min(1.0, 2 * rows[0].p_sensitivity), (
        "two tests: what is found, what is false"
    )


def test_headers_say_what_they_say():
    said = facts_of(
        SeriesIdentity(
            series_uid="1",
            patient_id=" P ",
            patient_age="067Y",
            patient_sex="F",
            manufacturer="M ",
            manufacturer_model="X",
        ),
        "Here",
    )
    assert said == ScanFacts("P", 67.0, "female", "M X", "Here")
    assert said.groups() == {"age": "60 to 69 years", "sex": "female", "scanner": "M X", "site": "Here"}
    nothing = facts_of(SeriesIdentity(series_uid="1"))
    assert nothing.patient == "1"
    assert set(nothing.groups().values()) == {"unknown"}
    assert [age_band(years) for years in (0.0, 49.9, 50.0, 93.0)] == [
        *("0 to 49 years", "0 to 49 years", "50 to 59 years", "80 years and more")
    ]


def test_a_table_says_what_headers_do_not(tmp_path):
    path = tmp_path / "about.csv"
    path.write_text("seriesuid;patient;age_years;sex;site\n1;P;61,5;F;Here\n2;;;;\n")
    rows = load_facts(path)
    assert with_table(ScanFacts("Q", 50.0, "male", "M"), rows["1"]) == ScanFacts("P", 61.5, "female", "M", "Here")
    assert with_table(ScanFacts("Q", 50.0, "male", "M"), rows["2"]) == ScanFacts("Q", 50.0, "male", "M")


@pytest.mark.parametrize(
    ("line", "said"),
    [("1,old,F", "age_years is no number"), ("1,300,F", "from 0 to 120"), ("1,60,x", "neither female nor male")],
)
def test_a_table_that_says_what_cannot_be_is_refused(tmp_path, line, said):
    path = tmp_path / "about.csv"
    path.write_text(f"seriesuid,age_years,sex\n{line}\n")
    with pytest.raises(InputFileError, match=said):
        load_facts(path)
    path.write_text("seriesuid,sex\n1,F\n1,F\n")
    with pytest.raises(InputFileError, match="there twice"):
        load_facts(path)
