from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from napari_lesion.assessment.patient.clinical import CSV_COLUMNS, Clinical, load_clinical, merged_patient, patient_of
from napari_lesion.model.assessed import Patient, SourcedValue
from napari_lesion.model.volume import SeriesIdentity
from napari_lesion.support.errors import ConfigError

STUDY = "20250301"


def values(patient: Patient | None) -> dict[str, Any]:
    """What is known of a patient, without where it comes from."""
    assert patient is not None
    return {name: given.value for name in Patient.model_fields if (given := getattr(patient, name)) is not None}


def header(**tags: str) -> Patient:
    return patient_of(SeriesIdentity(series_uid="1.2", study_date=STUDY, **tags))


# -- DICOM ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "age", "detail"),
    [
        ({"patient_birth_date": "19630302"}, 61.0, "PatientBirthDate (0010,0030) at StudyDate (0008,0020)"),
        ({"patient_birth_date": "19630301"}, 62.0, "PatientBirthDate (0010,0030) at StudyDate (0008,0020)"),
        ({"patient_age": "062Y"}, 62.0, "PatientAge (0010,1010)"),
        ({"patient_age": "018M"}, 1.5, "PatientAge (0010,1010)"),
        ({"patient_age": "062Y", "patient_birth_date": "19630301"}, 62.0, "PatientBirthDate"),
        ({"patient_age": "062Y", "patient_birth_date": "19000101"}, 62.0, "PatientAge (0010,1010)"),
        ({"patient_age": "062Y", "patient_birth_date": "19500101"}, 62.0, "by the date of birth it would be 75 years"),
    ],
)
def test_the_age_comes_from_the_headers(tags, age, detail):
    told = header(**tags).age_years

    assert told is not None
    assert (told.value, told.source) == (age, "DICOM")
    assert detail in told.detail


def test_what_headers_do_not_say_is_unknown():
    assert header(patient_sex="F").sex == SourcedValue(value="female", source="DICOM", detail="PatientSex (0010,0040)")
    assert values(header(smoking_status="YES")) == {"smoking": "current"}
    for tags in (
        {},
        {"smoking_status": "NO"},
        {"patient_sex": "O"},
        {"patient_age": "62"},
        {"patient_birth_date": "19631301"},
        {"patient_age": "999Y"},
    ):
        assert values(header(**tags)) == {}
    assert values(patient_of(SeriesIdentity(series_uid="1", patient_birth_date="19630301"))) == {}


def test_of_several_sources_the_first_that_knows_counts():
    typed = Patient(sex=SourcedValue(value="male", source="entered"))

    joined = merged_patient(typed, header(patient_sex="F", patient_age="062Y"))

    assert values(joined) == {"sex": "male", "age_years": 62.0}
    assert joined.age_years is not None
    assert joined.age_years.source == "DICOM"


# -- CSV --------------------------------------------------------------------------------------------------------------


def table(tmp_path: Path, text: str, name: str = "patients.csv") -> Clinical:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return load_clinical(tmp_path / name)


def test_a_csv_says_what_is_in_its_columns(tmp_path):
    clinical = table(
        tmp_path,
        "\ufeffpatient_id,birth_date,sex,smoking,pack_years,quit_years_ago,family_history,emphysema,prior_cancer,"
        "immunosuppression,context\n"
        "LC-001,1961-03-24,F,former,35.5,6,yes,no,unknown,,screening\n"
        "\n"
        "LC-002,,male,never,,,0,1,false,N,incidental\n",
    )

    assert clinical.problems == ()
    assert values(clinical.of("LC-001", STUDY)) == {
        "age_years": 63.0,
        "sex": "female",
        "smoking": "former",
        "pack_years": 35.5,
        "quit_years_ago": 6.0,
        "family_history": True,
        "emphysema": False,
        "context": "screening",
    }
    assert values(clinical.of(" LC-002 ", STUDY))["prior_cancer"] is False
    told = clinical.of("LC-002", STUDY)
    assert told is not None
    assert told.emphysema == SourcedValue(value=True, source="entered", detail="patients.csv, line 4")
    assert clinical.of("LC-003", STUDY) is None


def test_without_the_date_of_the_study_a_birth_date_tells_no_age(tmp_path):
    clinical = table(tmp_path, "patient_id;birth_date;sex\nA;19610324;m\n")

    assert values(clinical.of("A")) == {"sex": "male"}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("A,sixty,F,yes", "age_years 'sixty' is not a number from 0 to 120"),
        ("A,-1,F,yes", "age_years '-1' is not a number from 0 to 120"),
        ("A,1e2,F,yes", "age_years '1e2' is not a number from 0 to 120"),
        ("A,060Y,F,yes", "age_years '060Y' is not a number from 0 to 120"),
        ("A,nan,F,yes", "age_years 'nan' is not a number from 0 to 120"),
        ("A,121,F,yes", "age_years '121' is not a number from 0 to 120"),
        ("A,60,woman,yes", "sex 'woman' is not female or male"),
        ("A,60,F,maybe", "emphysema 'maybe' is not yes or no"),
        ("A,60,F", "has 3 values for 4 columns"),
        ("A,60,F,yes,no", "has 5 values for 4 columns"),
        (",60,F,yes", "has no patient_id"),
        ("B,60,F,yes", "is of the same patient and study as line 2; only that one was taken"),
    ],
)
def test_a_row_with_anything_wrong_is_named_and_not_taken(tmp_path, row, why):
    clinical = table(tmp_path, f"patient_id,age_years,sex,emphysema\nB,70,M,no\n{row}\n")

    sentence = f"patients.csv, line 3: {why}. Nothing of this line was taken."
    assert clinical.problems == (sentence,)
    assert clinical.of("A", STUDY) is None
    assert values(clinical.of("B", STUDY)) == {"age_years": 70.0, "sex": "male", "emphysema": False}
    assert clinical.problems_of(row.partition(",")[0]) == ((sentence,) if row[0] != "," else ())


def test_a_row_can_be_for_one_study(tmp_path):
    clinical = table(
        tmp_path,
        "patient_id,study_date,context,smoking\nA,,incidental,former\nA,2025-03-01,screening,\nA,2025-13-01,screening,\n",
    )

    assert values(clinical.of("A", STUDY)) == {"context": "screening", "smoking": "former"}
    assert values(clinical.of("A", "20240301")) == {"context": "incidental", "smoking": "former"}
    assert "study_date '2025-13-01' is not a date as 1961-03-24 or 19610324" in clinical.problems[0]


def test_a_column_that_is_not_known_is_named(tmp_path):
    clinical = table(tmp_path, "patient_id,emphysma,sex\nA,yes,F\n")

    assert clinical.problems == ("patients.csv: the column 'emphysma' is not known, and was not read.",)
    assert values(clinical.of("A")) == {"sex": "female"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty. Its first line must name the columns"),
        ("id,sex\nA,F\n", "has no column patient_id. It may have: patient_id, study_date, birth_date, age_years"),
        ("patient_id,sex,sex\nA,F,F\n", "the column sex is there twice"),
        ('patient_id,sex\nA,"F\n', "cannot be read as a CSV in UTF-8"),
    ],
)
def test_a_csv_that_cannot_be_trusted_is_refused(tmp_path, text, why):
    with pytest.raises(ConfigError) as error:
        table(tmp_path, text)
    assert f"{tmp_path / 'patients.csv'}: {why}" in str(error.value)


def test_ten_thousand_patients_are_read_and_found(tmp_path):
    rows = [f"P{n:05d},{40 + n % 50},{'FM'[n % 2]},{'yes' if n % 3 else 'perhaps'}" for n in range(10_000)]
    clinical = table(tmp_path, "\n".join(["patient_id,age_years,sex,emphysema", *rows]) + "\n")

    assert sum(clinical.of(f"P{n:05d}", STUDY) is not None for n in range(10_000)) == 6666
    assert len(clinical.problems) == 3334


# -- FHIR -------------------------------------------------------------------------------------------------------------

LOINC, SNOMED, ICD10 = "http://loinc.org", "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10-cm"
PERSON = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"system": "urn:mrn", "value": "LC-001"}],
    "gender": "female",
    "birthDate": "1961-03-24",
}


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def observation(code: dict[str, Any], when: str = "2024-05-01", **value: Any) -> dict[str, Any]:
    known = {
        "id": "o",
        "status": "final",
        "code": code,
        "effectiveDateTime": when,
        "subject": {"reference": "Patient/p1"},
    }
    return {"resourceType": "Observation"} | known | value


def condition(system: str, code: str, when: str = "2020-01-01", **more: Any) -> dict[str, Any]:
    known = {"id": "c", "code": concept(system, code), "recordedDate": when, "subject": {"reference": "Patient/p1"}}
    return {"resourceType": "Condition"} | known | more


def smoking(code: str, when: str = "2024-05-01", **more: Any) -> dict[str, Any]:
    return observation(concept(LOINC, "72166-2"), when, valueCodeableConcept=concept(SNOMED, code), **more)


def bundle(tmp_path: Path, *resources: dict[str, Any]) -> Clinical:
    content = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}
    (tmp_path / "bundle.json").write_text(json.dumps(content), encoding="utf-8")
    return load_clinical(tmp_path / "bundle.json")


def test_a_bundle_says_what_its_codes_say(tmp_path):
    family = {
        "resourceType": "FamilyMemberHistory",
        "status": "completed",
        "patient": {"reference": "https://fhir.example.org/r4/Patient/p1"},
        "relationship": concept("http://terminology.hl7.org/CodeSystem/v3-RoleCode", "FTH"),
        "condition": [{"code": concept(SNOMED, "363358000")}],
    }
    clinical = bundle(
        tmp_path,
        smoking("8517006"),
        observation(concept(SNOMED, "401201003"), valueQuantity={"value": 35, "unit": "{pack-years}"}),
        observation(concept(LOINC, "74010-0"), valueDateTime="2019-02-01"),
        condition(ICD10, "J43.9"),
        condition(ICD10, "D84.821"),
        condition(ICD10, "Z12.2", "2025-03-01"),
        family,
        PERSON,
    )

    assert clinical.problems == ()
    for name in ("LC-001", "p1"):
        assert values(clinical.of(name, STUDY)) == {
            "age_years": 63.0,
            "sex": "female",
            "smoking": "former",
            "pack_years": 35.0,
            "quit_years_ago": 6.0,
            "family_history": True,
            "emphysema": True,
            "immunosuppression": True,
            "context": "screening",
        }
    told = clinical.of("LC-001", STUDY)
    assert told is not None
    assert told.emphysema == SourcedValue(value=True, source="entered", detail="bundle.json, Condition/c")
    assert "context" not in values(clinical.of("LC-001", "20240301"))


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (condition(ICD10, "C50.911"), True),
        (condition(SNOMED, "254637007"), True),
        (condition(ICD10, "Z85.118"), True),
        (condition(ICD10, "C44.91"), None),  # of the skin, other than melanoma
        (condition(ICD10, "D05.1"), None),
        (condition(ICD10, "C34.1", "2025-06-01"), None),  # found after the study
        (condition(ICD10, "C34.1", verificationStatus=concept("v", "entered-in-error")), None),
        (condition(ICD10, "C34.1", verificationStatus=concept("v", "refuted")), None),
    ],
)
def test_known_cancer_is_what_was_confirmed_by_the_study(tmp_path, resource, expected):
    clinical = bundle(tmp_path, PERSON, resource)

    assert clinical.problems == ()
    assert values(clinical.of("LC-001", STUDY)).get("prior_cancer") is expected


def test_what_is_not_recorded_is_unknown_but_what_is_refuted_is_not_there(tmp_path):
    refuted = condition(SNOMED, "87433001", verificationStatus=concept("v", "refuted"))

    assert values(bundle(tmp_path, PERSON).of("LC-001", STUDY)) == {"age_years": 63.0, "sex": "female"}
    assert values(bundle(tmp_path, PERSON, refuted).of("LC-001", STUDY))["emphysema"] is False


def test_the_latest_status_by_the_time_of_the_study_counts(tmp_path):
    clinical = bundle(
        tmp_path,
        PERSON,
        smoking("449868002", "2019-05-01"),
        smoking("8517006", "2024-05-01"),
        smoking("449868002", "2026-01-01"),
    )

    assert values(clinical.of("LC-001", STUDY))["smoking"] == "former"
    assert values(clinical.of("LC-001", "20200101"))["smoking"] == "current"
    assert "smoking" not in values(clinical.of("LC-001", "20180101"))


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        (smoking("123"), "has a smoking status of unknown code: http://snomed.info/sct|123"),
        (smoking("8517006", status="preliminary"), "has the status 'preliminary', not final"),
        (
            observation(concept(LOINC, "8664-5"), valueQuantity={"value": 20, "unit": "cigarettes/day"}),
            "counts pack-years in 'cigarettes/day'",
        ),
        (
            observation(concept(LOINC, "8664-5"), valueQuantity={"value": 2000, "unit": "pack-years"}),
            "has 2000 pack-years, not a number from 0 to 300",
        ),
        (
            condition(ICD10, "C34.1", verificationStatus=concept("v", "provisional")),
            "is provisional, not confirmed",
        ),
        (
            condition(ICD10, "C34.1", subject={"reference": "Patient/other"}),
            "is about 'Patient/other', a patient who is not",
        ),
        (condition(ICD10, "Z12.2", recordedDate=""), "says screening without a date"),
        (condition(ICD10, "C34.1") | {"code": "C34.1"}, "is not built as FHIR R4 has it"),
    ],
)
def test_a_resource_that_cannot_be_taken_is_named(tmp_path, resource, why):
    clinical = bundle(tmp_path, PERSON, resource)

    (problem,) = clinical.problems
    assert problem.startswith(f"bundle.json, {resource['resourceType']}/{resource['id']} {why}")
    assert problem.endswith("; it was not taken.")
    assert values(clinical.of("LC-001", STUDY)) == {"age_years": 63.0, "sex": "female"}
    if "other" not in why:
        assert clinical.problems_of("LC-001") == (problem,)


def test_a_smoking_status_that_says_unknown_is_unknown_and_no_mistake(tmp_path):
    clinical = bundle(tmp_path, PERSON, smoking("266927001"))

    assert clinical.problems == ()
    assert "smoking" not in values(clinical.of("LC-001", STUDY))


def test_components_of_an_observation_are_read(tmp_path):
    history = observation(
        concept(LOINC, "72166-2"),
        valueCodeableConcept=concept(LOINC, "LA18976-3"),
        component=[{"code": concept(SNOMED, "401201003"), "valueQuantity": {"value": 3.72, "code": "{PackYears}"}}],
    )

    told = values(bundle(tmp_path, PERSON, history).of("LC-001", STUDY))
    assert (told["smoking"], told["pack_years"]) == ("current", 3.72)


def test_a_folder_of_a_bulk_export_is_read_as_one(tmp_path):
    (tmp_path / "Patient.ndjson").write_text(json.dumps(PERSON) + "\n", encoding="utf-8")
    lines = [json.dumps(condition(ICD10, "J43.9")), "", json.dumps(condition(ICD10, "I10"))]
    (tmp_path / "Condition.ndjson").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "extra.csv").write_text("patient_id,smoking\nLC-001,never\n", encoding="utf-8")

    clinical = load_clinical(tmp_path)

    assert clinical.problems == ()
    told = values(clinical.of("LC-001", STUDY))
    assert (told["emphysema"], told["smoking"], told["sex"]) == (True, "never", "female")


def test_an_identifier_of_two_patients_tells_nothing(tmp_path):
    clinical = bundle(tmp_path, PERSON, PERSON | {"id": "p2", "gender": "male"})

    assert clinical.problems == ("2 patients have the identifier 'LC-001': it was not taken.",)
    assert clinical.of("LC-001") is None
    assert values(clinical.of("p2")) == {"sex": "male"}


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.json", "{", "cannot be read as JSON in UTF-8"),
        ("a.json", '{"findings": []}', "number 1 in it is no FHIR resource"),
        ("a.ndjson", '{"resourceType": "Patient", "id": "1"}\n[]', "number 2 in it is no FHIR resource"),
    ],
)
def test_what_is_no_fhir_is_refused(tmp_path, name, text, why):
    with pytest.raises(ConfigError, match=why):
        table(tmp_path, text, name)


def test_nothing_to_read_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"holds no .csv, .json or .ndjson"):
        load_clinical(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_clinical(tmp_path / "missing.csv")


def test_the_page_names_every_column_and_code():
    page = (Path(__file__).parents[2] / "docs" / "judgement.md").read_text(encoding="utf-8")
    for name in CSV_COLUMNS:
        assert f"`{name}`" in page
    for code in ("72166-2", "8664-5", "401201003", "782516008", "74010-0", "87433001", "363358000", "Z85", "Z12.2"):
        assert code in page
