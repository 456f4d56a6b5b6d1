"""What the panels of a viewer share."""

from __future__ import annotations

import numpy as np
import pytest
from fake_scan import make_volume
from napari.components import ViewerModel
from napari.layers import Image

from napari_lesion.plugin.layers import scan_layer
from napari_lesion.plugin.workstation import workstation


def add_scan(viewer: ViewerModel) -> Image:
    data, attributes, _ = scan_layer(make_volume())
    return viewer.add_image(data, **attributes)


def test_the_scan_that_was_opened_or_selected_last_is_read(qapp) -> None:
    viewer = ViewerModel()
    station = workstation(viewer)
    assert station is workstation(viewer)
    seen = []
    station.scan_changed.connect(seen.append)
    first, second = add_scan(viewer), add_scan(viewer)
    assert station.scan is second
    viewer.layers.selection.active = first
    assert station.scan is first
    viewer.layers.selection.active = viewer.add_points(np.zeros((1, 3)))
    assert station.scan is first, "a layer that is no scan changes nothing"
    viewer.layers.remove(first)
    assert station.scan is second
    viewer.layers.remove(second)
    assert station.scan is None
    assert station.position_mm is None
    assert seen == [first, second, first, second, None]


def test_the_crosshair_is_where_the_reader_goes(qapp) -> None:
    viewer = ViewerModel()
    station = workstation(viewer)
    add_scan(viewer)
    heard = []
    station.position_changed.connect(heard.append)
    volume = station.volume
    place = volume.to_patient((4.0, 10.0, 20.0))
    station.go_to(place)
    assert station.position_mm == pytest.approx(place)
    assert heard[-1] == pytest.approx(place)
