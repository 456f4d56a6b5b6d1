"""The workstation: what is where in the window, what follows the work, and what is remembered. On real widgets."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dicom_factory as factory
import pytest
from fake_scan import make_volume
from napari.utils.notifications import Notification, notification_manager
from plugin_scan import NODULES
from qtpy.QtCore import QRect, Qt
from qtpy.QtGui import QFont, QFontMetrics
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QStyle,
    QStyleOptionComboBox,
    QTabBar,
    QTableView,
    QWidget,
)

from napari_lesion.model.assessed import Patient, SourcedValue
from napari_lesion.model.volume import SeriesIdentity, Volume
from napari_lesion.plugin.annotate.annotator import annotator
from napari_lesion.plugin.findings.crops import PX
from napari_lesion.plugin.findings.outlines import outlines
from napari_lesion.plugin.layout import rail
from napari_lesion.plugin.layout.rail import Entry, groups
from napari_lesion.plugin.layout.side_panel import PACS, SOURCES, WORKLIST
from napari_lesion.plugin.layout.steps import COMPARE, FIND, JUDGE, REPORT, STEPS
from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.session import ANNOTATION, MODES, READING, SECOND_READER
from napari_lesion.plugin.settings import setting
from napari_lesion.plugin.texts import use_language
from napari_lesion.plugin.viewer import layers
from napari_lesion.plugin.viewer import layout as workstation_layout
from napari_lesion.plugin.viewer.actions import actions
from napari_lesion.plugin.viewer.browser_panel import RECENT
from napari_lesion.plugin.widgets.messages import show_info, show_warning
from napari_lesion.review import edits

PATIENCE_MS = 120_000
SHARE = 0.70
"""Of the window's width that the picture has at least, at 1600 pixels."""


@pytest.fixture
def layout(make_napari_viewer, detector) -> Iterator[workstation_layout.Layout]:
    """A workstation on the screen, without a scan."""
    viewer = make_napari_viewer(show=False)
    made = workstation_layout.arrange(viewer)
    made.show()
    yield made
    search = made.side.steps.parts.get("search")
    if search is not None:
        QApplication.processEvents()
        _wait(lambda: not search._devices_task.running)


def _wait(until, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it took too long"
        QApplication.processEvents()
        time.sleep(0.005)


def open_scan(layout: workstation_layout.Layout, scan: Volume) -> None:
    data, attributes, _ = layers.scan_layer(scan)
    layout._viewer.add_image(data, **attributes)
    QApplication.processEvents()


def resize(layout: workstation_layout.Layout, width: int, height: int) -> None:
    layout._window.setWindowState(Qt.WindowState.WindowNoState)
    layout._window.resize(width, height)
    _wait(lambda: (layout._window.width(), layout._window.height()) == (width, height), 5)
    settle()


def settle() -> None:
    """Let Qt lay out what has changed."""
    for _ in range(10):
        QApplication.processEvents()
        time.sleep(0.005)


def share(layout: workstation_layout.Layout) -> float:
    """Share of the window's width that the picture has."""
    return layout._views.panes[0].canvas.width() / layout._window.width()


def add_findings(layout: workstation_layout.Layout) -> None:
    session = layout._session
    for place, diameter in NODULES:
        session.change(lambda review, by, at=place, d=diameter: edits.add(review, at, d, by, session.volume))


def describe_patient(layout: workstation_layout.Layout) -> None:
    """Say of the patient what most headers say: each value has its source beside it."""
    age, sex = SourcedValue[float](value=77.0, source="DICOM"), SourcedValue(value="female", source="DICOM")
    patient = Patient.model_validate({"age_years": age.model_dump(), "sex": sex.model_dump()})
    layout._session.change(lambda review, by: edits.describe(review, patient, by))


def every_page(layout: workstation_layout.Layout) -> Iterator[str]:
    """Turn to all steps, to where scans come from, and to all modes, one after the other."""
    for step in STEPS:
        layout.side.steps.go_to(step)
        yield step
    for page in (*SOURCES, *MODES[1:]):
        layout.side.enter(page)
        yield page
        layout.side.leave()


def clipped(side: QWidget) -> list[str]:
    """Words of buttons and tabs that have less room than they need, or lie beyond the panel."""
    cut = []
    for button in side.findChildren(QAbstractButton):
        if not button.isVisible() or not button.text():
            continue
        lines = button.text().replace("&", "").splitlines()
        needs = max(map(button.fontMetrics().horizontalAdvance, lines))
        if isinstance(button, QCheckBox):
            needs += button.sizeHint().width() - button.fontMetrics().horizontalAdvance(lines[0])  # the box beside it
        left = button.mapTo(side, button.rect().topLeft()).x()
        if button.width() < needs or left < 0 or left + button.width() > side.width():
            cut.append(f"{button.text()} ({button.width()} of {needs} px, at {left})")
    for box in side.findChildren(QAbstractSpinBox):
        line = box.lineEdit()
        if box.isVisible() and line.fontMetrics().horizontalAdvance(line.text()) > line.width():
            cut.append(line.text())
    for bar in side.findChildren(QTabBar):
        for tab in range(bar.count()) if bar.isVisible() else ():
            if bar.tabRect(tab).width() < bar.fontMetrics().horizontalAdvance(bar.tabText(tab)):
                cut.append(bar.tabText(tab))
    for box in side.findChildren(QComboBox):
        option = QStyleOptionComboBox()
        box.initStyleOption(option)
        field = QStyle.SubControl.SC_ComboBoxEditField
        room_ = box.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, box).width()
        if box.isVisible() and box.fontMetrics().horizontalAdvance(box.currentText()) > room_ + 2:
            cut.append(f"{box.currentText()} ({room_} px)")
    for label in side.findChildren(QLabel):
        frame = next((one for one in parents(label) if isinstance(one, QAbstractScrollArea)), None)
        if not label.isVisible() or not label.text() or frame is None or label.wordWrap():
            continue
        right = label.mapTo(frame.viewport(), label.rect().topLeft()).x()
        right += min(label.width(), label.sizeHint().width())
        if right > frame.viewport().width():
            cut.append(f"{label.text()} ({right} of {frame.viewport().width()} px)")
    return cut


def rows_in_sight(table: QTableView) -> float:
    """How many rows of a table its window has room for."""
    return table.viewport().height() / table.verticalHeader().defaultSectionSize()


def parents(widget: QWidget) -> Iterator[QWidget]:
    while (widget := widget.parentWidget()) is not None:
        yield widget


# -- room for the picture ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word",
    ["VORUNTERSUCHUNG", "PRIOR", "LungFCP-01-0001", "1.3.6.1.4.1.9328.50.1.0117", "c3ab8ff13720e8ad9047dd39466b3c89"],
)
def test_headings_of_the_rail_have_room(qapp, word) -> None:
    title = f"{word}\n2024-03-12"
    shown = rail.breakable(title)
    assert shown.replace(rail._BREAK, "") == title
    font = QFont(QLabel().font())
    font.setPixelSize(rail._size_for(title, font))
    font.setBold(True)
    room = rail.WIDTH - 4 * rail._MARGIN
    needs = QFontMetrics(font).boundingRect(QRect(0, 0, room, 1000), Qt.TextFlag.TextWordWrap, shown)
    assert needs.width() <= room


@pytest.mark.parametrize(("language", "size"), [("en", (1600, 1000)), ("zh", (1366, 768)), ("de", (1366, 768))])
def test_the_picture_has_most_of_the_window_and_no_word_is_cut_off(make_napari_viewer, detector, scan, language, size):
    use_language(language)
    try:
        layout = workstation_layout.arrange(make_napari_viewer(show=False))
        layout.show()
        open_scan(layout, scan)
        add_findings(layout)
        describe_patient(layout)
        resize(layout, *size)
        for page in every_page(layout):
            settle()
            assert (layout._window.width(), layout._window.height()) == size, f"{page} has no room"
            assert clipped(layout.side) + clipped(layout.rail) == [], page
            if page == REPORT:
                written = layout.side.steps.parts["exports"].buttons.values()
                assert all(button.visibleRegion().boundingRect() == button.rect() for button in written)
            elif page == JUDGE:
                table = layout.side.steps.parts["findings"].table
                assert table.columnWidth(0) - PX > table.fontMetrics().horizontalAdvance("F201")
                card = layout.side.steps.parts["card"]
                assert card.height() >= 160, "the card can be read"
                assert rows_in_sight(table) >= 6
            least = layout._window.minimumSizeHint()
            assert least.height() <= 768 - 30, f"{page}: a title bar needs room, too"
            if size[0] == 1600:
                assert share(layout) >= SHARE, page
        layout._views.show_all()
        settle()
        assert layout._views._grid.width() / size[0] >= (SHARE if size[0] == 1600 else 0.64)
        search = layout.side.steps.parts["search"]
        _wait(lambda: not search._devices_task.running)
    finally:
        use_language("en")


def test_worklist_and_archive_are_pages_beside_the_picture(layout, scan, qtbot) -> None:
    side, rail_ = layout.side, layout.rail
    open_scan(layout, scan)
    side.steps.go_to(JUDGE)
    for page, button, other in ((WORKLIST, rail_.worklist, rail_.pacs), (PACS, rail_.pacs, rail_.worklist)):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert (side.page, side.mode) == (page, READING)
        assert side.parts[page].isVisible()
        assert not side.steps.isVisible()
        assert button.isChecked()
        assert not other.isChecked()
        assert button.toolTip()
    qtbot.mouseClick(rail_.pacs, Qt.MouseButton.LeftButton)
    assert side.page == READING
    assert not rail_.pacs.isChecked()
    assert side.steps.parts["card"].isVisible(), "reading goes on where it was"
    side.enter(ANNOTATION)
    qtbot.mouseClick(rail_.worklist, Qt.MouseButton.LeftButton)
    assert side.mode == READING, "no tool of annotation stays in hand"
    qtbot.mouseClick(side.leave_button, Qt.MouseButton.LeftButton)
    assert side.page == READING
    assert not rail_.worklist.isChecked()


def test_without_a_window_manager_the_window_fills_the_screen(layout) -> None:
    available = layout._window.screen().availableGeometry()
    _wait(lambda: layout._window.size() == available.size(), 5)


@pytest.mark.skipif(shutil.which("openbox") is None, reason="needs the window manager openbox")
def test_under_a_window_manager_the_window_is_maximised(make_napari_viewer, detector) -> None:
    manager = subprocess.Popen(["openbox"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        layout = workstation_layout.arrange(make_napari_viewer(show=False))
        layout.show()
        available = layout._window.screen().availableGeometry()
        _wait(lambda: layout._window.isMaximized(), 5)
        _wait(lambda: layout._window.frameGeometry().width() >= available.width() - 2, 5)
    finally:
        manager.terminate()
        manager.wait()


def test_the_picture_is_fitted_again_when_the_window_changes_size(layout, scan) -> None:
    resize(layout, 1000, 700)
    open_scan(layout, scan)
    QApplication.processEvents()
    camera = layout._viewer.scene.camera
    small = camera.zoom
    resize(layout, 1500, 1000)
    assert camera.zoom > 1.2 * small
    fitted = camera.zoom
    layout._views.cameras.fit()
    assert camera.zoom == pytest.approx(fitted)


def test_a_place_that_was_zoomed_to_stays_when_the_window_changes_size(layout, scan) -> None:
    resize(layout, 1000, 700)
    open_scan(layout, scan)
    camera, canvas = layout._viewer.scene.camera, layout._views.panes[0].canvas
    camera.zoom *= 3
    camera.center = (0.0, 10.0, 20.0)
    seen = min(canvas.width(), canvas.height()) / camera.zoom
    resize(layout, 1500, 1000)
    assert camera.center[-2:] == (10.0, 20.0)
    assert min(canvas.width(), canvas.height()) / camera.zoom == pytest.approx(seen, rel=0.01)


def test_buttons_above_the_views_that_have_no_room_are_in_a_menu(layout, scan) -> None:
    open_scan(layout, scan)
    bar = layout._views.bar
    bar.setMaximumWidth(220)
    _wait(lambda: bar.width() <= 220 and bar.more.isVisible(), 5)
    hidden = [switch.text for button, switch in bar._buttons if button.isHidden()]
    assert "Whole scan" in hidden
    bar._list_hidden()
    assert [action.text() for action in bar.menu.actions()] == hidden
    shown = [button for button, _ in bar._buttons if button.isVisible()]
    assert shown
    assert all(button.geometry().right() <= bar.width() for button in shown)


# -- the rail ---------------------------------------------------------------------------------------------------------


def test_a_folder_from_the_command_line_is_on_the_rail_and_among_recent_ones(layout, qtbot, tmp_path: Path) -> None:
    factory.write_phantom(tmp_path / "scan")
    layout.open(tmp_path)
    qtbot.waitUntil(lambda: layout._session.volume is not None, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: len(layout.rail.buttons) == 1, timeout=PATIENCE_MS)
    button, entry = layout.rail.buttons[0]
    assert entry.is_open
    assert button.isChecked()
    assert "●" in button.text()
    assert setting(RECENT, []) == [str(tmp_path)]
    qtbot.waitUntil(lambda: not button.icon().isNull(), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: layout._session.volume.complete, timeout=PATIENCE_MS)
    button.click()
    assert layout.rail.buttons[0][0].isChecked(), "a click on the scan on the screen does not unmark it"


def test_a_click_turns_to_an_open_scan_and_marks_it(layout, scan, qtbot) -> None:
    open_scan(layout, scan)
    other = make_volume(nodules=NODULES[:1], series_uid="1.2.99")
    open_scan(layout, other)
    qtbot.waitUntil(lambda: len(layout.rail.buttons) == 2, timeout=5000)
    assert [button.isChecked() for button, entry in layout.rail.buttons if entry.scan.volume is other] == [True]
    first = next(button for button, entry in layout.rail.buttons if entry.scan.volume is scan)
    qtbot.mouseClick(first, Qt.MouseButton.LeftButton)
    assert layout._session.volume is scan
    assert [entry.scan.volume is scan for button, entry in layout.rail.buttons if button.isChecked()] == [True]


def _entry(scan: Volume, patient: str, study: str, date: str, opened: bool = False) -> Entry:
    identity = SeriesIdentity(
        series_uid=f"{patient}{study}", study_uid=study, patient_id=patient, study_date=date, patient_name=patient
    )
    held = OpenScan("key", None, replace(scan, series=identity), None) if opened else None  # type: ignore[arg-type]
    return Entry(identity, 10, None, held)


def test_the_rail_has_the_patient_and_the_priors_by_date_and_of_others_what_is_open(scan) -> None:
    now = _entry(scan, "Doe", "3", "20240601", opened=True)
    all_ = (
        _entry(scan, "Doe", "1", "20220101"),
        _entry(scan, "Roe", "8", "20230101"),
        _entry(scan, "Doe", "2", "20230101"),
        _entry(scan, "Poe", "9", "20210101", opened=True),
        _entry(scan, "Doe", "4", "20240901"),
        now,
    )
    titles = [group.title for group in groups(all_, now.scan, names=True)]
    assert titles == [
        "2024-06-01",
        "LATER\n2024-09-01",
        "PRIOR\n2023-01-01",
        "PRIOR\n2022-01-01",
        "Poe\n2021-01-01",
    ]
    hidden = [group.title for group in groups(all_, now.scan, names=False)]
    assert not any("Poe" in title or "20" in title for title in hidden), "hidden names stay hidden"
    assert len(groups(all_, None, names=True)) == 6, "nobody is chosen yet: everything is there"


def test_the_table_of_all_series_is_one_click_away(layout, qtbot) -> None:
    qtbot.mouseClick(layout.rail.browse, Qt.MouseButton.LeftButton)
    assert layout.browser.isVisible()
    layout.browser_dialog.hide()
    next(action for action in actions() if action.id == "open.browser").run(layout._session)
    assert layout.browser.isVisible()
    layout.browser_dialog.hide()


# -- the steps --------------------------------------------------------------------------------------------------------


def test_the_panel_follows_the_work(layout, scan, qtbot) -> None:
    steps = layout.side.steps
    open_scan(layout, scan)
    qtbot.waitUntil(lambda: steps.step == FIND, timeout=PATIENCE_MS)
    assert not steps.patient.isVisible()
    steps.parts["search"].run()
    qtbot.waitUntil(lambda: steps.step == JUDGE, timeout=PATIENCE_MS)
    assert steps.parts["findings"].table.isVisible()
    assert steps.parts["card"].isVisible()
    assert steps.parts["card"].mapTo(steps, steps.parts["card"].pos()).y() >= steps.parts["findings"].height() / 2
    assert steps.patient.isVisible()
    qtbot.mouseClick(steps.buttons[COMPARE], Qt.MouseButton.LeftButton)
    assert steps.parts["follow_up"].isVisible()
    qtbot.mouseClick(steps.buttons[REPORT], Qt.MouseButton.LeftButton)
    assert steps.parts["exports"].isVisible()
    assert not steps.parts["follow_up"].isVisible()
    assert "<b>2</b>" in steps.parts["summary"].text.text(), "the third has a lower score than the threshold"


def test_the_key_of_the_card_leads_to_it(layout, scan) -> None:
    open_scan(layout, scan)
    add_findings(layout)
    layout.side.steps.go_to(REPORT)
    _press(layout, "findings.card")
    assert layout.side.steps.parts["card"].isVisible()
    assert not any("Finding" in name for name in layout._viewer.window.dock_widgets)


def test_each_scan_has_its_own_step(layout, scan) -> None:
    steps = layout.side.steps
    open_scan(layout, scan)
    steps.go_to(FIND)
    add_findings(layout)
    steps.go_to(REPORT)
    first = layout._session.open_scans.current
    open_scan(layout, make_volume(series_uid="1.2.99"))
    assert steps.step == FIND
    layout._session.open_scans.show(first)
    assert steps.step == REPORT


def test_what_the_guidelines_ask_of_the_patient_is_said_at_the_top(layout, scan) -> None:
    open_scan(layout, scan)
    layout.side.steps.go_to(JUDGE)
    line = layout.side.steps.patient
    assert line.text().startswith("⚠"), "something is not known"
    form = line.form.form
    for name, value in (("age_years", 64.0), ("smoking", "former"), ("context", "screening")):
        form.given.emit(name, value)
    assert line.button.text() == "64 years · former smoker · screening"


# -- the modes --------------------------------------------------------------------------------------------------------


def _press(layout: workstation_layout.Layout, id_: str) -> None:
    """Press the key of an action on the picture."""
    from napari_lesion.plugin.viewer.actions import _bound_to

    _bound_to(next(action for action in actions() if action.id == id_), layout._session)(None)


def test_keys_of_a_mode_do_nothing_until_it_is_entered(layout, scan) -> None:
    open_scan(layout, scan)
    _press(layout, "annotation.brush")
    assert annotator(layout._session).tool == ""
    assert "Annotate" in layout.line.messages[0]
    layout.side.enter(ANNOTATION)
    _press(layout, "annotation.brush")
    assert annotator(layout._session).tool == "brush"
    docks = layout._viewer.window.dock_widgets
    assert not any("Annotate" in name for name in docks), "the panel is in its place, and nowhere else"


def test_entering_and_leaving_a_mode_puts_every_tool_down(layout, scan) -> None:
    open_scan(layout, scan)
    add_findings(layout)
    session = layout._session
    layout.side.steps.go_to(JUDGE)
    session.select(session.review.findings[0].id)
    outlines(session).use("paint")
    assert outlines(session).tool == "paint"
    layout.side.entries[ANNOTATION].click()
    assert outlines(session).tool == ""
    assert layout.side.banner.isVisible()
    assert not layout.side.steps.isVisible()
    annotator(session).use("brush")
    layout.side.leave_button.click()
    assert annotator(session).tool == ""
    assert session.mode == READING
    assert layout.side.steps.isVisible()
    assert not layout.side.banner.isVisible()


def test_leaving_the_second_reader_pauses_and_hides_nothing_less(layout, scan) -> None:
    open_scan(layout, scan)
    add_findings(layout)
    layout.side.enter(SECOND_READER)
    panel = layout.side.parts[SECOND_READER]
    panel._reading_session.start()
    assert layout._session.blind
    layout.side.leave()
    assert not panel._reading_session.running
    assert layout._session.blind, "what was found stays hidden in a blind read that pauses"
    _wait(lambda: not panel._reading_session.searching)


# -- what is napari's -------------------------------------------------------------------------------------------------


def test_what_is_naparis_own_is_behind_one_switch_that_is_remembered(layout, scan) -> None:
    open_scan(layout, scan)
    own = layout._viewer.window._qt_viewer
    docks = own.dockLayerList, own.dockLayerControls, layout._window.statusBar()
    assert not any(dock.isVisible() for dock in docks)
    assert not own.show_welcome_screen
    layout.advanced_button.click()
    assert all(dock.isVisible() for dock in docks)
    assert setting("layout/advanced", False) is True
    layout.advanced_button.click()
    assert not any(dock.isVisible() for dock in docks)
    assert setting("layout/advanced", True) is False


def test_messages_are_on_a_line_below_the_picture(layout, scan) -> None:
    from napari._qt.dialogs.qt_notification import NapariQtNotification

    open_scan(layout, scan)
    layout._window.activateWindow()
    settle()
    before = layout._views.panes[0].canvas.size()
    show_info("first")
    show_warning("a warning that is " + "very " * 80 + "long")
    notification_manager.dispatch(Notification("a hint of napari's", "INFO"))
    QApplication.processEvents()
    assert layout.line.messages[1] == "first"
    assert layout.line.messages[0].startswith("a warning"), "what matters most is in front"
    assert len(layout.line.messages) == 2, "napari's hints are not shown"
    assert layout.line.text.text().startswith("⚠ a warning")
    assert layout.line.text.text().endswith("…")
    assert layout.line.text.toolTip().endswith("long")
    assert layout._window.findChildren(NapariQtNotification) == []
    assert layout._views.panes[0].canvas.size() == before, "the picture keeps its size"
    below = layout.line.mapTo(layout._window, layout.line.rect().topLeft()).y()
    grid = layout._views._grid
    assert below >= grid.mapTo(layout._window, grid.rect().bottomLeft()).y()
    for _, timer in layout.line._messages:
        assert timer.isActive(), "it goes by itself"
        assert timer.interval() <= 60_000
    layout.line.shut.click()
    assert layout.line.messages == ("first",)


# -- what is remembered -----------------------------------------------------------------------------------------------


def test_the_layout_is_as_it_was_left(make_napari_viewer, detector) -> None:
    layout = workstation_layout.arrange(make_napari_viewer(show=False))
    layout.show()
    resize(layout, 1300, 800)
    layout._window.move(60, 40)
    layout._window.resizeDocks([layout.side_dock], [430], Qt.Orientation.Horizontal)
    settle()
    width = layout.side_dock.width()
    assert width > workstation_layout.SIDE_WIDTH
    layout.set_advanced(True)
    layout.remember()
    again = workstation_layout.arrange(make_napari_viewer(show=False))
    again.show()
    _wait(lambda: (again._window.width(), again._window.height()) == (1300, 800), 5)
    _wait(lambda: abs(again.side_dock.width() - width) <= 2, 5)
    assert again.advanced_button.isChecked()


def test_a_second_time_nothing_is_doubled(layout) -> None:
    docks = len(layout._viewer.window.dock_widgets)
    assert workstation_layout.arrange(layout._viewer) is layout
    assert len(layout._viewer.window.dock_widgets) == docks


def test_docks_are_named_in_the_language_of_the_user(make_napari_viewer, detector) -> None:
    use_language("de")
    try:
        layout = workstation_layout.arrange(make_napari_viewer())
    finally:
        use_language("en")
    assert {layout.rail_dock.windowTitle(), layout.side_dock.windowTitle()} == {"Vorschaubilder", "Schritte"}


def test_panels_of_plain_napari_are_named_in_the_language_of_the_user(make_napari_viewer, detector) -> None:
    viewer = make_napari_viewer()
    use_language("de")
    try:
        dock, _ = viewer.window.add_plugin_dock_widget(workstation_layout.PLUGIN, "Series browser")
        QApplication.processEvents()
    finally:
        use_language("en")
    assert dock.windowTitle() == dock.title.title.text() == "Serienbrowser"


def test_a_path_that_is_not_there_is_said_before_a_window_opens(monkeypatch) -> None:
    monkeypatch.setattr("sys.argv", ["napari-lesion-viewer", "/no/such/folder"])
    with pytest.raises(SystemExit, match="/no/such/folder does not exist"):
        workstation_layout.main()


def test_empty_tables_say_why_they_are_empty_and_what_to_do(layout, scan) -> None:
    steps = layout.side.steps
    open_scan(layout, scan)
    steps.go_to(JUDGE)
    table = steps.parts["findings"]
    assert "There are no findings yet" in table.nothing.text()
    add_findings(layout)
    assert table.nothing.text() == ""
    table.words.setText("nothing is called so")
    assert "No finding matches" in table.nothing.text()
    table.words.clear()
    assert table.nothing.text() == ""
    steps.go_to(COMPARE)
    settle()
    assert "No earlier scan of this patient" in steps.parts["follow_up"].changes.nothing.text()
