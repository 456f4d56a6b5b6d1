"""The panel "De-identify": what would change is shown, and what is written was checked, or is not there."""

from __future__ import annotations

from pathlib import Path

import dicom_factory as factory
import pytest
from pydicom import dcmread
from qtpy.QtCore import Qt

from napari_lesion.deidentification import run
from napari_lesion.deidentification.crosswalk import place_of, read_crosswalk
from napari_lesion.deidentification.keys import read_key
from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.plugin.deidentify.deidentify_panel import DeidentifyPanel
from napari_lesion.plugin.deidentify.request_form import NEW, NONE, OPEN
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.viewer import layers
from napari_lesion.plugin.viewer.tools.reading import reading_tools

PATIENCE_MS = 120_000


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Images of a person, one of a head, and one that nobody is sure of."""
    made = factory.ct_slices(factory.asymmetric_phantom(), "some")[:4]
    for one in made:
        one.PatientName, one.PatientID, one.InstitutionName = "Doe^Jane", "MRN-90210", "Mercy Hospital"
    made[0].BodyPartExamined = "HEAD"
    factory.write(made, tmp_path / "in")
    other = factory.ct_slices(factory.asymmetric_phantom(), "other")[:1]
    for one in other:
        one.PatientName, one.PatientID, one.StudyInstanceUID = "Roe^Richard", "MRN-1", factory.uid("other study")
    again = factory.ct_slices(factory.asymmetric_phantom(), "again")[:1]
    for one in again:
        one.PatientName, one.PatientID, one.StudyInstanceUID = "Poe^Ann", "MRN-1", factory.uid("third study")
    factory.write(other, tmp_path / "in" / "other")
    factory.write(again, tmp_path / "in" / "again")
    return tmp_path / "in"


@pytest.fixture
def panel(make_napari_viewer, scan: Path) -> DeidentifyPanel:
    viewer = make_napari_viewer(show=True)
    made = viewer.window.add_plugin_dock_widget("napari-lesion", "De-identify")[1]
    made.viewer = viewer
    made.source.line.setText(str(scan))
    return made


def rows(panel: DeidentifyPanel) -> list[list[str]]:
    table = panel.table
    return [
        [table.item(row, column).text() for column in range(table.columnCount())] for row in range(table.rowCount())
    ]


def wait(panel: DeidentifyPanel, qtbot) -> None:
    qtbot.waitUntil(lambda: not panel.running, timeout=PATIENCE_MS)


def test_the_preview_says_what_changes_and_what_is_held_back(panel: DeidentifyPanel, qtbot, scan: Path) -> None:
    panel.options.boxes["clean_descriptors"].setChecked(True)
    panel.preview_button.click()
    assert panel.running
    assert not panel.run_button.isEnabled()
    wait(panel, qtbot)
    assert panel.tabs.currentIndex() == 1
    assert ["InstitutionName", "removed", "4", ""] in rows(panel)
    assert "4 files of 1 patients would leave; 2 are not sure enough." in panel.status.text()
    assert "face" in panel.status.text()
    panel.which.setCurrentIndex(1)
    assert [row[1] for row in rows(panel)] == ["held back"] * 2
    assert all("another name or birth date" in row[2] for row in rows(panel))
    panel.which.setCurrentIndex(2)
    found = {row[0]: row[1:] for row in rows(panel)}
    assert found["InstitutionName"] == ["Mercy Hospital", "removed", ""]
    assert found["PatientName"][0] == "Doe^Jane"
    assert found["PatientName"][2] == found["PatientID"][2] != "MRN-90210"
    assert found["PatientIdentityRemoved"] == ["", "added", "YES"]
    assert found["SOPInstanceUID"][1] == "replaced"
    assert found["SOPInstanceUID"][2].startswith("2.25.")
    assert [path.name for path in scan.parent.iterdir()] == ["in"], "a preview writes nothing"


def test_while_names_are_hidden_the_preview_shows_none(panel: DeidentifyPanel, qtbot) -> None:
    tools = reading_tools(session_of(panel.viewer))
    panel.preview()
    wait(panel, qtbot)
    panel.which.setCurrentIndex(2)
    tools.set_names(False)
    said = [
        *(panel.which.itemText(row) for row in range(panel.which.count())),
        *(cell for row in rows(panel) for cell in row),
    ]
    assert not any(word in text for text in said for word in ("Doe", "Jane", "MRN", "Mercy", ".dcm"))
    tools.set_names(True)
    assert any("Doe^Jane" in row for row in rows(panel))


def test_what_is_written_was_checked_and_the_key_leads_back(panel: DeidentifyPanel, qtbot, tmp_path: Path) -> None:
    panel.key.choice.setCurrentIndex(panel.key.choice.findData(NEW))
    panel.key.file.line.setText(str(tmp_path / "a.key"))
    panel.key.passphrase.setText("correct horse")
    panel.out.line.setText(str(tmp_path / "out"))
    panel.run_button.click()
    assert not panel.running, "the two passphrases differ"
    assert "differ" in panel.status.text()
    panel.key.again.setText("correct horse")
    panel.run_button.click()
    wait(panel, qtbot)
    assert "✓ Searched for all values of the sources: none was found." in panel.status.text()
    assert "out" in panel.status.text()
    written = [dcmread(path) for path in (tmp_path / "out").rglob("*.dcm")]
    assert len(written) == 4
    assert {one.PatientIdentityRemoved for one in written} == {"YES"}
    key = read_key(tmp_path / "a.key", "correct horse")
    known = read_crosswalk(place_of(tmp_path / "a.key"), key).patients
    assert known[written[0].PatientID]["patient_id"] == "MRN-90210"
    assert panel.key.choice.currentData() == OPEN, "the next run goes on with it"
    panel.key.passphrase.setText("wrong horse")
    panel.out.line.setText(str(tmp_path / "again"))
    panel.run_button.click()
    wait(panel, qtbot)
    assert "passphrase does not open" in panel.status.text()
    assert not (tmp_path / "again").exists()


def test_cancelled_or_failed_nothing_is_left(
    panel: DeidentifyPanel, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.out.line.setText(str(tmp_path / "out"))
    panel.run()
    panel.cancel()
    wait(panel, qtbot)
    assert panel.status.text() == "Cancelled. Nothing was written."
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    leak = run.verify.Leak("PatientName", tmp_path / "in" / "x.dcm", "y.dcm")
    monkeypatch.setattr(run.verify, "search", lambda *_, **__: run.verify.Found((leak,)))
    panel.run()
    wait(panel, qtbot)
    assert "Nothing was kept" in panel.status.text()
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_scans_that_are_open_can_be_ticked(panel: DeidentifyPanel, qtbot, scan: Path) -> None:
    panel.source.line.clear()
    panel.preview()
    assert "tick a scan" in panel.status.text()
    [series] = [one for one in find_series(scan) if len(one.frames) == 4]
    data, attributes, _ = layers.scan_layer(read_series(series), source=series)
    panel.viewer.add_image(data, **attributes)
    assert len(session_of(panel.viewer).open_scans.scans) == panel.scans.count() == 1
    panel.scans.item(0).setCheckState(Qt.CheckState.Checked)
    assert {path.parent for path in panel.sources()} == {scan}
    panel.preview()
    wait(panel, qtbot)
    assert "4 files of 1 patients would leave; 0 are not sure enough." in panel.status.text()


def test_a_passphrase_is_shown_and_kept_nowhere(panel: DeidentifyPanel, tmp_path: Path) -> None:
    assert panel.key.choice.currentData() == NONE
    panel.key.choice.setCurrentIndex(panel.key.choice.findData(OPEN))
    panel.key.passphrase.setText("correct horse")
    assert panel.key.passphrase.displayText() != "correct horse"
    panel.key.file.line.setText(str(tmp_path / "a.key"))
    panel.preview()
    assert panel.status.text() == "There is no key file a.key."
    assert "correct horse" not in repr(panel.key.key)


def test_the_panel_offers_every_option_of_the_core(panel: DeidentifyPanel) -> None:
    for box in panel.options.boxes.values():
        box.setChecked(True)
    assert panel.options.options == type(panel.options.options)(**dict.fromkeys(panel.options.boxes, True))
    assert not [box.text() for name, box in panel.options.boxes.items() if box.text() == name]
    assert all(box.checkState() is Qt.CheckState.Checked for box in panel.options.boxes.values())
