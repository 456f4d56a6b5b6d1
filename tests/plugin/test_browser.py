"""The series browser: what is in a folder, with a mark for its geometry; a double click opens it."""

from __future__ import annotations

from pathlib import Path

import dicom_factory as factory
import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_lesion.dicom.reader import read_series
from napari_lesion.dicom.series import find_series
from napari_lesion.plugin.panels import browser
from napari_lesion.plugin.series_search import PICTURE
from napari_lesion.plugin.settings import setting
from napari_lesion.plugin.view import volume_of

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
        item.series.frames[0].file.path.parent.name: (item.text(1), item.toolTip(1)) for item in panel._rows.values()
    }


def has_picture(item: browser._Row) -> bool:
    """Whether the picture is more than its black place."""
    image = item.icon(0).pixmap(PICTURE, PICTURE).toImage()
    return len({image.pixel(x, PICTURE // 2) for x in range(PICTURE)}) > 3


def test_series_are_listed_marked_and_opened(make_napari_viewer, qtbot, archive: Path) -> None:
    viewer = make_napari_viewer(show=True)
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Series browser")
    panel.look_through([archive])
    qtbot.waitUntil(lambda: not panel.searching and len(panel._rows) == 2, timeout=PATIENCE_MS)

    marks = rows(panel)
    assert marks["whole"][0].startswith("✓")
    assert marks["gap"][0].startswith("✗")
    assert "2 slices" in marks["gap"][1], "the reason is said where the mouse rests"
    assert setting(browser.RECENT, []) == [str(archive)]
    qtbot.waitUntil(lambda: all(map(has_picture, panel._rows.values())), timeout=PATIENCE_MS)

    item = next(i for i in panel._rows.values() if i.series.frames[0].file.path.parent.name == "whole")
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
    assert all(item.isHidden() for item in panel._rows.values())
    panel.close_search()
