"""The panel Worklist: opened by a double click with its priors, nobody else's meanwhile, read when it is reported."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import batch_case
import pytest
from judged_nodules import nodule
from worklist_case import large, results, small

from napari_lesion.dicom.index.series import find_series
from napari_lesion.plugin.findings.exports import Exports
from napari_lesion.plugin.session.session import READING, session_of
from napari_lesion.plugin.settings import store
from napari_lesion.plugin.texts import use_language
from napari_lesion.plugin.viewer.browser_panel import BrowserPanel
from napari_lesion.plugin.viewer.layout import arrange
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.worklist.worklist_panel import LUNG_RADS, PATIENT, STATE, priority_text, term_text
from napari_lesion.support.errors import WorklistError
from napari_lesion.worklist.ranking import Term
from napari_lesion.worklist.rule import PRIORITIES
from napari_lesion.worklist.seats import new_seat
from napari_lesion.worklist.store import ENVIRONMENT, Worklist

PATIENCE_MS = 60_000
SCANS = {
    "now": ("P2", "20260105"),
    "before": ("P2", "20250105"),
    "stranger": ("P22", "20250105"),
    "dull": ("P1", "20260105"),
}
"""Patient and date of each."""


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Worklist]:
    """Two studies that wait: of two patients, one of whom has an earlier scan that was read."""
    store("review/reader", "Ada")
    made = {}
    for number, (name, (patient, date)) in enumerate(SCANS.items()):
        changes = {"StudyDate": date, "SeriesDate": date, "PatientID": patient, "PatientName": f"Kanarienvogel^{name}"}
        batch_case.write(tmp_path / "ct" / name, f"1.2.826.{number}", **changes, StudyInstanceUID=f"1.2.827.{number}")
        (series,) = find_series(tmp_path / "ct" / name)
        made[name] = series.identity.model_dump()
    found = nodule(9.0, status="candidate").model_copy(update={"center_mm": (0.0, 0.0, -290.0)})
    now = large(2, **made["now"], at=time.time()).model_copy(update={"findings": (found,)})
    worklist = Worklist(Path(os.environ[ENVIRONMENT]))
    for name, report in (
        ("now", now),
        ("before", small(2, **made["before"])),
        ("stranger", small(2, **made["stranger"])),
        ("dull", small(1, **made["dull"], at=time.time())),
    ):
        worklist.add(results(tmp_path / "out" / name, report, source=str(tmp_path / "ct" / name)))
    worklist.refresh()
    for uid in ("1.2.827.1", "1.2.827.2"):
        worklist.done(uid, "Bo", "by hand")
    yield worklist
    worklist.close()


@pytest.fixture
def panel(make_napari_viewer: Callable, qtbot, waiting: Worklist):
    """The panel in plain napari."""
    viewer = make_napari_viewer(show=True)
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Worklist")
    panel.other = waiting
    qtbot.waitUntil(lambda: panel.table.rowCount() == 2 and not panel.running, timeout=PATIENCE_MS)
    return panel


def column(panel, number: int) -> list[str]:
    return [panel.table.item(row, number).text() for row in range(panel.table.rowCount())]


def open_first(panel, qtbot) -> None:
    panel.table.itemDoubleClicked.emit(panel.table.item(0, 0))
    session = session_of(panel._viewer)
    qtbot.waitUntil(lambda: session.volume is not None and session.volume.complete, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: not panel.running and any(column(panel, STATE)), timeout=PATIENCE_MS)


def test_a_study_opens_with_what_was_found_and_with_its_priors_and_is_nobody_elses(panel, qtbot) -> None:
    session = session_of(panel._viewer)
    assert column(panel, LUNG_RADS) == ["4B", "2"]
    panel.table.setCurrentCell(0, 0)
    assert "+40.0  Lung-RADS 4B" in panel.why.text()

    open_first(panel, qtbot)
    identity = session.volume.series
    assert (identity.patient_id, identity.study_uid) == ("P2", "1.2.827.0")
    assert [finding.size_mm for finding in session.review.findings] == [9.0]
    assert column(panel, STATE) == ["● open here", ""]
    assert "Earlier CTs: 1" in panel.status.text()

    def listed() -> set[tuple[str, str]]:
        return {(one.identity.patient_id, one.identity.study_date) for one in session.series}

    qtbot.waitUntil(lambda: listed() == {("P2", "20260105"), ("P2", "20250105")}, timeout=PATIENCE_MS)
    with pytest.raises(WorklistError, match="Ada has this study open"):
        panel.other.claim("1.2.827.0", "Bo")
    assert panel.other.next("Bo").identity.patient_id == "P1"

    session.open_scans.close(session.open_scans.current)
    qtbot.waitUntil(lambda: panel.other.study("1.2.827.0").holder == "", timeout=PATIENCE_MS)


def test_it_is_read_when_its_report_is_written(panel, qtbot, tmp_path: Path) -> None:
    open_first(panel, qtbot)
    exports = Exports(session_of(panel._viewer), panel)

    def write(kind: str) -> None:
        exports.write(tmp_path / "reports", [kind])
        qtbot.waitUntil(lambda: not exports.running, timeout=PATIENCE_MS)
        assert list((tmp_path / "reports").iterdir()), exports.text.text()

    write("csv")
    assert not panel.other.study("1.2.827.0").is_read, "a table is no report"
    write("html")
    assert panel.other.study("1.2.827.0").is_read
    events = [(one.what, one.who, one.detail) for one in panel.other.history(panel.other.study("1.2.827.0").id)]
    assert events == [("arrived", "", ""), ("claimed", "Ada", ""), ("read", "Ada", "html")]
    qtbot.waitUntil(lambda: panel.table.rowCount() == 1, timeout=PATIENCE_MS)
    assert "Marked as read" in panel.status.text()
    panel.read_box.setChecked(True)
    qtbot.waitUntil(lambda: "read by Ada" in column(panel, STATE), timeout=PATIENCE_MS)


def test_what_another_has_open_does_not_open(panel, qtbot) -> None:
    panel.other.claim("1.2.827.0", "Bo")
    panel.table.itemDoubleClicked.emit(panel.table.item(0, 0))
    assert "Bo has this study open" in panel.status.text()
    assert session_of(panel._viewer).volume is None
    assert panel.other.study("1.2.827.0").holder == "Bo"
    panel.refresh()
    qtbot.waitUntil(lambda: column(panel, STATE) == ["open with Bo", ""], timeout=PATIENCE_MS)
    assert not panel.release_button.isEnabled()


def test_what_the_same_reader_has_open_in_another_window_does_not_open(panel, qtbot) -> None:
    there = new_seat()
    panel.other.claim("1.2.827.0", "Ada", there)
    panel.table.itemDoubleClicked.emit(panel.table.item(0, 0))
    assert "another window" in panel.status.text()
    panel.refresh()
    qtbot.waitUntil(lambda: column(panel, STATE) == ["open with Ada", ""], timeout=PATIENCE_MS)
    panel.table.setCurrentCell(0, 0)
    assert not panel.release_button.isEnabled()
    assert not panel.done_button.isEnabled()
    assert panel.other.keep(panel.other.study("1.2.827.0").id, "Ada", there)


def test_a_requested_priority_is_entered_in_the_panel(panel, qtbot) -> None:
    panel.table.setCurrentCell(1, 0)
    assert (chosen(panel), panel.priority.currentData()) == ("P1", "ROUTINE")
    row = panel.priority.findData("STAT")
    panel.priority.setCurrentIndex(row)
    panel.priority.activated.emit(row)
    qtbot.waitUntil(lambda: column(panel, LUNG_RADS) == ["2", "4B"], timeout=PATIENCE_MS)
    assert (chosen(panel), panel.priority.currentData()) == ("P1", "STAT")
    assert "+100.0  requested as Emergency (STAT)" in panel.why.text()
    panel.table.setCurrentCell(1, 0)
    assert (chosen(panel), panel.priority.currentData()) == ("P2", "ROUTINE")
    assert panel.other.study("1.2.827.0").priority == "ROUTINE"
    [*_, event] = panel.other.history(panel.other.study("1.2.827.3").id)
    assert (event.what, event.who, event.detail) == ("priority", "Ada", "STAT")


def test_priorities_are_in_the_language_of_the_viewer(qapp) -> None:
    use_language("de")
    try:
        words = [priority_text(one) for one in PRIORITIES]
        assert words == ["Notfall (STAT)", "Hoch", "Mittel", "Routine", "Niedrig"]
        said = term_text(Term("priority", 100.0, {"priority": "STAT"}))
        assert said == "+100.0  angefordert als Notfall (STAT)"
    finally:
        use_language("en")


def test_a_study_whose_images_are_gone_is_free_again(panel, qtbot, tmp_path: Path) -> None:
    (tmp_path / "ct" / "now").rename(tmp_path / "away")
    panel.table.itemDoubleClicked.emit(panel.table.item(0, 0))
    assert "cannot be read" in panel.status.text()
    assert panel.other.study("1.2.827.0").holder == ""


def test_another_patients_images_under_the_same_uids_are_not_opened(panel, qtbot, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "ct" / "now")
    batch_case.write(tmp_path / "ct" / "now", "1.2.826.0", PatientID="P77", StudyInstanceUID="1.2.827.0")
    panel.table.itemDoubleClicked.emit(panel.table.item(0, 0))
    assert "any more" in panel.status.text()
    assert session_of(panel._viewer).volume is None


def test_names_are_hidden_where_the_setting_says_so_and_all_of_it_in_a_blind_read(panel) -> None:
    session = session_of(panel._viewer)
    assert "Kanarienvogel" in column(panel, PATIENT)[0]
    reading_tools(session).set_names(False)
    assert column(panel, PATIENT) == ["Names hidden", "Names hidden"]
    session.set_blind(True)
    assert panel.table.rowCount() == 0
    assert "blind read" in panel.why.text()
    assert "4B" not in panel.why.text()
    session.set_blind(False)
    assert panel.table.rowCount() == 2


def chosen(panel) -> str:
    return panel.chosen.identity.patient_id if panel.chosen is not None else ""


def test_the_selected_study_stays_selected_when_another_comes_before_it(panel, qtbot) -> None:
    panel.table.setCurrentCell(0, 0)
    assert chosen(panel) == "P2"
    panel.other.set_priority(panel.other.study("1.2.827.3").id, "STAT", "Bo")
    panel.refresh()
    qtbot.waitUntil(lambda: column(panel, LUNG_RADS) == ["2", "4B"], timeout=PATIENCE_MS)
    assert (chosen(panel), panel.table.currentRow()) == ("P2", 1)
    panel.done_button.click()
    assert panel.other.study("1.2.827.0").is_read
    qtbot.waitUntil(lambda: panel.table.rowCount() == 1 and not panel.running, timeout=PATIENCE_MS)
    assert chosen(panel) == "", "the next patient's study is not selected in its place"
    panel.done_button.click()
    assert not panel.other.study("1.2.827.3").is_read


def test_the_study_on_the_screen_is_the_one_that_is_marked(panel, qtbot) -> None:
    open_first(panel, qtbot)
    scans = session_of(panel._viewer).open_scans
    first = scans.current
    panel.next_button.click()
    qtbot.waitUntil(lambda: scans.current is not first and not panel.running, timeout=PATIENCE_MS)
    assert chosen(panel) == "P1"
    scans.show(first)
    assert chosen(panel) == "P2"
    scans.show(scans.scans[1])
    panel.done_button.click()
    assert [panel.other.study(uid).is_read for uid in ("1.2.827.0", "1.2.827.3")] == [False, True]


def test_a_report_of_another_scan_than_that_on_the_screen_is_said_to_be_of_it(panel, qtbot) -> None:
    open_first(panel, qtbot)
    session = session_of(panel._viewer)
    first = session.open_scans.current
    panel.next_button.click()
    qtbot.waitUntil(lambda: session.open_scans.current is not first and not panel.running, timeout=PATIENCE_MS)
    session.reported.emit(first, "html")
    assert "another study than that on the screen" in panel.status.text()
    assert [panel.other.study(uid).is_read for uid in ("1.2.827.0", "1.2.827.3")] == [True, False]


def test_a_report_of_a_study_that_somebody_else_has_by_now_marks_nothing_and_says_so(panel, qtbot) -> None:
    open_first(panel, qtbot)
    session = session_of(panel._viewer)
    panel.other.release(panel.other.study("1.2.827.0").id, "Ada")
    panel.other.claim("1.2.827.0", "Bo")
    session.reported.emit(session.open_scans.current, "html")
    assert "NOT marked as read" in panel.status.text()
    assert "Bo has this study open" in panel.status.text()
    assert (panel.other.study("1.2.827.0").holder, panel.other.study("1.2.827.0").is_read) == ("Bo", False)


def test_in_the_workstation_a_study_that_is_opened_is_read(
    make_napari_viewer: Callable, qtbot, detector, waiting: Worklist
) -> None:
    layout = arrange(make_napari_viewer(show=False))
    layout.show()
    layout.rail.worklist.click()
    panel = layout.side.parts["worklist"]
    qtbot.waitUntil(lambda: panel.table.rowCount() == 2 and not panel.running, timeout=PATIENCE_MS)
    open_first(panel, qtbot)
    assert layout.side.page == READING, "the steps of reading are there, with the scan"
    listed = layout.browser
    both = {"20260105", "20250105"}
    qtbot.waitUntil(lambda: {one.identity.study_date for one in listed.series} == both, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: len(layout.rail.buttons) == 2, timeout=PATIENCE_MS)
    panels = [one for one in layout._window.findChildren(BrowserPanel) if one is not listed]
    assert panels == [], "the browser of the workstation is the only one"
