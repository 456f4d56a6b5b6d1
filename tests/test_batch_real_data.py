"""Real CT from folder to findings on disk, as a data engineer does it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813

from napari_lesion.batch import analyse_folder
from napari_lesion.detection.registry import DEFAULT_MODEL, list_models, load_detector
from napari_lesion.report.json import report_schema

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def detector():
    if DEFAULT_MODEL not in {card.id for card in list_models()}:
        pytest.skip(f"the model {DEFAULT_MODEL} is not installed")
    return load_detector()


@pytest.mark.parametrize(
    "name", ["acrin-flt-breast-001", "cmb-crc-01068", "cptac-C3N-00247", "lungfcp-01-0001", "rider-pilot-0117"]
)
def test_a_real_series_goes_from_folder_to_findings(name: str, detector, real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "ct" / name
    # So low that a series without lesions has findings, too, and so high that not 200 are measured.
    result = analyse_folder([folder], tmp_path, detector=detector, device="cpu", threshold=0.01)
    (row,) = result.outcomes
    assert row.status == "done", row.reason

    report = json.loads((tmp_path / row.folder / "findings.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, report_schema(), cls=jsonschema.Draft202012Validator)
    assert report["findings"]

    headers = [pydicom.dcmread(file, stop_before_pixels=True) for file in folder.rglob("*") if file.is_file()]
    place = {header.SOPInstanceUID: float(header.ImagePositionPatient[2]) for header in headers}
    step = np.diff(sorted(place.values())).max()
    heatmap = sitk.ReadImage(str(tmp_path / row.folder / "heatmap.nii.gz"))
    assert heatmap.GetSize() == (headers[0].Columns, headers[0].Rows, len(headers))
    lowest = min(headers, key=lambda header: header.ImagePositionPatient[2])
    assert np.allclose(heatmap.GetOrigin(), lowest.ImagePositionPatient, atol=1e-3)
    for finding in report["findings"]:
        x, y, z = finding["center_mm"]
        assert abs(place[finding["sop_instance_uid"]] - z) <= step / 2 + 1e-3
        assert all(
            0 <= i < n for i, n in zip(heatmap.TransformPhysicalPointToIndex((x, y, z)), heatmap.GetSize(), strict=True)
        )
