"""A scan as one reader annotated it: on disk after every change, with steps that can be taken back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_scan import make_volume

from napari_lesion.annotation.annotations import Annotation, new_annotation
from napari_lesion.annotation.store import Store
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.annotate.annotated_scan import AnnotatedScan, free_voxels
from napari_lesion.support.errors import AnnotationError


def point(volume: Volume) -> Annotation:
    """Mark the middle of a scan."""
    middle = volume.to_patient((np.array(volume.shape) - 1) / 2)
    return new_annotation(volume, label="nodule", reader="ada", center_mm=middle, diameter_mm=8.0)


def test_each_step_is_on_disk_and_can_be_taken_back(tmp_path: Path) -> None:
    volume, store, told = make_volume(), Store(tmp_path), []
    scan = AnnotatedScan(store, told.append)
    scan.load(volume, "ada", "lung nodules")
    assert scan.found is not None
    mark = point(volume)

    def on_disk() -> int:
        [one] = store.load_scan(volume.series.series_uid, volume.stack)
        return len(one.annotations)

    scan.change(scan.found.put(mark))
    assert on_disk() == 1
    assert scan.undo()
    assert on_disk() == 0
    assert not scan.undo(), "there is no step before"
    assert scan.redo()
    assert on_disk() == 1
    assert scan.found.annotations[0].id == mark.id
    scan.change(scan.found.without(mark.id))
    assert not scan.can_redo
    assert told == []


def test_what_cannot_be_saved_stays_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    volume, store, told = make_volume(), Store(tmp_path), []
    scan = AnnotatedScan(store, told.append)
    scan.load(volume, "ada", "lung nodules")
    assert scan.found is not None
    mark = point(volume)

    def full(_self: Store, _set: object) -> None:
        raise AnnotationError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "save", full)
        scan.change(scan.found.put(mark))
    assert scan.unsaved == "The disk is full."
    assert told == ["⚠ The disk is full."]
    assert [one.id for one in scan.found.annotations] == [mark.id]
    scan.save(scan.found)
    assert scan.unsaved == ""


def test_voxels_of_other_findings_are_not_taken(tmp_path: Path) -> None:
    volume = make_volume()
    scan = AnnotatedScan(Store(tmp_path), lambda _text: None)
    scan.load(volume, "ada", "lung nodules")
    assert scan.found is not None
    taken, wanted = Mask.of(np.ones((1, 2, 2), bool), (3, 3, 3)), Mask.of(np.ones((1, 2, 3), bool), (3, 3, 3))
    mark = new_annotation(volume, label="nodule", reader="ada", mask=taken)
    found = scan.found.put(mark)
    assert free_voxels(found, wanted, volume) == Mask.of(np.ones((1, 2, 1), bool), (3, 3, 5))
    assert free_voxels(found, wanted, volume, but=mark.id) == wanted
    assert free_voxels(found, taken, volume) is None
