"""The files of an explanation: ``explanations.json``, a NIfTI map for each method, and a picture."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib

from napari_lesion.explain.deletion import CELL_MM, SHARES
from napari_lesion.explain.maps import AttributionMap, Explanation
from napari_lesion.model.findings import RESEARCH_USE, ModelReference
from napari_lesion.model.volume import Volume
from napari_lesion.report.folders import owner_digest
from napari_lesion.report.nifti import ras_affine
from napari_lesion.report.overview import FILE_NAME as OVERVIEW
from napari_lesion.report.overview import save_explanation_picture
from napari_lesion.support.atomic import whole_folder
from napari_lesion.support.bounded import parse_json
from napari_lesion.support.vault import read_text

if TYPE_CHECKING:
    from napari_lesion.dicom.index.series import Series

FILE_NAME = "explanations.json"
SCHEMA_VERSION = "1.0"
_LIBRARIES = ("napari-lesion", "torch", "captum", "scikit-image")


def save_explanation(
    explanation: Explanation, volume: Volume, model: ModelReference, folder: Path, *, scan: str = ""
) -> None:
    """Write an explanation as one folder, whole or not at all.

    Parameters
    ----------
    explanation : Explanation
    volume : Volume
        The scan.
    model : ModelReference
        What was explained.
    folder : Path
    scan : str
        `folders.owner_digest` of the scan, by which its folder is found again.
    """
    with whole_folder(folder, private=True) as temporary:
        for made in explanation.maps:
            save_map(made, temporary / file_of(made))
        save_explanation_picture(explanation, volume, model, temporary / OVERVIEW)
        content = {**as_dict(explanation, volume, model), "scan": scan}
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        (temporary / FILE_NAME).write_text(text + "\n", encoding="utf-8")


def folder_of_explanations(series: Series, out: Path) -> Path:
    """Choose the folder of the explanations of a series: its key, unless that holds those of another scan."""
    own = owner_digest(series)
    path = out / series.key
    for file in path.glob(f"*/{FILE_NAME}"):
        try:
            content = parse_json(read_text(file))
        except (OSError, ValueError):
            continue
        if isinstance(content, dict) and content.get("scan") != own:
            return out / f"{series.key}_{own}"
    return path


def file_of(made: AttributionMap) -> str:
    """Name of a map's file."""
    return f"{made.method}.nii.gz"


def save_map(made: AttributionMap, path: Path) -> None:
    """Write a map as NIfTI-1 (float32) on its own grid around the finding, placed in the patient."""
    affine = ras_affine(made.affine)
    image: Any = nib.Nifti1Image(made.values.transpose(2, 1, 0), None)  # type: ignore[no-untyped-call]
    image.set_sform(affine, code="scanner")
    image.set_qform(affine, code="scanner", strip_shears=True)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = f"{made.name}, research use only".encode()
    nib.save(image, path)


def as_dict(explanation: Explanation, volume: Volume, model: ModelReference) -> dict[str, Any]:
    """Make what ``explanations.json`` says."""
    return {
        "schema_version": SCHEMA_VERSION,
        "series_uid": volume.series.series_uid,
        "finding": explanation.finding.model_dump(mode="json"),
        "model": model.model_dump(mode="json"),
        "target_mm": explanation.target_mm,
        "logit": explanation.logit,
        "score_in_crop": explanation.score,
        "crop_mm": explanation.crop_mm,
        "replaced_by": explanation.replaced_by,
        "deletion": {"removed_shares": SHARES, "cube_mm": CELL_MM},
        "maps": [
            {
                "method": made.method,
                "name": made.name,
                "file": file_of(made),
                "faithfulness": made.faithfulness,
                "deletion_curve": made.deletion.curve if made.deletion else None,
                "deletion_area": made.deletion.area if made.deletion else None,
                "seconds": round(made.seconds, 2),
                "note": made.note,
            }
            for made in explanation.maps
        ],
        "left_out": explanation.left_out,
        "warnings": explanation.warnings,
        "versions": _versions(),
        "intended_use": RESEARCH_USE,
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
