"""A scan beside its prior: the same lesion under both crosshairs, which is which, and what became of each lesion."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from fake_scan import make_volume
from plugin_scan import NODULES
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QImage, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_lesion.compared import Alignment, Change, Comparison
from napari_lesion.findings import Finding, Report, box_around
from napari_lesion.plugin import view
from napari_lesion.plugin.priors import Prior
from napari_lesion.plugin.views.beside import beside
from napari_lesion.plugin.views.fourup import views
from napari_lesion.plugin.workstation import workstation
from napari_lesion.review.review import unsearched
from napari_lesion.volume import FloatArray, Volume

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
def shown(viewer: Any, scan: Volume) -> Any:
    """The viewer with the prior beside the scan."""
    station = workstation(viewer)
    station.set_comparison(prior_of(scan))
    beside(station).show()
    wait(0.5)
    return viewer


def test_the_same_lesion_is_under_both_crosshairs_and_each_side_says_what_it_is(shown: Any) -> None:
    station = workstation(shown)
    main, there = views(shown).panes[0], beside(station)
    prior = there.pane
    for plane, letters in (
        ("axial", {"left": "R", "right": "L", "top": "A", "bottom": "P"}),
        ("coronal", {"left": "R", "right": "L", "top": "H", "bottom": "F"}),
        ("sagittal", {"left": "A", "right": "P", "top": "H", "bottom": "F"}),
    ):
        shown.dims.order = view.PLANES[plane]
        for center, _ in NODULES:
            station.go_to(center)
            wait()
            np.testing.assert_allclose(there.place_mm, np.add(center, SHIFT), atol=1e-6)
            assert under_crosshair(main) > 180, f"{plane}: the scan's lesion is not under its crosshair"
            assert under_crosshair(prior) > 180, f"{plane}: the prior's lesion is not under its crosshair"
            assert prior.marks.at == pytest.approx(main.marks.at, abs=1.0), "not at the same place of the screen"
            # A little beside both are dark: what was seen are lesions, and both are seen from the same side.
        assert main.marks.letters() == prior.marks.letters() == letters
    shown.dims.order = view.PLANES["axial"]

    # By the picture alone: the patient's left lung is the smaller one, and lies on the right of both.
    station.go_to((0.0, -15.0, -250.0))
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
    from napari_lesion.plugin.tools.reading import reading_tools

    corner = reading_tools(station).view(prior.view).corners.text("top_right")
    assert corner.startswith("PRIOR 2023-03-01")
    corner = reading_tools(station).view(main.view).corners.text("top_right")
    assert corner.startswith("CURRENT 2024-02-29")


def test_whoever_is_moved_takes_the_other_along(shown: Any) -> None:
    station = workstation(shown)
    main, there = views(shown).panes[0], beside(station)
    prior = there.pane
    station.go_to(NODULES[0][0])
    wait()
    start = there.place_mm.copy()
    for step in range(1, 5):  # half a slice of the scan each: the way there and back must not eat a step
        wheel(prior, 1)
        assert there.place_mm[2] == pytest.approx(round((60 - start[2]) / 1.25) * -1.25 + 60 - 1.25 * step)
    np.testing.assert_allclose(station.position_mm, there.place_mm - SHIFT + 0.3, atol=1e-6)
    wheel(main, 1)
    np.testing.assert_allclose(there.place_mm, np.add(station.position_mm, SHIFT))

    zoom = main.view.scene.camera.zoom
    wheel(prior, -1, Qt.KeyboardModifier.ControlModifier)
    assert main.view.scene.camera.zoom > 1.1 * zoom
    wheel(main, -1, Qt.KeyboardModifier.ControlModifier)
    assert prior.view.scene.camera.zoom == pytest.approx(main.view.scene.camera.zoom)
    assert prior.marks.at == pytest.approx(main.marks.at, abs=1.0)

    station.go_to(NODULES[0][0])
    wait()
    at = QPoint(round(prior.marks.at[0]) + 20, round(prior.marks.at[1]))
    QTest.mouseClick(prior.canvas, Qt.MouseButton.LeftButton, pos=at)
    wait()
    assert station.position_mm[0] == pytest.approx(NODULES[0][0][0] + 20 / main.view.scene.camera.zoom + 0.3, abs=1)
    assert prior.marks.at == pytest.approx((at.x(), at.y()), abs=1.5)

    station.scan.contrast_limits = (-160, 240)
    assert tuple(prior.view.layers[0].contrast_limits) == (-160, 240)

    # A finding that is chosen has the thick ring in the prior as well.
    station.select("20240229-1")
    (rings,) = (layer for layer in prior.view.layers if type(layer).__name__ == "Points")
    assert [w == max(rings.border_width) for w in rings.border_width] == [False, True, False]


def test_one_key_shows_and_hides_it_and_a_blind_read_never_does(shown: Any) -> None:
    station = workstation(shown)
    main, there = views(shown).panes[0], beside(station)
    QTest.keyClick(main.canvas, Qt.Key.Key_Y)
    assert not there.shown
    assert "CURRENT" not in main.heading.text()
    QTest.keyClick(main.canvas, Qt.Key.Key_Y)
    assert there.shown
    QTest.keyClick(there.pane.canvas, Qt.Key.Key_Y)  # keys work wherever the mouse is
    assert not there.shown
    QTest.keyClick(main.canvas, Qt.Key.Key_Y)
    station.set_blind(True)
    assert not there.shown
    QTest.keyClick(main.canvas, Qt.Key.Key_Y)
    QTest.keyClick(main.canvas, Qt.Key.Key_Y)
    assert not there.shown
    station.set_blind(False)
    assert there.shown
    station.set_comparison(None)
    assert not there.shown


def test_what_could_not_be_aligned_is_not_linked_and_says_so(viewer: Any, scan: Volume) -> None:
    station = workstation(viewer)
    station.set_comparison(prior_of(scan, aligned=None))
    beside(station).show()
    wait(0.4)
    there = beside(station)
    assert "not aligned, so not linked" in there.pane.heading.text()
    before, here = there.place_mm.copy(), station.position_mm
    wheel(there.pane, 2)
    assert there.place_mm[2] < before[2] - 1
    assert station.position_mm == here
    station.go_to(NODULES[1][0])
    assert there.place_mm[2] < before[2] - 1
