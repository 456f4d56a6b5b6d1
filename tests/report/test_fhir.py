"""Findings as FHIR: valid, of the right patient, on the right side, in the right units; nothing that is not known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dicom_findings import Case, case_of
from judged_nodules import change, since
from typer.testing import CliRunner
from worklist_case import result

from napari_lesion.cli.main import app
from napari_lesion.model.findings import Report
from napari_lesion.report import fhir
from napari_lesion.report.fhir import bundle_of, check_bundle
from napari_lesion.report.json import save_report
from napari_lesion.report.withheld import Withheld
from napari_lesion.report.write import FILE_NAMES, refuse_naming, write_reports
from napari_lesion.support.errors import ConfigError, LesionError, OptionError


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return case_of("axial", tmp_path_factory.mktemp("case"))


def written(report: Report, folder: Path) -> list[dict[str, Any]]:
    """The resources of the file that is written."""
    done = write_reports(report, folder, ["fhir"])
    assert done.problems == {}
    content = json.loads((folder / FILE_NAMES["fhir"]).read_text(encoding="utf-8"))
    assert (content["resourceType"], content["type"]) == ("Bundle", "collection")
    return [entry["resource"] for entry in content["entry"]]


def only(resources: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (one,) = [one for one in resources if one["resourceType"] == kind]
    return one


def component(observation: dict[str, Any], code: str, text: str = "") -> dict[str, Any]:
    (found,) = [
        one
        for one in observation["component"]
        if one["code"]["coding"][0]["code"] == code and (not text or one["code"]["text"] == text)
    ]
    return found


def test_each_finding_is_an_observation_with_its_numbers_units_and_side(case: Case, tmp_path: Path) -> None:
    report = case.report
    observations = [one for one in written(report, tmp_path) if one["resourceType"] == "Observation"]
    by_id = {one["identifier"][1]["value"]: one for one in observations}
    assert set(by_id) == {finding.id for finding in report.active}
    sides = set()
    for finding in report.active:
        one = by_id[finding.id]
        assert one["valueCodeableConcept"]["coding"][0] == {
            "system": "http://snomed.info/sct",
            "code": "27925004",
            "display": "Nodule",
        }
        assert one["identifier"][0]["value"] == f"urn:oid:{finding.lesion_uid}"
        assert component(one, "111012")["valueQuantity"]["value"] == pytest.approx(finding.score, abs=1e-4)
        for axis, way, value in zip("xyz", ("left", "back", "head"), finding.center_mm, strict=True):
            quantity = component(one, f"center-{axis}-{way}")["valueQuantity"]
            assert quantity["value"] == pytest.approx(value, abs=1e-4)
            assert (quantity["system"], quantity["code"]) == ("http://unitsofmeasure.org", "mm")
        measured = finding.measurement
        if measured is None:
            assert "bodySite" not in one
            continue
        volume = component(one, "118565006")["valueQuantity"]
        assert (volume["value"], volume["code"]) == (pytest.approx(measured.volume_mm3, abs=1e-4), "mm3")
        mean = component(one, "81827009")["valueQuantity"]
        assert (mean["value"], mean["code"]) == (pytest.approx(measured.mean_diameter_mm), "mm")
        assert component(one, "103339001")["valueQuantity"]["value"] == pytest.approx(measured.long_axis.length_mm)
        if measured.side != "unknown":
            code = {"left": "7771000", "right": "24028007"}[measured.side]
            assert component(one, "272741003")["valueCodeableConcept"]["coding"][0]["code"] == code
            assert one["bodySite"]["text"].startswith(f"{measured.side} lung")
            sides.add(measured.side)
    assert sides, "or the test of sides tests nothing"


@pytest.mark.parametrize("side", ["left", "right", "unknown"])
def test_a_side_is_said_as_it_is_and_none_where_it_is_unknown(case: Case, tmp_path: Path, side: str) -> None:
    finding = next(one for one in case.report.active if one.measurement is not None)
    moved = finding.model_copy(update={"measurement": finding.measurement.model_copy(update={"side": side})})
    (one,) = [
        one
        for one in written(case.report.model_copy(update={"findings": (moved,)}), tmp_path)
        if one["resourceType"] == "Observation"
    ]
    said = [c["valueCodeableConcept"]["text"] for c in one["component"] if c["code"]["text"] == "Laterality"]
    assert said == {"left": ["Left"], "right": ["Right"], "unknown": []}[side]
    assert ("unknown" in one["bodySite"]["text"]) == (side == "unknown")


def test_a_standard_deviation_is_not_taken_for_the_volume(case: Case, tmp_path: Path) -> None:
    finding = next(one for one in case.report.active if one.measurement is not None)
    assert finding.measurement.volume_sd_mm3 is not None
    one = next(
        one
        for one in written(case.report, tmp_path)
        if one["resourceType"] == "Observation" and one["identifier"][1]["value"] == finding.id
    )
    assert component(one, "118565006")["valueQuantity"]["value"] == pytest.approx(
        finding.measurement.volume_mm3, abs=1e-4
    )
    sd = component(one, "volume-sd-mm3")
    assert sd["valueQuantity"]["value"] == pytest.approx(finding.measurement.volume_sd_mm3, abs=1e-4)
    assert sd["code"]["coding"][0]["system"] == "urn:napari-lesion:codes"


def test_it_says_whose_scan_it_is_who_found_it_and_that_nobody_verified_it(case: Case, tmp_path: Path) -> None:
    report, series = case.report, case.report.series
    resources = written(report, tmp_path)
    patient, study = only(resources, "Patient"), only(resources, "ImagingStudy")
    assert patient["identifier"] == [{"value": series.patient_id}]
    assert study["identifier"][0] == {"system": "urn:dicom:uid", "value": f"urn:oid:{series.study_uid}"}
    assert [one["uid"] for one in study["series"]] == [report.series_uid]
    whose = f"urn:uuid:{patient['id']}"
    for one in resources:
        if one["resourceType"] in ("Observation", "DiagnosticReport", "ImagingStudy"):
            assert one["subject"]["reference"] == whose
        if one["resourceType"] in ("Observation", "DiagnosticReport"):
            assert one["status"] == "preliminary"
    model = next(one for one in resources if one["resourceType"] == "Device" and "type" in one)
    assert model["deviceName"][0]["name"] == report.model.id
    assert model["version"][0]["value"] == report.model.version
    assert model["identifier"][0]["value"] == report.model.sha256
    provenance = only(resources, "Provenance")
    who = [agent["who"].get("display") or agent["who"]["reference"] for agent in provenance["agent"]]
    readers = {entry.reader for finding in report.active for entry in finding.history}
    assert f"urn:uuid:{model['id']}" in who
    assert readers <= set(who)
    whole = only(resources, "DiagnosticReport")
    assert len(whole["result"]) == len(report.active)
    assert "research use only" in whole["conclusion"]
    assert "that a reader rejected are left out" in whole["conclusion"]


def test_what_a_reader_added_is_not_said_to_be_the_models(case: Case, tmp_path: Path) -> None:
    finding = case.report.active[0].model_copy(update={"status": "added"})
    resources = written(case.report.model_copy(update={"findings": (finding,)}), tmp_path)
    program = next(one for one in resources if one["resourceType"] == "Device" and "type" not in one)
    assert only(resources, "Observation")["device"]["reference"] == f"urn:uuid:{program['id']}"


def test_nothing_is_said_that_is_not_known(tmp_path: Path) -> None:
    resources = written(
        result(1, patient_name="", patient_id="", study_date="", study_uid="", modality="", searched=False), tmp_path
    )
    assert set(only(resources, "Patient")) == {"resourceType", "id"}
    assert "started" not in only(resources, "ImagingStudy")
    assert [one["deviceName"][0]["type"] for one in resources if one["resourceType"] == "Device"] == [
        "manufacturer-name"
    ]
    assert "result" not in only(resources, "DiagnosticReport")


def test_growth_is_told_with_its_doubling_time(case: Case, tmp_path: Path) -> None:
    finding = case.report.active[0]
    grown = since(200, change(9.0, 6.0, "grown", id_=finding.id, doubling_days=114.0))
    report = case.report.model_copy(update={"findings": (finding,), "comparisons": (grown,)})
    one = only(written(report, tmp_path), "Observation")
    assert component(one, "doubling-time")["valueQuantity"] == {
        "value": 114.0,
        "unit": "d",
        "system": "http://unitsofmeasure.org",
        "code": "d",
    }
    assert component(one, "compared")["valueString"].startswith("grown: ")


def test_the_same_report_gives_the_same_file_and_another_patient_other_ids(case: Case, tmp_path: Path) -> None:
    assert bundle_of(case.report) == bundle_of(case.report)
    other = case.report.model_copy(update={"series": case.report.series.model_copy(update={"patient_id": "X"})})
    ids = [{entry["fullUrl"] for entry in bundle_of(one)["entry"]} for one in (case.report, other)]
    assert not ids[0] & ids[1]


def test_what_is_not_valid_is_not_written(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bundle_of(case.report)
    for damage, reason in (
        (lambda entry: entry["resource"].pop("status", None), "status"),
        (lambda entry: entry["resource"].update(findings=1), "findings"),
    ):
        broken = json.loads(json.dumps(content))
        damage(next(one for one in broken["entry"] if one["resource"]["resourceType"] == "Observation"))
        with pytest.raises(LesionError, match=reason):
            check_bundle(json.dumps(broken))
    broken = json.loads(json.dumps(content))
    del broken["entry"][0]
    with pytest.raises(LesionError, match="refers to what is not in it"):
        check_bundle(json.dumps(broken))
    monkeypatch.setattr(fhir, "bundle_of", lambda report: broken)
    done = write_reports(case.report, tmp_path, ["fhir"])
    assert "was not written" in done.problems["fhir"]
    assert list(tmp_path.iterdir()) == []


def test_without_the_package_it_is_said_how_to_get_it(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(fhir, "import_module", gone)
    with pytest.raises(ConfigError, match=r"napari-lesion\[fhir\]"):
        check_bundle("{}")


def test_it_names_the_patient_and_so_is_refused_where_names_are_withheld(case: Case, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="name the patient, and FHIR does"):
        refuse_naming(["fhir"])
    assert Withheld().report(case.report).series.patient_id == ""
    written(case.report, tmp_path)
    assert (tmp_path / FILE_NAMES["fhir"]).stat().st_mode & 0o077 == 0


def test_the_command_report_writes_it(case: Case, tmp_path: Path) -> None:
    save_report(case.report, tmp_path / "findings.json")
    done = CliRunner().invoke(app, ["report", str(tmp_path), "--format", "fhir"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / FILE_NAMES["fhir"]).is_file()
