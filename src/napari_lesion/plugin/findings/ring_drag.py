"""Rings are edited where they are: drag the inside of the chosen ring to move it, its line to resize it.

A click on another ring chooses its finding. Nothing else is needed: no mode, no handle, and no layer to select.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from napari.layers import Points

from napari_lesion.model.findings import Finding
from napari_lesion.model.volume import FloatArray
from napari_lesion.plugin.viewer.finding_layers import CLEAR_MM, rings_mm
from napari_lesion.plugin.viewer.layers import UprightFrame, frame_of
from napari_lesion.review import edits

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_lesion.plugin.findings.findings_view import FindingsView

LINE_PX = 6.0
"""So far from the line of a ring the mouse still has it."""
SMALLEST_MM = 1.0
_STILL_PX = 3.0
"""A mouse that moved less was clicked, not dragged."""


@dataclass(frozen=True)
class RingGrip:
    """What of a ring is under the mouse."""

    finding: Finding
    part: Literal["inside", "line"]


def grip_at(view: ViewerModel, findings: FindingsView, world: npt.ArrayLike) -> RingGrip | None:
    """Find the ring under a place in napari's world; the chosen one goes before the others.

    Parameters
    ----------
    view : ViewerModel
        The view that the mouse is in.
    findings : FindingsView
    world : (3,)
        mm.
    """
    volume, points = findings.volume, findings.layer("findings")
    if volume is None or not isinstance(points, Points) or not points.visible or view.dims.ndisplay != 2:
        return None
    frame, chosen, candidates = frame_of(volume), findings.chosen, list(findings.shown)
    if chosen is not None and chosen not in candidates:
        candidates.append(chosen)
    if not candidates:
        return None
    axis = view.dims.order[0]
    at = np.array(world, dtype=np.float64)
    at[axis] = view.dims.point[axis]  # the reader scrolls, and the cursor stays
    offsets = frame.to_world(np.array([f.center_mm for f in candidates])) - at
    depth = np.abs(offsets[:, axis])
    across = np.linalg.norm(np.delete(offsets, axis, axis=1), axis=1)
    radius = rings_mm(candidates, volume) / 2
    cut = np.sqrt(np.clip(radius**2 - depth**2, 0, None))  # of the sphere, in this plane
    slack = LINE_PX / view.scene.camera.zoom
    hit = (depth < radius) & (across <= cut + slack)
    if not hit.any():
        return None
    preferred = [finding is chosen or (chosen is not None and finding.id == chosen.id) for finding in candidates]
    order = np.lexsort((across, ~np.array(preferred), ~hit))
    row = int(order[0])
    # A tiny ring can still be moved: its middle belongs to the inside.
    on_line = across[row] > max(cut[row] - slack, cut[row] / 2)
    return RingGrip(candidates[row], "line" if on_line else "inside")


def grab_rings(viewer: ViewerModel, findings: FindingsView) -> None:
    """Bind the mouse to the rings of a viewer, before all that is bound to it already."""

    def drag(view: ViewerModel, event: Any) -> Iterator[None]:
        yield from _drag(view, event, findings)

    def hover(view: ViewerModel, event: Any) -> None:
        _hover(view, event, findings)

    viewer.mouse_drag_callbacks.insert(0, drag)
    viewer.mouse_move_callbacks.append(hover)


def _free(view: ViewerModel) -> bool:
    """Whether nothing is painted or edited with the mouse."""
    active = view.layers.selection.active
    return view.dims.ndim == 3 and (active is None or str(active.mode) == "pan_zoom")


def _hover(view: ViewerModel, event: Any, findings: FindingsView) -> None:
    chosen = findings.chosen
    if chosen is None or not _free(view) or view.scene.camera.zoom <= 0:
        return
    grip = grip_at(view, findings, event.position)
    held = grip is not None and grip.finding.id == chosen.id
    style = ("crosshair" if grip.part == "line" else "pointing") if held and grip is not None else "standard"
    if str(view.cursor.style) != style:
        view.cursor.style = style


def _drag(view: ViewerModel, event: Any, findings: FindingsView) -> Iterator[None]:
    if event.button != 1 or event.modifiers or event.handled or not _free(view):
        return
    grip = grip_at(view, findings, event.position)
    volume = findings.volume
    if grip is None or volume is None:
        return
    finding, chosen = grip.finding, findings.chosen
    if chosen is None or finding.id != chosen.id:
        findings.choose(finding.id)
        return
    event.handled = True
    camera, frame = view.scene.camera, frame_of(volume)
    could_pan, camera.mouse_pan = camera.mouse_pan, False
    start, axis = np.array(event.position), view.dims.order[0]
    start[axis] = view.dims.point[axis]
    center, diameter, dragged = finding.center_mm, finding.size_mm, False
    try:
        yield
        while event.type == "mouse_move":
            event.handled = True
            at = np.array(event.position)
            at[axis] = view.dims.point[axis]
            dragged = dragged or float(np.linalg.norm(at - start)) * camera.zoom > _STILL_PX
            if dragged and grip.part == "line":
                diameter = _diameter_through(frame, finding, at)
            elif dragged:
                x, y, z = frame.to_patient(frame.to_world(finding.center_mm) + at - start).tolist()
                center = (x, y, z)
            if dragged:
                findings.preview(finding.id, center, diameter)
            yield
    finally:
        camera.mouse_pan = could_pan
    if not dragged:
        return
    if grip.part == "line":
        done = findings.change(lambda review, by: edits.resize(review, finding.id, diameter, by))
    else:
        done = findings.change(lambda review, by: edits.move(review, finding.id, center, by, volume))
    if not done:
        findings.redraw()


def _diameter_through(frame: UprightFrame, finding: Finding, world: FloatArray) -> float:
    """Diameter of a finding whose ring goes through a place in the world."""
    return max(2 * (float(np.linalg.norm(frame.to_world(finding.center_mm) - world)) - CLEAR_MM), SMALLEST_MM)
