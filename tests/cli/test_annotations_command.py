"""``napari-lesion annotations``: list, export, agreement."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from annotated_scan import annotate, mark_mask, nodule, phantom_volume, renamed
from dicom_factory import MARKS
from typer.testing import CliRunner

from napari_lesion.annotation.store import Store
from napari_lesion.cli.main import app
from napari_lesion.evaluation.froc import load_marks

VOLUME = phantom_volume()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = Store(tmp_path / "annotations")
    left, front, head, _ = MARKS
    store.save(annotate(VOLUME, "ann", nodule(VOLUME, left, mask=mark_mask(VOLUME, left)), nodule(VOLUME, front)))
    store.save(annotate(VOLUME, "ben", nodule(VOLUME, left, "ben", mask=mark_mask(VOLUME, left, 1.75))))
    other = renamed(VOLUME, "1.2.4")
    store.save(annotate(other, "ann", nodule(other, head), done=False))
    return store.folder


def run(*arguments: object):
    return CliRunner().invoke(app, ["annotations", *map(str, arguments)])


def test_the_list_says_who_has_read_what(folder: Path) -> None:
    lines = run("list", folder).output.splitlines()
    assert [line.split()[2] for line in lines[1:]] == ["ann", "ben", "ann"]
    assert "in work" in lines[3]


def test_exports_of_one_reader_or_of_what_readers_agree_on(folder: Path, tmp_path: Path) -> None:
    several = run("export", folder, "--to", "luna16", "-o", tmp_path / "a")
    assert "several readers (ann, ben)" in str(several.exception)
    one = run("export", folder, "--to", "luna16", "-o", tmp_path / "a", "--reader", "ann")
    assert "2 nodules and 0 excluded places of 1 series" in one.output
    assert "1 that are in work are left out" in one.output
    also = run("export", folder, "--to", "luna16", "-o", tmp_path / "b", "--reader", "ann", "--in-work")
    assert "3 nodules" in also.output
    both = run("export", folder, "--to", "luna16", "-o", tmp_path / "c", "--at-least", 2)
    assert both.exit_code == 0
    assert len(load_marks(tmp_path / "c" / "annotations.csv")) == 1
    assert run("export", folder, "--to", "nifti", "-o", tmp_path / "d", "--reader", "ben").exit_code == 0
    names = [f"1.2.3_{VOLUME.stack}_ben.{ending}" for ending in ("csv", "nii.gz")]
    assert [path.name for path in sorted((tmp_path / "d").iterdir())] == names
    assert run("export", folder, "--to", "coco", "-o", tmp_path / "e", "--reader", "ann").exit_code == 0
    assert len(json.loads((tmp_path / "e" / "coco.json").read_text())["categories"]) == 7
    assert run("export", folder, "--to", "training", "-o", tmp_path / "f").exit_code == 2
    unknown = run("export", folder, "--to", "coco", "-o", tmp_path / "g", "--reader", "eve")
    assert "nothing by the reader 'eve'" in str(unknown.exception)


def test_agreement_is_printed_and_written(folder: Path, tmp_path: Path) -> None:
    result = run("agreement", folder, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.exception
    (row,) = [line for line in result.output.splitlines() if line.startswith("ann / ben")]
    assert row.split()[3:8] == ["1", "1", "1", "0", "0.67"]
    (summary,) = json.loads((tmp_path / "out" / "agreement.json").read_text())
    assert summary["dice_mean"] > 0.6
    assert summary["kappa"] is None
    table = list(csv.DictReader((tmp_path / "out" / "ann - ben.csv").open()))
    assert [one["marked_by"] for one in table] == ["both", "ann"]
    assert "no reader 'eve'" in str(run("agreement", folder, "--readers", "ann", "eve").exception)
