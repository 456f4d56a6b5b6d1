"""The panel "Finding": what a reader sees of the chosen finding, draws, enters, and writes for others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from plugin_scan import NODULES, BlobDetector
from qtpy.QtCore import Qt

from napari_lesion.model.volume import Volume
from napari_lesion.pipeline import analyse, with_all_candidates
from napari_lesion.plugin.findings.finding_card import FindingPanel
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.findings.outlines import TICK_MM
from napari_lesion.plugin.session.session import Session, session_of
from napari_lesion.report.write import FILE_NAMES
from napari_lesion.review import edits
from napari_lesion.review.journal import Journal, journal_path
from napari_lesion.review.review import is_unmeasured, redo, undo

PATIENCE_MS = 120_000
#: Volume of the ball that is `NODULES[0]`, mm³.
BALL_MM3 = np.pi / 6 * NODULES[0][1] ** 3


@pytest.fixture
def session(viewer) -> Session:
    return session_of(viewer)


@pytest.fixture
def panel(viewer, session, detector: BlobDetector, scan: Volume, qtbot) -> FindingPanel:
    """With the blobs of the scan found, and the largest one chosen and measured."""
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Finding")
    result = analyse(scan, detector=detector)
    view = findings_view(session)
    view.show_result(session.scan, with_all_candidates(result), card=detector.card, model="blobs")
    view.step(1)
    settle(panel, qtbot)
    return panel


def settle(panel: FindingPanel, qtbot) -> None:
    """Wait until all that is shown is measured, and the panel says so."""
    view = findings_view(panel._session)

    def measured() -> bool:
        return panel._measuring.waiting == 0 and all(f.measurement is not None for f in view.shown)

    qtbot.waitUntil(measured, timeout=PATIENCE_MS)
    panel.refresh()


def chosen(session: Session):
    return findings_view(session).chosen


def layer(viewer, prefix: str):
    return next(one for one in viewer.layers if one.name.startswith(prefix))


def stroke(masks, at, number: int) -> None:
    """Paint as napari's mouse does."""
    with masks.block_history():
        masks.paint(at, number)


def press(viewer, qtbot, key: Qt.Key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, key, modifier)


def test_the_card_follows_the_chosen_finding_with_pictures_numbers_and_judgement(
    viewer, session, panel: FindingPanel, scan: Volume, qtbot
) -> None:
    finding = chosen(session)
    assert finding.measurement.volume_mm3 == pytest.approx(BALL_MM3, rel=0.35)
    assert not session.review.changes, "nobody has to undo a measurement"
    assert finding.measurement.side == "left"
    said = panel.numbers.text()
    assert f"{finding.measurement.long_axis.length_mm:.1f} × {finding.measurement.short_axis.length_mm:.1f} mm" in said
    assert f"{finding.measurement.volume_mm3:.0f}" in said
    assert said.count("measured") >= 8, "each number has its source"
    looks = finding.measurement.looks
    assert f"estimated, {min(round(100 * looks.type_certainty), 99)} % certain" in panel.estimated.text()
    assert f"{looks.suspicion:.1f} of 5" in panel.estimated.text()
    assert "nodule-looks" in panel.estimated.text()
    qtbot.waitUntil(lambda: panel._pictures_of(finding) is not None, timeout=PATIENCE_MS)
    panel.refresh()
    assert all(plane._picture.lines for plane in panel.pictures.planes)

    masks, axes = layer(viewer, "Lesions"), layer(viewer, "Axes")
    inside = np.argwhere(np.asarray(masks.data) == masks.selected_label)
    middle = masks.data_to_world(inside.mean(axis=0))
    np.testing.assert_allclose(middle[::-1], NODULES[0][0], atol=1.5)
    ends = axes.data[:, 0] * axes.scale
    lengths = [np.linalg.norm(one - other) for one, other in (ends[:2], ends[2:])]
    measured = finding.measurement
    np.testing.assert_allclose(lengths, [measured.long_axis.length_mm, measured.short_axis.length_mm], atol=1.0)
    outer = ends + axes.data[:, 1] * axes.scale
    spans = [np.linalg.norm(one - other) for one, other in (outer[:2], outer[2:])]
    np.testing.assert_allclose(spans, np.array(lengths) + 2 * TICK_MM, atol=1.0, err_msg="marks point outwards")
    assert axes.data[0, 0, 0] == np.rint(axes.data[0, 0, 0]), "on a slice"

    # What is entered of the patient changes the judgement at once, can be undone, and is safe on the disk.
    assert panel.patient.form.sources["sex"].text() == ""
    unknown = findings_view(session).report().judgement.of(finding.id).brock
    panel.patient.form.editors["age_years"].setValue(70)
    sex = panel.patient.form.editors["sex"]
    sex.setCurrentIndex(sex.findData("female"))
    sex.activated.emit(sex.currentIndex())
    known = findings_view(session).report().judgement.of(finding.id).brock
    assert known.high - known.low < unknown.high - unknown.low
    panel.refresh()
    assert panel.patient.form.sources["age_years"].text() == "entered"
    assert f"{100 * known.low:.1f}" in panel.advice["brock"].said.text()
    session.change(undo)
    assert session.review.patient.sex is None
    session._reviews._journals[journal_path(scan)].close()
    assert Journal(journal_path(scan), scan.series).recover() == session.review

    # How it looks is said of the finding.
    spiculated = panel.looks.editors["spiculated"]
    spiculated.setCurrentIndex(spiculated.findData(True))
    spiculated.activated.emit(spiculated.currentIndex())
    assert chosen(session).appearance.spiculated.value is True
    assert chosen(session).measurement == finding.measurement
    panel.refresh()
    long_, short = finding.measurement.long_axis.length_mm, finding.measurement.short_axis.length_mm
    mean = (long_ + short) / 2
    assert f"<b>Finding {finding.name} · {mean:.1f} mm</b>" in panel.title.text()
    assert f"({long_:.1f} × {short:.1f}) · " in panel.title.text()

    press(viewer, qtbot, Qt.Key.Key_N)
    panel.refresh()
    assert "Finding F2" in panel.title.text()
    press(viewer, qtbot, Qt.Key.Key_S)
    assert not masks.visible
    assert not axes.visible

    # A blind read shows nothing of it.
    session.set_blind(True)
    panel.refresh()
    assert "hidden" in panel.title.text()
    assert not any(section.isVisibleTo(panel) for section in panel.sections)
    assert not panel.pictures.isVisibleTo(panel)
    assert not any(button.isEnabled() for button in panel.exports.buttons.values())


def test_an_outline_is_painted_measured_and_undone_with_its_numbers(
    viewer, session, panel: FindingPanel, scan: Volume, qtbot
) -> None:
    before = chosen(session)
    press(viewer, qtbot, Qt.Key.Key_O)
    masks = layer(viewer, "Lesions")
    assert viewer.layers.selection.active is masks
    assert str(masks.mode) == "paint"
    assert panel.tools["paint"].isChecked()
    at = np.rint(masks.world_to_data(NODULES[0][0][::-1])).astype(int)
    beside = at + np.array([0, 12, 0])
    masks.brush_size = 15
    stroke(masks, beside, masks.selected_label)
    drawn = chosen(session)
    assert drawn.mask.count > before.mask.count
    assert (drawn.history[-1].what, drawn.status) == ("outlined", "edited")
    settle(panel, qtbot)
    larger = chosen(session)
    assert larger.mask == drawn.mask
    assert larger.measurement.volume_mm3 == pytest.approx(drawn.mask.volume_mm3(scan.affine), rel=1e-3)
    assert "outlined by" in panel.notes.text()

    # A stroke far away is no part of it, and says so.
    far, number = at + np.array([0, -30, -60]), masks.selected_label
    told = len(notification_manager.records)
    stroke(masks, far, number)
    assert chosen(session) == larger
    assert masks.data[tuple(far)] == 0
    assert "no part of its outline" in notification_manager.records[told].message

    stroke(masks, beside, 0)
    settle(panel, qtbot)
    assert chosen(session).measurement.volume_mm3 < larger.measurement.volume_mm3
    session.change(undo)
    assert chosen(session) == larger, "mask and numbers together, at once"
    session.change(undo)
    assert chosen(session) == before
    number = masks.selected_label
    assert (np.asarray(masks.data) == number).sum() == before.mask.count, "the layer follows"
    session.change(redo)
    assert chosen(session) == larger

    press(viewer, qtbot, Qt.Key.Key_O)
    assert str(masks.mode) == "pan_zoom"
    press(viewer, qtbot, Qt.Key.Key_M, Qt.KeyboardModifier.ShiftModifier)
    settle(panel, qtbot)
    assert chosen(session).mask != larger.mask
    assert "outlined by" not in panel.notes.text()

    # Elsewhere, it is another mask and other numbers.
    place = NODULES[1][0]
    session.change(lambda review, by: edits.move(review, before.id, place, by, scan))
    assert chosen(session).measurement is None
    settle(panel, qtbot)
    assert chosen(session).measurement.side == "right"
    session.select("")
    stroke(masks, at, 77)
    assert not (np.asarray(masks.data) == 77).any(), "without a chosen finding nothing is drawn"


def test_reports_say_where_they_are_and_what_fails_says_why(
    viewer, session, panel: FindingPanel, scan: Volume, qtbot, tmp_path: Path, monkeypatch
) -> None:
    panel.exports.write(tmp_path, ("json", "csv", "html", "sr"))
    assert panel.exports.running
    assert not panel.exports.buttons["pdf"].isEnabled()
    qtbot.waitUntil(lambda: not panel.exports.running, timeout=PATIENCE_MS)
    assert {path.name for path in tmp_path.iterdir()} == {FILE_NAMES[kind] for kind in ("json", "csv", "html")}
    said = panel.exports.text.text()
    assert str(tmp_path) in said
    assert "Report sr could not be written" in said, "this scan was read from no file"
    saved = json.loads((tmp_path / FILE_NAMES["json"]).read_text(encoding="utf-8"))
    assert saved["judgement"]["findings"][0]["finding_id"] == session.finding
    assert saved["findings"][0]["measurement"]["volume_mm3"] == chosen(session).measurement.volume_mm3

    panel.exports.write(tmp_path / "more", ("html", "pdf"))
    panel.exports.cancel()
    qtbot.waitUntil(lambda: not panel.exports.running, timeout=PATIENCE_MS)
    assert "Cancelled" in panel.exports.text.text()

    table = tmp_path / "patients.csv"
    table.write_text("patient_id,age_years,smoking\nP-17,66,former\nP-18,50,never\n", encoding="utf-8")
    panel.patient.load(table)
    patient = session.review.patient
    assert (patient.age_years.value, patient.smoking.value, patient.sex) == (66, "former", None)
    assert "patients.csv" in patient.age_years.detail
    other = tmp_path / "other.csv"
    other.write_text("patient_id,age_years\nP-18,50\n", encoding="utf-8")
    panel.patient.load(other)
    assert "says nothing of the patient whose scan this is" in notification_manager.records[-1].message
    assert session.review.patient == patient

    # What can't be measured is said, and is tried again when the finding is another one.
    def broken(*_args, **_settings):
        raise RuntimeError("no luck")

    with monkeypatch.context() as context:
        context.setattr("napari_lesion.plugin.findings.measuring.measure_findings", broken)
        session.change(lambda review, by: edits.add(review, (52.0, 10.0, -240.0), 6.0, by, scan))
        session.select(session.review.changes[-1].after[0].id)
        qtbot.waitUntil(lambda: "RuntimeError at " in panel.notes.text(), timeout=PATIENCE_MS)
    assert "no luck" not in panel.notes.text()  # it may quote a header
    assert "6.0 mm" in panel.numbers.text()
    assert "entered" in panel.numbers.text()
    session.change(lambda review, by: edits.move(review, session.finding, (45.0, 12.0, -245.0), by, scan))
    qtbot.waitUntil(lambda: not is_unmeasured(chosen(session)), timeout=PATIENCE_MS)
    panel.refresh()
    assert "RuntimeError" not in panel.notes.text()
