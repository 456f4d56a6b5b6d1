"""One series to one volume, with everything that was found on the way in its certificate."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np

from napari_lesion.dicom.index.choose import one_series
from napari_lesion.dicom.index.frames import Frame
from napari_lesion.dicom.index.series import Series
from napari_lesion.dicom.read import geometry, pixels
from napari_lesion.dicom.read.geometry import Axes
from napari_lesion.dicom.read.hounsfield import taken_as_hu
from napari_lesion.dicom.read.meaning import check_planes, missing_tags, refuse_unreadable_places, values_note
from napari_lesion.dicom.read.plan import StackPlan, plan_stack
from napari_lesion.dicom.read.presentation import display_of_image, display_of_stack
from napari_lesion.dicom.read.stored import Voxels, stored_frames
from napari_lesion.model.volume import FloatArray, GeometryCertificate, Instance, Volume, spacing_of
from napari_lesion.security.audit import Action, record
from napari_lesion.support.errors import Cancelled, DecodeError, LesionError
from napari_lesion.support.progress import Progress, silent

#: HU of voxels that no slice covers (air).
AIR_HU = -1024


def read_series(
    series: Series | Sequence[Series] | str | os.PathLike[str],
    *,
    allow_gaps: bool = False,
    assume_hu: bool = False,
    progress: Progress = silent,
) -> Volume:
    """Read a series into a volume.

    Parameters
    ----------
    series : Series, SeriesIndex or path
        From `find_series`; or a folder, an archive, a file or a list of series in which there is one.
    allow_gaps : bool
        Interpolate missing and uneven slices instead of raising; the certificate lists them.
    assume_hu : bool
        Take the values of a CT as HU although its headers say something else, or nothing; the certificate says so.
    progress : callable
        ``progress(done, total, what)``; may raise `Cancelled`.

    Returns
    -------
    Volume
        Voxels (k, j, i): slices along the normal of their planes. CT is in HU. Values are those that the files
        hold after their own rescale: padding stays what it is, and the certificate names it.

    Raises
    ------
    SeriesError
        If there is no series at that path, or there are several.
    GeometryError
        If slices are missing, uneven, contradictory or have no place, and `allow_gaps` does not cover it.
    DecodeError
        If a file is damaged.
    """
    series = one_series(series)
    try:
        single = series.n_slices == 1
        volume = _read_image(series, progress) if single else _read_stack(series, allow_gaps, progress)
        note_opened(series)
        return taken_as_hu(volume) if assume_hu else volume
    except (LesionError, Cancelled):
        raise
    except MemoryError as error:
        rows, columns = series.size
        raise DecodeError(
            f"series {series.key}: {series.n_slices} × {rows} × {columns} voxels do not fit into memory. "
            "Close other programs, or open a smaller series."
        ) from error


def note_opened(series: Series) -> None:
    """Write into the audit log that a series was opened."""
    who = series.identity
    record(Action.OPEN, patient_id=who.patient_id, study_uid=who.study_uid, objects=(who.series_uid,))


def _read_stack(series: Series, allow_gaps: bool, progress: Progress) -> Volume:
    if not allow_gaps:  # else planes without a place are left out, by name
        refuse_unreadable_places(series)
    plan = plan_stack(series, allow_gaps=allow_gaps)
    return stack_volume(series, plan, _read_voxels(plan.frames, series, progress))


def stack_volume(series: Series, plan: StackPlan, voxels: Voxels) -> Volume:
    """Make the volume of a stack: interpolated and straightened where the plan says so, with its certificate.

    Where `StackPlan.as_acquired` holds, the volume's voxels are the array that was given, and nobody looks at them.

    Parameters
    ----------
    voxels : (n, rows, columns)
        One plane for each frame of the plan, rescaled.
    """
    first = plan.frames[0]
    assert first.position is not None  # plan_stack checked
    notes = list(plan.notes)
    interpolated: tuple[int, ...] = ()
    if not plan.even or plan.missing.any():
        voxels, interpolated = _interpolate(voxels, plan)
        notes.append(f"{len(interpolated)} of {len(voxels)} slices were interpolated, not acquired.")
    origin = np.array(first.position)
    step = plan.step_mm * (plan.axes.normal + plan.drift)
    matrix = geometry.affine(origin, step, plan.axes, plan.pixel_spacing)
    tilt = float(np.degrees(np.arctan(np.linalg.norm(plan.drift))))
    if tilt:
        voxels, matrix, fill = _straighten(voxels, matrix, series)
        notes.append(
            f"The slices are tilted by {tilt:.1f}° against the direction in which they advance (gantry tilt). They "
            f"were resampled linearly onto an upright grid; voxels outside the acquired slices are {fill}."
        )
        interpolated = ()
    rescale, unit, more = values_note(series, plan.frames, voxels)
    distances = np.diff(plan.depth)
    certificate = GeometryCertificate(
        verdict="corrected" if tilt or interpolated or plan.gaps else "as acquired",
        shape=_shape(voxels),
        spacing_mm=spacing_of(matrix),
        orientation=geometry.name_orientation(matrix),
        axes=geometry.axis_letters(matrix),
        patient_position=first.patient_position,
        slice_order="by ImagePositionPatient along the normal of the slices",
        spacing_range_mm=(float(distances.min()), float(distances.max())),
        slice_thickness_mm=max((f.thickness for f in plan.frames if f.thickness), default=None),
        gaps=plan.gaps,
        interpolated_slices=interpolated,
        duplicates=plan.duplicates,
        tilt_deg=round(tilt, 3),
        rescale=rescale,
        unit=unit,
        missing_tags=missing_tags(plan.frames),
        notes=(*series.notes, *notes, *more),
    )
    return Volume(
        voxels,
        matrix,
        series.identity,
        certificate,
        tuple(map(_instance, plan.frames)),
        display=display_of_stack(plan.frames),
    )


def _read_voxels(frames: Sequence[Frame], series: Series, progress: Progress) -> Voxels:
    """Read all frames into one array, (n, rows, columns), rescaled."""
    check_planes(series, frames)
    shape = (len(frames), frames[0].file.rows, frames[0].file.columns)
    whole = pixels.whole_values(frames)
    voxels: Voxels = np.empty(shape, dtype=np.int16 if whole else np.float32)
    done = 0
    filled: list[int] = []
    what = f"Reading {series.label}"
    with closing(stored_frames(frames, voxels if whole else None)) as source:
        for k, stored in source:
            progress(done, len(frames), what)
            if not pixels.rescale_into(stored, frames[k], voxels[k]):
                # A value beyond int16: go on in float32.
                wider = np.empty(shape, dtype=np.float32)
                wider[filled] = voxels[filled]
                voxels = wider
                pixels.rescale_into(stored, frames[k], voxels[k])
            filled.append(k)
            done += 1
    progress(done, len(frames), what)
    return voxels


def _interpolate(voxels: Voxels, plan: StackPlan) -> tuple[Voxels, tuple[int, ...]]:
    """Linearly between the acquired slices, onto even steps."""
    if plan.even:
        places = plan.places.astype(np.float64)
        count = int(plan.places[-1]) + 1
    else:
        places = (plan.depth - plan.depth[0]) / plan.step_mm
        count = int(np.floor(places[-1] + 1e-6)) + 1
    out = np.empty((count, *voxels.shape[1:]), dtype=voxels.dtype)
    interpolated = []
    for k in range(count):
        after = min(int(np.searchsorted(places, k, "left")), len(places) - 1)
        nearest = after if after == 0 or places[after] - k <= k - places[after - 1] else after - 1
        if abs(places[nearest] - k) <= 1e-3 or after == 0:
            out[k] = voxels[nearest]
            continue
        share = (k - places[after - 1]) / (places[after] - places[after - 1])
        blend = voxels[after - 1] * np.float32(1 - share) + voxels[after] * np.float32(share)
        out[k] = np.rint(blend) if np.issubdtype(voxels.dtype, np.integer) else blend
        interpolated.append(k)
    return out, tuple(interpolated)


def _straighten(voxels: Voxels, matrix: FloatArray, series: Series) -> tuple[Voxels, FloatArray, str]:
    """Resample a sheared stack onto the upright grid that holds it."""
    import SimpleITK as sitk  # noqa: N813 - its own abbreviation; heavy, and only tilted series need it

    shape, grid = geometry.upright_grid(_shape(voxels), matrix)
    is_ct = series.identity.modality == "CT"
    fill = float(AIR_HU) if is_ct else float(voxels.min())
    to_index = np.linalg.inv(matrix) @ grid  # both in (k, j, i); ITK wants (i, j, k)
    matrix_xyz, shift = to_index[:3, :3][::-1, ::-1], to_index[:3, 3][::-1]
    transform: Any = sitk.AffineTransform(matrix_xyz.ravel().tolist(), shift.tolist())
    image = sitk.GetImageFromArray(voxels)
    axes = np.eye(3).ravel().tolist()
    # To float first: ITK would cut the fraction off integers, half a HU toward zero on average.
    resampled = sitk.GetArrayFromImage(
        sitk.Resample(
            image, shape[::-1], transform, sitk.sitkLinear, (0, 0, 0), (1, 1, 1), axes, fill, sitk.sitkFloat32
        )
    )
    if np.issubdtype(voxels.dtype, np.integer):
        resampled = np.rint(resampled, out=resampled).astype(voxels.dtype)
    return resampled, grid, f"{fill:g}"


def _read_image(series: Series, progress: Progress) -> Volume:
    """Read a single plane as a volume of one slice, with whatever place and scale its header has."""
    refuse_unreadable_places(series, "SliceThickness")
    frame = series.frames[0]
    notes = []
    voxels = _read_voxels(series.frames, series, progress)
    axes = None if frame.orientation is None else geometry.axes_of(frame.orientation)
    placed = axes is not None and frame.position is not None
    spacing = frame.pixel_spacing or (1.0, 1.0)
    thickness = frame.thickness if frame.thickness is not None and frame.thickness > 0 else 1.0
    if not placed:
        notes.append("The image has no place in the patient: positions count from its first pixel.")
        axes = Axes(np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), np.array([0, 0, 1.0]))
    assert axes is not None
    origin = np.array(frame.position if placed else (0.0, 0.0, 0.0), dtype=np.float64)
    matrix = geometry.affine(origin, axes.normal * thickness, axes, spacing)
    rescale, unit, more = values_note(series, series.frames, voxels)
    turned_around = None
    if series.identity.modality not in ("CT", "MR", "PT") and frame.file.photometric == "MONOCHROME1":
        voxels, turned_around = _inverted(voxels, frame)
        notes.append("MONOCHROME1: values were inverted, so that bright is high as in all other images.")
    display, shown = display_of_image(frame, series.identity.modality, turned_around)
    certificate = GeometryCertificate(
        shape=_shape(voxels),
        spacing_mm=spacing_of(matrix),
        orientation=geometry.name_orientation(matrix) if placed else "unknown",
        axes=geometry.axis_letters(matrix) if placed else "",
        patient_position=frame.patient_position,
        slice_order="a single image",
        duplicates=series.duplicates,
        rescale=rescale,
        unit=unit,
        missing_tags=missing_tags(series.frames),
        notes=(*series.notes, *shown, *notes, *more),
    )
    instances = (_instance(frame),) if placed else ()
    return Volume(voxels, matrix, series.identity, certificate, instances, display=display)


def _inverted(voxels: Voxels, frame: Frame) -> tuple[Voxels, float]:
    """Swap dark and bright: v becomes c − v. Give c, too.

    Within the range of the stored bits; floating point numbers within that of their values.
    """
    if frame.file.floating:
        around = float(voxels.min()) + float(voxels.max())
    else:
        top = (1 << frame.file.bits_stored) - 1
        low = -(1 << (frame.file.bits_stored - 1)) if frame.file.signed else 0
        ends = 2 * low + top  # lowest + highest stored value
        around = ends * pixels.slope_of(frame) + 2 * pixels.intercept_of(frame)
    turned = around - voxels.astype(np.float64)
    if np.issubdtype(voxels.dtype, np.integer) and turned.min() >= -32768 and turned.max() <= 32767:
        return turned.astype(np.int16), around
    return turned.astype(np.float32), around


def _instance(frame: Frame) -> Instance:
    assert frame.position is not None
    assert frame.orientation is not None
    axes = geometry.axes_of(frame.orientation)
    assert axes is not None
    x, y, z = (float(v) for v in axes.normal)
    return Instance(
        frame.file.sop_instance_uid,
        frame.position,
        (x, y, z),
        frame.number,
        frame.file.sop_class_uid,
        frame.instance_number,
    )


def _shape(voxels: Voxels) -> tuple[int, int, int]:
    k, j, i = voxels.shape
    return k, j, i
