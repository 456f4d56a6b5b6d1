"""A scan that is shown while it is read: it fills, and where that fails nothing half-read stays."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import dicom_factory as factory
import numpy as np
import pytest
from fake_scan import FakeDetector
from napari.components import ViewerModel
from session_scans import coded_scans

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.progressive import ProgressiveLoading, WiderError
from napari_lesion.pipeline import analyse
from napari_lesion.plugin.viewer import opening
from napari_lesion.plugin.viewer.layers import scan_layer
from napari_lesion.plugin.viewer.opening import OVERLAY, Opening, follow
from napari_lesion.plugin.viewer.reader import add_layers
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.support.errors import SeriesError

PATIENCE_MS = 30_000


def begun(folder: Path, name: str) -> ProgressiveLoading:
    factory.write_phantom(folder / name)
    [series] = find_series(folder / name)
    return ProgressiveLoading(series)


def test_a_scan_fills_behind_its_first_slice_and_a_half_read_one_never_stays(
    make_napari_viewer: Callable, qtbot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    viewer = make_napari_viewer()
    scan_view(viewer)
    follow(viewer)
    told: list[str] = []
    for name in ("show_error", "show_info"):
        monkeypatch.setattr(opening, name, told.append)
    again: list[list] = []

    def show(reading: ProgressiveLoading) -> None:
        Opening(reading, again.append).start()
        add_layers(viewer, [scan_layer(reading.volume)])

    def over() -> bool:
        return not opening._under_way

    # It fills.
    whole = begun(tmp_path, "whole")
    gate = threading.Event()
    take = whole._take
    whole._take = lambda k, stored: (gate.wait(PATIENCE_MS / 1000), take(k, stored))
    show(whole)
    [layer] = viewer.layers
    middle = whole.volume.load_state.focus
    assert np.array_equal(np.unique(whole.volume.load_state.present.nonzero()), [middle])
    assert f"1 of {factory.SHAPE[0]}" in viewer.canvas.overlays[OVERLAY].text
    assert viewer.canvas.overlays[OVERLAY].visible
    gate.set()
    qtbot.waitUntil(over, timeout=PATIENCE_MS)
    assert whole.volume.complete
    assert not viewer.canvas.overlays[OVERLAY].visible
    assert layer.contrast_limits_range[1] >= whole.volume.voxels.max()
    assert not told

    # A slice is damaged: the layer goes, with a sentence that names the file.
    viewer.layers.clear()
    damaged = begun(tmp_path, "damaged")
    last = damaged._frames[-1].file.path
    last.write_bytes(last.read_bytes()[:-200])
    show(damaged)
    qtbot.waitUntil(over, timeout=PATIENCE_MS)
    assert len(viewer.layers) == 0
    assert last.name in told.pop()
    assert not viewer.canvas.overlays[OVERLAY].visible
    with pytest.raises(SeriesError, match=last.name):
        analyse(damaged.volume, detector=FakeDetector())

    # The reader closes it while it is read: reading stops.
    closed = begun(tmp_path, "closed")
    gate.clear()
    slow = closed._take
    closed._take = lambda k, stored: (gate.wait(PATIENCE_MS / 1000), slow(k, stored))
    show(closed)
    viewer.layers.clear()
    gate.set()
    qtbot.waitUntil(over, timeout=PATIENCE_MS)
    assert not closed.volume.complete
    assert closed.volume.load_state.done < closed.volume.load_state.total
    assert "not read to its end" in told.pop()

    # Values do not fit the type that the headers let expect: it is taken away and read again as a whole.
    wide = begun(tmp_path, "wide")

    def too_wide(k: int, stored: object) -> None:
        raise WiderError("too wide")

    wide._take = too_wide
    show(wide)
    qtbot.waitUntil(over, timeout=PATIENCE_MS)
    assert len(viewer.layers) == 0
    assert len(again) == 1
    assert "as a whole" in told.pop()


def test_halfway_between_two_slices_the_one_that_is_drawn_is_the_one_that_is_wanted(qapp: object) -> None:
    """For a scan whose slices come from the head, whose array is drawn the other way round."""
    volume = coded_scans()[0].volume
    affine = volume.affine.copy()
    affine[:3, 3] += affine[:3, 0] * (len(volume.voxels) - 1)
    affine[:3, 0] *= -1
    volume = replace(volume, voxels=np.ascontiguousarray(volume.voxels[::-1]), affine=affine)
    viewer = ViewerModel()
    data, attributes, _ = scan_layer(volume)
    layer = viewer.add_image(data, **attributes)
    low, _, step = viewer.dims.range[0]
    viewer.add_points(np.zeros((1, 3)), scale=(0.25, 1, 1))  # with finer steps
    opened = SimpleNamespace(volume=volume, load_state=SimpleNamespace(focus=0, total=len(volume.voxels)))
    for drawn in (2, 3, 6, 7):
        viewer.dims.set_point(0, low + (drawn + 0.5) * step)
        k = Opening._slice_shown(opened, viewer, layer)  # type: ignore[arg-type]
        shown = np.asarray(layer._slice.image.raw)
        assert np.array_equal(shown, volume.voxels[k]), drawn
