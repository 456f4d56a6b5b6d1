"""Reports in files, what a reader takes over, and whose rows they are."""

from __future__ import annotations

import base64
import csv
import json
from datetime import date
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import BasicTextSRStorage, EncapsulatedPDFStorage, ExplicitVRLittleEndian
from typer.testing import CliRunner

from napari_lesion.assessment.patient.clinical import load_clinical
from napari_lesion.cli.main import app
from napari_lesion.model.assessed import Patient
from napari_lesion.records.documents import Document, read_documents
from napari_lesion.records.found_values import read_all
from napari_lesion.records.rows import Row, add_rows, due, follow_ups, load_rows, of_patient, rows_of_items
from napari_lesion.records.take_over import stated_patient
from napari_lesion.support.errors import InputFileError

REPORT = (
    "Patient ID: P7  DOB: 1961-03-24\nDate of exam: 2023-01-31\n\n"
    "Findings: 8 x 6 mm solid nodule in the RUL (previously 6 mm). Emphysema. Former smoker, 30 pack-years.\n"
    "Impression: Lung-RADS 4A. Follow-up CT in 3 months.\n"
)


def run(*words: object):
    return CliRunner().invoke(app, ["text", *map(str, words)])


def dicom(path: Path, sop_class: str, **elements: object) -> Path:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, "1.2.3"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, "1.2.3"
    dataset.PatientID, dataset.PatientBirthDate, dataset.StudyDate = "P7", "19610324", "20230131"
    dataset.SpecificCharacterSet = "ISO_IR 192"
    for name, value in elements.items():
        setattr(dataset, name, value)
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_a_text_says_itself_whose_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(REPORT, encoding="utf-8")
    (document,), problems = read_documents(tmp_path / "a.txt")
    assert (document.patient_id, document.born, document.written) == ("P7", date(1961, 3, 24), date(2023, 1, 31))
    assert not problems


def test_a_date_that_may_be_two_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Date of exam: 03/04/2023. The nodule in the RUL is 5 mm.", encoding="utf-8")
    (document,), _ = read_documents(tmp_path / "a.txt")
    assert document.written is None
    assert any("03/04/2023" in note for note in read_all([document])[0].read.notes)


def test_columns_of_a_table_are_guessed_and_then_confirmed(tmp_path: Path) -> None:
    table = tmp_path / "befunde.csv"
    table.write_text('PatNr;Befund;Datum\nP8;"Rundherd OL re. 8 mm";01.05.2023\n', encoding="utf-8")
    with pytest.raises(InputFileError, match="text=Befund,patient_id=PatNr,date=Datum"):
        read_documents(table)
    (document,), _ = read_documents(table, {"text": "Befund", "patient_id": "PatNr", "date": "Datum"})
    assert (document.patient_id, document.written) == ("P8", date(2023, 5, 1))
    with pytest.raises(InputFileError, match="no column 'Bericht'"):
        read_documents(table, {"text": "Bericht"})


def test_reports_of_fhir_are_those_of_their_subject(tmp_path: Path) -> None:
    text = base64.b64encode(b"Kein Rundherd.").decode()
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {
                "resource": {
                    "resourceType": "Patient",
                    "id": "1",
                    "identifier": [{"value": "P7"}],
                    "birthDate": "1961-03-24",
                }
            },
            {
                "resource": {
                    "resourceType": "DiagnosticReport",
                    "status": "final",
                    "subject": {"reference": "Patient/1"},
                    "effectiveDateTime": "2023-01-31T10:00:00Z",
                    "presentedForm": [{"contentType": "text/plain", "data": text}],
                }
            },
            {
                "resource": {
                    "resourceType": "DiagnosticReport",
                    "subject": {"reference": "Patient/2"},
                    "conclusion": "8 mm nodule",
                }
            },
        ],
    }
    (tmp_path / "a.json").write_text(json.dumps(bundle), encoding="utf-8")
    (document,), problems = read_documents(tmp_path / "a.json")
    assert (document.text, document.patient_id, document.written) == ("Kein Rundherd.", "P7", date(2023, 1, 31))
    assert "Patient/2" in problems[0]


def test_a_structured_report_is_read_and_a_pdf_is_refused(tmp_path: Path) -> None:
    item, name = Dataset(), Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = "121071", "DCM", "Finding"
    item.ValueType, item.ConceptNameCodeSequence, item.TextValue = "TEXT", [name], "右肺上叶结节，约8mm。"
    path = dicom(tmp_path / "sr.dcm", BasicTextSRStorage, ContentSequence=[item], ValueType="CONTAINER")
    (document,), _ = read_documents(path)
    assert (document.patient_id, document.born) == ("P7", date(1961, 3, 24))
    assert read_all([document])[0].read.nodules[0].get("place") == "right upper"
    pdf = dicom(
        tmp_path / "pdf.dcm",
        EncapsulatedPDFStorage,
        EncapsulatedDocument=b"%PDF",
        MIMETypeOfEncapsulatedDocument="application/pdf",
    )
    with pytest.raises(InputFileError, match="PDF is not"):
        read_documents(pdf)


def test_nothing_is_taken_over_that_nobody_has_ticked(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(REPORT, encoding="utf-8")
    assert run(tmp_path / "a.txt", "-o", tmp_path / "out").exit_code == 0
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == ["found.csv", "found.html"]
    page = (tmp_path / "out" / "found.html").read_text(encoding="utf-8")
    assert ">8 x 6 mm</mark>" in page
    found = tmp_path / "out" / "found.csv"
    refused = run(found, "--take", "-o", tmp_path / "taken").exception
    assert isinstance(refused, InputFileError)
    assert "nothing is ticked" in str(refused)

    with found.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["take"] = "yes" if row["field"] in ("smoking", "follow_up", "size_mm") else ""
    with found.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert run(found, "--take", "-o", tmp_path / "taken", "--reader", "Ada").exit_code == 0
    taken = load_rows(tmp_path / "taken" / "records.csv")
    assert [(row.kind, row.value, row.words, row.taken_by) for row in taken] == [
        ("nodule", "size_mm 8 x 6", "8 x 6 mm", "Ada"),
        ("advice", "CT 3", "Follow-up CT in 3 months", "Ada"),
        ("patient", "former", "Former smoker", "Ada"),
    ]
    (follow_up,) = load_rows(tmp_path / "taken" / "follow-up.csv")
    assert (follow_up.due_from, follow_up.patient_id) == ("2023-04-30", "P7")
    patient = load_clinical(tmp_path / "taken" / "clinical.csv").of("P7", "20230501")
    assert patient is not None
    assert patient.smoking is not None
    assert patient.smoking.value == "former"
    assert patient.emphysema is None


def test_a_report_of_nobody_is_not_taken_over() -> None:
    (reading,) = read_all([Document("8 mm nodule RUL.", "pasted")])
    with pytest.raises(InputFileError, match="nobody knows whose report"):
        rows_of_items(reading.document, reading.items, by="Ada", at="")


def test_what_a_report_says_of_a_patient_holds_for_later_scans_only() -> None:
    text = "Former smoker, quit 10 years ago. Severe emphysema. Family history of lung cancer."
    (reading,) = read_all([Document(text, "a", "P7", None, date(2020, 6, 1))])
    said = stated_patient(reading.document, reading.items, "Ada", "20230601")
    assert said.smoking is not None
    assert said.smoking.detail == "report of 2020-06-01: “Former smoker”, taken over by Ada"
    assert said.quit_years_ago is not None
    assert said.quit_years_ago.value == 13
    assert said.emphysema is not None
    assert stated_patient(reading.document, reading.items, "Ada", "20200531") == Patient()


def test_rows_of_another_patient_are_refused_with_a_sentence() -> None:
    rows = [
        Row("P7", "1961-03-24", "2023-02-01", "laboratory", "CEA", "3.1", source="lab.csv, line 2"),
        Row("P8", "", "2023-02-01", "laboratory", "CEA", "9.9", source="lab.csv, line 3"),
        Row("P7", "1950-01-01", "2023-02-01", "laboratory", "CEA", "8.8", source="lab.csv, line 4"),
        Row("P7", "", "2022-02-01", "laboratory", "CEA", "2.2", source="lab.csv, line 5"),
    ]
    own, refused = of_patient(rows, "P7", "1961-03-24")
    assert [row.value for row in own] == ["2.2", "3.1"]
    assert "line 3: is of another patient (P8)" in refused[0]
    assert "line 4: has the same patient ID, but another date of birth" in refused[1]
    assert of_patient(rows, "", "")[0] == ()


def test_follow_ups_end_with_a_scan_and_are_counted_once(tmp_path: Path) -> None:
    (reading,) = read_all([Document("Nodule RUL. Follow-up CT in 6-12 months.", "a", "P7", None, date(2023, 8, 31))])
    rows = rows_of_items(reading.document, reading.items, by="Ada", at="now")
    path = tmp_path / "records.csv"
    assert add_rows(rows, path) == len(rows)
    assert add_rows(rows_of_items(reading.document, reading.items, by="Bo", at="later"), path) == 0
    (one,) = follow_ups(load_rows(path))
    assert (one.due_from, one.due_to) == ("2024-02-29", "2024-08-31")
    assert follow_ups(load_rows(path), done={"P7": ["2024-01-01"]}) == (one,)
    assert follow_ups(load_rows(path), done={"P7": ["2024-03-01"]}) == ()
    assert due((0.5, 0.5), date(2023, 1, 1)) == (date(2023, 1, 16), date(2023, 1, 16))


BUNDLE = [
    {"resourceType": "Patient", "id": "1", "identifier": [{"value": "P7"}], "birthDate": "1961-03-24"},
    {"resourceType": "Patient", "id": "2", "identifier": [{"value": "P7"}], "birthDate": "1950-01-01"},
    {
        "resourceType": "Observation",
        "status": "final",
        "subject": {"reference": "Patient/1"},
        "effectiveDateTime": "2023-02-01",
        "code": {"text": "CEA"},
        "valueQuantity": {"value": 3.1, "unit": "ng/mL"},
    },
    {
        "resourceType": "Observation",
        "status": "preliminary",
        "subject": {"reference": "Patient/1"},
        "code": {"text": "CRP"},
        "valueQuantity": {"value": 99},
    },
    {
        "resourceType": "Condition",
        "subject": {"reference": "Patient/2"},
        "code": {"coding": [{"code": "J43.9", "display": "Emphysema"}]},
        "recordedDate": "2020-01-01",
    },
]


def test_tables_fhir_and_old_reports_make_one_timeline(tmp_path: Path) -> None:
    laboratory = tmp_path / "lab.csv"
    laboratory.write_text(
        "Patient ID,Date,Test,Value,Unit\nP7,2022-05-01 08:15,CRP,12,mg/L\nP8,2022-05-01,CRP,80,mg/L\n"
        "P7,03/04/2022,LDH,200,U/L\n",
        encoding="utf-8",
    )
    (tmp_path / "fhir.json").write_text(json.dumps(BUNDLE), encoding="utf-8")
    (reading,) = read_all([Document("Nodule RUL 5 mm. CT in 6 months advised.", "a", "P7", None, date(2022, 1, 1))])
    add_rows(rows_of_items(reading.document, reading.items, by="Ada", at="now"), tmp_path / "records.csv")
    columns = "patient_id=Patient ID,date=Date,name=Test,value=Value,unit=Unit"
    files = [str(tmp_path / name) for name in ("lab.csv", "fhir.json", "records.csv")]
    result = CliRunner().invoke(
        app,
        [
            "records",
            *files,
            "--patient",
            "P7",
            "--born",
            "1961-03-24",
            "-o",
            str(tmp_path / "t.csv"),
            "--columns",
            columns,
        ],
    )
    assert [(row.date, row.kind, row.value, row.unit) for row in load_rows(tmp_path / "t.csv")] == [
        ("2022-01-01", "advice", "CT 6", ""),
        ("2022-01-01", "nodule", "size_mm 5; place right upper", ""),
        ("2022-05-01", "laboratory", "12", "mg/L"),
        ("2023-02-01", "laboratory", "3.1", "ng/mL"),
    ]
    assert result.exit_code == 1
    for said in (
        "lab.csv, line 3: is of another patient (P8)",
        "lab.csv, line 4: Date is no date, or may be two",
        "another date of birth (1950-01-01",
        "has the status 'preliminary', not final",
        "Advised and not seen here: CT 6, due 2022-07-01",
    ):
        assert said in result.output
