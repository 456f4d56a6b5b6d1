"""Take the pictures of the documentation: a real window, the sample data, the model that comes along.

    python scripts/screenshots.py            (on a machine without a display, Xvfb is started)

They go to docs/images, or to the folder that is given.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from math import dist
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
SIZE = (1366, 768)


def main() -> None:
    """Take all pictures."""
    parts: dict[str, Callable[[Path], None]] = {
        "workstation": workstation_,
        "steps": steps_,
        "browser": browser,
        "take": take,
        "four_views": four_views,
        "finding_card": finding_card,
        "second_reader": second_reader,
        "reading": reading,
        "measuring": measuring,
        "annotation": annotation,
        "follow_up": follow_up,
        "report": report,
        "archive_page": archive_page,
        "pacs": pacs,
        "worklist": worklist,
        "old_reports": old_reports,
        "deidentify": deidentify,
        "train": train,
    }
    parser = argparse.ArgumentParser(description="Take the pictures of the documentation.")
    parser.add_argument("images", type=Path, nargs="?", default=REPOSITORY / "docs" / "images", help="where they go")
    parser.add_argument("scan", type=Path, nargs="?", default=REPOSITORY / "sample_dicoms" / "baseline", help="a CT")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only some: {', '.join(parts)}")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(parts):
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose from {', '.join(parts)}")
    parts["take"] = partial(take, arguments.scan)
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        if shutil.which("xvfb-run") is None:
            sys.exit("There is no display and no xvfb-run; install the package xvfb.")
        command = ["xvfb-run", "-a", "-s", "-screen 0 1600x1200x24", sys.executable, *sys.argv]
        os.execvp(command[0], command)
    # Before napari reads its settings: the pictures must not depend on those of whoever takes them.
    scratch = Path(tempfile.mkdtemp())
    os.environ["NAPARI_CONFIG"] = str(scratch / "settings.yaml")
    os.environ.setdefault("QT_API", "pyside6")
    arguments.images.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or parts:
        # What an earlier part found, marked, read blind or set is not this one's.
        os.environ["NAPARI_LESION_STATE"] = str(scratch / f"state of {name}")
        os.environ["NAPARI_LESION_SETTINGS"] = str(scratch / f"settings of {name}.ini")
        parts[name](arguments.images)


def workstation_(images: Path) -> None:
    """Search and judge the later sample scan in the workstation: in English and in German, large and small."""
    import napari
    from qtpy.QtWidgets import QApplication

    from napari_lesion.plugin.texts import use_language
    from napari_lesion.plugin.viewer.layout import arrange

    for language, size, name in (("en", (1600, 1000), "workstation"), ("de", SIZE, "workstation-de")):
        os.environ["NAPARI_LESION_STATE"] = tempfile.mkdtemp()  # nobody has judged anything yet
        use_language(language)
        viewer = napari.Viewer(title="napari-lesion", show=False, show_welcome_screen=False)
        layout = arrange(viewer)
        layout.show()
        layout._window.showNormal()
        layout._window.resize(*size)
        _judge_followup(layout)
        save_picture(viewer, images, name)
        viewer.close()
        QApplication.processEvents()
    use_language("en")


def steps_(images: Path) -> None:
    """Read the later sample scan from the search to the report, with the earlier one as its prior."""
    import napari

    from napari_lesion.plugin.findings.review_keys import ACTIONS
    from napari_lesion.plugin.viewer.layout import arrange

    viewer = napari.Viewer(title="napari-lesion", show=False, show_welcome_screen=False)
    layout = arrange(viewer)
    layout.show()
    layout._window.showNormal()
    layout._window.resize(*SIZE)
    _open_followup(layout)
    session, steps = layout._session, layout.side.steps
    steps.go_to("find")
    save_picture(viewer, images, "step-find")

    _search(layout)
    keys = {action.key: action for action in ACTIONS}
    for key in "NANANDPP":
        keys[key].run(session)
        wait(seconds=0.3)
    wait(seconds=3)
    save_picture(viewer, images, "step-judge")

    steps.go_to("compare")
    panel = steps.parts["follow_up"]
    panel.run()
    table = panel.changes.table
    wait(lambda: table.rowCount() > 0, 1200)
    wait(seconds=2)
    grown = next(row for row, change in enumerate(panel.changes.changes) if change.fate == "grown")
    table.setCurrentCell(grown, 0)
    look_closer(viewer, 2)
    save_picture(viewer, images, "step-compare")

    steps.go_to("report")
    layout._views.reset()
    reports = Path(tempfile.mkdtemp()) / "report"
    exports = steps.parts["exports"]
    exports.write(reports, ("pdf", "sr", "seg"))
    wait(lambda: not exports.running, 300)
    wait(seconds=2)
    save_picture(viewer, images, "step-report")
    viewer.close()


def _open_followup(layout: Any) -> None:
    """Look through the sample scans, and open the later one."""
    session, steps, rail = layout._session, layout.side.steps, layout.rail
    layout.browser.look_through([REPOSITORY / "sample_dicoms"])
    wait(lambda: not layout.browser.searching, 60)
    layout.browser.open_series(max(layout.browser.series, key=lambda one: one.identity.study_date))
    wait(lambda: session.volume is not None and session.volume.complete and bool(steps.step), 60)
    wait(lambda: len(rail.buttons) == 2 and not any(button.icon().isNull() for button, _ in rail.buttons), 30)


def _judge_followup(layout: Any) -> None:
    """Open the later scan, search it, accept the first findings, and turn to one of them."""
    from napari_lesion.plugin.findings.review_keys import ACTIONS

    _open_followup(layout)
    _search(layout)
    keys = {action.key: action for action in ACTIONS}
    for key in "NANAND" + "PP":
        keys[key].run(layout._session)
        wait(seconds=0.3)
    wait(seconds=3)


def _search(layout: Any) -> None:
    """Search the scan that is open, and wait until all that is found has been measured."""
    session, steps = layout._session, layout.side.steps
    steps.go_to("find")
    form = steps.parts["search"]
    form.run()
    wait(lambda: session.review is not None and bool(session.review.findings), 600)
    wait(lambda: form.controls.cancel_button.isHidden() and steps.step == "judge", 60)
    shown = [finding.id for finding in steps._view.shown]
    wait(lambda: all(session.review.finding(one).measurement is not None for one in shown), 300)


def browser(images: Path) -> None:
    """Look through the sample scans and open the first."""
    viewer = new_viewer()
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Series browser")
    panel.look_through([REPOSITORY / "sample_dicoms"])
    wait(lambda: not panel.searching, 60)
    panel.open_current()
    panel.skipped.button.setChecked(True)
    close_notifications(viewer)
    wait(seconds=2)
    save_picture(viewer, images, "browser")
    viewer.close()


def take(scan: Path, images: Path) -> None:
    """Open a scan, search it, and take a picture at every step."""
    viewer = new_viewer()

    def picture(name: str) -> None:
        save_picture(viewer, images, name)

    viewer.open(scan, plugin="napari-lesion")
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Detect lesions")
    viewer.reset_view()
    close_notifications(viewer)

    panel.run()
    wait(panel.controls.cancel_button.isHidden, 1200)
    if panel.report is None or not panel.report.findings:
        sys.exit(f"Nothing to show: {panel.controls.status.text()}")
    viewer.reset_view()
    panel.findings.table.setFocus()
    panel.findings.jump(0)
    look_closer(viewer, 1.6)
    picture("findings")
    review(viewer, panel)
    picture("review")

    panel.findings.why.choose("heatmap", "grad-cam")
    panel.findings.why.explain_selected()
    wait(lambda: not panel.findings.why.running, 600)
    picture("why")
    panel.findings.why.clear(next(layer for layer in viewer.layers if type(layer).__name__ == "Image"))
    viewer.close()


def review(viewer: Any, panel: Any) -> None:
    """Review some findings, as a reader does by keys."""
    from napari_lesion.plugin.findings.review_keys import ACTIONS
    from napari_lesion.plugin.session.session import session_of
    from napari_lesion.review import edits

    session, keys = session_of(viewer), {action.key: action for action in ACTIONS}
    for key in "NANAND":
        keys[key].run(session)
    first = session.review.findings[0].id
    session.change(lambda review, by: edits.comment(review, first, "solid, compare with the last scan", by))
    panel.findings.table.setFocus()
    panel.findings.jump(0)
    close_notifications(viewer)


def four_views(images: Path) -> None:
    """Show the nodules that were put into the sample scan, as a reader's findings, in all views."""
    import csv

    from napari_lesion.plugin.findings.findings_view import findings_view
    from napari_lesion.plugin.session.session import session_of
    from napari_lesion.plugin.viewer.views.mpr import views
    from napari_lesion.review import edits

    viewer = new_viewer()
    viewer.open(REPOSITORY / "sample_dicoms" / "baseline", plugin="napari-lesion")
    session, shown = session_of(viewer), views(viewer)
    wait(lambda: session.volume is not None and session.volume.complete, 60)
    findings_view(session)
    volume = session.volume
    with (REPOSITORY / "sample_dicoms" / "truth.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["seriesuid"] == volume.series.series_uid]
    for row in rows:
        place = tuple(float(row[axis]) for axis in ("coordX", "coordY", "coordZ"))
        session.change(lambda review, by, at=place, d=float(row["diameter_mm"]): edits.add(review, at, d, by, volume))
    finding = session.review.findings[0]
    shown.show_all()
    wait(seconds=3)
    session.select(finding.id)
    session.go_to(finding.center_mm)
    close_notifications(viewer)
    save_picture(viewer, images, "views")
    viewer.close()


def finding_card(images: Path) -> None:
    """Show all that is known of the largest nodule of the sample scan."""
    import csv

    from napari_lesion.plugin.findings.findings_view import findings_view
    from napari_lesion.plugin.session.session import session_of
    from napari_lesion.review import edits

    viewer = new_viewer()
    viewer.open(REPOSITORY / "sample_dicoms" / "baseline", plugin="napari-lesion")
    session = session_of(viewer)
    wait(lambda: session.volume is not None and session.volume.complete, 60)
    viewer.window.add_plugin_dock_widget("napari-lesion", "Finding")
    volume = session.volume
    with (REPOSITORY / "sample_dicoms" / "truth.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["seriesuid"] == volume.series.series_uid]
    row = max(rows, key=lambda row: float(row["diameter_mm"]))
    place = tuple(float(row[axis]) for axis in ("coordX", "coordY", "coordZ"))
    session.change(lambda review, by: edits.add(review, place, float(row["diameter_mm"]), by, volume))
    view = findings_view(session)
    view.look_at(session.review.findings[0].id)
    wait(lambda: view.chosen.measurement is not None, 120)
    look_closer(viewer, 3)
    session.scan.contrast_limits = (-1350, 150)  # lungs
    close_notifications(viewer)
    save_picture(viewer, images, "finding-card")
    viewer.close()


def annotation(images: Path) -> None:
    """Go through the sample scans as cases, and annotate one."""
    import csv

    from napari_lesion.plugin.annotate.annotator import annotator
    from napari_lesion.plugin.session.session import session_of
    from napari_lesion.plugin.settings import store

    scratch = Path(tempfile.mkdtemp())
    store("annotation/folder", str(scratch / "annotations"))
    store("review/reader", "A")
    viewer = new_viewer()
    session = session_of(viewer)
    _, cases = viewer.window.add_plugin_dock_widget("napari-lesion", "Cases")
    cases._cases.look_through(REPOSITORY / "sample_dicoms")
    wait(lambda: cases.table.rowCount() > 0, 60)
    cases._cases.next()
    one = annotator(session)
    cases._cases.done_and_next()
    session.scan.contrast_limits = (-1350, 150)
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Annotate", tabify=True)
    with (REPOSITORY / "sample_dicoms" / "truth.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["seriesuid"] == session.volume.series.series_uid]
    places = [tuple(float(row[axis]) for axis in ("coordX", "coordY", "coordZ")) for row in rows]
    largest = max(range(len(rows)), key=lambda n: float(rows[n]["diameter_mm"]))
    for n, place in enumerate(places):
        if n != largest:
            one.add_point(place, float(rows[n]["diameter_mm"]))
    one.grow_at(places[largest])
    wait(lambda: not one.growing, 60)
    one.comment("spiculated")
    session.go_to(one.current.center_mm)
    look_closer(viewer, 3)
    close_notifications(viewer)
    panel.folder.setText("annotations")
    save_picture(viewer, images, "annotate")
    viewer.reset_view()
    viewer.scene.camera.zoom *= 1.2
    cases.folder.setText("studies")
    cases.parent().raise_()
    save_picture(viewer, images, "cases")
    viewer.close()


def follow_up(images: Path) -> None:
    """Compare the two sample scans; the nodules that were put into both are findings of a reader."""
    import csv

    from napari_lesion.dicom.index.series import find_series
    from napari_lesion.dicom.read.reader import read_series
    from napari_lesion.plugin.session.session import session_of
    from napari_lesion.review import edits
    from napari_lesion.review.journal import Journal, journal_path
    from napari_lesion.review.review import Provenance, Review, unsearched

    with (REPOSITORY / "sample_dicoms" / "truth.csv").open(newline="", encoding="utf-8") as file:
        truth = list(csv.DictReader(file))

    def marked(review: Review, by: Provenance, volume: Any) -> Review:
        for row in truth:
            if row["seriesuid"] == volume.series.series_uid:
                place = tuple(float(row[axis]) for axis in ("coordX", "coordY", "coordZ"))
                review = edits.add(review, place, float(row["diameter_mm"]), by, volume)
        return review

    by = Provenance("A", "2026-01-01T00:00:00+00:00")
    baseline = next(iter(find_series(REPOSITORY / "sample_dicoms" / "baseline")))
    before = read_series(baseline)
    journal = Journal(journal_path(before), before.series)
    journal.begin(marked(Review(unsearched(before)), by, before), by)
    journal.close()
    viewer = new_viewer()
    session = session_of(viewer)
    session.list_series([baseline])
    viewer.open(REPOSITORY / "sample_dicoms" / "followup", plugin="napari-lesion")
    wait(lambda: session.volume is not None and session.volume.complete, 60)
    session.change(lambda review, by: marked(review, by, session.volume))
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Follow-up")
    viewer.window._qt_viewer.dockLayerList.hide()
    viewer.window._qt_viewer.dockLayerControls.hide()
    panel.run()
    wait(lambda: panel.changes.table.rowCount() > 0, 1200)
    wait(seconds=2)
    panel.changes.table.setCurrentCell(0, 0)
    look_closer(viewer, 2)
    close_notifications(viewer)
    save_picture(viewer, images, "follow-up")
    panel.tabs.setCurrentIndex(1)
    wait(seconds=4)
    save_picture(viewer, images, "follow-up-timeline")
    panel.tabs.setCurrentIndex(2)
    roles = {0: ("target", False, False), 2: ("non-target", False, False), 3: ("target", False, False)}
    roles[4] = ("non-target", False, True)
    found = session.review.findings
    for number, role in roles.items():
        panel.response.mark(found[number].lesion_uid, role)
    save_picture(viewer, images, "follow-up-recist")
    viewer.close()


def reading(images: Path) -> None:
    """Read the sample scan with a slab, in four views."""
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest

    from napari_lesion.plugin.session.session import session_of

    viewer = new_viewer()
    viewer.open(REPOSITORY / "sample_dicoms" / "baseline", plugin="napari-lesion")
    session = session_of(viewer)
    wait(lambda: session.volume is not None and session.volume.complete, 60)
    viewer.window.add_plugin_dock_widget("napari-lesion", "Reading")
    canvas = viewer.window._qt_viewer.canvas.native
    for key in (Qt.Key.Key_V, Qt.Key.Key_1, Qt.Key.Key_T, Qt.Key.Key_BracketRight):
        QTest.keyClick(canvas, key)
        wait()
    viewer.window._qt_viewer._enter_canvas()  # there is no real mouse
    QTest.mouseMove(canvas, QPoint(canvas.width() // 3, canvas.height() // 2))
    close_notifications(viewer)
    save_picture(viewer, images, "reading")
    QTest.keyClick(canvas, Qt.Key.Key_V)
    viewer.close()


def measuring(images: Path) -> None:
    """Measure the largest nodule of the sample scan with the mouse, as a reader does."""
    import csv

    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QInputDialog

    from napari_lesion.plugin.session.session import session_of
    from napari_lesion.plugin.viewer.tools.measuring import measuring_tools
    from napari_lesion.plugin.viewer.views.mpr import views

    QInputDialog.getText = lambda *_, **__: ("nodule", True)
    viewer = new_viewer()
    viewer.open(REPOSITORY / "sample_dicoms" / "baseline", plugin="napari-lesion")
    session = session_of(viewer)
    wait(lambda: session.volume is not None and session.volume.complete, 60)
    with (REPOSITORY / "sample_dicoms" / "truth.csv").open(newline="", encoding="utf-8") as file:
        nodules = [row for row in csv.DictReader(file) if row["seriesuid"] == session.volume.series.series_uid]
    nodule = max(nodules, key=lambda row: float(row["diameter_mm"]))
    radius = float(nodule["diameter_mm"]) / 2
    session.go_to([float(nodule[axis]) for axis in ("coordX", "coordY", "coordZ")])
    pane, tools = views(viewer).panes[0], measuring_tools(session)
    views(viewer).crosshair.toggle()
    look_closer(viewer, 3)
    close_notifications(viewer)
    wait()
    zoom, middle = viewer.scene.camera.zoom, QPoint(pane.canvas.width() // 2, pane.canvas.height() // 2)

    def at(right_mm: float, down_mm: float) -> QPoint:
        return middle + QPoint(round(right_mm * zoom), round(down_mm * zoom))

    for tool, places in (
        ("ruler", ((-radius, -radius - 2), (radius, -radius - 2))),
        ("ellipse", ((-radius * 0.6, -radius * 0.5), (radius * 0.6, radius * 0.5))),
        ("angle", ((-30, 5), (-45, 20), (-25, 25))),
        ("rectangle", ((-45, -28), (-25, -14))),
        ("arrow", ((radius * 0.8, radius * 0.8), (radius + 14, radius + 14))),
    ):
        tools.use(tool)
        for right, down in places:
            QTest.mouseClick(pane.canvas, Qt.MouseButton.LeftButton, pos=at(right, down))
            wait(seconds=0.1)
    tools.use(None)
    tools.choose("")
    save_picture(viewer, images, "measuring")
    views(viewer).crosshair.toggle()
    viewer.close()


def second_reader(images: Path) -> None:
    """Read the sample scan blind, reveal the findings, and decide on one; and the page of keys."""
    import csv

    from qtpy.QtWidgets import QMessageBox

    from napari_lesion.plugin.session.session import session_of
    from napari_lesion.plugin.settings import store
    from napari_lesion.plugin.viewer.help import HelpDialog, toggle_help

    QMessageBox.question = lambda *_: QMessageBox.StandardButton.Yes
    scratch = Path(tempfile.mkdtemp())
    store("reading/folder", str(scratch / "readings"))
    store("review/reader", "A")
    viewer = new_viewer()
    viewer.open(REPOSITORY / "sample_dicoms" / "baseline", plugin="napari-lesion")
    session = session_of(viewer)
    wait(lambda: session.volume is not None and session.volume.complete, 60)
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Second reader")
    panel.next_button.click()
    with (REPOSITORY / "sample_dicoms" / "truth.csv").open(newline="", encoding="utf-8") as file:
        nodules = [row for row in csv.DictReader(file) if row["seriesuid"] == session.volume.series.series_uid]
    for nodule, level in zip(nodules[2:4], (4, 2), strict=True):
        session.go_to([float(nodule[axis]) for axis in ("coordX", "coordY", "coordZ")])
        panel.rate_buttons[level - 1].click()
    wait(panel.progress.isHidden, 1200)
    panel.next_button.click()
    rows = range(panel.table.rowCount())
    undecided = [row for row in rows if panel.table.item(row, 4).text().startswith("?")]
    panel.table.setCurrentCell(undecided[0], 0)
    panel.rate_buttons[3].click()
    panel.table.setCurrentCell(undecided[1], 0)
    look_closer(viewer, 1.6)
    session.scan.contrast_limits = (-1350, 150)  # lungs
    close_notifications(viewer)
    panel.folder.setText("napari-lesion readings")
    save_picture(viewer, images, "second-reader")

    toggle_help(session)
    wait()
    viewer.window._qt_window.findChild(HelpDialog).grab().save(str(images / "keys.png"))
    make_small(images / "keys.png")
    viewer.close()


def report(images: Path) -> None:
    """Analyse both sample scans, the second against the first, and show the first pages of its PDF."""
    import subprocess

    from PIL import Image

    from napari_lesion.assessment.patient.clinical import load_clinical
    from napari_lesion.batch import analyse_folder
    from napari_lesion.dicom.index.series import find_series
    from napari_lesion.report.write import FILE_NAMES

    out = Path(tempfile.mkdtemp())
    clinical = out / "patients.csv"
    clinical.write_text(
        "patient_id,age_years,sex,smoking,pack_years,family_history,emphysema,prior_cancer,immunosuppression,context\n"
        "PHANTOM-0000,64,male,former,35,no,no,no,no,screening\n",
        encoding="utf-8",
    )
    scans = REPOSITORY / "sample_dicoms"
    analyse_folder([scans], out, reports=("pdf",), clinical=load_clinical(clinical), prior=scans)
    later = max(find_series(scans), key=lambda series: series.identity.study_date)
    if shutil.which("pdftoppm") is None:
        sys.exit("There is no pdftoppm; install the package poppler-utils.")
    subprocess.run(
        ["pdftoppm", "-png", "-r", "86", "-l", "3", str(out / later.key / FILE_NAMES["pdf"]), str(out / "page")],
        check=True,
    )
    pages = [Image.open(page) for page in sorted(out.glob("page-*.png"))]
    picture = Image.new("RGB", (sum(page.width + 8 for page in pages) - 8, pages[0].height), "#808080")
    for number, page in enumerate(pages):
        picture.paste(page, (number * (page.width + 8), 0))
    few = picture.quantize(128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)  # keeps rare colours
    few.save(images / "report.png", optimize=True)
    print(images / "report.png")


def archive_page(images: Path) -> None:
    """Analyse a sample scan and one with a gap, and show the page of the results in a browser."""
    import subprocess

    from napari_lesion.batch import analyse_folder

    browser_program = shutil.which("chromium") or shutil.which("google-chrome")
    if browser_program is None:
        sys.exit("There is no chromium; install the package.")
    scratch = Path(tempfile.mkdtemp())
    for name in ("baseline", "followup"):
        shutil.copytree(REPOSITORY / "sample_dicoms" / name, scratch / "scans" / name)
    for file in sorted((scratch / "scans" / "followup").glob("*.dcm"))[20:24]:
        file.unlink()
    out = scratch / "results"
    analyse_folder([scratch / "scans"], out, reports=("html",), measure=False)
    command = [browser_program, "--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1600,420"]
    command += [f"--screenshot={images / 'archive-page.png'}", (out / "index.html").as_uri()]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    print(images / "archive-page.png")


def pacs(images: Path) -> None:
    """Let the listener analyse a study of an archive, and open its results there through the panel; needs Orthanc."""
    import subprocess
    import threading

    sys.path.insert(0, str(REPOSITORY / "tests" / "helpers"))
    import yaml
    from orthanc import running

    from napari_lesion.pacs.listener import Listener
    from napari_lesion.pacs.rules import Listening
    from napari_lesion.plugin.session.session import session_of

    scratch = Path(tempfile.mkdtemp())
    os.environ["XDG_DATA_HOME"] = str(scratch / "data")
    with running(scratch / "orthanc") as archive:
        nodes = archive.nodes()
        os.environ["NAPARI_LESION_PACS"] = str(scratch / "pacs.yaml")
        (scratch / "pacs.yaml").write_text(yaml.safe_dump(nodes.model_dump(mode="json")))
        for scan in ("baseline", "followup"):
            archive.put(sorted((REPOSITORY / "sample_dicoms" / scan).iterdir()))
        rule = {"name": "chest", "model": "nodule-3d", "send": {"orthanc": ["sr", "seg", "key-images"]}}
        settings = {"callers": ["CT1"], "folder": scratch / "service", "stable_s": 5, "free_gb": 0, "rules": [rule]}
        settings = Listening.model_validate({**settings, "port": archive.local.port})
        said: list[str] = []
        service = Listener(settings, nodes, said.append)
        thread = threading.Thread(target=service.run)
        thread.start()
        wait(lambda: any("listens" in line for line in said), 60)
        command = ["/usr/bin/storescu", "-xt", "-aet", "CT1", "-aec", "LESION", "127.0.0.1", str(archive.local.port)]
        subprocess.run([*command, "+sd", str(REPOSITORY / "sample_dicoms" / "followup")], check=True)
        wait(lambda: any("results are in orthanc" in line for line in said), 1800)
        service.stop()
        thread.join()
        print("\n".join(said))
        viewer = new_viewer()
        _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "PACS")
        panel.fields["patient_id"].setText("PHANTOM*")
        panel.search_button.click()
        wait(lambda: panel.tree.topLevelItemCount() == 2 and not panel.running, 120)
        study = panel.tree.topLevelItem(0)
        study.setExpanded(True)
        wait(lambda: study.childCount() == 4 and not panel.running, 120)
        for modality in ("CT", "SR"):
            [row] = [study.child(n) for n in range(4) if study.child(n).series.modality == modality]
            panel.tree.setCurrentItem(row)
            panel.tree.itemDoubleClicked.emit(row, 0)
            wait(lambda: not panel.running, 300)
            wait(seconds=10)
        session = session_of(viewer)
        wait(lambda: session.review is not None, 60)
        part_solid = (-67.1, 44.3, -103.9)  # of truth.csv
        shown = min(session.review.findings, key=lambda one: dist(one.center_mm, part_solid))
        session.select(shown.id)
        session.go_to(shown.center_mm)
        close_notifications(viewer)
        wait(seconds=3)
        save_picture(viewer, images, "pacs")
        viewer.close()


def worklist(images: Path) -> None:
    """Analyse both sample scans, list them with others that are made of their findings, and open the first."""
    from napari_lesion.assessment.guidelines.apply import apply_guidelines
    from napari_lesion.assessment.patient.clinical import load_clinical
    from napari_lesion.batch import analyse_folder
    from napari_lesion.dicom.index.series import find_series
    from napari_lesion.plugin.settings import store
    from napari_lesion.plugin.worklist.worklist_panel import STATE
    from napari_lesion.report.json import load_report, save_report
    from napari_lesion.worklist.store import ENVIRONMENT, Worklist

    scratch = Path(tempfile.mkdtemp())
    os.environ[ENVIRONMENT] = str(scratch / "worklist.sqlite")
    store("review/reader", "Ada")
    clinical = scratch / "patients.csv"
    clinical.write_text(
        "patient_id,age_years,sex,smoking,pack_years,family_history,emphysema,prior_cancer,immunosuppression,context\n"
        "PHANTOM-0000,64,male,former,35,no,no,no,no,screening\n",
        encoding="utf-8",
    )
    scans, out, others = REPOSITORY / "sample_dicoms", scratch / "out", scratch / "others"
    analyse_folder([scans], out, clinical=load_clinical(clinical), prior=scans)
    later = max(find_series(scans), key=lambda series: series.identity.study_date)
    known = load_report(out / later.key / "findings.json")
    by_size = sorted(known.findings, key=lambda finding: finding.size_mm)
    for number, findings in enumerate(([], by_size[:1], by_size[:3], by_size[:2], by_size[:4], []), 1):
        uids = {"series_uid": f"2.25.{number}1", "study_uid": f"2.25.{number}"}
        names = {"patient_id": f"PHANTOM-000{number}", "patient_name": f"Phantom^Nr {number}"}
        series = known.series.model_copy(update=uids | names)
        changes = {"series_uid": uids["series_uid"], "series": series, "findings": tuple(findings), "comparisons": ()}
        (others / uids["series_uid"]).mkdir(parents=True)
        made = known.model_copy(update={**changes, "judgement": apply_guidelines(findings, known.patient)})
        save_report(made, others / uids["series_uid"] / "findings.json")
    listed = Worklist(scratch / "worklist.sqlite")
    for place in (out, others):
        listed.add(place)
    listed.refresh()
    first = min(find_series(scans), key=lambda series: series.identity.study_date)
    listed.done(first.identity.study_uid, "Bo", "sent")
    listed.claim("2.25.3", "Bo")
    listed.set_priority(listed.study("2.25.1").id, "HIGH", "Bo")
    viewer = new_viewer()
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Worklist")
    wait(lambda: panel.table.rowCount() > 5, 60)
    panel.open(listed.study(later.identity.study_uid).id)
    session = panel._session
    wait(lambda: session.volume is not None and session.volume.complete, 60)
    wait(lambda: any("open here" in panel.table.item(row, STATE).text() for row in range(panel.table.rowCount())), 60)
    wait(lambda: len(session.series) == 2, 60)
    for dock in (viewer.window._qt_viewer.dockLayerList, viewer.window._qt_viewer.dockLayerControls):
        dock.hide()
    panel.parent().raise_()
    session.scan.contrast_limits = (-1350, 150)
    changes = known.comparisons[0].changes
    grown = session.review.finding(next(one.finding_id for one in changes if one.fate == "grown"))
    session.select(grown.id)
    session.go_to(grown.center_mm)
    close_notifications(viewer)
    wait(seconds=2)
    save_picture(viewer, images, "worklist")
    viewer.close()


def deidentify(images: Path) -> None:
    """Preview what would become of a sample scan, and of two files that may be of two people."""
    import napari
    import pydicom

    from napari_lesion.plugin.layout.side_panel import DEIDENTIFY
    from napari_lesion.plugin.viewer.layout import arrange

    scratch = Path(tempfile.mkdtemp())
    os.environ["NAPARI_LESION_STATE"] = str(scratch / "state")
    study = scratch / "study"
    shutil.copytree(REPOSITORY / "sample_dicoms" / "baseline", study / "baseline")
    for number, path in enumerate(sorted((study / "baseline").glob("*.dcm"))[:2]):
        one = pydicom.dcmread(path)
        one.PatientID, one.PatientName, one.StudyInstanceUID = (
            "PHANTOM-0009",
            f"Phantom^Nr {number}",
            f"2.25.{number + 1}",
        )
        one.save_as(study / f"unclear-{number}.dcm")
    viewer = napari.Viewer(title="napari-lesion", show=False, show_welcome_screen=False)
    layout = arrange(viewer)
    layout.show()
    layout._window.showNormal()
    layout._window.resize(*SIZE)
    _open_followup(layout)
    layout.side.enter(DEIDENTIFY)
    panel = layout.side.parts[DEIDENTIFY]
    panel.source.line.setText(str(study))
    for name in ("retain_dates_shifted", "clean_descriptors"):
        panel.options.boxes[name].setChecked(True)
    panel.preview()
    wait(lambda: not panel.running, 600)
    panel.which.setCurrentIndex(2)
    wait(seconds=1)
    save_picture(viewer, images, "deidentify")
    viewer.close()


def train(images: Path) -> None:
    """Train two tiny networks on a made chest, and look at them side by side."""
    import napari

    sys.path.insert(0, str(REPOSITORY / "tests" / "helpers"))
    from training_scan import write_project

    from napari_lesion.plugin.train.train_panel import TrainPanel
    from napari_lesion.training.run_status import look_at, start

    scratch = Path(tempfile.mkdtemp())
    os.environ["NAPARI_LESION_STATE"] = str(scratch / "state")
    runs = []
    for rate in (0.001, 0.004):
        project = scratch / f"project-{rate}"
        project.mkdir()
        config = write_project(
            project, id="made-chest", steps=150, width=8, crop=48, batch_size=2, mine_every=0, checkpoint_every=25,
            optimiser={"learning_rate": rate, "warmup_steps": 10, "ema": 0.9},
            validation={"every": 25, "scans": 2},
        )  # fmt: skip
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace("held_out:", "validation:"), encoding="utf-8")
        runs.append(scratch / f"rate {rate}")
        start(config, runs[-1])
        wait(lambda: not look_at(runs[-1]).alive, 1200)
    viewer = napari.Viewer(title="napari-lesion", show=False, show_welcome_screen=False)
    viewer.window.resize(*SIZE)
    viewer.show()
    panel = TrainPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Train")
    for run in runs:
        panel.add_run(run)
    panel.list.item(1).setCheckState(panel.list.item(0).checkState().Checked)
    panel.tabs.setCurrentIndex(1)
    panel.look()
    wait(lambda: panel.curves._canvas is not None, 60)
    wait(seconds=2)
    panel.resize(640, 900)
    panel.grab().save(str(images / "train.png"))
    make_small(images / "train.png")
    viewer.close()


def old_reports(images: Path) -> None:
    """Read a made report beside the sample scan, and tick what is right."""
    from qtpy.QtCore import Qt

    from napari_lesion.dicom.index.series import find_series

    scan = min(find_series(REPOSITORY / "sample_dicoms"), key=lambda one: one.identity.study_date)
    text = (
        f"Patient ID: {scan.identity.patient_id}\nDate of exam: 2023-11-20\n"
        "Indication: former smoker, 35 pack-years.\n\n"
        "Findings: 8 x 6 mm part-solid nodule in the RUL (previously 6 mm), 2 mm solid component. "
        "Stable 4 mm calcified granuloma, left lower lobe. Mild emphysema. 1.2 cm hepatic cyst.\n\n"
        "Impression: Lung-RADS 4A. Follow-up CT in 3 months; PET/CT if it has grown.\n"
    )
    viewer = new_viewer()
    viewer.open(REPOSITORY / "sample_dicoms" / "baseline", plugin="napari-lesion")
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Old reports")
    viewer.reset_view()
    wait(lambda: panel.volume is not None, 60)
    panel.text.setPlainText(text)
    panel.read()
    for row, item in enumerate(panel.reading.items):
        if item.about in ("nodule 1", "advice") and not item.doubt:
            panel.table.item(row, 0).setCheckState(Qt.CheckState.Checked)
    close_notifications(viewer)
    wait(seconds=3)
    save_picture(viewer, images, "old-reports")
    viewer.close()


def new_viewer() -> Any:
    """Open a viewer of the size of all pictures."""
    import napari
    from qtpy.QtGui import QCursor

    viewer = napari.Viewer(show=True)
    viewer.window.resize(*SIZE)
    QCursor.setPos(SIZE[0] + 50, SIZE[1] + 50)  # the view under the mouse is the active one
    return viewer


def look_closer(viewer: Any, times: float) -> None:
    """Zoom in on the crosshair."""
    from napari_lesion.plugin.session.session import session_of
    from napari_lesion.plugin.viewer.view import centre_on

    session = session_of(viewer)
    centre_on(viewer, session.volume, session.position_mm)
    viewer.scene.camera.zoom *= times


def wait(until: Callable[[], bool] = lambda: False, seconds: float = 1.0) -> None:
    """Keep the window alive until something is true, or a time is over."""
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def save_picture(viewer: Any, images: Path, name: str) -> None:
    """Save what the window shows."""
    wait()
    viewer.window.screenshot(str(images / f"{name}.png"), canvas_only=False, flash=False)
    make_small(images / f"{name}.png")
    print(images / f"{name}.png")


def make_small(path: Path) -> None:
    """Save a picture of the screen with 256 colours: 128 greys, as a CT is made of, and the other ones that it has."""
    import numpy as np
    from PIL import Image

    pixels = np.asarray(Image.open(path).convert("RGB"))
    colored = pixels[np.ptp(pixels.astype(int), axis=2) > 2]
    others = Image.fromarray(colored[None]).quantize(120, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette = Image.new("P", (1, 1))
    greys = [value for grey in range(0, 256, 2) for value in (grey, grey, grey)]
    palette.putpalette([*greys, 255, 255, 255, *(others.getpalette() or [])[: 3 * 120]])
    Image.fromarray(pixels).quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)


def close_notifications(viewer: Any) -> None:
    """Take away messages that lie over the picture."""
    from napari._qt.dialogs.qt_notification import NapariQtNotification

    for notification in viewer.window._qt_window.findChildren(NapariQtNotification):
        notification.close()


if __name__ == "__main__":
    main()
