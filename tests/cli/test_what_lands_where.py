"""What `analyse` leaves and prints: names only where they are said to be, and exit 1 only where something failed."""

from __future__ import annotations

import csv
import logging
import os
import shutil
import warnings
import zlib

import pydicom
import pytest
from fake_scan import FakeDetector, make_volume
from typer.testing import CliRunner

from napari_lesion.cli.main import app
from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.model.findings import Candidate

FOUND = Candidate((40.0, -15.0, -289.0), 9.0, 0.9)
CANARY = "Kanarienvogel"
ONE, TWO = "1.2.826.1", "1.2.826.2"


def scan(folder, uid, **values):
    for file in write_ct_series(make_volume(shape=(12, 100, 150)), folder, series_uid=uid):
        ds = pydicom.dcmread(file)
        with pydicom.config.disable_value_validation():
            for keyword, value in values.items():
                setattr(ds, keyword, value)
            ds.save_as(file)
    return folder


@pytest.fixture
def run(monkeypatch, recwarn):
    def analyse(*arguments, found=(FOUND,)):
        monkeypatch.setattr("napari_lesion.detection.registry.load_detector", lambda name: FakeDetector(found))
        return CliRunner().invoke(app, ["analyse", *map(str, arguments)])

    return analyse


def test_a_healthy_chest_ends_with_0_whatever_reports_are_asked_for(tmp_path, run):
    scan(tmp_path / "ct", ONE)
    result = run(tmp_path / "ct", "-o", tmp_path / "out", "--report", "seg,key-images,sr", found=())
    assert result.exit_code == 0, result.output
    assert "Report seg: there is none." in result.output
    assert (tmp_path / "out" / ONE / "structured_report.dcm").exists()
    assert not (tmp_path / "out" / ONE / "segmentation.dcm").exists()


def test_what_is_left_out_has_a_row_is_printed_and_ends_with_1(tmp_path, run):
    folder = scan(tmp_path / "ct", ONE)
    (folder / "patient 2").symlink_to(tmp_path / "gone")
    shutil.make_archive(str(folder / "patient 3"), "zip", scan(tmp_path / "third", TWO))
    result = run(folder, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert f"done     {ONE}" in result.output
    for name, words in (("patient 2", "a link that leads nowhere"), ("patient 3.zip", "holds DICOM files")):
        assert f"{name}: left out: a" in result.output
        rows = list(csv.DictReader((tmp_path / "out" / "summary.csv").open()))
        assert any(row["source"].endswith(name) and words in row["reason"] for row in rows)


def test_bytes_that_are_no_letters_are_no_obstacle(tmp_path, run):
    folder = tmp_path / os.fsdecode(b"M\xfcller")
    scan(tmp_path / "ct", ONE).rename(folder)
    (folder / os.fsdecode(b"notes\xe9.txt")).write_text("hello")
    result = run(folder, "-o", tmp_path / "out", "--report", "csv,html,pdf,sr")
    assert result.exit_code == 0, result.output
    assert "M\\xfcller/notes\\xe9.txt,not a DICOM file" in (tmp_path / "out" / "skipped_files.csv").read_text()


def test_a_description_forges_no_line_and_runs_nothing(tmp_path, run):
    folder = scan(tmp_path / "ct", ONE, SeriesDescription="x\ndone     9.9 (CT): 0 findings\x1b[2J", PatientID="=1+1")
    result = run(folder, "-o", tmp_path / "out", "--report", "csv")
    done = [line for line in result.output.splitlines() if line.startswith("done")]
    assert len(done) == 1
    assert done[0].startswith(f"done     {ONE}")
    assert "\ndone     9.9" not in result.output
    assert "\x1b" not in result.output
    for table in (tmp_path / "out" / "summary.csv", tmp_path / "out" / ONE / "findings.csv"):
        (row,) = csv.DictReader(table.open(newline=""))
        assert row["patient_id"] == "'=1+1"


def test_clinical_data_of_nobody_is_told(tmp_path, run):
    (tmp_path / "patients.csv").write_text("patient_id,age_years\nSomebody-Else,61\n")
    scan(tmp_path / "ct", ONE, PatientID="P-1")
    result = run(tmp_path / "ct", "-o", tmp_path / "out", "--clinical", tmp_path / "patients.csv")
    assert result.exit_code == 0
    assert "none of its 1 patients is among those of the results" in result.output


def names_in(path) -> bool:
    """Whether the canary is anywhere in a file, packed or not."""
    content = path.read_bytes()
    unpacked = [content]
    for at in range(len(content)):
        if content[at : at + 1] == b"\x78" or content[at : at + 2] == b"\x1f\x8b":
            try:
                unpacked.append(zlib.decompressobj(47).decompress(content[at:], 10**7))
            except zlib.error:
                continue
    return any(CANARY.lower().encode() in part.lower() for part in unpacked)


def birds(tmp_path):
    """Scans whose every name is the canary: of the patient, of files and folders, in texts; one cannot be read."""
    folder = tmp_path / f"{CANARY}_1" / f"{CANARY} 2"
    texts = {
        "PatientName": f"{CANARY}^Hansi",
        "PatientID": CANARY,
        "AccessionNumber": CANARY,
        "StudyDescription": f"of {CANARY}",
        "SeriesDescription": f"for Dr {CANARY}",
        "PatientBirthDate": f"{CANARY}",
    }
    scan(folder / "a", ONE, **texts)
    scan(folder / "b", TWO, **texts)
    for number, file in enumerate(sorted((folder / "b").iterdir())):
        file.rename(folder / "b" / f"{CANARY}{number}.dcm")
        if number in (4, 5):
            (folder / "b" / f"{CANARY}{number}.dcm").unlink()
    (folder / f"{CANARY}.txt").write_text("hello")
    (folder / f"{CANARY} link").symlink_to(f"{CANARY} nowhere")
    return tmp_path / f"{CANARY}_1"


def test_names_are_withheld_from_all_but_the_findings(tmp_path, run, caplog, capfd):
    folder = birds(tmp_path)
    clinical = tmp_path / f"{CANARY}.csv"
    clinical.write_text(f"patient_id,age_years,smoking\n{CANARY},61,never\n{CANARY},sixty,\n")
    out = tmp_path / "out"
    result = run(
        folder, "-o", out, "--report", "csv,html,pdf", "--clinical", clinical, "--prior", folder, "--withhold-names"
    )
    assert result.exit_code == 1, result.output  # of the gap and the link
    assert f"done     {ONE}" in result.output
    assert "failed" in result.output
    assert "2 slices are missing" in result.output
    assert CANARY.lower() not in result.output.lower()
    assert CANARY.lower() not in "".join(capfd.readouterr()).lower()
    files = [path for path in out.rglob("*") if path.is_file()]
    assert {"summary.csv", "skipped_files.csv", "report.html", "report.pdf", "findings.csv", "overview.png"} <= {
        path.name for path in files
    }
    assert [path.name for path in files if names_in(path)] == ["findings.json"]
    assert not any(CANARY.lower() in str(path.relative_to(out)).lower() for path in out.rglob("*"))


def test_without_the_option_the_canary_is_found(tmp_path, run):
    out = tmp_path / "out"
    result = run(birds(tmp_path), "-o", out, "--report", "csv,html,pdf")
    assert CANARY in result.output
    found = {path.name for path in out.rglob("*") if path.is_file() and names_in(path)}
    assert {"summary.csv", "skipped_files.csv", "report.html", "findings.csv", "findings.json"} <= found


def test_dicom_objects_without_a_name_are_refused(tmp_path, run):
    scan(tmp_path / "ct", ONE)
    result = run(tmp_path / "ct", "-o", tmp_path / "out", "--report", "html,sr", "--withhold-names")
    assert result.exit_code != 0
    assert "sr: DICOM objects name the patient" in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_the_log_of_a_bug_names_nobody(tmp_path):
    from napari_lesion.report.withheld import Withheld

    withheld = Withheld()
    withheld.learn(make_volume().series.model_copy(update={"patient_name": f"{CANARY}^Hansi"}))
    record = logging.LogRecord("napari_lesion.batch", 40, "", 0, "%s is odd", (f"hansi {CANARY}",), (ValueError,) * 3)
    assert withheld.filter(record)
    assert (record.getMessage(), record.exc_info) == ("(withheld) (withheld) is odd", None)
    assert not withheld.filter(logging.LogRecord("pydicom", 40, "", 0, "of a header", (), None))


def state():
    """What of this process a command may change."""
    handlers = [(handler, tuple(handler.filters)) for handler in logging.getLogger().handlers]
    return handlers, list(warnings.filters), os.environ.get("PYTHONWARNINGS")


@pytest.mark.parametrize("ends", ["well", "with an error"])
def test_a_command_that_withholds_names_leaves_its_process_as_it_was(tmp_path, run, ends):
    before = state()
    kinds = "html" if ends == "well" else "html,sr"
    result = run(scan(tmp_path / "ct", ONE), "-o", tmp_path / "out", "--report", kinds, "--withhold-names")
    assert (result.exit_code == 0) == (ends == "well")
    assert state() == before


def test_an_error_names_nobody_either(tmp_path, run):
    clinical = tmp_path / f"{CANARY}.csv"
    clinical.write_text("years\n3\n")
    result = run(birds(tmp_path), "-o", tmp_path / "out", "--clinical", clinical, "--withhold-names")
    assert "has no column patient_id" in str(result.exception)
    assert CANARY.lower() not in str(result.exception).lower()


@pytest.fixture
def results(tmp_path, run):
    """Results of the scans of `birds`, whose names are in all of them."""
    folder, out = birds(tmp_path), tmp_path / "out"
    run(folder, "-o", out)
    return folder, out


def reported(*arguments):
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def test_report_withholds_names_as_analyse_does(results, tmp_path, capfd):
    folder, out = results
    clinical = tmp_path / f"{CANARY}.csv"
    clinical.write_text(f"patient_id,age_years\n{CANARY}-2,61\n{CANARY},sixty\n")
    before = state()
    result = reported(out, "--format", "html,pdf,csv", "--scans", folder, "--clinical", clinical, "--withhold-names")
    assert result.exit_code == 0, result.output
    assert f"{ONE}: 1 findings; wrote csv, html, pdf" in result.output
    assert "none of its 1 patients" in result.output
    assert CANARY.lower() not in (result.output + "".join(capfd.readouterr())).lower()
    reports = [out / ONE / name for name in ("report.html", "report.pdf", "findings.csv")]
    assert not any(map(names_in, reports))
    assert names_in(out / ONE / "findings.json")
    assert state() == before
    refused = reported(out, "--format", "html,sr", "--withhold-names")
    assert "sr: DICOM objects name the patient" in str(refused.exception)


def test_report_says_that_clinical_data_is_of_nobody(results, tmp_path):
    folder, out = results
    clinical = tmp_path / "patients.csv"
    for patient, said in (("Somebody-Else", True), (CANARY, False)):
        clinical.write_text(f"patient_id,age_years\n{patient},61\n")
        result = reported(out, "--format", "csv", "--scans", folder, "--clinical", clinical)
        assert result.exit_code == 0, result.output
        assert ("none of its 1 patients is among those of the results" in result.output) == said


def test_what_was_not_to_be_measured_is_not_measured_when_the_run_is_taken_up(tmp_path, run):
    scan(tmp_path / "ct", ONE)
    wishes = (tmp_path / "ct", "-o", tmp_path / "out", "--report", "csv", "--no-measure")
    assert run(*wishes).exit_code == 0
    before = (tmp_path / "out" / ONE / "findings.json").read_bytes()
    assert run(*wishes, "--resume").exit_code == 0
    assert (tmp_path / "out" / ONE / "findings.json").read_bytes() == before
