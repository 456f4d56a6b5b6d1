"""What a reader copies is what he would dictate, in the language of the viewer, and never more than is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fake_scan import FakeDetector
from plugin_scan import NODULES
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_lesion.model.findings import Candidate
from napari_lesion.model.volume import Volume
from napari_lesion.pipeline import analyse, with_all_candidates
from napari_lesion.plugin.findings.exports import Exports
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.session.workstation import Workstation, workstation
from napari_lesion.plugin.texts import use_language
from napari_lesion.report.impression import impression
from napari_lesion.review import edits

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture(autouse=True)
def _english_again(qapp: Any) -> Iterator[None]:
    yield
    use_language("en")


@pytest.fixture
def station(viewer: Any, scan: Volume) -> Workstation:
    """With three findings, the first of them chosen and confirmed."""
    station = workstation(viewer)
    candidates = tuple(Candidate(place, diameter, 0.6 + diameter / 100) for place, diameter in NODULES)
    view = findings_view(station)
    result = analyse(scan, detector=FakeDetector(candidates), measure=False)
    view.show_result(station.scan, with_all_candidates(result))
    view.step(1)
    station.change(lambda review, by: edits.accept(review, [station.finding], by))
    return station


def copied(viewer: Any, qtbot: Any, modifiers: Any) -> str:
    QApplication.clipboard().clear()
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_C, modifiers)
    return QApplication.clipboard().text()


def test_a_finding_is_copied_as_a_sentence(viewer: Any, station: Workstation, qtbot: Any) -> None:
    finding = findings_view(station).chosen
    assert finding is not None
    said = copied(viewer, qtbot, CTRL)
    assert said.startswith(f"about 20 mm nodule, Se 4, Im {finding.instance_number}")
    assert "does not apply" not in said
    findings_view(station).choose(finding.id, [one.id for one in findings_view(station).findings])
    assert len(copied(viewer, qtbot, CTRL).splitlines()) == len(NODULES), "all rows that are chosen"

    use_language("de")
    assert copied(viewer, qtbot, CTRL).splitlines()[0].startswith("Rundherd etwa 20 mm, Se 4, Im ")
    assert "noch von keinem Befunder bestätigt" in copied(viewer, qtbot, CTRL)
    use_language("zh")
    assert "约 20 mm 结节" in copied(viewer, qtbot, CTRL)


def test_the_impression_is_copied_by_key_and_by_button(viewer: Any, station: Workstation, qtbot: Any) -> None:
    report = findings_view(station).report()
    assert report is not None
    said = copied(viewer, qtbot, CTRL | SHIFT)
    assert said.splitlines() == list(impression(report))
    assert said.splitlines()[0].startswith("F1: about 20 mm nodule")
    assert any(line.startswith("Lung-RADS v2022: not known") for line in said.splitlines())
    QApplication.clipboard().clear()
    exports = Exports(station)
    qtbot.addWidget(exports)
    exports.buttons["impression"].click()
    assert QApplication.clipboard().text() == said


def test_in_a_blind_read_nothing_that_was_found_is_copied(viewer: Any, station: Workstation, qtbot: Any) -> None:
    station.set_blind(True)
    assert copied(viewer, qtbot, CTRL | SHIFT) == ""
    assert copied(viewer, qtbot, CTRL) == ""
