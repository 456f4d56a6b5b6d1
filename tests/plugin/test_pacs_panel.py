"""The panel PACS with a real archive: found, fetched, opened; priors; results into the study that they are of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import dicom_factory as factory
import pydicom
import pytest
import yaml
from dicom_findings import case_of
from orthanc import Orthanc, running
from pydicom.filebase import DicomBytesIO

from napari_lesion.dicom_objects.segmentation import save_seg
from napari_lesion.dicom_objects.structured_report import save_sr
from napari_lesion.pacs.nodes import ENVIRONMENT
from napari_lesion.plugin.pacs import fetching
from napari_lesion.plugin.session.session import session_of

PATIENCE_MS = 180_000


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Orthanc]:
    """A scan, an earlier one of the patient, one of somebody else whose number begins with the same letters."""
    with running(tmp_path / "orthanc") as orthanc:
        file = tmp_path / "pacs.yaml"
        file.write_text(yaml.safe_dump(orthanc.nodes().model_dump(mode="json")))
        monkeypatch.setenv(ENVIRONMENT, str(file))
        monkeypatch.setattr(fetching, "kept_in", lambda: tmp_path / "fetched")
        case_of("axial", tmp_path / "ct")
        orthanc.put(sorted((tmp_path / "ct").glob("*.dcm")))
        for name, patient in (("earlier", "ASYM-1"), ("other", "ASYM-12")):
            made = factory.ct_slices(factory.asymmetric_phantom(), name)
            for one in made:
                one.StudyInstanceUID, one.PatientID = factory.uid(name, "study"), patient
                one.StudyDate = one.SeriesDate = "20230101"
            orthanc.put(factory.write(made, tmp_path / name))
        yield orthanc


def test_a_study_is_found_opened_compared_and_answered(
    make_napari_viewer: Callable, qtbot, archive: Orthanc, tmp_path: Path
) -> None:
    viewer = make_napari_viewer(show=True)
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "PACS")

    def idle() -> bool:
        return not panel.running

    assert panel.node.currentText() == "orthanc"
    panel.fields["patient_id"].setText("ASYM-1")
    panel.search_button.click()
    qtbot.waitUntil(idle, timeout=PATIENCE_MS)
    assert panel.tree.topLevelItemCount() == 2
    newest = panel.tree.topLevelItem(0)
    assert newest.study.date == "20240229"
    newest.setExpanded(True)
    qtbot.waitUntil(lambda: newest.childCount() == 1 and idle(), timeout=PATIENCE_MS)

    panel.tree.itemDoubleClicked.emit(newest.child(0), 0)
    session = session_of(viewer)
    qtbot.waitUntil(lambda: idle() and session.volume is not None, timeout=PATIENCE_MS)
    assert session.volume.series.study_date == "20240229"

    assert panel.priors_button.isEnabled()
    panel.priors_button.click()
    qtbot.waitUntil(idle, timeout=PATIENCE_MS)
    assert "1 earlier study" in panel.controls.status.text()

    def browsed() -> list[tuple[str, str]]:
        return [(one.identity.study_date, one.identity.patient_id) for one in session.series]

    qtbot.waitUntil(lambda: browsed() == [("20230101", "ASYM-1")], timeout=PATIENCE_MS)

    assert not panel.send_button.isEnabled()
    case = case_of("axial", tmp_path / "again")
    segmentation = save_seg(case.report, case.volume, tmp_path / "seg.dcm", source=case.source)
    save_sr(case.report, case.volume, tmp_path / "sr.dcm", source=case.source, segmentation=segmentation)
    viewer.open(tmp_path / "sr.dcm", plugin="napari-lesion")
    qtbot.waitUntil(panel.send_button.isEnabled, timeout=PATIENCE_MS)
    reported = []
    session.reported.connect(lambda scan, how: reported.append((scan.volume.series.study_uid, how)))
    panel.send_button.click()
    qtbot.waitUntil(lambda: idle() and "as it confirms" in panel.controls.status.text(), timeout=PATIENCE_MS)
    assert reported == [(newest.study.study_uid, "sent")], "the worklist marks it as read"
    held = [pydicom.dcmread(DicomBytesIO(content), stop_before_pixels=True) for content in archive.files().values()]
    results = {one.Modality: one for one in held if one.Modality != "CT"}
    assert set(results) == {"SR", "SEG", "KO"}
    assert {one.StudyInstanceUID for one in results.values()} == {newest.study.study_uid}

    panel.search_button.click()  # what went there is seen there, and comes back
    qtbot.waitUntil(lambda: idle() and panel.tree.topLevelItemCount() == 2, timeout=PATIENCE_MS)
    again = panel.tree.topLevelItem(0)
    again.setExpanded(True)
    qtbot.waitUntil(lambda: again.childCount() == 4 and idle(), timeout=PATIENCE_MS)
    rows = {again.child(row).series.modality: again.child(row) for row in range(4)}
    shown = len(viewer.layers)
    panel.tree.itemDoubleClicked.emit(rows["SEG"], 0)
    qtbot.waitUntil(lambda: idle() and len(viewer.layers) > shown, timeout=PATIENCE_MS)


def test_an_archive_that_is_gone_is_said(make_napari_viewer: Callable, qtbot, archive: Orthanc, tmp_path: Path) -> None:
    nodes = archive.nodes(port=archive.local.port)
    (tmp_path / "pacs.yaml").write_text(yaml.safe_dump(nodes.model_dump(mode="json")))
    viewer = make_napari_viewer()
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "PACS")
    panel.test_button.click()
    qtbot.waitUntil(lambda: not panel.running, timeout=PATIENCE_MS)
    assert "cannot be reached" in panel.controls.status.text()
    panel.fields["modality"].setText("CT")
    panel.search_button.click()
    assert "Say more" in panel.controls.status.text()
