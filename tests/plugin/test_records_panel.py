"""The panel "Old reports": values are marked in the text, and only what is ticked goes anywhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_scan import make_volume
from qtpy.QtCore import Qt

from napari_lesion.plugin.records.records_panel import VALUE, RecordsPanel
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.viewer import layers
from napari_lesion.records.rows import load_rows
from napari_lesion.records.take_over import records_path

TEXT = (
    "Former smoker, 30 pack-years.\n8 x 6 mm solid nodule in the RUL (previously 6 mm). 𝄞 Emphysema.\n"
    "Follow-up CT in 3 months."
)


def scan_of(patient_id: str, born: str = "19610324", uid: str = "1.2.3"):
    volume = make_volume()
    series = volume.series.model_copy(
        update={
            "series_uid": uid,
            "patient_id": patient_id,
            "patient_birth_date": born,
            "study_date": "20260105",
        }
    )
    return dataclasses.replace(volume, series=series)


def add(viewer, volume) -> None:
    data, attributes, _ = layers.scan_layer(volume)
    viewer.add_image(data, **attributes)


@pytest.fixture
def panel(make_napari_viewer: Callable) -> RecordsPanel:
    viewer = make_napari_viewer(show=True)
    add(viewer, scan_of("P7"))
    made = viewer.window.add_plugin_dock_widget("napari-lesion", "Old reports")[1]
    made.viewer = viewer
    return made


def tick(panel: RecordsPanel, *fields: str) -> None:
    assert panel.reading is not None
    for row, item in enumerate(panel.reading.items):
        if item.field in fields:
            panel.table.item(row, VALUE).setCheckState(Qt.CheckState.Checked)


def marked(panel: RecordsPanel) -> list[str]:
    return [one.cursor.selectedText() for one in panel.text.extraSelections()]


def test_words_are_marked_and_only_what_is_ticked_is_taken_over(panel: RecordsPanel) -> None:
    session = session_of(panel.viewer)
    panel.text.setPlainText(TEXT)
    panel.read()
    assert {"8 x 6 mm", "RUL", "Emphysema", "30 pack-years"} <= set(marked(panel))
    assert panel.ticked() == []
    assert not panel.take_button.isEnabled()
    tick(panel, "smoking", "size_mm", "follow_up")
    assert not panel.take_button.isEnabled(), "the text does not say whose it is"
    panel.own_box.setChecked(True)
    panel.date.setText("2025-11-30")
    assert panel.take_button.isEnabled()
    panel.take_button.click()

    patient = session.review.patient
    assert patient.smoking.value == "former"
    assert "“Former smoker”" in patient.smoking.detail
    assert patient.emphysema is None
    assert patient.pack_years is None
    rows = load_rows(records_path())
    assert {(row.patient_id, row.kind, row.value, row.due_from) for row in rows} == {
        ("P7", "patient", "former", ""),
        ("P7", "nodule", "size_mm 8 x 6", ""),
        ("P7", "advice", "CT 3", "2026-02-28"),
    }
    assert [row.date for row in panel.rows] == ["2025-11-30"] * 3 + ["2026-01-05"]
    assert "2026-02-28" in panel.due.text(), "the open scan is from before it was due"


def test_a_report_of_another_patient_is_refused(panel: RecordsPanel, tmp_path: Path) -> None:
    for heading, said in (
        ("Patient ID: P8\n", "of another patient"),
        ("Patient ID: P7 DOB: 1950-01-01\n", "another date of birth"),
    ):
        panel.text.setPlainText(heading + TEXT)
        panel.read()
        tick(panel, "smoking")
        assert said in panel.status.text()
        assert not panel.take_button.isEnabled()
        panel.take_over()
    assert not records_path().exists()
    assert session_of(panel.viewer).review is None
    path = tmp_path / "a.txt"
    path.write_text("Patient ID: P8\n" + TEXT, encoding="utf-8")
    panel.text.clear()
    panel.open(path)
    assert panel.text.toPlainText() == ""
    assert "of another patient" in panel.status.text()


def test_a_text_that_was_changed_has_no_values_any_more(panel: RecordsPanel) -> None:
    panel.text.setPlainText("Patient ID: P7\n" + TEXT)
    panel.read()
    tick(panel, "smoking")
    assert panel.take_button.isEnabled()
    panel.text.setPlainText("Patient ID: P7\nNever smoker.")
    assert panel.table.rowCount() == 0
    assert marked(panel) == []
    assert not panel.take_button.isEnabled()


def test_the_report_goes_and_comes_with_its_scan(panel: RecordsPanel) -> None:
    session = session_of(panel.viewer)
    panel.text.setPlainText("Patient ID: P7\n" + TEXT)
    panel.read()
    tick(panel, "smoking")
    first = session.scan
    add(panel.viewer, scan_of("P8", uid="1.2.4"))
    assert session.volume.series.patient_id == "P8"
    assert panel.text.toPlainText() == ""
    assert panel.table.rowCount() == 0
    assert [row.patient_id for row in panel.rows] == ["P8"]
    session.set_active_scan(first)
    assert TEXT in panel.text.toPlainText()
    assert [item.field for item, _ in panel.ticked()] == ["smoking"]


def test_nothing_is_shown_in_a_blind_read(panel: RecordsPanel) -> None:
    session = session_of(panel.viewer)
    panel.text.setPlainText("Patient ID: P7\n" + TEXT)
    panel.read()
    session.set_blind(True)
    assert panel.tabs.isHidden()
    assert panel.rows == ()
    session.set_blind(False)
    assert not panel.tabs.isHidden()
