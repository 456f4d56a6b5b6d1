"""Numbers of a finding, from the voxels of its mask.

Axes are measured on the outline of the mask: the line halfway between voxels in and out, smoothed over 0.6 voxels. On
ellipses of 4 to 30 voxels that is off by less than 0.3 voxels (docs/measurement.md). Volume is that of the voxels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_lesion.assessment.measure.composition import composition
from napari_lesion.assessment.measure.diameters import axes, diameter_3d_mm, quantisation_mm3, surface_of
from napari_lesion.assessment.measure.looks import looks_of
from napari_lesion.assessment.measure.segment import OWN_METHODS, segment_all
from napari_lesion.assessment.measure.sides import Lungs, lungs_of
from napari_lesion.assessment.measure.upright import upright
from napari_lesion.model.findings import Finding
from napari_lesion.model.mask import BoolArray, Mask, in_common
from napari_lesion.model.measured import HounsfieldUnits, MeasuredNoduleType, Measurement, Point, Side, Zone
from napari_lesion.model.volume import FloatArray, Volume, apply_affine
from napari_lesion.support.errors import AnnotationError, LesionError
from napari_lesion.support.progress import Progress, silent

REPEATS: dict[MeasuredNoduleType, float] = {"solid": 0.03, "part-solid": 0.13, "non-solid": 0.10, "unknown": 0.13}
"""How much a volume differs from scan to scan at least, though nothing has grown: standard deviations, as shares,
measured with benchmarks/repeat.py on synthetic nodules in two scans each. One scan alone does not show it."""
_OBLIQUE_DEG = 10.0
"""Slices that are turned more than this out of the patient's axial plane are said to be so."""
_SHARED = 0.5
"""Of the smaller mask: with more than this in common, two findings are the same lesion and both keep their voxels."""
_TOUCHES_MM = 2.0
"""The coarse grid of the lungs tells no smaller distance."""


def measure(
    volume: Volume,
    mask: Mask,
    *,
    method: str,
    lungs: Lungs | None = None,
    spread: float | None = None,
) -> Measurement:
    """Measure what a mask holds.

    Parameters
    ----------
    volume : Volume
        CT, HU, any orientation.
    mask : Mask
        On its grid.
    method : str
        What made the mask.
    lungs : Lungs, optional
        Of the scan, for side, zone and distance to the pleura.
    spread : float, optional
        Standard deviation of the volume when the lesion is segmented again, mm³.

    Raises
    ------
    AnnotationError
        If the mask does not fit the scan, or the scan is not in HU.
    """
    if not mask.fits(volume.shape):
        raise AnnotationError("The mask reaches beyond the scan: it belongs to another one. Outline the finding again.")
    if volume.certificate.unit != "HU":
        raise AnnotationError("Measuring needs HU, and this scan has other units.")
    part = upright(volume, mask)
    inside, affine = part.inside, part.affine
    voxel_mm3 = abs(float(np.linalg.det(affine[:3, :3])))
    lines = axes(inside, affine)
    instance = volume.nearest_instance([float(c) for c in lines.middle_mm])
    values = part.hu[inside]
    volume_mm3 = float(inside.sum()) * voxel_mm3
    made_of = composition(part.hu, inside, affine)
    place = _place(inside, affine, lungs)
    return Measurement(
        method=method,
        long_axis=lines.long,
        short_axis=lines.short,
        mean_diameter_mm=lines.mean_mm,
        sop_instance_uid=instance.sop_instance_uid if instance else "",
        frame=instance.frame if instance else None,
        diameter_3d_mm=round(diameter_3d_mm(inside, affine), 1),
        volume_mm3=round(volume_mm3, 1),
        volume_sd_mm3=round(
            max(float(np.hypot(quantisation_mm3(inside, affine), spread or 0.0)), REPEATS[made_of.type] * volume_mm3),
            1,
        ),
        hu=_units(values),
        mass_mg=round(volume_mm3 * (float(values.mean()) + 1000) / 1000, 1),
        type=made_of.type,
        type_rule=made_of.rule,
        solid_mean_diameter_mm=_mean_mm(made_of.solid, affine),
        solid_volume_mm3=None if made_of.solid is None else round(float(made_of.solid.sum()) * voxel_mm3, 1),
        calcification=made_of.calcification,
        calcified_fraction=made_of.calcified_fraction,
        pleura_distance_mm=place.pleura_mm,
        side=place.side,
        zone=place.zone,
        notes=(*_notes(volume, mask), *made_of.notes, *place.notes),
    )


def measure_findings(
    volume: Volume,
    findings: Sequence[Finding],
    *,
    lungs: Lungs | None = None,
    progress: Progress = silent,
) -> tuple[Finding, ...]:
    """Outline and measure findings.

    A mask that is there stays: a reader drew it, or saw it. Where outlines of different lesions meet, a voxel belongs
    to the finding whose centre is nearer; where two are of the same lesion, both are whole, and a note says so.

    Parameters
    ----------
    volume : Volume
        CT, HU.
    findings : sequence of Finding
    lungs : Lungs, optional
        Of the scan; by default they are found.
    progress : Progress

    Returns
    -------
    tuple of Finding
        With mask and measurement, or with the reason why there is none in ``unmeasured``.
    """
    if not findings:
        return ()
    volume.wait(progress)
    progress(0, len(findings) + 1, "finding the lungs")
    if lungs is None:
        lungs = lungs_of(volume)
    missing = [finding for finding in findings if finding.mask is None]
    places = [(finding.center_mm, finding.diameter_mm) for finding in missing]
    made = dict(zip((f.id for f in missing), segment_all(volume, places, progress=progress), strict=True))
    masks: dict[str, Mask] = {f.id: f.mask for f in findings if f.mask is not None}
    masks |= {name: one.mask for name, one in made.items() if not isinstance(one, LesionError)}
    drawn = {finding.id for finding in findings if finding.mask is not None and not _is_own(finding)}
    masks, shared = _parted(volume, masks, {f.id: f.center_mm for f in findings}, drawn)
    result = []
    for number, finding in enumerate(findings):
        progress(number + 1, len(findings) + 1, "measuring")
        one = made.get(finding.id)
        if isinstance(one, LesionError):
            result.append(finding.model_copy(update={"mask": None, "measurement": None, "unmeasured": str(one)}))
            continue
        method = _method(finding) if one is None else one.method
        try:
            measured = measure(
                volume, masks[finding.id], method=method, lungs=lungs, spread=one.spread_mm3 if one else None
            )
        except LesionError as error:
            result.append(finding.model_copy(update={"measurement": None, "unmeasured": str(error)}))
            continue
        notes = (*(one.notes if one else ()), *shared.get(finding.id, ()), *measured.notes)
        update = {
            "mask": masks[finding.id],
            "measurement": measured.model_copy(update={"notes": notes}),
            "unmeasured": "",
        }
        result.append(finding.model_copy(update=update))
    progress(len(findings), len(findings) + 1, "estimating how they look")
    result = _with_looks(volume, result)
    progress(len(findings) + 1, len(findings) + 1, "measured")
    return tuple(result)


def _with_looks(volume: Volume, findings: Sequence[Finding]) -> list[Finding]:
    """Add to each measurement how the finding looks, estimated."""
    asked = {n: f.mask for n, f in enumerate(findings) if f.mask is not None and f.measurement is not None}
    found = dict(zip(asked, looks_of(volume, list(asked.values())), strict=True))
    return [
        finding.model_copy(update={"measurement": finding.measurement.model_copy(update={"looks": found[number]})})
        if number in found and finding.measurement is not None
        else finding
        for number, finding in enumerate(findings)
    ]


def _is_own(finding: Finding) -> bool:
    """Whether the mask of a finding was made here, by `segment`."""
    return finding.measurement is not None and finding.measurement.method.startswith(OWN_METHODS)


def _method(finding: Finding) -> str:
    """Who made a mask that was there before."""
    reader = next((entry.reader for entry in reversed(finding.history) if entry.what == "outlined"), None)
    if reader is not None:
        return f"outlined by {reader}"
    return finding.measurement.method if finding.measurement else "an outline that was there before"


def _parted(
    volume: Volume,
    masks: dict[str, Mask],
    centers_mm: dict[str, Point],
    drawn: set[str],
) -> tuple[dict[str, Mask], dict[str, tuple[str, ...]]]:
    """Give each voxel to one finding, and say where two findings are the same lesion."""
    parted, notes = dict(masks), dict[str, tuple[str, ...]]()
    names = list(masks)
    centers = {name: volume.to_index(centers_mm[name]) for name in names}
    for first, name in enumerate(names):
        for other in names[first + 1 :]:
            if not _boxes_meet(parted[name], parted[other]):
                continue
            mine, theirs = in_common(parted[name], parted[other])
            both = mine & theirs
            if not both.any():
                continue
            if both.sum() > _SHARED * min(mine.sum(), theirs.sum()):
                for one, two in ((name, other), (other, name)):
                    place = _at(centers_mm[two])
                    same = f"Its outline is largely that of {place}: both may be one lesion. Merge them if so."
                    notes[one] = (*notes.get(one, ()), same)
                continue
            low = np.minimum(parted[name].offset, parted[other].offset)
            where = np.argwhere(both) + low
            distance = [np.linalg.norm((where - centers[n]) * volume.spacing, axis=1) for n in (name, other)]
            nearer = distance[0] <= distance[1]
            lost = {name: ~nearer, other: nearer}
            # What a reader drew stays as it is.
            if name in drawn or other in drawn:
                lost = {name: np.full(len(where), name not in drawn), other: np.full(len(where), other not in drawn)}
                if name in drawn and other in drawn:
                    continue
            offset = (int(low[0]), int(low[1]), int(low[2]))
            for one, crop in ((name, mine), (other, theirs)):
                left = crop.copy()
                left[tuple((where[lost[one]] - low).T)] = False
                if left.any():
                    parted[one] = Mask.of(left, offset)
            for one, two in ((name, other), (other, name)):
                if lost[one].any():
                    how = (
                        "which a reader outlined" if two in drawn else "and each voxel between them is the nearer one's"
                    )
                    text = f"It touches {_at(centers_mm[two])}, {how}."
                    notes[one] = (*notes.get(one, ()), text)
    return parted, notes


def _at(center_mm: Point) -> str:
    """Name a finding in a note: by its place, which lists and reports show, and which stays when others come or go."""
    return "the finding at ({:.1f}, {:.1f}, {:.1f}) mm".format(*center_mm)


def _boxes_meet(a: Mask, b: Mask) -> bool:
    return all(x < z + m and z < x + n for x, n, z, m in zip(a.offset, a.shape, b.offset, b.shape, strict=True))


def _mean_mm(part: BoolArray | None, affine: FloatArray) -> float | None:
    if part is None:
        return None
    return axes(part, affine).mean_mm if part.any() else 0.0


def _units(values: npt.NDArray[np.float32]) -> HounsfieldUnits:
    p05, median, p95 = (float(v) for v in np.percentile(values, (5, 50, 95)))
    mean, sd = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    return HounsfieldUnits(
        mean=round(mean, 1), sd=round(sd, 1), p05=round(p05, 1), median=round(median, 1), p95=round(p95, 1)
    )


@dataclass(frozen=True)
class _Place:
    """Where a finding lies in the lungs."""

    side: Side = "unknown"
    zone: Zone = "unknown"
    pleura_mm: float | None = None
    notes: tuple[str, ...] = ()


def _place(inside: BoolArray, affine: FloatArray, lungs: Lungs | None) -> _Place:
    if lungs is None:
        return _Place(notes=("No lungs are in view: side, zone and distance to the pleura are unknown.",))
    middle = apply_affine(affine, np.argwhere(inside).mean(axis=0))
    side = lungs.side_at(middle)
    zone, why = lungs.zone_at(middle, side)
    depth = float(lungs.depth_at(apply_affine(affine, np.argwhere(surface_of(inside)))).min())
    return _Place(side, zone, round(depth, 1) if depth > _TOUCHES_MM else 0.0, (why,) if why else ())


def _notes(volume: Volume, mask: Mask) -> list[str]:
    """Describe what is to be known about the scan under a mask."""
    notes = []
    steps = volume.affine[:3, :3] / np.asarray(volume.spacing)
    off = float(np.degrees(np.arccos(min(1.0, float(np.abs(steps[2]).max())))))
    if off > _OBLIQUE_DEG:
        notes.append(f"The slices are turned {off:.0f}° out of the patient's axial plane, and the axes with them.")
    elif volume.certificate.orientation in ("coronal", "sagittal"):
        notes.append("The axes are measured in axial planes across the acquired images.")
    if any(o == 0 or o + n == s for o, n, s in zip(mask.offset, mask.shape, volume.shape, strict=True)):
        notes.append("It reaches the edge of the scan, and may go on outside.")
    filled = set(volume.certificate.interpolated_slices)
    if filled & set(mask.slices(0)):
        notes.append("Some of its slices were missing in the scan and are interpolated.")
    if volume.spacing[0] > 2.5:
        notes.append(f"Slices of {volume.spacing[0]:.1f} mm: volume and type of a small finding are uncertain.")
    return notes
