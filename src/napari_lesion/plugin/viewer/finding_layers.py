"""Findings as layers of napari: rings, boxes, and back to a report."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesion.model.findings import Finding, Point, Report, Status, box_around, image_at
from napari_lesion.model.volume import FloatArray, Volume, apply_affine, spacing_of
from napari_lesion.plugin.viewer.layers import (
    AXIS_LABELS,
    UNITS,
    LayerData,
    about,
    canonical,
    frame_of,
    placement,
    scan_name,
)
from napari_lesion.support.errors import ConfigError

FINDING_COLOR, SELECTED_COLOR = "#ffd24d", "#35e0ff"
BOX_LINE_MM = 0.5
RING_MM, SELECTED_RING_MM, OUTLINED_RING_MM = 0.8, 1.4, 0.3
RING_SHARE, SELECTED_RING_SHARE = 0.08, 0.14
"""Most that a ring's line is wide, of the finding's diameter."""
CLEAR_MM = 1.0
"""Between a finding and the middle of its ring's line, and its box: what is marked must not be covered."""
#: A point that lies closer to its finding was not moved: coordinates were converted forth and back.
MOVED_MM = 0.01


def is_shown(finding: Finding, threshold: float) -> bool:
    """Whether a finding has a ring: never a rejected one, always what a reader judged or added, else by its score."""
    if finding.status == "rejected":
        return False
    return finding.status != "candidate" or bool(finding.history) or finding.score >= threshold


def ring_mm(diameter_mm: float) -> float:
    """Diameter of the ring around a finding, to the middle of its line, mm: the finding lies free in it."""
    return diameter_mm + 2 * CLEAR_MM


def _reach_mm(finding: Finding) -> float:
    """Diameter of what a ring goes around: the long axis where it was measured, and the diameter is the mean."""
    measured = finding.measurement
    return max(finding.size_mm, measured.long_axis.length_mm if measured is not None else 0.0)


def rings_mm(findings: Sequence[Finding], volume: Volume) -> FloatArray:
    """Diameters of the rings around findings, mm."""
    # Where slices are thicker than the finding its ring must still be seen on the slice next to its centre.
    least = 1.1 * max(volume.spacing)
    return np.array([max(ring_mm(_reach_mm(finding)), least) for finding in findings])


def ring_attributes(
    findings: Sequence[Finding], volume: Volume, shown: Sequence[bool], selected: str
) -> dict[str, Any]:
    """Make data and attributes of the rings, one a finding.

    Parameters
    ----------
    findings : sequence of Finding
    volume : Volume
    shown : sequence of bool
    selected : str
        Id of the finding that is looked at: its ring is of another colour, and thicker.
    """
    step = max(volume.spacing)
    centers = frame_of(volume).to_world(np.array([f.center_mm for f in findings]).reshape(-1, 3))
    sizes = rings_mm(findings, volume)
    chosen = [f.id == selected for f in findings]
    # Where the outline is known, the ring is only what one takes hold of.
    widths = [
        OUTLINED_RING_MM
        if f.mask is not None
        else min(SELECTED_RING_MM, SELECTED_RING_SHARE * f.size_mm)
        if one
        else min(RING_MM, RING_SHARE * f.size_mm)
        for f, one in zip(findings, chosen, strict=True)
    ]
    return {
        "data": centers / step,
        "features": {
            "id": np.array([f.id for f in findings], dtype=object),  # text also where there is none
            "score": [f.score for f in findings],
            "number": [f.number for f in findings],
            "diameter_mm": [f.size_mm for f in findings],
            "status": np.array([f.status for f in findings], dtype=object),
        },
        "shown": np.array(shown, dtype=bool),
        "size": sizes / step if findings else 10 / step,
        "border_color": [SELECTED_COLOR if one else FINDING_COLOR for one in chosen] or FINDING_COLOR,
        "border_width": np.array(widths) / step if findings else RING_MM / step,
    }


def ring_look(step: float) -> dict[str, Any]:
    """Describe what all rings have in common, in a layer whose voxels have that many mm along each axis.

    They are isotropic, so that a ring shrinks like the cut of a sphere when one scrolls away from its centre.
    """
    return {
        "face_color": "transparent",
        "border_width": RING_MM / step,
        "border_width_is_relative": False,
        "projection_mode": "rescale_spherical",
        "scale": (step,) * 3,
        "units": UNITS,
        "axis_labels": AXIS_LABELS,
    }


def findings_layer(
    report: Report,
    volume: Volume,
    threshold: float,
    false_positives: float | None = None,
    selected: str = "",
) -> LayerData:
    """Make the points layer of the findings: a ring around each, `CLEAR_MM` away from it.

    The layer's step is the scan's coarsest spacing, so it never refines napari's slider. ``features`` holds id,
    score, diameter and status; findings that `is_shown` denies are there but not shown. ``metadata`` holds the report,
    the threshold, and what rate of false positives a scan it stands for, if that is known.
    """
    findings = report.findings
    rings = ring_attributes(findings, volume, [is_shown(f, threshold) for f in findings], selected)
    step = max(volume.spacing)
    attributes = {
        **ring_look(step),
        **{name: value for name, value in rings.items() if name != "data"},
        "name": f"Findings: {scan_name(volume.series)}",
        # What a point has that the reader adds by hand.
        "feature_defaults": {"id": "", "score": 1.0, "number": 0, "diameter_mm": np.nan, "status": "added"},
        "symbol": "disc",
        "metadata": about(
            volume, report=report, scan=volume, threshold=threshold, false_positives_per_scan=false_positives
        ),
        "translate": (0.0,) * 3,
    }
    return rings["data"], attributes, "points"


def report_of(data: npt.NDArray[Any], attributes: dict[str, Any]) -> Report:
    """Get the report back from a points layer, with what was changed by hand.

    Points that are not shown are left out, unless a reader judged them: rejected findings stay, with their status. A
    point that was moved is ``edited``, a point that was added is ``added`` with score 1: a person put it there.

    Parameters
    ----------
    data, attributes
        As ``layer.as_layer_data_tuple()`` gives them for a layer of `findings_layer`.

    Raises
    ------
    ConfigError
        If the layer holds no findings of this program.
    """
    metadata = attributes.get("metadata", {})
    report, scan = metadata.get("report"), metadata.get("scan")
    if not isinstance(report, Report) or not isinstance(scan, Volume):
        raise ConfigError(
            f"The layer {attributes.get('name', '')!r} holds no findings. Select the layer that "
            '"Detect lesions" made, its name starts with "Findings:".'
        )
    scale, translate = np.asarray(attributes["scale"]), np.asarray(attributes["translate"])
    centers = frame_of(scan).to_patient(np.asarray(data) * scale + translate)
    known = {finding.id: finding for finding in report.findings}
    ids = list(attributes["features"]["id"])
    sizes = np.broadcast_to(attributes["size"], len(ids)) * float(scale[0])
    findings = []
    judged = np.array([one in known and bool(known[one].history) for one in ids], dtype=bool)
    shown = np.broadcast_to(attributes["shown"], len(ids)) | judged
    for row in np.flatnonzero(shown):
        center = (float(centers[row, 0]), float(centers[row, 1]), float(centers[row, 2]))
        finding = known.pop(ids[row], None)
        if finding is None:
            findings.append(_placed_finding(str(uuid.uuid4()), center, float(sizes[row]), 1.0, "added", scan))
        elif np.abs(np.subtract(center, finding.center_mm)).max() > MOVED_MM:
            findings.append(_placed_finding(finding.id, center, finding.diameter_mm, finding.score, "edited", scan))
        else:
            findings.append(finding)
    model = {key: metadata[key] for key in ("threshold", "false_positives_per_scan")}
    return report.model_copy(
        update={
            "findings": tuple(sorted(findings, key=lambda f: -f.score)),
            "model": report.model.model_copy(update=model),
        }
    )


def _placed_finding(id_: str, center: Point, diameter: float, score: float, status: Status, scan: Volume) -> Finding:
    """Make a finding where a person put it."""
    return Finding(
        id=id_,
        center_mm=center,
        diameter_mm=diameter,
        box_mm=box_around(center, diameter),
        score=score,
        status=status,
        **image_at(scan, center),
    )


def box_rectangles(
    findings: Sequence[Finding], volume: Volume, through: int, clear_mm: float = 0.0
) -> tuple[list[FloatArray], list[int]]:
    """Cut the boxes of findings along the scan's planes, since napari shows a shape in its own plane only.

    Parameters
    ----------
    findings : tuple of Finding
    volume : Volume
    through : int
        World axis that one scrolls along: 0 for axial, 1 for coronal, 2 for sagittal planes.
    clear_mm : float
        By which the rectangles are larger than the box to all sides.

    Returns
    -------
    rectangles : list of (4, 3)
        One for each plane that a box meets, in canonical voxel indices.
    owners : list of int
        The finding that each rectangle belongs to.
    """
    voxels, affine = canonical(volume.voxels, volume.affine)
    in_plane = [axis for axis in range(3) if axis != through]
    rectangles: list[FloatArray] = []
    owners: list[int] = []
    for owner, finding in enumerate(findings):
        lower, upper = finding.box_mm
        corners = np.array(
            [[x, y, z] for x in (lower[0], upper[0]) for y in (lower[1], upper[1]) for z in (lower[2], upper[2])]
        )
        index = apply_affine(np.asarray(np.linalg.inv(affine), dtype=np.float64), corners)
        low, high = index.min(axis=0), index.max(axis=0)
        first, last = np.ceil(low[through]), np.floor(high[through])
        if first > last:  # thinner than a slice: shown on the nearest one
            first = last = np.rint((low[through] + high[through]) / 2)
        a, b = in_plane
        low[in_plane] -= clear_mm / np.array(spacing_of(affine))[in_plane]
        high[in_plane] += clear_mm / np.array(spacing_of(affine))[in_plane]
        for plane in np.arange(max(first, 0), min(last, voxels.shape[through] - 1) + 1):
            rectangle = np.empty((4, 3))
            rectangle[:, through] = plane
            rectangle[:, a] = (low[a], low[a], high[a], high[a])
            rectangle[:, b] = (low[b], high[b], high[b], low[b])
            rectangles.append(rectangle)
            owners.append(owner)
    return rectangles, owners


def _box_clear_of(finding: Finding) -> tuple[Point, Point]:
    lower, upper = np.array([finding.box_mm, box_around(finding.center_mm, _reach_mm(finding))]).transpose(1, 0, 2)
    (x0, y0, z0), (x1, y1, z1) = lower.min(axis=0).tolist(), upper.max(axis=0).tolist()
    return (x0, y0, z0), (x1, y1, z1)


def box_lines(findings: Sequence[Finding], volume: Volume, through: int) -> FloatArray:
    """Make the edges of `box_rectangles` as napari's vectors: (n, 2, 3), start and way, in canonical voxel indices."""
    # What was measured may reach beyond the box that the network drew.
    around = [one.model_copy(update={"box_mm": _box_clear_of(one)}) for one in findings]
    rectangles, _ = box_rectangles(around, volume, through, 2 * CLEAR_MM)
    corners = np.array(rectangles).reshape(-1, 4, 3)
    lines: FloatArray = np.stack([corners, np.roll(corners, -1, axis=1) - corners], axis=2).reshape(-1, 2, 3)
    return lines


def boxes_layer(findings: Sequence[Finding], volume: Volume, through: int) -> LayerData:
    """Make the layer with the boxes of findings, cut along the planes that one scrolls through.

    They are vectors, not shapes: napari takes a hundred times as long for as many shapes.
    """
    _, affine = canonical(volume.voxels, volume.affine)
    attributes = {
        "name": f"Boxes: {scan_name(volume.series)}",
        "ndim": 3,
        "vector_style": "line",
        "projection_mode": "none",  # rings need a thick slab of napari, boxes none
        "edge_width": BOX_LINE_MM / spacing_of(affine)[2],
        "edge_color": FINDING_COLOR,
        "opacity": 0.7,
        "metadata": about(volume, through=through),
        **placement(affine, frame_of(volume)),
    }
    return box_lines(findings, volume, through), attributes, "vectors"
