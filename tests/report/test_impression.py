"""The impression is what one would dictate: short, the important first, and never more than is known."""

from __future__ import annotations

import pytest
from dicom_findings import case_of

from napari_lesion.assessment.guidelines.apply import apply_guidelines
from napari_lesion.model.assessed import Patient, SourcedValue
from napari_lesion.report.content import content_of
from napari_lesion.report.impression import MOST_LINES, TEXTS, finding_sentence, impression
from napari_lesion.report.wording import outcome

SCREENING = Patient(
    age_years=SourcedValue[float](value=61.0, source="entered"),
    context=SourcedValue(value="screening", source="entered"),
)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    made = case_of("axial", tmp_path_factory.mktemp("axial")).report
    return made.model_copy(update={"judgement": apply_guidelines(made.findings, made.patient), "patient": made.patient})


def test_a_finding_is_a_sentence_with_size_type_place_image_and_state(report) -> None:
    added, measured, plain, rejected = report.findings
    axes = measured.measurement
    assert finding_sentence(report, measured).startswith(
        f"{axes.long_axis.length_mm:.1f} × {axes.short_axis.length_mm:.1f} mm part-solid nodule, left upper lobe, "
    )
    assert f"Im {measured.instance_number}" in finding_sentence(report, measured)
    assert "about" in finding_sentence(report, plain)
    assert finding_sentence(report, plain).endswith("not yet confirmed by a reader.")
    assert finding_sentence(report, rejected).endswith("rejected by the reader.")
    assert "solid" not in finding_sentence(report, added), "its type is not known, so it is not said"


def test_the_impression_has_at_most_six_lines_and_counts_what_it_leaves_out(report) -> None:
    one = report.findings[1]
    many = tuple(one.model_copy(update={"id": f"{n}", "number": n, "status": "candidate"}) for n in range(1, 20))
    crowded = report.model_copy(
        update={"findings": (*many, one), "judgement": apply_guidelines((*many, one), SCREENING)}
    )
    lines = impression(crowded)
    assert len(lines) <= MOST_LINES
    assert lines[0].startswith(f"{one.name}: "), "what a reader confirmed comes first"
    shown = sum(line.startswith("F") and ": " in line[:5] for line in lines)
    assert f"{20 - shown} further findings" in "\n".join(lines)
    assert any(line.startswith("Lung-RADS") for line in lines)


def test_rejected_findings_are_not_in_it_and_none_is_said(report) -> None:
    assert not any(line.startswith(report.findings[3].name) for line in impression(report))
    nothing = report.model_copy(update={"findings": report.findings[3:], "judgement": None})
    assert impression(nothing) == ("No finding.",)


def test_what_is_not_known_is_not_called_not_applicable(report) -> None:
    unmeasured = tuple(one.model_copy(update={"measurement": None}) for one in report.findings[:3])
    unknown = apply_guidelines(unmeasured, SCREENING)
    assert {outcome(unknown.lung_rads), outcome(unknown.fleischner)} <= {"not known", "does not apply"}
    assert outcome(unknown.lung_rads) == "not known"
    assert {outcome(one.brock) for one in unknown.findings} == {"not known"}
    assert {outcome(one.lung_rads) for one in unknown.findings} == {"not known"}
    incidental = Patient(context=SourcedValue(value="incidental", source="entered"))
    assert outcome(apply_guidelines(report.findings, incidental).lung_rads) == "does not apply"


def test_it_says_what_is_not_known_of_the_exam(report) -> None:
    unmeasured = tuple(one.model_copy(update={"measurement": None}) for one in report.findings[:3])
    exam = report.model_copy(update={"findings": unmeasured, "judgement": apply_guidelines(unmeasured, SCREENING)})
    said = "\n".join(impression(exam))
    assert "Lung-RADS v2022: not known. None of the findings was measured." in said
    assert "not apply" not in said


def test_it_is_said_in_the_language_that_is_asked_for(report) -> None:
    asked = []

    def say(text: str, **values: object) -> str:
        asked.append(text)
        return text.format(**values).upper()

    said = finding_sentence(report, report.findings[1], say)
    assert "MM PART-SOLID NODULE, LEFT UPPER LOBE, Se " in said
    lines = impression(report, say, str.upper)
    assert set(asked) <= set(TEXTS), "what is said can be translated"
    judged = report.judgement
    quoted = [one.category or one.would_be for one in (judged.lung_rads, judged.fleischner)]
    assert all(text.upper() in "\n".join(lines) for text in filter(None, quoted)), "what guidelines say, too"


def test_the_report_begins_with_it(report) -> None:
    assert content_of(report).impression == impression(report)
