"""What all judgements have in common: they say what they rest on, read as no diagnosis, and can be saved."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from judged_nodules import change, new, nodule, patient, since, unmeasured

from napari_lesion.assessment.guidelines.apply import apply_guidelines
from napari_lesion.assessment.guidelines.fleischner import row
from napari_lesion.assessment.guidelines.lung_rads_table import by_table
from napari_lesion.assessment.patient.fields import FINDING_FIELDS, PATIENT_FIELDS
from napari_lesion.model.assessed import Appearance, Judgement, Patient

VERDICTS = re.compile(
    r"\b(benign|malignan\w*|cancerous|carcinoma|metasta\w*|tumou?rs?|diagnos(is|ed|es))\b"
    r"|\bcancer (is|was|has|likely|unlikely|suspected|excluded)\b"
    r"|\b(is|are|was|has|have|likely|probably|suggests?|suspect\w*) (a |an |lung )?cancer\b",
    re.IGNORECASE,
)


def judgements() -> Iterator[Judgement]:
    """Judge all kinds of nodules, with all kinds of pasts, in all kinds of patients."""
    looks = ({}, {"airway": "subsegmental"}, {"juxtapleural": True}, {"suspicious": True, "spiculated": True})
    findings = [
        [nodule(mm, type=type_, calcification=calcification, looks=how, solid_mean_diameter_mm=solid)]
        for (mm, solid), type_, calcification, how in itertools.product(
            ((3.0, 1.0), (7.0, None), (9.0, 5.0), (31.0, 8.0)),
            ("solid", "part-solid", "non-solid", "unknown"),
            ("none", "partial", "complete"),
            looks,
        )
    ]
    findings += [[], [unmeasured()], [nodule(9.0), nodule(5.0, "b", status="candidate"), unmeasured("c")]]
    known = {"age_years": 62.0, "sex": "female", "smoking": "never", "family_history": False, "emphysema": True}
    patients = [
        Patient(),
        patient(age_years=30.0),
        patient(prior_cancer=True),
        patient(**known, context="screening", other_significant=True),
        patient(**known, context="screening", inflammatory=True),
        patient(**known, context="incidental", prior_cancer=False, immunosuppression=False),
        patient(**known, context="incidental", prior_cancer=False, immunosuppression=True),
    ]
    for several, who in itertools.product(findings, patients):
        yield apply_guidelines(several, who)
    pasts = [
        (since(200, new()),),
        (since(95, change(9.0, 9.0, prior_lung_rads="4A")),),
        (since(200, change(9.0, 6.0, "grown", doubling_days=110.0, doubling_low_days=90.0)),),
        (since(700, change(9.0, 7.0, "unclear")), since(900, accepted=False)),
    ]
    for past, who, type_ in itertools.product(pasts, patients, ("solid", "part-solid", "unknown")):
        yield apply_guidelines([nodule(9.0, type=type_)], who, past)


@pytest.fixture(scope="module")
def all_kinds() -> list[Judgement]:
    return list(judgements())


def strings(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict | list):
        for inner in content.values() if isinstance(content, dict) else content:
            yield from strings(inner)


def test_nothing_reads_as_a_diagnosis(all_kinds):
    said = {text for judgement in all_kinds for text in strings(judgement.model_dump(mode="json"))}
    said |= {text for field in (*PATIENT_FIELDS, *FINDING_FIELDS) for text in (field.label, field.help)}

    assert len(said) > 150
    assert [text for text in said if VERDICTS.search(text)] == []


def test_the_check_knows_a_diagnosis():
    for text in ("It is malignant.", "Cancer is likely.", "Likely benign.", "This is cancer.", "A tumour."):
        assert VERDICTS.search(text)
    for text in ("not for patients with a known cancer", "lung cancer screening", "a diagnostic chest CT"):
        assert not VERDICTS.search(text)


def test_everything_said_is_a_sentence_and_rests_on_something(all_kinds):
    for judgement in all_kinds:
        advices = [judgement.lung_rads, judgement.fleischner]
        advices += [advice for one in judgement.findings for advice in (one.lung_rads, one.growth)]
        for advice in advices:
            assert advice.applies == bool(advice.category)
            assert advice.applies != bool(advice.why_not)
            assert not (advice.applies and advice.would_be)
            for text in (advice.advice, advice.why_not, *(step.says for step in advice.trace)):
                assert not text or ((text[0].isupper() or text[0].isdigit()) and text[-1] == ".")
                assert ".." not in text
            assert all(step.rests_on for step in advice.trace)
        for one in judgement.findings:
            assert one.brock.applies != bool(one.brock.why_not)
            if one.brock.applies:
                assert 0 < one.brock.low <= one.brock.high < 1


def test_a_judgement_comes_back_as_it_was_saved(all_kinds):
    for judgement in all_kinds[::20]:
        assert Judgement.model_validate_json(judgement.model_dump_json()) == judgement


def test_rejected_findings_are_not_judged_and_do_not_count():
    findings = [nodule(5.0), nodule(20.0, "b", status="rejected")]

    told = apply_guidelines(findings, patient(age_years=62.0, context="screening"))

    assert [one.finding_id for one in told.findings] == ["a"]
    assert told.of("b") is None
    assert told.lung_rads.category == "2"


def test_forms_ask_for_all_that_can_be_said_and_only_that():
    assert [field.name for field in PATIENT_FIELDS] == list(Patient.model_fields)
    assert [field.name for field in FINDING_FIELDS] == list(Appearance.model_fields)
    for field, kind in [(f, Patient) for f in PATIENT_FIELDS] + [(f, Appearance) for f in FINDING_FIELDS]:
        words = {"number": ["12"], "yes or no": ["yes", "no"]}.get(field.kind, [value for value, _ in field.values])
        for word in words:
            value = field.read(word)
            assert getattr(kind(**{field.name: {"value": value, "source": "entered"}}), field.name).value == value


PAGE = Path(__file__).parents[2] / "docs" / "judgement.md"


def table(first_cells: str) -> list[list[str]]:
    """Rows of the table of the page whose head begins so."""
    lines = PAGE.read_text(encoding="utf-8").split(first_cells)[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_page_has_the_table_of_lung_rads_that_the_program_goes_by():
    rows = table("| type | mean diameter |")
    sizes = {"solid": (3.9, 4.0, 6.0, 8.0, 15.0), "non-solid": (29.9, 30.0)}
    parts = ((5.9, 3.9), (5.9, 4.0), (6.0, 3.9), (6.0, 4.0), (8.0, 6.0), (8.0, 8.0))
    nodules = [("solid", mm, mm) for mm in sizes["solid"]]
    nodules += [("part-solid", *both) for both in parts]
    nodules += [("non-solid", mm, 0.0) for mm in sizes["non-solid"]]

    whens = ("baseline", "new", "growing", "slowly growing")
    assert len(rows) == len(nodules)
    for cells, (type_, mm, solid_mm) in zip(rows, nodules, strict=True):
        assert cells[0] == type_
        assert cells[2:] == [by_table(type_, mm, solid_mm, when).category for when in whens]


def test_the_page_has_the_rows_of_fleischner_that_the_program_goes_by():
    rows = {cells[0]: cells[1:] for cells in table("| | low risk | high risk |")}
    asked = [
        ("single solid, under 6 mm", "solid", 5, False),
        ("single solid, 6 to 8 mm", "solid", 8, False),
        ("single solid, over 8 mm", "solid", 9, False),
        ("multiple solid, under 6 mm", "solid", 5, True),
        ("multiple solid, 6 mm or more", "solid", 6, True),
        ("single non-solid, 6 mm or more", "non-solid", 6, False),
        ("single part-solid, 6 mm or more", "part-solid", 6, False),
        ("multiple subsolid, under 6 mm", "part-solid", 5, True),
        ("multiple subsolid, 6 mm or more", "non-solid", 6, True),
    ]
    for name, type_, mm, multiple in asked:
        for risk, cell in zip(("low", "high"), rows[name], strict=True):
            told = row(type_, mm, multiple, risk)
            assert told.name.lower() == name
            shown = rows[name][0] if cell == "the same" else cell
            assert re.findall(r"\d+", shown.replace("until", "")) == re.findall(
                r"\d+", told.advice.replace(" 6 mm", "")
            )
            assert ("consider" in shown) == ("consider" in told.advice)
