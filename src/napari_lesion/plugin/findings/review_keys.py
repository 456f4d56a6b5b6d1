"""Keys of the review: step through the findings, decide, edit, undo; show and hide the maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from qtpy.QtWidgets import QApplication

from napari_lesion.model.findings import Point
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.findings.findings_view import FindingsView, findings_view
from napari_lesion.plugin.findings.outlines import outlines
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.actions import Action
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.layers import frame_of
from napari_lesion.plugin.viewer.tools.measuring import measuring_tools
from napari_lesion.plugin.viewer.tools.overlays import overlays
from napari_lesion.plugin.widgets.messages import show_info
from napari_lesion.plugin.widgets.parts import is_sure
from napari_lesion.report.impression import finding_sentence, impression
from napari_lesion.review import edits
from napari_lesion.review.estimate import estimate_size
from napari_lesion.review.review import Provenance, Review, redo, undo


def _run(do: Callable[[FindingsView], Any]) -> Callable[[Session], None]:
    return lambda session: do(findings_view(session))


def _edit_chosen(how: Callable[..., Any]) -> Callable[[Session], None]:
    def run(session: Session) -> None:
        view = findings_view(session)
        ids = _chosen(view)
        if ids:
            view.change(lambda review, by: how(review, ids, by))

    return run


def _chosen(view: FindingsView) -> Sequence[str]:
    """Ids that the next key is for; says so where there is none."""
    if not view.selected:
        show_info(
            tr("Choose a finding first: click its row or its ring, or press {key}.", key=key_name("findings.next"))
        )
    return view.selected


def add_at_cursor(session: Session) -> None:
    """Add a finding under the mouse, or at the crosshair where the mouse is elsewhere."""
    view, volume = findings_view(session), session.volume
    place = pointed_at(session)
    if volume is None or place is None:
        show_info(tr("Open a scan first, then point at the lesion and press {key}.", key=key_name("findings.add")))
        return
    if not volume.complete:
        show_info(tr("The scan is still being read. Wait until all slices are there."))
        return
    found = estimate_size(volume, place)
    how = "diameter estimated from the voxels" if found.edge_found else "no edge found, diameter is a default"
    if not view.change(lambda review, by: edits.add(review, found.center_mm, found.diameter_mm, by, volume, how)):
        return
    review = session.review
    if review is not None and review.changes:
        session.select(review.changes[-1].after[0].id)
    size = f"{found.diameter_mm:.1f}"
    if found.edge_found:
        text = tr("Added. Its diameter of {size} mm is an estimate: drag the ring's line to correct it.", size=size)
    else:
        text = tr("Added. No edge was found there, so {size} mm is only a start: drag the ring's line.", size=size)
    show_info(text)


def pointed_at(session: Session) -> Point | None:
    """Place (LPS mm) under the mouse, or of the crosshair where the mouse is elsewhere; None without a scan."""
    viewer, volume = session.viewer, session.volume
    if volume is None:
        return None
    if viewer.mouse_over_canvas and viewer.dims.ndim == 3 and viewer.dims.ndisplay == 2:
        world = np.array(viewer.cursor.position, dtype=np.float64)
        axis = viewer.dims.order[0]
        world[axis] = viewer.dims.point[axis]  # the reader scrolls, and the cursor stays
        x, y, z = frame_of(volume).to_patient(world).tolist()
        index = volume.to_index((x, y, z))
        if (index >= -0.5).all() and (index < np.array(volume.shape) - 0.5).all():
            return x, y, z
    return session.position_mm


def delete(session: Session) -> None:
    """Delete the drawing that is chosen; without one, delete or reject the chosen findings."""
    if not measuring_tools(session).delete():
        _edit_chosen(edits.remove)(session)


def move_to_crosshair(session: Session) -> None:
    """Put the chosen finding where the crosshair is: the way to move it without a mouse."""
    view, volume, place = findings_view(session), session.volume, session.position_mm
    ids = _chosen(view)
    if ids and volume is not None and place is not None:
        view.change(lambda review, by: edits.move(review, ids[0], place, by, volume))


def merge(session: Session) -> None:
    """Make one finding out of the chosen rows."""
    view, volume = findings_view(session), session.volume
    ids = view.selected
    if volume is None or len(ids) < 2:
        show_info(
            tr(
                "Choose two or more rows of the table (Ctrl or Shift and click), then press {key}.",
                key=key_name("findings.merge"),
            )
        )
        return
    why = edits.apart([finding for finding in view.findings if finding.id in ids])
    if why and not _insists(session, why):
        return
    if view.change(lambda review, by: edits.merge(review, ids, by, volume, insist=bool(why))):
        review = session.review
        if review is not None and review.changes:
            view.look_at(review.changes[-1].after[0].id)


def _insists(session: Session, why: str) -> bool:
    """Ask whether findings that are apart are to be merged all the same."""
    question = f"{why} {tr('Merge them all the same?')}"
    return is_sure(session.viewer.window._qt_window, tr("Merge findings"), question)


def _step(step: Callable[[Review, Provenance], Review]) -> Callable[[Session], None]:
    """Undo or redo a change; where it was about the chosen finding, table and views turn to where that is now."""

    def run(session: Session) -> None:
        view, before, chosen = findings_view(session), session.review, session.finding
        if not view.change(step) or (review := session.review) is None or review is before:
            return
        change = review.undone[-1] if step is undo else review.changes[-1]
        if change.drawings is not None and before is not None:
            measuring_tools(session).turn_to_change(before.drawings, review.drawings)
        there = {finding.id for finding in view.findings}
        about = [finding.id for finding in (*change.before, *change.after)]
        known = [id_ for id_ in (chosen, *about) if id_ in there]
        if known and (not chosen or chosen in about):
            view.look_at(known[0])

    return run


def look_again(session: Session) -> None:
    """Turn all views to the chosen finding."""
    view = findings_view(session)
    ids = _chosen(view)
    if ids:
        view.look_at(ids[0])


def measure_again(session: Session) -> None:
    """Let the program look for the outline of the chosen finding again."""
    view = findings_view(session)
    ids = _chosen(view)
    if ids:
        view.change(lambda review, by: edits.measure_again(review, ids[0], by))


def _draw(tool: str) -> Callable[[Session], None]:
    """Take up a tool that draws the outline of the chosen finding, or put it down."""

    def run(session: Session) -> None:
        drawn = outlines(session)
        drawn.use("" if drawn.tool == tool else tool)

    return run


def show_card(session: Session) -> None:
    """Bring the card of the chosen finding to the front."""
    window: Any = getattr(session.viewer, "window", None)
    if session.mode:  # in the workstation it is part of a step
        session.step_asked.emit("judge")
    elif window is not None:
        dock, _ = window.add_plugin_dock_widget("napari-lesion", "Finding")
        dock.raise_()


def toggle_outlines(session: Session) -> None:
    """Show or hide outlines and axes."""
    drawn = outlines(session)
    drawn.show(overlays(session).hidden or not drawn.visible)


def copy_finding(session: Session) -> None:
    """Put the chosen finding into the clipboard, as a sentence to dictate."""
    view = findings_view(session)
    ids = _chosen(view)
    report = view.report()
    if report is None or not ids:
        return
    chosen = [finding for finding in view.findings if finding.id in ids]
    _copy("\n".join(finding_sentence(report, finding, tr, in_language) for finding in chosen))


def copy_impression(session: Session) -> None:
    """Put the impression of the scan into the clipboard: at most six lines."""
    report = findings_view(session).report() if not session.blind else None
    if report is None:
        show_info(
            tr(
                "There are no findings yet. Search the scan, or point at a lesion and press {key}.",
                key=key_name("findings.add"),
            )
        )
    else:
        _copy("\n".join(impression(report, tr, in_language)))


def _copy(text: str) -> None:
    QApplication.clipboard().setText(text)
    show_info(tr("Copied: {sentences}", sentences=text))


ACTIONS = (
    Action("findings.next", "Next finding", "N", _run(lambda view: view.step(1))),
    Action("findings.previous", "Previous finding", "P", _run(lambda view: view.step(-1))),
    Action("findings.look", "Turn all views to the chosen finding", "Enter", look_again),
    Action("findings.accept", "Accept the chosen findings", "A", _edit_chosen(edits.accept)),
    Action("findings.reject", "Reject the chosen findings", "D", _edit_chosen(edits.reject)),
    Action("findings.reopen", "Take the decision back", "U", _edit_chosen(edits.reopen)),
    Action("findings.add", "Add a finding under the mouse, or at the crosshair", "E", add_at_cursor),
    Action("findings.move", "Move the chosen finding to the crosshair", "Shift-E", move_to_crosshair),
    Action("findings.merge", "Merge the chosen findings", "M", merge),
    Action("findings.delete", "Delete a drawing or what was added, reject what the model found", "Delete", delete),
    Action("findings.comment", "Comment on the chosen finding", "K", _run(lambda view: view.comment_asked.emit())),
    Action("findings.card", "Show the card of the chosen finding", "W", show_card),
    Action("findings.outline", "Paint the outline of the chosen finding, or stop", "O", _draw("paint")),
    Action("findings.erase", "Erase from the outline of the chosen finding, or stop", "Shift-O", _draw("erase")),
    Action("findings.measure", "Find the outline of the chosen finding again", "Shift-M", measure_again),
    Action("findings.outlines", "Show or hide outlines and axes", "S", toggle_outlines),
    Action("findings.copy", "Copy the chosen findings as sentences", "Control-C", copy_finding),
    Action("findings.impression", "Copy the impression of the scan", "Control-Shift-C", copy_impression),
    Action("findings.undo", "Undo", "Control-Z", _step(undo)),
    Action("findings.redo", "Redo", "Control-Shift-Z", _step(redo)),
    Action("findings.heatmap", "Show or hide the heatmap", "H", _run(lambda view: view.maps.toggle_heatmap())),
    Action(
        "findings.explanation", "Show or hide the explanation", "J", _run(lambda view: view.maps.toggle_explanations())
    ),
)
