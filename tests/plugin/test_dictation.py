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
from napari_lesion.plugin.session.session import Session, session_of
from napari_lesion.plugin.texts import use_language
from napari_lesion.report.impression import impression
from napari_lesion.review import edits

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture(autouse=True)
def _english_again(qapp: Any) -> Iterator[None]:
    yield
    use_language("en")


@pytest.fixture
def session(viewer: Any, scan: Volume) -> Session:
    """With three findings, the first of them chosen and confirmed."""
    session = session_of(viewer)
    candidates = tuple(Candidate(place, diameter, 0.6 + diameter / 100) for place, diameter in NODULES)
    view = findings_view(session)
    result = analyse(scan, detector=FakeDetector(candidates), measure=False)
    view.show_result(session.scan, with_all_candidates(result))
    view.step(1)
    session.change(lambda review, by: edits.accept(review, [session.finding], by))
    return session


def copied(viewer: Any, qtbot: Any, modifiers: Any) -> str:
    QApplication.clipboard().clear()
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_C, modifiers)
    return QApplication.clipboard().text()


def test_a_finding_is_copied_as_a_sentence(viewer: Any, session: Session, qtbot: Any) -> None:
    finding = findings_view(session).chosen
    assert finding is not None
    said = copied(viewer, qtbot, CTRL)
    assert said.startswith(f"about 20 mm nodule, Se 4, Im {finding.instance_number}")
    assert "does not apply" not in said
    findings_view(session).choose(finding.id, [one.id for one in findings_view(session).findings])
    assert len(copied(viewer, qtbot, CTRL).splitlines()) == len(NODULES), "all rows that are chosen"

    use_language("de")
    assert copied(viewer, qtbot, CTRL).splitlines()[0].startswith("Rundherd etwa 20 mm, Se 4, Im ")
    assert "noch von keinem Befunder bestätigt" in copied(viewer, qtbot, CTRL)
    use_language("zh")
    assert "约 20 mm 结节" in copied(viewer, qtbot, CTRL)


def test_the_impression_is_copied_by_key_and_by_button(viewer: Any, session: Session, qtbot: Any) -> None:
    report = findings_view(session).report()
    assert report is not None
    said = copied(viewer, qtbot, CTRL | SHIFT)
    assert said.splitlines() == list(impression(report))
    assert said.splitlines()[0].startswith("F1: about 20 mm nodule")
    assert any(line.startswith("Lung-RADS v2022: not known") for line in said.splitlines())
    QApplication.clipboard().clear()
    exports = Exports(session)
    qtbot.addWidget(exports)
    exports.buttons["impression"].click()
    assert QApplication.clipboard().text() == said


def test_in_a_blind_read_nothing_that_was_found_is_copied(viewer: Any, session: Session, qtbot: Any) -> None:
    session.set_blind(True)
    assert copied(viewer, qtbot, CTRL | SHIFT) == ""
    assert copied(viewer, qtbot, CTRL) == ""


def test_a_scan_that_was_searched_and_has_nothing_is_not_called_unsearched(viewer: Any, scan: Volume) -> None:
    view = findings_view(session_of(viewer))
    panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Detect lesions")[1]
    assert panel.findings.nothing.text().startswith("There are no findings yet. Search the scan")
    view.show_result(
        session_of(viewer).scan, with_all_candidates(analyse(scan, detector=FakeDetector(()), measure=False))
    )
    assert panel.findings.nothing.text() == "Nothing was found."
