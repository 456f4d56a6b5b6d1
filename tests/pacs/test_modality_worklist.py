"""What is scheduled, asked of a real worklist server."""

from __future__ import annotations

import json
from pathlib import Path

import pydicom
import pytest
import yaml
from orthanc import Orthanc
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from typer.testing import CliRunner

from napari_lesion.cli.main import app
from napari_lesion.pacs.modality_worklist import scheduled
from napari_lesion.support.errors import ConfigError, PacsError


def schedule(orthanc: Orthanc, name: str, day: str, hour: str, station: str = "CT1", modality: str = "CT") -> Path:
    """Put a step on the worklist, as a RIS does."""
    one, step = Dataset(), Dataset()
    one.SpecificCharacterSet = "ISO_IR 192"
    one.PatientName, one.PatientID, one.PatientBirthDate, one.PatientSex = f"Größe^{name}", name, "19600101", "F"
    one.AccessionNumber, one.StudyInstanceUID = f"A{name}", f"2.25.{int(hour)}"
    one.RequestedProcedureID, one.RequestedProcedureDescription = "R1", "CT thorax"
    one.RequestedProcedurePriority = "STAT"
    step.ScheduledStationAETitle, step.Modality = station, modality
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = day, hour
    step.ScheduledProcedureStepDescription, step.ScheduledProcedureStepID = "low dose", "S1"
    one.ScheduledProcedureStepSequence = [step]
    one.file_meta = FileMetaDataset()
    one.file_meta.MediaStorageSOPClassUID = "1.2.276.0.7230010.3.1.0.1"
    one.file_meta.MediaStorageSOPInstanceUID = f"2.25.9{int(hour)}"
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path = orthanc.folder / "worklists" / f"{name}.wl"
    pydicom.dcmwrite(path, one, enforce_file_format=True)
    return path


@pytest.fixture
def steps(orthanc: Orthanc):
    made = [
        schedule(orthanc, "P2", "20260131", "110000"),
        schedule(orthanc, "P1", "20260131", "093000"),
        schedule(orthanc, "P3", "20260201", "080000"),
        schedule(orthanc, "P4", "20260131", "070000", "MR1", "MR"),
    ]
    yield
    for path in made:
        path.unlink()


def test_what_is_scheduled_is_listed_in_its_order(orthanc: Orthanc, steps: None) -> None:
    nodes = orthanc.nodes()
    found = scheduled("ris", nodes.node("orthanc"), nodes.local, day="20260131", modality="CT")
    assert [one.patient_id for one in found] == ["P1", "P2"]
    first = found[0]
    assert (first.patient_name, first.accession, first.study_uid) == ("Größe^P1", "AP1", "2.25.93000")
    assert (first.date, first.time, first.station, first.modality) == ("20260131", "093000", "CT1", "CT")
    assert (first.description, first.priority, first.birth_date, first.sex) == ("CT thorax", "STAT", "19600101", "F")
    found = scheduled("ris", nodes.node("orthanc"), nodes.local, day="20260131", station="MR1")
    assert [one.patient_id for one in found] == ["P4"]
    assert scheduled("ris", nodes.node("orthanc"), nodes.local, day="20260131", patient_id="P3") == []
    assert len(scheduled("ris", nodes.node("orthanc"), nodes.local, day="20260131", most=1)) == 2  # one too many


def test_the_command_lists_it(orthanc: Orthanc, steps: None, tmp_path: Path) -> None:
    file = tmp_path / "pacs.yaml"
    file.write_text(yaml.safe_dump(orthanc.nodes().model_dump(mode="json")))
    command = ["pacs", "scheduled", "orthanc", "--date", "20260201", "--nodes", str(file)]
    said = CliRunner().invoke(app, command)
    assert said.exit_code == 0, said.output
    assert "P3" in said.output
    assert "1 scheduled." in said.output
    [one] = json.loads(CliRunner().invoke(app, [*command, "--json"]).output)
    assert one["accession"] == "AP3"


def test_who_does_not_know_us_or_has_no_dimse_is_said(orthanc: Orthanc) -> None:
    nodes = orthanc.nodes()
    stranger = nodes.local.model_copy(update={"ae_title": "STRANGER"})
    with pytest.raises(PacsError):
        scheduled("ris", nodes.node("orthanc"), stranger, day="20260131")
    with pytest.raises(ConfigError, match="no date"):
        scheduled("ris", nodes.node("orthanc"), nodes.local, day="today")
    web = nodes.node("orthanc").model_copy(update={"host": None})
    with pytest.raises(ConfigError, match="no ae_title"):
        scheduled("ris", web, nodes.local)
