"""A scan beside its prior: the same lesion under both crosshairs, which is which, and what became of each lesion."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from fake_scan import make_volume
from matplotlib.figure import Figure
from napari.layers import Layer
from plugin_scan import NODULES
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QImage, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMessageBox

from napari_lesion.comparison.compare import Compared
from napari_lesion.comparison.history import lesion_histories
from napari_lesion.follow_up import Prior
from napari_lesion.model.compared import Alignment, Change, Comparison
from napari_lesion.model.findings import Finding, Report, box_around
from napari_lesion.model.measured import Axis, HounsfieldUnits, Measurement
from napari_lesion.model.volume import FloatArray, Volume
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.follow_up.changes_table import DIAMETER
from napari_lesion.plugin.follow_up.follow_up_panel import FollowUpPanel
from napari_lesion.plugin.follow_up.history_plot import draw, in_words
from napari_lesion.plugin.follow_up.priors import Choice
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.viewer import finding_layers, layers, view
from napari_lesion.plugin.viewer.tools.measuring import measuring_tools
from napari_lesion.plugin.viewer.tools.overlays import overlays
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.views.mpr import views
from napari_lesion.plugin.viewer.views.side_by_side import side_by_side
from napari_lesion.review import drawing, edits
from napari_lesion.review.review import Provenance, Review, undo, unsearched, with_measurements
from napari_lesion.support.errors import ReviewError
from napari_lesion.support.progress import Progress

SHIFT = np.array([9.0, -6.0, 248.0])
"""From the scan to the prior, mm: more than a radius in plane, and another table position."""
#: Twice as fine along the body, feet first, and coarser in plane than the scan.
PRIOR_AFFINE = np.array([[0, 0, 2.0, -140], [0, 2.0, 0, -110], [-1.25, 0, 0, 60], [0, 0, 0, 1.0]])


class Shifted:
    """An alignment that moves everything, with a little error on the way back."""

    def to_prior(self, mm: npt.ArrayLike) -> FloatArray:
        return np.asarray(mm, dtype=np.float64) + SHIFT

    def to_current(self, mm: npt.ArrayLike) -> FloatArray:
        return np.asarray(mm, dtype=np.float64) - SHIFT + 0.3


SHIFTED = Shifted()


def report_of(volume: Volume, nodules: Any) -> Report:
    findings = tuple(
        Finding(id=f"{volume.series.study_date}-{n}", center_mm=center, diameter_mm=diameter, score=0.9 - n / 10,
                box_mm=box_around(center, diameter))
        for n, (center, diameter) in enumerate(nodules)
    )  # fmt: skip
    return unsearched(volume).model_copy(update={"findings": findings})


def earlier() -> Volume:
    """The same patient earlier: every nodule is elsewhere in the files."""
    moved = tuple((tuple(np.add(center, SHIFT).tolist()), diameter) for center, diameter in NODULES)
    volume = make_volume(PRIOR_AFFINE, (104, 110, 140), nodules=moved, series_uid="1.2.826.0.1.3680043.8.498.0")
    return Volume(
        volume.voxels,
        volume.affine,
        volume.series.model_copy(update={"study_date": "20230301"}),
        volume.certificate,
        volume.instances,
    )


def prior_of(scan: Volume, aligned: Any = SHIFTED) -> Prior:
    volume = earlier()
    ids = [f"{scan.series.study_date}-{n}" for n in range(3)]
    changes = tuple(
        Change(finding_id=one, prior_finding_id=f"20230301-{n}", fate="stable", why="") for n, one in enumerate(ids)
    )
    moved = tuple((tuple(np.add(center, SHIFT).tolist()), diameter) for center, diameter in NODULES)
    comparison = Comparison(
        prior_series_uid=volume.series.series_uid,
        prior_study_date="20230301",
        days=365,
        alignment=Alignment(accepted=aligned is not None, says="The lungs do not fit (Dice 0.41)."),
        changes=changes if aligned is not None else (),
    )
    return Prior(volume, report_of(volume, moved), comparison, aligned)


def wait(seconds: float = 0.2) -> None:
    QTest.qWait(int(1000 * seconds))


def pixels(pane: Any) -> npt.NDArray[np.float64]:
    """Grey values of the picture in a canvas, without what Qt draws above it."""
    image = pane.canvas.grabFramebuffer().convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width()].astype(np.float64)


def under_crosshair(pane: Any) -> float:
    image = pixels(pane)
    column, row = (round(v * image.shape[1] / pane.canvas.width()) for v in pane.marks.at)
    return float(image[row, column])


def wheel(pane: Any, notches: int, modifiers: Any = Qt.KeyboardModifier.NoModifier) -> None:
    middle = QPointF(pane.canvas.width() / 2, pane.canvas.height() / 2)
    event = QWheelEvent(
        middle, middle, QPoint(), QPoint(0, -120 * notches), Qt.MouseButton.NoButton, modifiers,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(pane.canvas, event)
    wait()


@pytest.fixture
def shown(viewer: Any, scan: Volume, qtbot: Any) -> Any:
    """The viewer with the prior beside the scan, as high as that to a pixel."""
    session = session_of(viewer)
    session.set_comparison(prior_of(scan))
    there = side_by_side(session)
    there.show()
    main = views(viewer).panes[0]
    qtbot.waitUntil(lambda: abs(there.pane.canvas.height() - main.canvas.height()) <= 1, timeout=60_000)
    wait(0.5)
    return viewer


def test_the_same_lesion_is_under_both_crosshairs_and_each_side_says_what_it_is(shown: Any, qtbot: Any) -> None:
    session = session_of(shown)
    main, there = views(shown).panes[0], side_by_side(session)
    prior = there.pane
    for plane, letters in (
        ("axial", {"left": "R", "right": "L", "top": "A", "bottom": "P"}),
        ("coronal", {"left": "R", "right": "L", "top": "H", "bottom": "F"}),
        ("sagittal", {"left": "A", "right": "P", "top": "H", "bottom": "F"}),
    ):
        shown.dims.order = view.PLANES[plane]
        for center, _ in NODULES:
            session.go_to(center)

            def is_there(center: Any = center, plane: str = plane) -> None:
                np.testing.assert_allclose(there.place_mm, np.add(center, SHIFT), atol=1e-6)
                assert under_crosshair(main) > 180, f"{plane}: the scan's lesion is not under its crosshair"
                assert under_crosshair(prior) > 180, f"{plane}: the prior's lesion is not under its crosshair"
                assert prior.marks.at == pytest.approx(main.marks.at, abs=1.0), "not at the same place of the screen"

            qtbot.waitUntil(is_there, timeout=60_000)
            # A little beside both are dark: what was seen are lesions, and both are seen from the same side.
        assert main.marks.letters() == prior.marks.letters() == letters
    shown.dims.order = view.PLANES["axial"]

    # By the picture alone: the patient's left lung is the smaller one, and lies on the right of both.
    session.go_to((0.0, -15.0, -250.0))
    shown.reset_view()
    wait(0.4)
    for pane in (main, prior):
        row = pixels(pane)[pane.canvas.height() // 2]
        body = np.flatnonzero(row > 200)
        dark = row[body.min() : body.max()] < 120
        half = len(dark) // 2
        assert dark[half:].sum() < 0.95 * dark[:half].sum(), "mirrored"
    words = [pane.heading.text() for pane in (main, prior)]
    assert "CURRENT 2024-02-29" in words[0]
    assert "PRIOR 2023-03-01" in words[1]
    assert "365 days before" in words[1]
    corner = reading_tools(session).view(prior.view).corners.text("top_right")
    assert corner.startswith("PRIOR\n2023-03-01")
    corner = reading_tools(session).view(main.view).corners.text("top_right")
    assert corner.startswith("CURRENT\n2024-02-29")


def test_both_are_equally_wide_however_narrow_the_window_and_long_the_words(shown: Any, qtbot: Any) -> None:
    session = session_of(shown)
    main, prior = views(shown).panes[0], side_by_side(session).pane
    window = shown.window._qt_window
    prior.caption("PRIOR 2023-03-01 · " + "365 days before " * 8)
    window.resize(window.minimumSizeHint())
    qtbot.waitUntil(lambda: abs(prior.canvas.width() - main.canvas.width()) <= 1, timeout=20_000)
    assert prior.heading.toolTip().startswith("PRIOR 2023-03-01")


def test_whoever_is_moved_takes_the_other_along(shown: Any) -> None:
    session = session_of(shown)
    main, there = views(shown).panes[0], side_by_side(session)
    prior = there.pane
    session.go_to(NODULES[0][0])
    wait()
    start = there.place_mm.copy()
    for step in range(1, 5):  # half a slice of the scan each: the way there and back must not eat a step
        wheel(prior, 1)
        assert there.place_mm[2] == pytest.approx(round((60 - start[2]) / 1.25) * -1.25 + 60 - 1.25 * step)
    np.testing.assert_allclose(session.position_mm, there.place_mm - SHIFT + 0.3, atol=1e-6)
    wheel(main, 1)
    np.testing.assert_allclose(there.place_mm, np.add(session.position_mm, SHIFT))

    zoom = main.view.scene.camera.zoom
    wheel(prior, -1, Qt.KeyboardModifier.ControlModifier)
    assert main.view.scene.camera.zoom > 1.1 * zoom
    wheel(main, -1, Qt.KeyboardModifier.ControlModifier)
    assert prior.view.scene.camera.zoom == pytest.approx(main.view.scene.camera.zoom)
    assert prior.marks.at == pytest.approx(main.marks.at, abs=1.0)

    session.go_to(NODULES[0][0])
    wait()
    at = QPoint(round(prior.marks.at[0]) + 20, round(prior.marks.at[1]))
    QTest.mouseClick(prior.canvas, Qt.MouseButton.LeftButton, pos=at)
    wait()
    assert session.position_mm[0] == pytest.approx(NODULES[0][0][0] + 20 / main.view.scene.camera.zoom + 0.3, abs=1)
    assert prior.marks.at == pytest.approx((at.x(), at.y()), abs=1.5)

    session.scan.contrast_limits = (-160, 240)
    assert tuple(prior.view.layers[0].contrast_limits) == (-160, 240)

    # A finding that is chosen has the thick ring in the prior as well.
    session.select("20240229-1")
    (rings,) = (layer for layer in prior.view.layers if type(layer).__name__ == "Points")
    assert [w == max(rings.border_width) for w in rings.border_width] == [False, True, False]


def test_one_key_shows_and_hides_it_and_a_blind_read_never_does(shown: Any) -> None:
    session = session_of(shown)
    main, there = views(shown).panes[0], side_by_side(session)
    QTest.keyClick(main.canvas, Qt.Key.Key_Y)
    assert not there.shown
    assert "CURRENT" not in main.heading.text()
    QTest.keyClick(main.canvas, Qt.Key.Key_Y)
    assert there.shown
    QTest.keyClick(there.pane.canvas, Qt.Key.Key_Y)  # keys work wherever the mouse is
    assert not there.shown
    QTest.keyClick(main.canvas, Qt.Key.Key_Y)
    session.set_blind(True)
    assert not there.shown
    QTest.keyClick(main.canvas, Qt.Key.Key_Y)
    QTest.keyClick(main.canvas, Qt.Key.Key_Y)
    assert not there.shown
    session.set_blind(False)
    assert there.shown
    session.set_comparison(None)
    assert not there.shown


def test_a_prior_is_beside_the_scan_as_the_reader_last_chose_for_such_scans(viewer: Any, scan: Volume) -> None:
    session = session_of(viewer)
    there, canvas = side_by_side(session), views(viewer).panes[0].canvas
    session.set_comparison(prior_of(scan))
    assert not there.shown
    QTest.keyClick(canvas, Qt.Key.Key_Y)
    assert there.shown
    assert str(there._image.interpolation2d) == "linear", "smooth as the scan is"
    reading_tools(session).overlays.toggle()
    assert not there._rings.visible
    assert not there.pane.marks.lines_shown
    reading_tools(session).overlays.toggle()
    assert there._rings.visible
    session.set_comparison(None)
    there.show(False)
    session.set_comparison(prior_of(scan))
    assert there.shown
    QTest.keyClick(canvas, Qt.Key.Key_Y)
    session.set_comparison(None)
    session.set_comparison(prior_of(scan))
    assert not there.shown


def test_what_could_not_be_aligned_is_not_linked_and_says_so(viewer: Any, scan: Volume) -> None:
    session = session_of(viewer)
    session.set_comparison(prior_of(scan, aligned=None))
    side_by_side(session).show()
    wait(0.4)
    there = side_by_side(session)
    assert "not aligned, so not linked" in there.pane.heading.text()
    before, here = there.place_mm.copy(), session.position_mm
    wheel(there.pane, 2)
    assert there.place_mm[2] < before[2] - 1
    assert session.position_mm == here
    session.go_to(NODULES[1][0])
    assert there.place_mm[2] < before[2] - 1


# -- the panel --------------------------------------------------------------------------------------------------------


def comparing(monkeypatch: pytest.MonkeyPatch, accepted: bool = True) -> dict[str, Any]:
    """Put known results in the place of registration and measuring; say what was asked for."""
    asked: dict[str, Any] = {"other_id": []}

    def measure_findings(_volume: Volume, findings: Any, **_: Any) -> Any:
        return tuple(one.model_copy(update={"unmeasured": "too small"}) for one in findings)

    def changes(report: Report, prior_report: Report, _aligned: Any) -> tuple[Change, ...]:
        now = sorted(report.active, key=lambda finding: -finding.diameter_mm)
        before = sorted(prior_report.active, key=lambda finding: -finding.diameter_mm)
        return (
            Change(finding_id=now[0].id, prior_finding_id=before[0].id, fate="grown", why="By 34 %.",
                   diameter_mm=now[0].diameter_mm, prior_diameter_mm=18.2, volume_mm3=4190.0, prior_volume_mm3=3122.4,
                   volume_change=0.342, doubling_days=860.4, doubling_low_days=610.0),
            Change(finding_id=now[1].id, prior_finding_id=before[1].id, fate="unclear", why="Noise.",
                   diameter_mm=now[1].diameter_mm, prior_diameter_mm=13.9, volume_mm3=1440.0, prior_volume_mm3=1430.0,
                   volume_change=0.007),
            Change(finding_id=None, prior_finding_id=before[2].id, fate="resolved", why="Nothing is there now.",
                   prior_diameter_mm=8.1),
        )  # fmt: skip

    def compare(
        report: Report, _volume: Volume, prior_report: Report, prior: Volume, *, other_id: bool, progress: Progress
    ) -> Compared:
        progress(0, 1, "aligning")
        asked["other_id"].append(other_id)
        asked["prior_report"] = prior_report
        comparison = Comparison(
            prior_series_uid=prior.series.series_uid,
            prior_study_date=prior.series.study_date,
            days=365,
            alignment=Alignment(accepted=accepted, says=f"The lungs overlap by {0.97 if accepted else 0.41}."),
            changes=changes(report, prior_report, SHIFTED) if accepted else (),
        )
        return Compared(comparison, SHIFTED if accepted else None)  # type: ignore[arg-type]

    monkeypatch.setattr("napari_lesion.pipeline.measure_findings", measure_findings)
    monkeypatch.setattr("napari_lesion.comparison.compare.compare", compare)
    monkeypatch.setattr("napari_lesion.comparison.match.changes", changes)
    return asked


@pytest.fixture
def panel(viewer: Any, scan: Volume, qtbot: Any) -> Any:
    """The panel of a scan in which a reader marked two lesions; an earlier scan of the patient is open."""
    data, attributes, _ = layers.scan_layer(earlier())
    viewer.add_image(data, **attributes)
    session = session_of(viewer)
    session.set_active_scan(session.scans()[0])
    for center, diameter in NODULES[:2]:
        session.change(lambda review, by, c=center, d=diameter: edits.add(review, c, d, by, scan))
    panel = FollowUpPanel(viewer)
    panel.resize(400, 680)
    qtbot.addWidget(panel)
    panel.show()
    return panel


def run(panel: Any, qtbot: Any) -> None:
    panel.compare_button.click()
    qtbot.waitUntil(lambda: not panel._priors.running, timeout=60_000)
    wait(0.4)


def cells(panel: Any) -> list[list[str]]:
    rows, columns = range(panel.changes.table.rowCount()), range(panel.changes.table.columnCount())
    return [[panel.changes.table.item(row, column).text() for column in columns] for row in rows]


def test_a_prior_is_searched_compared_listed_and_part_of_the_review(
    panel: Any, detector: Any, monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    asked = comparing(monkeypatch)
    detector.card = detector.card.model_copy(update={"threshold": 0.3})
    session = panel._session
    assert [panel.choose.itemText(n) for n in range(panel.choose.count())] == ["2023-03-01 Thorax lung"]
    run(panel, qtbot)
    assert panel.controls.status.text() == ""
    assert detector.devices == ["auto"], "the prior was not searched"
    assert [round(finding.diameter_mm) for finding in asked["prior_report"].findings] == [20, 14, 8]
    assert cells(panel) == [
        ["F1", "▲ grown", "18.2 → 20.0", "3122 → 4190", "+34", "860"],
        ["F2", "? unclear", "13.9 → 14.0", "1430 → 1440", "+1", "noise"],
        ["prior F3", "− resolved", "8.1 → –", "", "", ""],
    ]
    assert panel.alignment.text().startswith("✓ The lungs overlap by 0.97.")
    there = side_by_side(session)
    assert there.shown

    # A row turns both views to the lesion; one that is gone as well.
    for row, nodule in enumerate(NODULES):
        panel.changes.table.setCurrentCell(row, 0)
        wait()
        np.testing.assert_allclose(there.place_mm, np.add(nodule[0], SHIFT), atol=1.5)
        assert under_crosshair(there.pane) > 180
        rings = there.pane.view.layers[1]
        assert list(np.flatnonzero(rings.border_width == rings.border_width.max())) == [row]
    assert panel.changes.why.text() == "Nothing is there now."
    panel.changes.table.setCurrentCell(1, 0)
    assert panel.changes.why.text() == "Noise. The doubling time cannot be told from measurement noise."
    panel.changes.table.setCurrentCell(0, 0)
    assert panel.changes.why.text() == "By 34 %. Volume doubling time: 860 days (95 % interval 610 to open)."

    # It is in what is saved; numbers follow what the reader does, and are no step to undo.
    assert findings_view(session).report().comparisons[0].changes[2].fate == "resolved"
    lesion = session.review.findings[0]
    assert lesion.tracking_uid == asked["prior_report"].findings[0].lesion_uid
    steps = len(session.review.changes)
    session.change(lambda review, by: edits.resize(review, lesion.id, 22.0, by))
    qtbot.waitUntil(lambda: cells(panel)[0][DIAMETER] == "18.2 → 22.0", timeout=5000)
    assert session.review.comparisons[0].of(lesion.id).diameter_mm == 22.0
    assert len(session.review.changes) == steps + 1

    # A blind read hides all of it, and an undo takes it away.
    session.set_blind(True)
    assert not panel.page.isVisible()
    assert cells(panel) == []
    assert not there.shown
    session.set_blind(False)
    assert len(cells(panel)) == 3
    session.change(undo)
    session.change(undo)
    assert cells(panel) == []
    assert not there.shown

    # The prior is not searched a second time.
    run(panel, qtbot)
    assert len(cells(panel)) == 3
    assert detector.devices == ["auto"]


def test_a_refusal_is_a_sentence_and_no_change_is_listed(
    panel: Any, detector: Any, monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    comparing(monkeypatch, accepted=False)
    assert panel.compared.isHidden(), "nothing can be chosen in it"
    run(panel, qtbot)
    assert not panel.compared.isHidden()
    assert panel.alignment.text() == "⚠ The lungs overlap by 0.41."
    assert "refused" in panel.compared.currentText()
    assert cells(panel) == []
    assert panel._session.review.comparisons == ()
    assert "not aligned" in side_by_side(panel._session).pane.heading.text()


def test_another_patient_is_compared_only_when_the_reader_says_so(
    panel: Any, scan: Volume, monkeypatch: pytest.MonkeyPatch, qtbot: Any, detector: Any
) -> None:
    asked = comparing(monkeypatch)
    detector.card = detector.card.model_copy(update={"threshold": 0.3})
    stranger = earlier()
    stranger = replace(stranger, series=stranger.series.model_copy(update={"patient_id": "P-18"}))
    questions: list[str] = []
    answers = [QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes]
    monkeypatch.setattr(QMessageBox, "question", lambda *said: questions.append(said[2]) or answers[len(questions) - 1])
    with pytest.raises(ReviewError, match="not of the same patient"):
        panel._priors.compare(stranger)  # whoever asks nobody is refused
    panel._compare(Choice(stranger.series, stranger))
    assert not panel._priors.running
    assert "P-17" in questions[0]
    assert "P-18" in questions[0]
    panel._compare(Choice(stranger.series, stranger))
    qtbot.waitUntil(lambda: not panel._priors.running, timeout=60_000)
    assert asked["other_id"] == [True]


def test_the_timeline_has_every_date_and_how_sure_each_is() -> None:
    def measured(diameter: float, volume: float, sd: float) -> Measurement:
        axis = Axis(length_mm=diameter, start_mm=(0, 0, 0), end_mm=(diameter, 0, 0))
        return Measurement(
            method="m", long_axis=axis, short_axis=axis, mean_diameter_mm=diameter, diameter_3d_mm=diameter,
            volume_mm3=volume, volume_sd_mm3=sd, hu=HounsfieldUnits(mean=0, sd=0, p05=0, median=0, p95=0), mass_mg=1,
        )  # fmt: skip

    report = report_of(make_volume(), NODULES[:2])
    lesion = report.findings[0].model_copy(update={"measurement": measured(10.0, 523.6, 26.0)})
    report = report.model_copy(update={"findings": (lesion, report.findings[1])})
    before = report.findings[1].model_copy(update={"id": "b", "measurement": measured(8.0, 268.1, 20.0)})

    def comparison(uid: str, day: str, volume: float) -> Comparison:
        change = Change(finding_id=lesion.id, prior_finding_id="b", fate="grown", why="", prior_volume_mm3=volume)
        alignment = Alignment(accepted=True)
        return Comparison(prior_series_uid=uid, prior_study_date=day, days=None, alignment=alignment, changes=(change,))

    priors_ = {"1": report.model_copy(update={"findings": (before,)})}
    made = (comparison("1", "20230301", 1.0), comparison("2", "20220301", 200.0))
    (history,) = lesion_histories(report.model_copy(update={"comparisons": made}), priors_.get)
    assert [(point.when.isoformat(), point.volume_mm3, point.diameter_mm) for point in history.points] == [
        ("2022-03-01", 200.0, None),
        ("2023-03-01", 268.1, 8.0),
        ("2024-02-29", 523.6, 10.0),
    ]
    assert [point.volume_error_mm3 for point in history.points] == pytest.approx([0, 39.2, 50.96])
    assert history.points[2].diameter_error_mm == pytest.approx(10 * 50.96 / (3 * 523.6))
    figure = Figure()
    draw(figure, (history,), lesion.id, text="#ffffff", background="#000000")
    figure.canvas.draw()
    diameters, volumes = figure.axes
    assert [len(axes.containers[0].lines[0].get_xdata()) for axes in (diameters, volumes)] == [2, 3]
    assert "2022-03-01: 200.0 mm³" in in_words((history,))


def test_targets_give_a_sum_and_a_response_that_can_be_saved_and_stay_with_the_review(
    panel: Any, scan: Volume, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sized(finding: Finding, mm: float) -> Finding:
        axis = Axis(length_mm=mm, start_mm=(0, 0, 0), end_mm=(mm, 0, 0))
        measured = Measurement(
            method="m", long_axis=axis, short_axis=axis, mean_diameter_mm=mm, diameter_3d_mm=mm, volume_mm3=mm**3 / 2,
            volume_sd_mm3=1, hu=HounsfieldUnits(mean=0, sd=0, p05=0, median=0, p95=0), mass_mg=1,
        )  # fmt: skip
        return finding.model_copy(update={"measurement": measured})

    session = panel._session
    found = session.review.findings
    session.change(lambda review, _: with_measurements(review, [sized(found[0], 12.0), sized(found[1], 11.0)]))
    prior = prior_of(scan)
    before = tuple(sized(one, mm) for one, mm in zip(prior.report.findings, (20.0, 16.0, 9.0), strict=True))
    pairs = zip(found, before, strict=False)
    changes = tuple(Change(finding_id=a.id, prior_finding_id=b.id, fate="shrunk", why="") for a, b in pairs)
    comparison = prior.comparison.model_copy(update={"changes": changes})
    monkeypatch.setattr("napari_lesion.comparison.match.changes", lambda *_: changes)
    prior = replace(prior, report=prior.report.model_copy(update={"findings": before}), comparison=comparison)
    panel._priors._loaded[layers.scan_key(scan)] = {comparison.prior_series_uid: prior}
    session.change(lambda review, by: edits.compared(review, comparison, {}, by))
    page = panel.response
    assert "Mark the lesions" in page.says.text()
    assert not page.recist_button.isEnabled()
    for finding in found:
        page.mark(finding.lesion_uid, ("target", False, False))
    baseline, now = page.says.text().splitlines()
    assert "sum 36.0 mm" in baseline
    assert "sum 23.0 mm, nadir 36.0 mm, PR." in now
    assert "36 % under" in now
    page.save_recist(tmp_path / "recist.csv")
    rows = list(csv.DictReader((tmp_path / "recist.csv").open(encoding="utf-8")))
    assert [row["size_mm"] for row in rows] == ["20.0", "16.0", "12.0", "11.0"]
    assert [row["response"] for row in rows] == ["baseline", "", "PR", ""]
    page.save_timeline(tmp_path / "timeline.csv")
    assert len(list(csv.DictReader((tmp_path / "timeline.csv").open(encoding="utf-8")))) == 5
    saved = Report.model_validate_json(findings_view(session).report().model_dump_json())
    assert [one.role for one in saved.lesions] == ["target", "target"]

    page.mark(before[2].lesion_uid, ("non-target", False, True))
    assert "PD. " in page.says.text().splitlines()[1]
    assert "A non-target progressed unequivocally." in page.says.text()
    shown = [page.table.cellWidget(row, 1).currentText() for row in range(page.table.rowCount())]
    assert sorted(shown) == ["non-target, progressed", "target", "target"]
    page.mark(before[2].lesion_uid, ("non-target", False, False))
    assert "PD" not in page.says.text()

    page.mark(before[2].lesion_uid, ("target", False, False))
    assert page.says.text().startswith("⚠ 3 targets in one organ (lung)")
    assert not page.recist_button.isEnabled()
    session.change(undo)
    assert "PR." in page.says.text()


def test_a_scan_without_findings_has_a_layer_for_them(scan: Volume) -> None:
    layer = Layer.create(*finding_layers.findings_layer(unsearched(scan), scan, 0.5))
    layer.add([[0.0, 0.0, 0.0]])
    assert list(layer.features["status"]) == ["added"]


def test_what_was_measured_on_the_prior_is_shown_on_the_prior_and_cannot_be_changed(
    viewer: Any, scan: Volume, qtbot: Any
) -> None:
    prior = prior_of(scan)
    centre, diameter = prior.report.findings[0].center_mm, prior.report.findings[0].diameter_mm
    ends = [(centre[0] + side * diameter, centre[1], centre[2]) for side in (-1, 1)]
    start = Review(prior.report)
    drawn = drawing.draw(start, "ruler", ends, (0, 0, 1), Provenance("A", "2023-03-01T00:00:00+00:00"), prior.volume)
    session = session_of(viewer)
    session.set_comparison(replace(prior, report=drawn.report))
    side = side_by_side(session)
    side.show()
    pane = side.pane

    def lengths() -> list[float]:
        return [one.values.length for one in side.drawings(pane, session.comparison)]

    def is_drawn() -> bool:
        seen = pane.marks.grab().toImage()
        colors = [seen.pixelColor(x, y) for x in range(seen.width()) for y in range(0, seen.height(), 2)]
        return sum(c.red() > c.green() + 40 and c.blue() > c.green() + 20 for c in colors) > 20

    session.go_to(NODULES[0][0])
    qtbot.waitUntil(lambda: lengths() == [pytest.approx(2 * diameter, abs=0.1)], timeout=60_000)
    qtbot.waitUntil(is_drawn, timeout=60_000)
    assert measuring_tools(session).drawings == (), "it is none of the scan on the screen"
    session.go_to(NODULES[1][0])  # another slice
    qtbot.waitUntil(lambda: lengths() == [], timeout=60_000)
    session.go_to(NODULES[0][0])
    qtbot.waitUntil(lambda: len(lengths()) == 1, timeout=60_000)
    overlays(session).toggle()
    qtbot.waitUntil(lambda: lengths() == [] and not is_drawn(), timeout=60_000)
