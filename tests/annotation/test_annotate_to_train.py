"""The circle closes: a scan is annotated, exported by the command, and a network learns from it and searches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from training_scan import chest
from typer.testing import CliRunner

from napari_lesion.annotation.annotations import AnnotationSet, new_annotation
from napari_lesion.annotation.store import Store
from napari_lesion.assessment.measure.grow import grow
from napari_lesion.cli.main import app
from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.pipeline import analyse
from napari_lesion.training.config.detector import read_config
from napari_lesion.training.data.annotated import find_annotated

BALL = (20.0, 55.0, 42.0)


def test_annotate_export_train_and_search(tmp_path: Path) -> None:
    from dataclasses import replace

    plain = chest(7)
    mm = (np.indices(plain.shape) - np.array(BALL)[:, None, None, None]) * np.array(plain.spacing)[:, None, None, None]
    voxels = plain.voxels.copy()
    voxels[np.sqrt((mm**2).sum(0)) < 6] = 60
    write_ct_series(replace(plain, voxels=voxels), tmp_path / "studies" / "one")

    (series,) = find_series(tmp_path / "studies")
    volume = read_series(series)
    store = Store(tmp_path / "annotations")
    found = AnnotationSet.empty(volume, "ann", store.labels().name)
    mask = grow(volume, volume.to_patient((20, 54, 43)))
    found = store.save(found.put(new_annotation(volume, label="nodule", reader="ann", mask=mask)))

    def export(*more: str):
        arguments = ["annotations", "export", str(store.folder), "--to", "training", "-o", str(tmp_path / "training")]
        return CliRunner().invoke(app, [*arguments, "--scans", str(tmp_path / "studies"), *more])

    unfinished = export()
    assert "No series is marked as done" in str(unfinished.exception)
    store.save(found.finished())
    assert export().exit_code == 0

    path = tmp_path / "training" / "training.yaml"
    annotated = read_config(path).data.annotated
    (scan,) = find_annotated(annotated)
    (lesion,) = scan.lesions(scan.read())
    assert lesion.index == pytest.approx(BALL, abs=0.6)
    assert lesion.diameter_mm == pytest.approx(12, abs=1.5)

    # A few steps of a small network: what is exported is a configuration that runs.
    small = yaml.safe_load(path.read_text()) | {"steps": 3, "batch_size": 1, "crop": 32, "width": 4, "mine_every": 0}
    small |= {"start_from": None, "checkpoint_every": 3}
    path.write_text(yaml.safe_dump(small))
    trained = CliRunner().invoke(app, ["train", str(path), "-o", str(tmp_path / "run")])
    assert trained.exit_code == 0, trained.output + str(trained.exception)
    # Measuring the 200 findings of a network that has learned nothing takes long.
    report = analyse(series, detector=str(tmp_path / "run" / "model"), threshold=0.0, measure=False).report
    assert report.model.id == "my-detector"
