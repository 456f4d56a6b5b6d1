"""Scans open as the reader last read one of their kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fake_scan import AXIAL, CORONAL, make_volume
from qtpy.QtCore import Qt

from napari_lesion.model.volume import Volume
from napari_lesion.plugin.session.open_scans import open_scans
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.settings import store
from napari_lesion.plugin.viewer import hanging
from napari_lesion.plugin.viewer.layers import scan_layer
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.tools.presets import PRESETS
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.tools.windows import preset_of
from napari_lesion.plugin.viewer.views.mpr import views


def thin(uid: str, **more: Any) -> Volume:
    """An axial chest CT with slices of 1 mm."""
    affine = AXIAL.copy()
    affine[2, 0] = 1.0
    return make_volume(affine, series_uid=uid, **more)


def add(viewer: Any, volume: Volume) -> Any:
    data, attributes, _ = scan_layer(volume)
    return viewer.add_image(data, **attributes)


def said(volume: Volume, **of_series: str) -> Volume:
    return replace(volume, series=volume.series.model_copy(update=of_series))


@pytest.mark.parametrize(
    ("volume", "kind"),
    [
        (thin("1.1"), "CT chest axial thin"),
        (make_volume(), "CT chest axial thick"),
        (make_volume(CORONAL), "CT chest coronal thick"),
        (make_volume(modality="MR", unit=""), "MR chest axial thick"),
        (said(make_volume(modality="MR", unit=""), series_description="T1", body_part="HEAD"), "MR head axial thick"),
        (said(make_volume(modality="MR", unit=""), series_description="T1"), "MR unknown part axial thick"),
        (said(thin("1.2"), series_description="", body_part="ABDOMEN"), "CT chest axial thin"),
        (make_volume(shape=(1, 100, 150)), "CT chest axial single"),
    ],
)
def test_the_kind_of_a_scan_is_told_by_what_is_known(qapp, volume: Volume, kind: str) -> None:
    from napari.components import ViewerModel

    assert hanging.kind_of(add(ViewerModel(), volume)) == kind


def test_a_scan_opens_as_the_last_one_of_its_kind_was_read(make_napari_viewer: Any, qtbot: Any) -> None:
    viewer = make_napari_viewer(show=True)
    scan_view(viewer)
    tools, shown = reading_tools(session_of(viewer)), views(viewer)

    def press(key: Qt.Key) -> None:
        qtbot.keyClick(viewer.window._qt_viewer.canvas.native, key)

    def window(layer: Any) -> str:
        preset = preset_of(layer)
        return preset.id if preset is not None else ""

    first = add(viewer, thin("1.1"))
    assert window(first) == "lung"
    press(Qt.Key.Key_2)
    press(Qt.Key.Key_V)
    assert shown.is_mpr
    qtbot.wait(50)

    # Another kind is as it asks itself; of the same kind, as that was read.
    thick = add(viewer, make_volume(series_uid="1.2"))
    assert window(thick) == "lung"
    press(Qt.Key.Key_V)
    assert not shown.is_mpr
    second = add(viewer, thin("1.3"))
    assert window(second) == "mediastinum"
    qtbot.waitUntil(lambda: shown.is_mpr)
    press(Qt.Key.Key_1)
    tools.reset()
    assert window(second) == "mediastinum", "as it was opened"
    other = add(viewer, make_volume(series_uid="1.4"))
    assert window(other) == "lung"
    qtbot.waitUntil(lambda: not shown.is_mpr)

    # A scan that comes back is as it was left, whatever was chosen since.
    open_scans(viewer).show(open_scans(viewer).of(first))
    assert window(first) == "mediastinum"

    # A dragged window, or one that fits a single slice, is no choice for others.
    open_scans(viewer).show(open_scans(viewer).of(second))
    tools.auto_window()
    assert window(add(viewer, thin("1.5"))) == "lung", "the last one that was chosen by its name"

    hanging.forget()
    assert window(add(viewer, thin("1.6"))) == "lung"
    store("hanging/window", "bone")
    assert window(add(viewer, thin("1.7"))) == "bone", "the default of new kinds"
    assert preset_of(add(viewer, make_volume(series_uid="1.8", modality="MR", unit=""))) is None


def test_what_somebody_else_wrote_into_the_settings_is_no_choice(qapp) -> None:
    from napari.components import ViewerModel

    layer = add(ViewerModel(), thin("1.1"))
    store(hanging.SETTING, {hanging.kind_of(layer): {"window": 7, "four_up": "yes"}, "CT": 3})
    assert hanging.hanging_of(layer) == hanging.Hanging()
    store(hanging.SETTING, {hanging.kind_of(layer): {"window": "gone"}})
    assert hanging.hanging_of(layer).preset is None
    hanging.remember(layer, window=PRESETS[1].id)
    assert hanging.hanging_of(layer).preset == PRESETS[1]
