from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from fake_scan import FakeDetector, make_volume

from napari_lesion.model.assessed import Patient
from napari_lesion.model.findings import SCHEMA_VERSION, Candidate, Report
from napari_lesion.pipeline import analyse
from napari_lesion.report.json import load_report, report_schema, save_report
from napari_lesion.support.errors import ConfigError

PUBLISHED = Path(__file__).parents[2] / "docs" / "findings.schema.json"


@pytest.fixture(scope="module")
def report() -> Report:
    found = (Candidate((52.0, -15.0, -250.0), 9.0, 0.9), Candidate((-48.0, -30.0, -231.2), 6.0, 0.6))
    return analyse(make_volume(notes=("Tilted by 3°.",)), detector=FakeDetector(found)).report


def test_a_report_comes_back_as_it_was_saved(report, tmp_path):
    save_report(report, tmp_path / "findings.json")
    assert load_report(tmp_path / "findings.json") == report
    assert [path.name for path in tmp_path.iterdir()] == ["findings.json"]


def test_the_file_has_what_the_contract_promises(report, tmp_path):
    save_report(report, tmp_path / "findings.json")
    content = json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))

    assert {"schema_version", "series_uid", "findings", "certificate", "model", "timings_s", "warnings"} <= set(content)
    assert {"id", "center_mm", "diameter_mm", "score"} <= set(content["findings"][0])
    assert content["findings"][0]["center_mm"] == [52.0, -15.0, -250.0]
    assert [finding["score"] for finding in content["findings"]] == [0.9, 0.6]


def test_the_published_schema_is_the_one_that_the_program_writes_by():
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == report_schema()


def test_a_saved_report_fits_the_published_schema_and_a_spoilt_one_does_not(report, tmp_path):
    save_report(report, tmp_path / "findings.json")
    content = json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text(encoding="utf-8")))
    validator.validate(content)

    content["findings"][0]["center_mm"] = [1.0, 2.0]
    assert not validator.is_valid(content)


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3", "1.4"])
def test_what_an_earlier_version_saved_opens_and_is_saved_as_this_version_does(version, tmp_path):
    report = load_report(Path(__file__).parent / f"findings-{version}.json")
    assert [(f.center_mm, f.score) for f in report.findings] == [((52, -20, -240), 0.9), ((-45, 5, -270), 0.6)]
    assert [(f.status, f.comment, [action.what for action in f.history]) for f in report.findings] == (
        [("accepted", "", ["accepted"]), ("rejected", "a vessel", ["commented", "rejected"])]
        if version in ("1.2", "1.3", "1.4")
        else [("candidate", "", [])] * 2
    )
    assert (report.patient, report.comparisons) == (Patient(), ())
    if version in ("1.3", "1.4"):
        first, second = report.findings
        assert (first.mask.count, first.measurement.mean_diameter_mm) == (18, 9.0)
        assert first.measurement.looks is None
        assert second.unmeasured == "That place is outside the scan."
        assert report.judgement.of(first.id).brock.applies
    else:
        assert all(f.mask is None and f.measurement is None and f.unmeasured == "" for f in report.findings)
        assert report.judgement is None
    assert report.warnings[0] == "Tilted by 3°."
    save_report(report, tmp_path / "findings.json")
    content = json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))
    assert content["schema_version"] == SCHEMA_VERSION
    jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text(encoding="utf-8"))).validate(content)
    assert load_report(tmp_path / "findings.json") == report


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", "no schema_version"),
        ('{"schema_version": "9.0"}', "schema version 9.0"),
        ('{"schema_version": "1.0"}', "not a valid report"),
    ],
)
def test_what_is_no_report_is_refused_with_its_name(text, words, tmp_path):
    path = tmp_path / "findings.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        load_report(path)
    assert str(path) in str(caught.value)


def test_a_report_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_report(tmp_path / "findings.json")


def test_a_number_that_is_not_finite_is_never_written(report, tmp_path):
    broken = report.model_copy(update={"timings_s": {"read": float("nan")}})
    with pytest.raises(ValueError):
        save_report(broken, tmp_path / "findings.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [float("nan"), "nan", "1e999", "-inf"])
def test_a_number_that_is_not_finite_is_never_read_either(value, report, tmp_path):
    path = tmp_path / "findings.json"
    save_report(report, path)
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["checksums"]
    content["findings"][1]["center_mm"][2] = value
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ConfigError, match="finite"):
        load_report(path)
