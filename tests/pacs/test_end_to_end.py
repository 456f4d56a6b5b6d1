"""The whole way, with nothing in place of anything: an archive sends a study, and has its results in it."""

from __future__ import annotations

import json
from pathlib import Path

import pydicom
import pytest
from dicom_programs import problems, run
from listener_case import STABLE_S, Time, listening, settings, wait_for
from orthanc import Orthanc
from pydicom.filebase import DicomBytesIO

from napari_lesion.dicom_objects.structured_report_reader import load_sr

BASELINE = Path(__file__).parents[2] / "sample_dicoms" / "baseline"
#: Of the patient, mm: a slab of the sample with five of its nodules (truth.csv), which takes seconds.
SLAB_MM = (-412.0, -332.0)
NODULES = 5
RULE = {
    "name": "chest",
    "modality": ["CT"],
    "body_part": ["CHEST"],
    "model": "nodule-3d",
    "send": {"orthanc": ["sr", "seg", "key-images"]},
}


@pytest.fixture
def study() -> list[Path]:
    found = []
    for path in sorted(BASELINE.iterdir()):
        one = pydicom.dcmread(path, stop_before_pixels=True)
        if SLAB_MM[0] < one.ImagePositionPatient[2] < SLAB_MM[1]:
            found.append(path)
    return found


def test_a_study_in_an_archive_gets_its_results(study: list[Path], orthanc: Orthanc, tmp_path: Path) -> None:
    """Half of it comes from the archive itself, as a router sends, half from a scanner's storescu."""
    orthanc.put(study)
    nodes = orthanc.nodes()
    listener, time_there = settings(tmp_path, port=orthanc.local.port, rules=[RULE]), Time()
    [held] = orthanc.rest("studies")
    instances = sorted(orthanc.rest("instances"))
    with listening(listener, nodes, time_there) as said:
        job = {"Resources": instances[::2], "Synchronous": True}
        done = orthanc.rest("modalities/lesion/store", json.dumps(job).encode())
        assert (done["InstancesCount"], done["FailedInstancesCount"]) == (len(instances[::2]), 0)
        status, output = run(
            "storescu", "-xt", "-aet", "SENDER", "-aec", "LESION", "127.0.0.1", str(listener.port), *study
        )
        assert status == 0, output
        time_there.pass_by(STABLE_S)
        wait_for(lambda: any("are in orthanc, as it confirms" in line or "failed" in line for line in said), 900)
    assert any("3 results are in orthanc, as it confirms" in line for line in said), said
    [study_now] = orthanc.rest("studies")
    assert study_now == held  # no second study, of nobody
    results = {}
    for content in orthanc.files().values():
        one = pydicom.dcmread(DicomBytesIO(content))
        if one.Modality != "CT":
            results[one.Modality] = one
    assert set(results) == {"SR", "SEG", "KO"}
    source = pydicom.dcmread(study[0], stop_before_pixels=True)
    for kind, one in results.items():
        assert one.StudyInstanceUID == source.StudyInstanceUID
        assert (one.PatientID, str(one.PatientName)) == (source.PatientID, str(source.PatientName))
        path = tmp_path / f"{kind}.dcm"
        one.save_as(path)
        assert problems(path) == []
    groups = load_sr(tmp_path / "SR.dcm").groups
    assert {(one.segmentation_uid, one.segment) for one in groups} == {
        (str(results["SEG"].SOPInstanceUID), int(one.SegmentNumber)) for one in results["SEG"].SegmentSequence
    }
    assert NODULES <= len(groups) <= NODULES + 2
    images = {pydicom.dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID for path in study}
    [evidence] = results["SR"].CurrentRequestedProcedureEvidenceSequence
    named = {
        str(item.ReferencedSOPInstanceUID)
        for series in evidence.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    assert named - {results["SEG"].SOPInstanceUID} <= images
    assert results["SEG"].SOPInstanceUID in named
