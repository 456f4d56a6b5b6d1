"""The whole way, with nothing in place of anything: an archive sends a study, has its results; a reader sees them.

They are found in the archive through the panel PACS, and the study stands in its place on the worklist.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
import pytest
import yaml
from dicom_programs import problems, run
from listener_case import STABLE_S, Time, listening, settings, wait_for
from orthanc import Orthanc, running
from pydicom.filebase import DicomBytesIO
from worklist_case import large, results, small

from napari_lesion.dicom_objects.structured_report_reader import load_sr
from napari_lesion.pacs.clock import Clock
from napari_lesion.pacs.nodes import ENVIRONMENT as NODES
from napari_lesion.plugin.pacs import fetching
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.worklist.worklist_panel import PATIENT
from napari_lesion.report.json import load_report
from napari_lesion.worklist.store import ENVIRONMENT, Worklist

BASELINE = Path(__file__).parents[2] / "sample_dicoms" / "baseline"
#: Of the patient, mm: a slab of the sample with five of its nodules (truth.csv), which takes seconds.
SLAB_MM = (-412.0, -332.0)
NODULES = 5
PATIENCE_MS = 300_000
RULE = {
    "name": "chest",
    "modality": ["CT"],
    "body_part": ["CHEST"],
    "model": "nodule-3d",
    "send": {"orthanc": ["sr", "seg", "key-images"]},
}


class Waiting(Time):
    """Nobody waits until a study is complete; but when it came is by the clock on the wall."""

    @property
    def clock(self) -> Clock:
        return Clock(self, time.time)


@pytest.fixture
def orthanc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Orthanc]:
    """An archive, and who knows of it."""
    with running(tmp_path / "orthanc") as archive:
        file = tmp_path / "pacs.yaml"
        file.write_text(yaml.safe_dump(archive.nodes().model_dump(mode="json")))
        monkeypatch.setenv(NODES, str(file))
        monkeypatch.setattr(fetching, "kept_in", lambda: tmp_path / "fetched")
        yield archive


@pytest.fixture
def study() -> list[Path]:
    found = []
    for path in sorted(BASELINE.iterdir()):
        one = pydicom.dcmread(path, stop_before_pixels=True)
        if SLAB_MM[0] < one.ImagePositionPatient[2] < SLAB_MM[1]:
            found.append(path)
    return found


def test_a_study_in_an_archive_gets_its_results_and_is_read(
    study: list[Path], orthanc: Orthanc, tmp_path: Path, make_napari_viewer: Callable, qtbot
) -> None:
    """Half of it comes from the archive itself, as a router sends, all of it from a scanner's storescu."""
    orthanc.put(study)
    nodes = orthanc.nodes()
    listener, time_there = settings(tmp_path, port=orthanc.local.port, rules=[RULE]), Waiting()
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
    made = {}
    for content in orthanc.files().values():
        one = pydicom.dcmread(DicomBytesIO(content))
        if one.Modality != "CT":
            made[one.Modality] = one
    assert set(made) == {"SR", "SEG", "KO"}
    source = pydicom.dcmread(study[0], stop_before_pixels=True)
    for kind, one in made.items():
        assert one.StudyInstanceUID == source.StudyInstanceUID
        assert (one.PatientID, str(one.PatientName)) == (source.PatientID, str(source.PatientName))
        path = tmp_path / f"{kind}.dcm"
        one.save_as(path)
        assert problems(path) == []
    groups = load_sr(tmp_path / "SR.dcm").groups
    assert {(one.segmentation_uid, one.segment) for one in groups} == {
        (str(made["SEG"].SOPInstanceUID), int(one.SegmentNumber)) for one in made["SEG"].SegmentSequence
    }
    assert NODULES <= len(groups) <= NODULES + 2
    images = {pydicom.dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID for path in study}
    [evidence] = made["SR"].CurrentRequestedProcedureEvidenceSequence
    named = {
        str(item.ReferencedSOPInstanceUID)
        for series in evidence.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    assert named - {made["SEG"].SOPInstanceUID} <= images
    assert made["SEG"].SOPInstanceUID in named

    viewer = make_napari_viewer(show=True)
    [path] = listener.folder.glob("jobs/*/results/*/findings.json")
    _seen_in_the_archive(viewer, qtbot, source, places(load_report(path).active))
    _in_its_place_on_the_worklist(viewer, qtbot, tmp_path, listener.folder, source.PatientID)


def places(findings) -> list[tuple[float, ...]]:
    """Where findings are, mm of the patient."""
    return sorted((one.center_mm for one in findings), key=lambda centre: centre[2])


def _seen_in_the_archive(viewer, qtbot, source: pydicom.Dataset, found: list[tuple[float, ...]]) -> None:
    """The scan is found and opened, then its structured report: each finding of it is on the scan."""
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "PACS")
    panel.fields["patient_id"].setText(source.PatientID)
    panel.search_button.click()
    qtbot.waitUntil(lambda: not panel.running and panel.tree.topLevelItemCount() == 1, timeout=PATIENCE_MS)
    study = panel.tree.topLevelItem(0)
    study.setExpanded(True)
    qtbot.waitUntil(lambda: study.childCount() == 4 and not panel.running, timeout=PATIENCE_MS)
    rows = {study.child(row).series.modality: study.child(row) for row in range(4)}
    session = session_of(viewer)
    panel.tree.itemDoubleClicked.emit(rows["CT"], 0)
    qtbot.waitUntil(
        lambda: not panel.running and session.volume is not None and session.volume.complete, timeout=PATIENCE_MS
    )
    assert session.volume.series.study_uid == source.StudyInstanceUID
    panel.tree.itemDoubleClicked.emit(rows["SR"], 0)
    qtbot.waitUntil(lambda: not panel.running and session.review is not None, timeout=PATIENCE_MS)
    shown = places(session.review.findings)
    assert [value for centre in shown for value in centre] == pytest.approx(
        [value for centre in found for value in centre], abs=0.1
    )


def _in_its_place_on_the_worklist(viewer, qtbot, folder: Path, service: Path, patient: str) -> None:
    """Below what is urgent, above what has a small nodule."""
    listed = Worklist(Path(os.environ[ENVIRONMENT]))
    listed.add(results(folder / "urgent", large(1, at=time.time())))
    listed.add(results(folder / "dull", small(2, at=time.time())))
    listed.add(service)
    listed.refresh()
    by_patient = {one.identity.patient_id: one for one in listed.waiting()}
    listed.set_priority(by_patient["P1"].id, "STAT", "Ada")
    listed.close()
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Worklist")
    qtbot.waitUntil(lambda: not panel.running and panel.table.rowCount() == 3, timeout=PATIENCE_MS)
    assert [one.identity.patient_id for one in panel.studies] == ["P1", patient, "P2"]
    assert panel.table.item(1, PATIENT).text()
    panel.table.setCurrentCell(1, 0)
    assert "Lung-RADS" in panel.why.text()
