"""Annotations in the forms of others: LUNA16's tables, COCO's JSON, NIfTI masks, and the input of ``train``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
import yaml

from napari_lesion.annotation.annotations import Annotation, AnnotationSet, refuse_several_stacks
from napari_lesion.annotation.labels import LabelSet
from napari_lesion.annotation.store import name_of_reader
from napari_lesion.dicom.index.series import Series, find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.model.volume import FloatArray, spacing_of
from napari_lesion.report.nifti import ras_affine
from napari_lesion.security.audit import Action, record
from napari_lesion.security.roles import May, require
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import AnnotationError, ConfigError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.support.tables import write_table
from napari_lesion.support.uids import name_of

LUNA16_COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm")
NODULES, EXCLUDED, PATIENTS = "annotations.csv", "annotations_excluded.csv", "patients.csv"
TRAINING = "training.yaml"


def save_luna16(sets: Sequence[AnnotationSet], labels: LabelSet, out: Path) -> tuple[int, int]:
    """Write ``annotations.csv`` and ``annotations_excluded.csv`` in the form of LUNA16 (LPS mm).

    Which of them a finding is in follows from the role of its label; those with the role ``healthy`` are in neither.

    Returns
    -------
    nodules, excluded : int
        Number of rows.

    Raises
    ------
    ConfigError
        If a label is not in the label set.
    """
    refuse_several_stacks(sets)
    _note_exported(sets, "LUNA16", out)
    rows: dict[str, list[dict[str, object]]] = {"nodule": [], "excluded": [], "healthy": []}
    for found in sets:
        for mark in found.annotations:
            x, y, z = (f"{value:.4f}" for value in mark.center_mm)
            cells = (found.series_uid, x, y, z, f"{mark.diameter_mm:.4f}")
            rows[labels[mark.label].role].append(dict(zip(LUNA16_COLUMNS, cells, strict=True)))
    write_table(LUNA16_COLUMNS, rows["nodule"], out / NODULES)
    write_table(LUNA16_COLUMNS, rows["excluded"], out / EXCLUDED)
    return len(rows["nodule"]), len(rows["excluded"])


def _note_exported(sets: Sequence[AnnotationSet], form: str, place: Path) -> None:
    """Write into the audit log that annotations leave, if they may."""
    require(May.EXPORT, place)
    for found in sets:
        record(
            Action.EXPORT,
            patient_id=found.patient_id,
            objects=(found.series_uid,),
            detail=f"annotations as {form}",
            reader=found.reader,
        )


# -- COCO -------------------------------------------------------------------------------------------------------------


def save_coco(sets: Sequence[AnnotationSet], labels: LabelSet, path: Path) -> None:
    """Write COCO's JSON: an image for each slice that a finding meets, an annotation for each finding in it.

    ``bbox`` is (column, row, width, height) in pixels; ``segmentation`` is COCO's uncompressed run lengths (column by
    column), and absent where no mask was drawn. What COCO does not know is added: ``origin_mm`` of an image (LPS mm
    of the centre of its first pixel), and ``finding``, ``reader``, ``center_mm``, ``diameter_mm`` and ``comment`` of
    an annotation. All slices are along the first axis of the scan's own grid.

    Raises
    ------
    ConfigError
        If a label is not in the label set.
    """
    refuse_several_stacks(sets)
    _note_exported(sets, "COCO", path)
    categories = {label.name: n for n, label in enumerate(labels.labels, start=1)}
    images: dict[tuple[str, int], dict[str, Any]] = {}
    annotations: list[dict[str, Any]] = []
    for found in sets:
        affine, (_, rows, columns) = found.grid.matrix, found.grid.shape
        for mark in found.annotations:
            labels[mark.label]  # refuses a word that the set does not have
            for k, plane, box in _planes(mark, affine, found.grid.shape):
                image = images.setdefault(
                    (found.series_uid, k),
                    {
                        "id": len(images) + 1,
                        "file_name": f"{found.series_uid}/{k:04d}",
                        "width": columns,
                        "height": rows,
                        "series_uid": found.series_uid,
                        "slice": k,
                        "origin_mm": (affine @ (k, 0, 0, 1))[:3].tolist(),
                    },
                )
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": image["id"],
                        "category_id": categories[mark.label],
                        "bbox": box,
                        "area": float(plane.sum()) if plane is not None else box[2] * box[3],
                        "iscrowd": 0,
                        **({} if plane is None else {"segmentation": _run_lengths(plane)}),
                        "finding": mark.id,
                        "reader": mark.reader,
                        "center_mm": mark.center_mm,
                        "diameter_mm": mark.diameter_mm,
                        "comment": mark.comment,
                    }
                )
    content = {
        "info": {"description": "napari-lesion annotations; positions are LPS mm", "version": "1.0"},
        "categories": [{"id": n, "name": name, "supercategory": labels.name} for name, n in categories.items()],
        "images": list(images.values()),
        "annotations": annotations,
    }
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def _planes(
    mark: Annotation, affine: FloatArray, shape: tuple[int, int, int]
) -> Iterable[tuple[int, npt.NDArray[np.bool_] | None, list[float]]]:
    """Slice, pixels (j, i) or None, and box (column, row, width, height) wherever a finding meets a slice."""
    if mark.mask is not None:
        crop, (first, top, left) = mark.mask.voxels, mark.mask.offset
        for n in np.flatnonzero(crop.any(axis=(1, 2))):
            rows, columns = np.flatnonzero(crop[n].any(axis=1)), np.flatnonzero(crop[n].any(axis=0))
            plane = np.zeros(shape[1:], bool)
            plane[top : top + crop.shape[1], left : left + crop.shape[2]] = crop[n]
            size = [float(columns[-1] - columns[0] + 1), float(rows[-1] - rows[0] + 1)]
            yield first + int(n), plane, [float(left + columns[0]), float(top + rows[0]), *size]
        return
    spacing = spacing_of(affine)
    center = np.linalg.inv(affine) @ (*mark.center_mm, 1.0)
    size_mm = mark.box_size_mm or (mark.diameter_mm,) * 3
    half = size_mm[0] / 2 / spacing[0]
    nearest = round(float(center[0]))
    for k in range(max(min(nearest, int(np.ceil(center[0] - half))), 0), shape[0]):
        if k > max(nearest, center[0] + half):
            break
        height, width = size_mm[1:]
        if mark.box_size_mm is None and k != nearest:  # the cut of a ball
            away = (k - center[0]) * spacing[0]
            height = width = 2 * float(np.sqrt(max((mark.diameter_mm / 2) ** 2 - away**2, 0)))
            if width == 0:
                continue
        # An index is the centre of a pixel, and COCO counts from the corner of the first.
        column = center[2] + 0.5 - width / 2 / spacing[2]
        row = center[1] + 0.5 - height / 2 / spacing[1]
        yield k, None, [float(column), float(row), width / spacing[2], height / spacing[1]]


def _run_lengths(plane: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """COCO's run lengths: down the columns, beginning with the number of zeros."""
    flat = plane.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *edges, flat.size]).tolist()
    return {"size": list(plane.shape), "counts": [0, *counts] if flat[0] else counts}


# -- NIfTI ------------------------------------------------------------------------------------------------------------


def save_nifti(found: AnnotationSet, folder: Path) -> Path:
    """Write the masks of a series as one NIfTI image on the scan's own voxels, and a table of its numbers.

    The value of a voxel is the number of the finding that it belongs to, 0 for none; ``<name>.csv`` says which finding
    has which number. Findings without a mask are in the table with 0 voxels.

    Returns
    -------
    Path
        Of the image.
    """
    _note_exported([found], "NIfTI", folder)
    array = np.zeros(found.grid.shape, np.uint8 if len(found.annotations) < 256 else np.uint16)
    rows: list[dict[str, object]] = []
    for number, mark in enumerate(found.annotations, start=1):
        if mark.mask is not None:
            mark.mask.put(array, number)
        x, y, z = (f"{value:.4f}" for value in mark.center_mm)
        rows.append(
            {
                **{"number": number, "label": mark.label, "voxels": mark.mask.count if mark.mask else 0},
                **{"coordX": x, "coordY": y, "coordZ": z, "diameter_mm": f"{mark.diameter_mm:.4f}"},
                **{"id": mark.id, "reader": mark.reader, "time": mark.time, "comment": mark.comment},
            }
        )
    stack = f"_{found.stack}" if found.stack else ""
    name = f"{name_of(found.series_uid)}{stack}_{name_of_reader(found.reader)}"
    path = folder / f"{name}.nii.gz"
    _save_image(array, found.grid.matrix, path, b"napari-lesion annotations, research use only")
    columns = ("number", "label", "voxels", "coordX", "coordY", "coordZ", "diameter_mm")
    write_table((*columns, "id", "reader", "time", "comment"), rows, folder / f"{name}.csv")
    return path


def _save_image(array: npt.NDArray[Any], affine: FloatArray, path: Path, description: bytes) -> None:
    """Write an array on (k, j, i) as NIfTI-1, whole or not at all."""
    image: Any = nib.Nifti1Image(array.transpose(2, 1, 0), None, dtype=array.dtype)  # type: ignore[no-untyped-call]
    ras = ras_affine(affine)
    image.set_sform(ras, code="scanner")
    image.set_qform(ras, code="scanner", strip_shears=True)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = description
    with whole_file(path) as temporary:
        nib.save(image, temporary)


# -- the input of training --------------------------------------------------------------------------------------------


def save_training(
    sets: Sequence[AnnotationSet],
    labels: LabelSet,
    scans: Sequence[Path],
    out: Path,
    progress: Progress = silent,
    *,
    relative_to: Path | None = None,
) -> Path:
    """Write what ``napari-lesion train`` takes: tables, and a configuration that names the scans.

    Training takes a scan without marks for one without nodules, and a folder for all scans in it. So a folder is named
    only if each CT series in it is among the sets; of other folders (and archives) the annotated series are copied, as
    NIfTI in ``scans/``.

    Parameters
    ----------
    sets : sequence of AnnotationSet
        One a series.
    labels : LabelSet
    scans : sequence of Path
        Folders or archives that hold the series.
    out : Path
        A folder.
    progress : Progress
    relative_to : Path, optional
        Where the folder will be, if the scans are in it: they are named as seen from there.

    Returns
    -------
    Path
        Of the configuration.

    Raises
    ------
    ConfigError
        If a series is not among the scans, or a label not in the label set, or nothing is marked as a nodule.
    AnnotationError
        If a series was annotated on other voxels than it has.
    """
    refuse_several_stacks(sets)
    wanted = {found.series_uid: found for found in sets}
    stacks = {found.series_uid: found.stack for found in sets if found.stack}
    there: dict[str, Series] = {}
    places: list[str] = []
    for path in scans:
        index = find_series(path, progress=progress)
        volumes = [series for series in index if series.kind == "volume" and series.identity.modality == "CT"]
        for series in volumes:
            uid = series.identity.series_uid
            if stacks.get(uid, series.stack_id) == series.stack_id:
                there[uid] = series
        for folder, uids in _folders(path, volumes).items():
            if uids <= wanted.keys():
                places.append(
                    str(folder.resolve()) if relative_to is None else folder.relative_to(relative_to).as_posix()
                )
                for uid in uids:
                    there.pop(uid, None)
                    wanted.pop(uid)
    missing = sorted(wanted.keys() - there.keys())
    if missing:
        raise ConfigError(
            f"{len(missing)} annotated series are not among the scans (the first: {missing[0]}). Name their folders."
        )
    nodules, _ = save_luna16(sets, labels, out)
    if not nodules:
        raise ConfigError("Nothing is marked as a nodule in these annotations, so there is nothing to learn.")
    for done, (uid, found) in enumerate(wanted.items()):
        progress(done, len(wanted), f"copying {uid}")
        volume = read_series(there[uid])
        if tuple(found.grid.shape) != volume.shape:
            raise AnnotationError(f"series {uid}: {found.grid.shape} voxels were annotated, and it has {volume.shape}.")
        target = out / "scans" / f"{name_of(uid)}.nii.gz"
        _save_image(np.asarray(volume.voxels), volume.affine, target, b"HU; copied by napari-lesion")
        places.append(f"scans/{target.name}")
    patients = [{"seriesuid": s.series_uid, "patient": s.patient_id} for s in sets if s.patient_id]
    write_table(("seriesuid", "patient"), patients, out / PATIENTS, private=True)
    path = out / TRAINING
    with whole_file(path) as temporary:
        temporary.write_text(_HEAD + yaml.safe_dump(_configuration(places), sort_keys=False), encoding="utf-8")
    return path


def _folders(path: Path, volumes: Sequence[Series]) -> Mapping[Path, set[str]]:
    """Find the folders right around the series, with all CT series at or below each; none for an archive."""
    if not path.is_dir():
        return {}
    parents = {s.identity.series_uid: {frame.file.path.parent for frame in s.frames} for s in volumes}
    folders = {next(iter(folder)) for folder in parents.values() if len(folder) == 1}
    return {
        folder: {uid for uid, where in parents.items() if any(p.is_relative_to(folder) for p in where)}
        for folder in sorted(folders)
        if not any(other != folder and folder.is_relative_to(other) for other in folders)
    }


_HEAD = """\
# Written by `napari-lesion annotations export`: a detector that learns from your annotations.
#   napari-lesion train training.yaml -o run
# Every field is explained in docs/training.md; steps, start_from and validation are for you to choose.
"""


def _configuration(places: Sequence[str]) -> dict[str, Any]:
    return {
        "id": "my-detector",
        "version": "0.1.0",
        "steps": 4000,
        "start_from": "nodule-3d",
        "data": {
            "insert_share": 0.0,
            "lesion_share": 0.5,
            "annotated": {
                "scans": list(places),
                "annotations": NODULES,
                "excluded": EXCLUDED,
                "patients": PATIENTS,
            },
        },
        "optimiser": {"learning_rate": 0.0003, "warmup_steps": 100},
    }
