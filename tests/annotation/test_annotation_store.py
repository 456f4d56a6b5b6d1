"""Annotations on disk: each edit is there, nobody's work is overwritten, and wrong files are named."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from annotated_scan import annotate, mark_mask, nodule, phantom_volume
from dicom_factory import MARKS

from napari_lesion.annotation.annotations import AnnotationSet, changed, moved, with_mask
from napari_lesion.annotation.export import save_luna16
from napari_lesion.annotation.labels import LUNG_NODULES, LabelSet, read_labels
from napari_lesion.annotation.store import DamagedAnnotationsError, Store, load_file, open_set
from napari_lesion.model.volume import Instance, Volume
from napari_lesion.support.errors import AnnotationError, ConfigError

VOLUME = phantom_volume()
NAMED = replace(VOLUME, instances=tuple(Instance(f"1.2.3.{k}", (0, 0, k), (0, 0, 1)) for k in range(VOLUME.shape[0])))


def test_everything_comes_back_for_each_reader(tmp_path: Path) -> None:
    store = Store(tmp_path)
    mine = annotate(
        VOLUME,
        "Änne / B. Müller",
        nodule(VOLUME, MARKS[0], mask=mark_mask(VOLUME, MARKS[0])),
        nodule(VOLUME, MARKS[1], center_mm=MARKS[1].center_mm, box_size_mm=(6, 8, 10)),
        changed(nodule(VOLUME, MARKS[2], label="lymph node"), comment="größer als 肺"),
    )
    yours = annotate(VOLUME, "ben", done=False)
    mine, yours = store.save(mine), store.save(yours)
    assert store.load(mine.series_uid, mine.stack, mine.reader) == mine
    assert store.load(yours.series_uid, yours.stack, "ben") == yours
    assert store.load(mine.series_uid, mine.stack, "nobody") is None
    assert store.readers(mine.series_uid, mine.stack) == ("ben", "Änne / B. Müller")
    assert store.load_all() == (yours, mine)
    assert [a.shape for a in mine.annotations] == ["mask", "box", "point"]
    assert mine.annotations[1].diameter_mm == pytest.approx((6 * 480 / np.pi) ** (1 / 3))
    assert open_set(store, VOLUME, "ben", "x") == yours


def test_a_finished_series_that_is_changed_is_in_work_again() -> None:
    found = annotate(VOLUME, "ann", nodule(VOLUME, MARKS[0]))
    assert found.done
    assert not found.without(found.annotations[0].id).done
    assert not found.put(nodule(VOLUME, MARKS[1])).done


def test_two_windows_of_one_reader_do_not_overwrite_each_other(tmp_path: Path) -> None:
    store = Store(tmp_path)
    here = there = store.save(annotate(VOLUME, "ann"))
    store.save(there.put(nodule(VOLUME, MARKS[0])))
    with pytest.raises(AnnotationError, match="changed elsewhere"):
        store.save(here.put(nodule(VOLUME, MARKS[1])))
    assert store.load(here.series_uid, here.stack, "ann").annotations[0].center_mm == MARKS[0].center_mm


def _save_for_ever(folder: Path, ready) -> None:
    store = Store(folder)
    found = AnnotationSet.empty(VOLUME, "ann", "lung nodules")
    mask = mark_mask(VOLUME, MARKS[0])
    while True:
        found = store.save(found.put(nodule(VOLUME, MARKS[0], mask=mask)))
        ready.value = len(found.annotations)


def test_what_was_saved_survives_a_kill_at_any_moment(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")
    counter = context.Value("i", 0)
    process = context.Process(target=_save_for_ever, args=(tmp_path, counter))
    process.start()
    while counter.value < 5:
        time.sleep(0.01)
    if hasattr(signal, "SIGKILL"):
        os.kill(process.pid, signal.SIGKILL)
    else:
        process.terminate()
    process.join()
    saved = Store(tmp_path).load(VOLUME.series.series_uid, VOLUME.stack, "ann")
    assert len(saved.annotations) >= counter.value
    assert saved.annotations[-1].mask == mark_mask(VOLUME, MARKS[0])
    Store(tmp_path).save(saved)


def test_a_damaged_annotation_is_said_and_the_others_come_back(tmp_path: Path) -> None:
    store, told = Store(tmp_path), []
    saved = store.save(annotate(VOLUME, "ann", nodule(VOLUME, MARKS[0]), nodule(VOLUME, MARKS[1])))
    path = store.path(saved.series_uid, saved.stack, "ann")
    damaged = path.read_text(encoding="utf-8").replace(saved.annotations[0].id, "another")
    path.write_text(damaged, encoding="utf-8")
    with pytest.raises(DamagedAnnotationsError, match="number 1 of its annotations"):
        store.load(saved.series_uid, saved.stack, "ann")
    back = open_set(store, VOLUME, "ann", "x", told.append)
    assert back.annotations == saved.annotations[1:]
    assert not back.done
    aside = path.with_suffix(".damaged1")
    assert aside.read_text(encoding="utf-8") == damaged
    assert aside.name in told[0]
    assert store.load(saved.series_uid, saved.stack, "ann") == back
    assert store.save(back.put(nodule(VOLUME, MARKS[2]))).revision == back.revision + 1


def test_annotations_without_checksums_open_and_another_grid_does_not(tmp_path: Path) -> None:
    store = Store(tmp_path)
    saved = store.save(annotate(VOLUME, "ann", nodule(VOLUME, MARKS[0])))
    path = store.path(saved.series_uid, saved.stack, "ann")
    content = json.loads(path.read_text(encoding="utf-8"))
    content["grid"]["affine"][0][3] += 1
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ConfigError, match="besides the annotations"):
        load_file(path)
    del content["checksums"]
    path.write_text(json.dumps(content), encoding="utf-8")
    assert load_file(path).annotations == saved.annotations


def test_annotations_of_another_patient_are_refused_though_the_series_have_one_uid(tmp_path: Path) -> None:
    other = annotate(VOLUME, "ann").model_copy(update={"patient_id": "ALICE"})
    store = Store(tmp_path)
    store.save(other)
    bob = replace(VOLUME, series=VOLUME.series.model_copy(update={"patient_id": "BOB"}))
    with pytest.raises(AnnotationError, match="another patient"):
        open_set(store, bob, "ann", "x")


@pytest.mark.parametrize("reader", ["王" * 27, "x" * 300, "CON", "..", "a/../b"])
@pytest.mark.parametrize("uid", ["1.2.3", "..", "../..", "CON", "9" * 300])
def test_any_reader_and_any_uid_have_a_file_of_their_own_in_the_folder(uid, reader, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    saved = store.save(annotate(VOLUME, reader).model_copy(update={"series_uid": uid}))
    assert store.load(uid, saved.stack, reader) == saved
    assert store.readers(uid, saved.stack) == (reader,)
    [path] = tmp_path.rglob("*.json")
    assert path.parent.parent == tmp_path / "store"


def test_annotations_of_other_voxels_are_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save(annotate(NAMED, "ann"))
    with pytest.raises(AnnotationError, match="drawn on"):
        open_set(store, replace(phantom_volume("coronal"), instances=NAMED.instances), "ann", "lung nodules")


def test_wrong_files_are_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    saved = store.save(annotate(VOLUME, "ann", nodule(VOLUME, MARKS[0])))
    path = store.path(saved.series_uid, saved.stack, "ann")
    content = json.loads(path.read_text())
    for change, message in (
        ({"schema_version": "2.0"}, "schema version 2.0"),
        ({"reader": "ben"}, "reader 'ben'"),
        ({"annotations": [{"id": "x"}]}, r"annotations\.0\.label"),
    ):
        path.write_text(json.dumps({**content, **change}))
        with pytest.raises(ConfigError, match=message):
            store.load(saved.series_uid, saved.stack, "ann")
    path.write_text("{")
    with pytest.raises(ConfigError, match="not JSON"):
        load_file(path)
    with pytest.raises(AnnotationError, match="who is reading"):
        store.path("1.2", "", "  ")


def test_points_move_masks_do_not_and_nothing_lies_outside() -> None:
    point = nodule(VOLUME, MARKS[0])
    assert moved(point, MARKS[1].center_mm, VOLUME).center_mm == MARKS[1].center_mm
    with pytest.raises(AnnotationError, match="outside"):
        moved(point, (900, 0, 0), VOLUME)
    with pytest.raises(AnnotationError, match="outside"):
        nodule(VOLUME, MARKS[0], center_mm=(0, 0, 0), diameter_mm=5)
    painted = with_mask(point, mark_mask(VOLUME, MARKS[3]), VOLUME)
    assert painted.id == point.id
    assert np.allclose(painted.center_mm, MARKS[3].center_mm, atol=0.8)
    with pytest.raises(AnnotationError, match="not moved"):
        moved(painted, MARKS[0].center_mm, VOLUME)


def test_a_label_set_is_read_from_yaml_and_its_mistakes_are_named(tmp_path: Path) -> None:
    store = Store(tmp_path / "project")
    assert store.labels() is LUNG_NODULES
    path = tmp_path / "project" / "labels.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(LUNG_NODULES.model_dump(mode="json", exclude_defaults=True)), encoding="utf-8")
    assert store.labels() == LUNG_NODULES
    assert LUNG_NODULES["lymph node"].role == "excluded"
    for text, message in (
        ("name: x\nlabels: [{name: a, color: '#ff0000'}, {name: a, color: '#00ff00'}]", "the name 'a' is given to"),
        ("name: x\nlabels: [{name: a, color: '#ff0000', key: 1}, {name: b, color: '#00ff00', key: 1}]", "the key '1'"),
        ("name: x\nlabels: [{name: a, color: red}]", "labels.0.color.*'red' is no colour"),
        ("name: x\nlabels: [{name: a, color: '#ff0000', key: 12}]", "labels.0.key"),
        ("name: x\nlabels: [{name: a, color: '#ff0000', colour: 3}]", "labels.0.colour"),
        ("name: x\nlabels: []", "labels"),
        ("name: [", "cannot be read"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=message):
            read_labels(path)
    with pytest.raises(ConfigError, match="no label 'cyst'"):
        LabelSet.model_validate(LUNG_NODULES.model_dump())["cyst"]


@pytest.mark.parametrize("value", ["nan", "1e999"])
def test_annotations_at_no_finite_place_are_refused(value: str, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save(annotate(VOLUME, "ann", nodule(VOLUME, MARKS[0])))
    (path,) = tmp_path.rglob("*.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["checksums"]
    content["annotations"][0]["center_mm"][0] = value
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ConfigError, match="finite"):
        load_file(path)


def other_stack(volume: Volume) -> Volume:
    """A volume of the same series, on the same grid, of other images."""
    instances = tuple(replace(one, sop_instance_uid=f"{one.sop_instance_uid}.9") for one in volume.instances)
    return replace(volume, instances=instances)


def test_two_stacks_of_a_series_share_no_annotations(tmp_path: Path) -> None:
    store, second = Store(tmp_path), other_stack(NAMED)
    mine = store.save(annotate(NAMED, "ann", nodule(NAMED, MARKS[0])))
    told: list[str] = []
    assert open_set(store, second, "ann", "x", warn=told.append).annotations == ()
    assert "has annotated other images of this series" in told[0]
    assert store.readers(second.series.series_uid, second.stack) == ()
    store.save(annotate(second, "ann"))
    assert open_set(store, NAMED, "ann", "x") == mine
    assert len(store.load_all()) == 2
    with pytest.raises(AnnotationError, match="two of its stacks are annotated"):
        save_luna16(store.load_all(), LUNG_NODULES, tmp_path / "csv")


def test_annotations_that_were_kept_by_the_series_alone_open_and_become_those_of_one_stack(tmp_path: Path) -> None:
    store, second = Store(tmp_path), other_stack(NAMED)
    old = annotate(NAMED, "ann", nodule(NAMED, MARKS[0])).model_copy(update={"stack": "", "schema_version": "1.0"})
    earlier = tmp_path / NAMED.series.series_uid / "ann.annotations.json"
    earlier.parent.mkdir()
    content = old.model_dump(mode="json", exclude={"stack"})
    earlier.write_text(json.dumps(content), encoding="utf-8")
    assert store.readers(NAMED.series.series_uid, NAMED.stack) == ("ann",)
    back = open_set(store, NAMED, "ann", "x")
    assert back.annotations == old.annotations
    store.save(back.finished())
    assert not earlier.exists()
    assert open_set(store, NAMED, "ann", "x").done
    assert open_set(store, second, "ann", "x").annotations == ()


def test_what_is_cut_off_or_damaged_costs_no_annotation_that_is_whole(tmp_path: Path) -> None:
    store = Store(tmp_path)
    whole = store.save(annotate(VOLUME, "ann", *(nodule(VOLUME, mark) for mark in MARKS)))
    path = store.path(whole.series_uid, whole.stack, "ann")
    content = path.read_bytes()
    starts = [at for at in range(len(content)) if content.startswith(b'"id"', at)]
    ends = [at + 1 for at in range(len(content)) if content[at : at + 1] == b"\n"]
    cases = [(content[:end], sum(start < end for start in starts) - 1) for end in ends if end > starts[0]][::9]
    cases += [(content[:at] + b"#" + content[at + 1 :], len(MARKS) - 1) for at in starts]
    for bad, least in cases:
        path.write_bytes(bad)
        told: list[str] = []
        back = open_set(store, VOLUME, "ann", "x", warn=told.append)
        assert len(back.annotations) >= least
        assert set(back.annotations) <= set(whole.annotations)
        assert not back.done
        [aside] = path.parent.glob("*.damaged*")
        assert aside.read_bytes() == bad
        assert aside.name in told[0]
        assert open_set(store, VOLUME, "ann", "x") == back
        aside.unlink()
    path.write_bytes(content[: starts[0] // 2])
    with pytest.raises(ConfigError, match="not JSON"):
        open_set(store, VOLUME, "ann", "x", warn=told.append)
