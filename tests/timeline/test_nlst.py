"""Tables in the form of NLST, made here: nobody in them exists."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_lesion.support.errors import InputFileError
from napari_lesion.timeline.course import End, Visit
from napari_lesion.timeline.nlst import read_nlst
from napari_lesion.timeline.tables import load_cohort

PEOPLE = """pid,age,gender,pkyr,diagemph,fambrother,fammother,\
scr_days0,scr_days1,scr_days2,candx_days,death_days,fup_days,locrup,locllow
100,61,2,40.5,1,0,1,10,380,750,800,,2000,1,0
101,66,1,55,0,0,0,5,370,,,1200,1200,,
102,59,1,,,,,8,373,740,500,,2200,0,1
103,70,2,30,0,,,1,,,,,900,,
104,70,2,30,0,,,,,,,,900,,
"""
SEEN = """pid,study_yr,sct_ab_num,sct_ab_desc,sct_epi_loc,sct_long_dia,sct_perp_dia,sct_margins,sct_pre_att
100,0,1,51,1,6,5,2,1
100,1,1,51,1,8,7,1,1
100,2,1,51,1,12,10,1,1
100,0,2,51,6,4,4,2,2
100,0,3,61,,,,,
101,0,1,51,4,7,5,9,3
101,0,2,51,4,5,5,2,1
101,1,1,51,3,5,4,2,9
102,0,1,51,6,9,8,1,1
102,1,1,51,6,11,9,1,1
102,2,1,51,6,3,3,2,1
104,0,1,51,6,9,8,1,1
999,0,1,51,1,9,8,1,1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nlst_780_prsn_idc.csv").write_text(PEOPLE)
    (tmp_path / "nlst_780_ctab_idc.csv").write_text(SEEN)
    (tmp_path / "nlst_780_ctabc_idc.csv").write_text("pid,study_yr\n")
    return tmp_path


def test_nodules_of_a_lobe_are_a_lesion_over_the_years(folder: Path) -> None:
    courses = {one.lesion: one for one in read_nlst(folder)[0]}
    assert sorted(courses) == ["100-1", "100-6", "101-3", "102-6"]
    first = courses["100-1"]
    assert first.visits == (
        Visit(0, None, 6, 5, "solid", False),
        Visit(370, None, 8, 7, "solid", True),
        Visit(740, None, 12, 10, "solid", True),
    )
    assert first.end == End(790, "cancer")
    assert (first.upper_lobe, first.count) == (True, 2)
    person = first.person
    assert (person.female, person.family_history, person.emphysema, person.pack_years) == (True, True, True, 40.5)
    assert person.age_years == pytest.approx(61 + 10 / 365.25)


def test_a_cancer_elsewhere_ends_the_watch_and_a_death_ends_the_risk(folder: Path) -> None:
    courses = {one.lesion: one for one in read_nlst(folder)[0]}
    assert courses["100-6"].end == End(790, "censored")
    assert courses["100-6"].visits == (Visit(0, None, 4, 4, "non-solid", False),)
    assert courses["101-3"].end == End(1200 - 370, "other")
    assert courses["101-3"].visits[0].type is None


def test_what_was_seen_after_the_diagnosis_does_not_count(folder: Path) -> None:
    one = {one.lesion: one for one in read_nlst(folder)[0]}["102-6"]
    assert [visit.long_mm for visit in one.visits] == [9, 11]
    assert one.end == End(492, "cancer")


def test_what_was_not_taken_is_said(folder: Path) -> None:
    cohort = load_cohort(folder)
    assert not cohort.simulated
    assert [said.split(":")[0] for said in cohort.problems] == [
        "nlst_780_prsn_idc.csv, line 6",
        "1 lobes had more than one nodule in a year, or nodules without a lobe",
        "nlst_780_ctab_idc.csv",
    ]


def test_a_table_without_the_columns_is_refused(folder: Path) -> None:
    (folder / "nlst_780_ctab_idc.csv").write_text("pid,study_yr\n1,0\n")
    with pytest.raises(InputFileError, match="sct_ab_desc"):
        read_nlst(folder)
