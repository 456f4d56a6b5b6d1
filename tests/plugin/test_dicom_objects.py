"""Reports and segmentations that are opened in napari lie on the scan that they are of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dicom_factory as factory
import numpy as np
import pytest
from dicom_findings import Case, case_of
from napari.layers import Labels
from napari.utils.notifications import notification_manager
from plugin_scan import picture, screen_position

from napari_lesion.dicom_objects.segmentation import save_heatmap_seg, save_seg
from napari_lesion.dicom_objects.structured_report import save_sr
from napari_lesion.model.findings import Heatmap
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.viewer import dicom_objects
from napari_lesion.support.errors import SeriesError

LEFT, FRONT = factory.MARKS[:2]


@pytest.fixture
def case(tmp_path: Path) -> Case:
    case = case_of("axial", tmp_path / "ct")
    segmentation = save_seg(case.report, case.volume, tmp_path / "seg.dcm", source=case.source)
    save_sr(case.report, case.volume, tmp_path / "sr.dcm", source=case.source, segmentation=segmentation)
    return case


def test_an_sr_opens_as_findings_with_their_verdicts(make_napari_viewer: Callable, case: Case, tmp_path: Path) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.open(tmp_path / "ct", plugin="napari-lesion")
    viewer.open(tmp_path / "sr.dcm", plugin="napari-lesion")
    report = findings_view(session_of(viewer)).report()
    assert report is not None
    assert {f.id: f.status for f in report.findings} == {f.id: f.status for f in case.report.findings}
    masks = {f.id: f.mask for f in report.findings}
    assert masks == {f.id: f.mask for f in case.report.findings}


def test_a_seg_is_painted_where_the_marks_are(make_napari_viewer: Callable, case: Case, tmp_path: Path) -> None:
    viewer = make_napari_viewer(show=True)
    [scan] = viewer.open(tmp_path / "ct", plugin="napari-lesion")
    before = {}
    for mark in (LEFT, FRONT):
        viewer.dims.set_point(0, mark.center_mm[2])
        before[mark] = picture(viewer)
    viewer.open(tmp_path / "seg.dcm", plugin="napari-lesion")
    [layer] = [one for one in viewer.layers if isinstance(one, Labels)]
    assert list(layer.features["segment"]) == ["", "F2, left upper zone", "F3"]
    for number, mark in enumerate((LEFT, FRONT), start=1):
        assert layer.get_value(mark.center_mm[::-1], world=True) == number
        viewer.dims.set_point(0, mark.center_mm[2])
        after = picture(viewer)
        changed = np.argwhere((after.astype(int) - before[mark]).any(axis=-1))
        row, column = screen_position(viewer, after, mark.center_mm)
        reach = factory.MARK_RADIUS_MM * viewer.scene.camera.zoom + 3
        inside = np.linalg.norm(changed - (row, column), axis=1) < reach * 1.3
        other = FRONT if mark is LEFT else LEFT
        near_other = np.linalg.norm(changed - screen_position(viewer, after, other.center_mm), axis=1) < reach * 1.3
        assert inside.sum() > 20
        assert (inside | near_other).all(), "nothing is painted anywhere else"
    assert np.allclose(layer.scale, scan.scale)
    assert layer.contour == 1


def test_a_heatmap_opens_as_a_heatmap(make_napari_viewer: Callable, case: Case, tmp_path: Path) -> None:
    values = np.zeros(case.volume.shape, np.float32)
    assert case.report.findings[1].mask is not None
    case.report.findings[1].mask.put(values, 0.8)
    save_heatmap_seg(Heatmap(values, case.volume.affine), case.report, case.volume, tmp_path / "heat.dcm")
    viewer = make_napari_viewer()
    viewer.open(tmp_path / "ct", plugin="napari-lesion")
    viewer.open(tmp_path / "heat.dcm", plugin="napari-lesion")
    layer = viewer.layers["heat"]
    assert layer.get_value(LEFT.center_mm[::-1], world=True) == pytest.approx(0.8, abs=0.003)
    assert layer.get_value(FRONT.center_mm[::-1], world=True) in (None, 0)


def test_whose_it_is_is_said_where_its_scan_is_not_open(
    make_napari_viewer: Callable, case: Case, tmp_path: Path
) -> None:
    viewer = make_napari_viewer()
    session = session_of(viewer)
    for file in ("sr.dcm", "seg.dcm"):
        with pytest.raises(SeriesError, match=f"{case.report.series_uid}, which is not open") as refused:
            dicom_objects.open_object(session, tmp_path / file)
        assert "ASYM-1" not in str(refused.value)
    case_of("oblique", tmp_path / "other")
    viewer.open(tmp_path / "other", plugin="napari-lesion")
    notification_manager.records.clear()
    dicom_objects.open_object(session, tmp_path / "seg.dcm")
    said = [str(record.message) for record in notification_manager.records]
    assert [words for words in said if "share one frame of reference" in words]
    assert [words for words in said if "took the nearest one" in words]
