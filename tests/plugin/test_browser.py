"""The series browser: what is in a folder, with a mark for its geometry; a double click opens it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import dicom_factory as factory
import numpy as np
import pytest
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication

from napari_lesion.dicom.index.series import SeriesIndex, find_series, watch_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.plugin.settings import setting
from napari_lesion.plugin.viewer import browser_panel as browser
from napari_lesion.plugin.viewer.series_search import PICTURE
from napari_lesion.plugin.viewer.series_tree import SeriesRow
from napari_lesion.plugin.viewer.view import volume_of
from napari_lesion.support.progress import Progress

PATIENCE_MS = 30_000


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A whole series, one with a gap, and a file that is no image."""
    factory.write_phantom(tmp_path / "whole")
    factory.write(
        [ds for k, ds in enumerate(factory.ct_slices(factory.asymmetric_phantom("coronal"), "gap")) if k not in (5, 6)],
        tmp_path / "gap",
    )
    (tmp_path / "notes.txt").write_text("no image")
    return tmp_path


def rows(panel: browser.BrowserPanel) -> dict[str, tuple[str, str]]:
    """Mark and its reason, by the folder that the series is in."""
    return {
        item.series.frames[0].file.path.parent.name: (item.text(1), item.toolTip(1))
        for item in panel.tree.rows.values()
    }


def has_picture(item: SeriesRow) -> bool:
    """Whether the picture is more than its black place."""
    image = item.icon(0).pixmap(PICTURE, PICTURE).toImage()
    return len({image.pixel(x, PICTURE // 2) for x in range(PICTURE)}) > 3


def drop(panel: browser.BrowserPanel, paths: Sequence[Path]) -> None:
    """Drag files over the panel and let them go."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    place, how = panel.rect().center(), (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton)
    enter = QDragEnterEvent(place, *how, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(panel, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(panel, QDropEvent(QPointF(place), *how, Qt.KeyboardModifier.NoModifier))


def test_series_are_listed_marked_and_opened(make_napari_viewer, qtbot, archive: Path) -> None:
    viewer = make_napari_viewer(show=True)
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Series browser")
    panel.look_through([archive])
    qtbot.waitUntil(lambda: not panel.searching and len(panel.tree.rows) == 2, timeout=PATIENCE_MS)

    marks = rows(panel)
    assert marks["whole"][0].startswith("✓")
    assert marks["gap"][0].startswith("✗")
    assert "2 slices" in marks["gap"][1], "the reason is said where the mouse rests"
    assert setting(browser.RECENT, []) == [str(archive)]
    qtbot.waitUntil(lambda: all(map(has_picture, panel.tree.rows.values())), timeout=PATIENCE_MS)

    item = next(i for i in panel.tree.rows.values() if i.series.frames[0].file.path.parent.name == "whole")
    middle = panel.tree.visualItemRect(item).center()
    qtbot.mouseClick(panel.tree.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseDClick(panel.tree.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    qtbot.waitUntil(lambda: len(viewer.layers) == 1 and volume_of(viewer.layers[0]).complete, timeout=PATIENCE_MS)
    (series,) = find_series(archive / "whole")
    assert np.array_equal(volume_of(viewer.layers[0]).voxels, read_series(series).voxels)

    panel.tree.setCurrentItem(item)
    panel.open_current()
    assert len(viewer.layers) == 1, "what is open already is turned to, not opened twice"

    panel.filter.setText("no such series")
    assert all(item.isHidden() for item in panel.tree.rows.values())
    panel.close_search()


def test_a_zip_and_a_disc_are_dropped_and_a_search_is_stopped(
    make_napari_viewer, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = make_napari_viewer(show=True)
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Series browser")
    folder, disc = tmp_path / "folder", tmp_path / "disc"
    factory.write_phantom(folder / "axial")
    zipped = factory.write_zip(folder, tmp_path / "scans.zip")
    factory.write_dicomdir(factory.ct_slices(factory.asymmetric_phantom("coronal"), "disc"), disc)

    dropped = [zipped, disc / "DICOMDIR"]
    drop(panel, dropped)
    qtbot.waitUntil(lambda: not panel.searching and len(panel.tree.rows) == 2, timeout=PATIENCE_MS)
    assert [mark[:1] for mark, _ in rows(panel).values()] == ["✓", "✓"]
    assert setting(browser.RECENT, []) == [str(path) for path in dropped]
    panel.tree.setCurrentItem(next(row for key, row in panel.tree.rows.items() if key[0] == zipped))
    panel.open_current()
    qtbot.waitUntil(lambda: len(viewer.layers) == 1 and volume_of(viewer.layers[0]).complete, timeout=PATIENCE_MS)
    (series,) = find_series(folder)
    assert np.array_equal(volume_of(viewer.layers[0]).voxels, read_series(series).voxels), "the zip holds the same scan"

    # A folder whose files never end.
    whole = next(iter(watch_series(folder)))

    def endless(_path: Path, *, progress: Progress) -> Iterator[SeriesIndex]:
        for done in count():
            progress(done, 10**6, "files")
            yield replace(whole, complete=False)

    monkeypatch.setattr("napari_lesion.plugin.viewer.series_search.watch_series", endless)
    panel.look_through([folder])
    qtbot.waitUntil(lambda: len(panel.tree.rows) == 1, timeout=PATIENCE_MS)
    qtbot.mouseClick(panel.stop_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not panel.searching, timeout=PATIENCE_MS)
    assert "not all files were looked at" in panel.status.text()
    assert len(panel.tree.rows) == 1, "what was found stays"
    panel.close_search()


def test_what_could_not_be_looked_into_is_named_with_its_reason(make_napari_viewer, tmp_path: Path, qtbot) -> None:
    viewer = make_napari_viewer()
    panel = browser.BrowserPanel(viewer)
    qtbot.addWidget(panel)
    factory.write_phantom(tmp_path / "scan")
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "zoe").symlink_to(tmp_path / "gone", target_is_directory=True)
    panel.look_through([tmp_path])
    qtbot.waitUntil(lambda: not panel.searching, timeout=PATIENCE_MS)
    assert "could not be looked into (1)" in panel.status.text()
    assert panel.skipped.button.text() == "⚠ Not looked into (1), skipped files (1)"
    assert not panel.skipped.list.isHidden()
    first, second = panel.skipped.list.model().stringList()
    assert first.startswith("⚠ zoe: a link that leads nowhere")
    assert second.startswith("notes.txt: ")
    panel.close_search()


def test_an_empty_folder_names_no_list_that_is_not_there(make_napari_viewer, tmp_path: Path, qtbot) -> None:
    viewer = make_napari_viewer()
    panel = browser.BrowserPanel(viewer)
    qtbot.addWidget(panel)
    (tmp_path / "empty").mkdir()
    panel.look_through([tmp_path / "empty"])
    qtbot.waitUntil(lambda: not panel.searching, timeout=PATIENCE_MS)
    assert "list of skipped files" not in panel.status.text()
    assert not panel.skipped.button.isVisible()
    assert "no files" in panel.status.text()
