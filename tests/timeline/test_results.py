"""Lesions over the years out of findings.json of several dates, and rows of records."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_scan import make_volume
from followed_scan import report_of
from judged_nodules import change, nodule, patient, since

from napari_lesion.model.findings import Report
from napari_lesion.records.rows import Row
from napari_lesion.report.json import save_report
from napari_lesion.timeline.course import Person
from napari_lesion.timeline.results import courses_of_results


def a_report(day: str, uid: str, *findings: object, comparisons: tuple[object, ...] = (), **about: object) -> Report:
    report = report_of(make_volume(series_uid=uid), findings)  # type: ignore[arg-type]
    series = report.series.model_copy(
        update={"study_date": day, "patient_id": "P1", "patient_birth_date": "19600101", **about}
    )
    return report.model_copy(
        update={
            "series": series,
            "series_uid": uid,
            "comparisons": comparisons,
            "patient": patient(sex="female", age_years=64.0),
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two lesions at three dates: the latest report knows which of the earlier ones are the same."""
    compared = (
        since(365, change(9.0, 7.0, prior_finding_id="b", alignment=None), date="20230101").model_copy(
            update={"prior_series_uid": "1.2.2"}
        ),
        since(730, change(9.0, 6.0, prior_finding_id="c"), date="20220101").model_copy(
            update={"prior_series_uid": "1.2.1"}
        ),
    )
    made = {
        "1": a_report("20220101", "1.2.1", nodule(6.0, "c"), nodule(5.0, "x", status="rejected")),
        "2": a_report("20230101", "1.2.2", nodule(7.0, "b", looks={"type": "part-solid", "spiculated": True})),
        "3": a_report("20240101", "1.2.3", nodule(9.0, "a"), nodule(4.0, "new"), comparisons=compared),
        "nobody": a_report("20240101", "1.2.4", nodule(9.0, "a"), patient_id=" "),
        "undated": a_report("", "1.2.5", nodule(9.0, "a")),
    }
    for name, report in made.items():
        (tmp_path / name).mkdir()
        save_report(report, tmp_path / name / "findings.json")
    return tmp_path


def test_findings_of_one_lesion_are_put_together_over_all_dates(folder: Path) -> None:
    found, problems = courses_of_results([folder])
    assert [said.split(": ")[1] for said in problems] == [
        "has no patient ID, so nobody knows whose it is. It was not taken.",
        "has no date of study. It was not taken.",
    ]
    (one, dates), (other, _) = found
    assert dates == ("20220101", "20230101", "20240101")
    assert [(visit.day, visit.long_mm) for visit in one.visits] == [(0, 6.0), (365, 7.0), (730, 9.0)]
    assert [(visit.type, visit.spiculated) for visit in one.visits] == [
        ("solid", None),
        ("part-solid", True),
        ("solid", None),
    ]
    assert one.count == 1
    assert one.end is None
    assert one.person.id == "P1"
    assert one.person.female
    assert one.person.age_years == pytest.approx(64 - 730 / 365.25)
    assert [visit.day for visit in other.visits] == [0]


def test_what_results_do_not_say_comes_from_records_up_to_then(folder: Path) -> None:
    def row(date: str, kind: str, name: str, value: str, whose: str = "P1") -> Row:
        return Row(whose, "1960-01-01", date, kind, name, value)

    rows = (
        row("2023-05-01", "condition", "Pulmonary emphysema", "confirmed, active"),
        row("2023-06-01", "patient", "family_history", "no"),
        row("2025-01-01", "patient", "family_history", "yes"),  # nobody knew at the latest scan
        row("2021-01-01", "patient", "family_history", "yes", "P2"),
    )
    person: Person = courses_of_results([folder], rows)[0][0][0].person
    assert (person.emphysema, person.family_history) == (True, False)
