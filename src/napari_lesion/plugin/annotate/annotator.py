"""Annotating in one viewer: who reads, with which words and which tool, and what has been marked so far.

The panel and the layers show what is here. Every change is on disk when the method that made it returns.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from weakref import ref

import numpy as np
from platformdirs import user_data_path
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_lesion.annotation.annotations import Annotation, AnnotationSet, changed, moved, new_annotation, with_mask
from napari_lesion.annotation.labels import LUNG_NODULES, Label, LabelSet
from napari_lesion.annotation.store import Store
from napari_lesion.model.findings import Point
from napari_lesion.model.mask import Mask, fill_between
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.annotate.annotated_scan import AnnotatedScan, free_voxels, sets_of_others
from napari_lesion.plugin.annotate.annotation_layers import AnnotationLayers
from napari_lesion.plugin.annotate.growing import Growing
from napari_lesion.plugin.session.per_viewer import one_each
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.settings import option, reader_name, setting, store
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.layers import scan_key, scan_name
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.support.errors import AnnotationError, LesionError

#: What the mouse does: select and move, points, boxes, brush, eraser, growing; "" leaves it to the viewer.
TOOLS = ("", "select", "point", "box", "brush", "erase", "grow")
_HINTS = {
    "select": N_("Click a finding to select it; drag a point or box to move it, Delete takes it away."),
    "point": N_("Drag from the middle of the finding to its rim. A click repeats the last diameter."),
    "box": N_("Drag from corner to corner."),
    "brush": N_("Paint the finding. B or another label begins the next finding."),
    "erase": N_("Erase from the selected finding; select it in the list first."),
    "grow": N_("Click into the finding: it is outlined at once. Correct the outline with the brush."),
}
ANNOTATION = "annotation"
"""Who has the mouse while something is marked."""
DEFAULT_DIAMETER_MM = 8.0
"""Of a point that was clicked, not dragged, before any other was placed."""


class Annotator(QObject):
    """What is annotated in one viewer. Get it with `annotator`."""

    changed = Signal()
    """The annotations, the reader, the label or the selection are others."""
    tool_changed = Signal(str)
    status_changed = Signal(str)
    """A sentence for the reader."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session_ref = ref(session)
        self._scans: dict[str, AnnotatedScan] = {}
        """That were open, by `layers.scan_key`, as the present reader annotated them."""
        self.reader = reader_name()
        self.store = Store(Path(option("annotation/folder") or user_data_path("napari-lesion") / "annotations"))
        self._nothing = AnnotatedScan(self.store, self.status_changed.emit)
        self.labels: LabelSet = LUNG_NODULES
        self.label: Label = LUNG_NODULES.labels[0]
        self.selected = ""
        """Id of the annotation that the reader is at, or ""."""
        self.tool = ""
        self.others = False
        """Whether the annotations of the other readers are shown."""
        self.of_others: tuple[AnnotationSet, ...] = ()
        """What other readers marked in the scan that is read now, if that is to be seen."""
        self._growing = Growing(self)
        self._growing.grown.connect(self._on_grown)
        self._growing.failed.connect(self._on_not_grown)
        self._read_labels()
        session.scan_changed.connect(self._on_scan)
        session.open_scans.mouse_taken.connect(self._on_mouse_taken)
        session.finding_selected.connect(self._on_finding)
        self._on_scan()
        # Late, since the layers follow the signals.
        self.layers = AnnotationLayers(self)

    # -- what there is ------------------------------------------------------------------------------------------------

    @property
    def session(self) -> Session:
        """What the panels of the viewer share.

        Raises
        ------
        RuntimeError
            If the viewer is gone.
        """
        session = self._session_ref()
        if session is None:
            raise RuntimeError("the viewer was closed")
        return session

    @property
    def volume(self) -> Volume | None:
        """The scan that is read now."""
        return self.session.volume

    @property
    def _here(self) -> AnnotatedScan:
        """The scan that is read now; one without anything where there is none."""
        volume = self.volume
        return self._scans.get(scan_key(volume), self._nothing) if volume is not None else self._nothing

    @property
    def problem(self) -> str:
        """Why the scan that is read now cannot be annotated; "" if it can."""
        return self._here.problem if self.volume is not None else tr("Open a scan first.")

    @property
    def unsaved(self) -> str:
        """Why the last change in the scan that is read now is not on disk yet; "" if it is."""
        return self._here.unsaved

    @property
    def annotations(self) -> AnnotationSet | None:
        """What the reader marked in the scan that is read now; None where that is not possible."""
        return self._here.found

    def _load_others(self) -> None:
        self.of_others = ()
        if self.volume is None or not self.others:
            return
        try:
            for one in sets_of_others(self.store, self.volume, self.reader):
                self.of_others += (one,)
        except LesionError as error:
            self.status_changed.emit(f"⚠ {sentence(error)}")

    @property
    def current(self) -> Annotation | None:
        """The annotation that is selected."""
        found = self.annotations
        return found[self.selected] if found is not None and self.selected in found else None

    def color(self, name: str) -> str:
        """Colour of a label, white for one that the label set does not have (any more)."""
        return self.labels[name].color if name in self.labels else "#ffffff"

    # -- who, with what, where to -------------------------------------------------------------------------------------

    def set_reader(self, name: str) -> None:
        """Turn to another reader; the annotations shown and changed are that reader's from now on."""
        name = name.strip()
        if name and name != self.reader:
            store("review/reader", name)
            self.reader = name
            self._reload()

    def set_folder(self, folder: Path) -> None:
        """Keep the annotations in another folder from now on; those that are there already are shown."""
        store("annotation/folder", str(folder))
        self.store = Store(folder)
        self._read_labels()
        self._reload()

    def set_label(self, name: str) -> None:
        """Choose the label of what is marked next. While painting, the next stroke begins another finding."""
        self.label = self.labels[name]
        if self.tool in ("brush", "erase"):
            self.selected = ""
        self.changed.emit()

    def set_others(self, shown: bool) -> None:
        """Show or hide what other readers marked."""
        if shown and self.session.blind:
            self.status_changed.emit(tr("While you read blind, what others marked stays hidden."))
            shown = False
        self.others = shown
        self._load_others()
        self.changed.emit()

    def use(self, tool: str) -> None:
        """Choose what the mouse does."""
        if tool and self.problem:
            self.status_changed.emit(self.problem)
            tool = ""
        if tool:
            self.session.open_scans.take_mouse(ANNOTATION)
        if tool == "brush" == self.tool:
            self.selected = ""  # once more: the next finding
            self.changed.emit()
        elif tool != self.tool:
            self.tool = tool
            self.tool_changed.emit(tool)
        if tool:
            self.status_changed.emit(tr(_HINTS[tool]))

    def _on_mouse_taken(self, who: str) -> None:
        if who != ANNOTATION and self.tool:
            self.use("")

    def _on_finding(self, id_: str) -> None:
        """Put the tool down when the reader turns to a finding of the review: the next stroke would not be for it."""
        if id_ and self.tool:
            self.use("")

    def select(self, id_: str) -> None:
        """Turn to an annotation."""
        if id_ != self.selected:
            self.selected = id_
            self.changed.emit()

    def show_finding(self, id_: str) -> None:
        """Turn to an annotation, and show its place in all views."""
        self.select(id_)
        if (mark := self.current) is not None:
            self.session.turn_to(mark.center_mm)

    # -- marking ------------------------------------------------------------------------------------------------------

    def add_point(self, center_mm: Iterable[float], diameter_mm: float | None = None) -> None:
        """Mark a point; without a diameter it gets that of the last one."""
        if diameter_mm is None:
            diameter_mm = setting("annotation/diameter_mm", DEFAULT_DIAMETER_MM)
        else:
            diameter_mm = round(diameter_mm, 1)
            store("annotation/diameter_mm", diameter_mm)
        self._add(center_mm=center_mm, diameter_mm=diameter_mm)

    def add_box(self, center_mm: Iterable[float], size_mm: Point) -> None:
        """Mark a box; its size is along the scan's own axes k, j, i."""
        self._add(center_mm=center_mm, box_size_mm=size_mm)

    def add_mask(self, mask: Mask) -> None:
        """Mark a new finding by its voxels."""
        self._add(mask=mask)

    def _add(self, **what: object) -> None:
        found, volume = self.annotations, self.volume
        if found is None or volume is None:
            return
        mark = new_annotation(volume, label=self.label.name, reader=self.reader, **what)  # type: ignore[arg-type]
        self._apply(found.put(mark), mark.id)

    def paint(self, id_: str, mask: Mask | None) -> None:
        """Give an annotation another mask; without any voxel left, it is taken away."""
        found, volume = self.annotations, self.volume
        if found is None or volume is None or id_ not in found:
            return
        if mask is None:
            self.remove(id_)
        elif mask != found[id_].mask:
            self._apply(found.put(with_mask(found[id_], mask, volume)), id_)

    def move(self, id_: str, center_mm: Iterable[float], size_mm: Point | None = None) -> None:
        """Put a point or a box elsewhere, a box with another size."""
        found, volume = self.annotations, self.volume
        if found is None or volume is None or id_ not in found:
            return
        mark = moved(found[id_], center_mm, volume)
        if size_mm is not None:
            ball = float((6 * np.prod(size_mm) / np.pi) ** (1 / 3))
            mark = mark.model_copy(update={"box_size_mm": size_mm, "diameter_mm": ball})
        self._apply(found.put(mark), id_)

    def remove(self, id_: str = "") -> None:
        """Take an annotation away: the selected one, if none is named."""
        found, id_ = self.annotations, id_ or self.selected
        if found is not None and id_ in found:
            self._apply(found.without(id_), "")

    def relabel(self, name: str) -> None:
        """Give the selected annotation another label."""
        self._change(label=self.labels[name].name)

    def comment(self, text: str) -> None:
        """Write a comment to the selected annotation."""
        self._change(comment=text)

    def _change(self, **what: str) -> None:
        found, mark = self.annotations, self.current
        if found is not None and mark is not None and mark.model_copy(update=what) != mark:
            self._apply(found.put(changed(mark, **what)), mark.id)

    def set_done(self, done: bool) -> None:
        """Show that the scan is finished, or that it is not."""
        found = self.annotations
        if found is not None and found.done != done:
            self._apply(found.finished(done), self.selected)

    def fill(self) -> None:
        """Fill the slices between those that the selected finding was drawn on."""
        found, mark, volume = self.annotations, self.current, self.volume
        if found is None or volume is None:
            return
        if mark is None or mark.mask is None:
            self.status_changed.emit(tr("Select a painted finding first: fill completes it between the slices drawn."))
            return
        try:
            filled = fill_between(mark.mask, volume.affine, self.layers.axis_across)
        except AnnotationError as error:
            self.status_changed.emit(f"⚠ {sentence(error)}")
            return
        self.paint(mark.id, free_voxels(found, filled, volume, but=mark.id))

    def grow_at(self, center_mm: Point) -> None:
        """Outline the finding at a place; the work is done on a thread."""
        volume = self.volume
        if volume is not None and self.annotations is not None and not self.growing:
            self._growing.start(volume, center_mm, self.label.name, self.reader, self.session.open_scans)

    def _on_not_grown(self, volume: Volume, error: Exception) -> None:
        where = "" if volume is self.volume else f"{scan_name(volume.series)}: "
        self.status_changed.emit(f"⚠ {where}{sentence(error)}")

    @property
    def growing(self) -> bool:
        """Whether a finding is being outlined."""
        return self._growing.running

    def _on_grown(self, volume: Volume, label: str, reader: str, mask: Mask) -> None:
        """Take over what was outlined, in its own scan, whichever is on the screen by now."""
        kept = self._scans.get(scan_key(volume))
        if kept is None or kept.found is None or reader != self.reader:
            return
        free = free_voxels(kept.found, mask, volume)
        if volume is not self.volume:
            if free is not None:
                made = new_annotation(volume, label=label, reader=reader, mask=free)
                kept.change(kept.found.put(made))
                scan = scan_name(volume.series)
                self.status_changed.emit(tr("Outlined in {scan}: {mm:.1f} mm.", scan=scan, mm=made.diameter_mm))
            return
        if free is None:
            self.status_changed.emit(tr("That finding is outlined already: select it, and correct it with the brush."))
            return
        self.add_mask(free)
        if (mark := self.current) is not None:
            self.status_changed.emit(
                tr(
                    "Outlined: {mm:.1f} mm. Correct it with the brush ({key}), or undo.",
                    key=key_name("annotation.brush"),
                    mm=mark.diameter_mm,
                )
            )

    # -- undo ---------------------------------------------------------------------------------------------------------

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back in this scan."""
        return self._here.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether a change was taken back in this scan."""
        return self._here.can_redo

    def undo(self) -> None:
        """Take the last change back."""
        if self._here.undo():
            self._on_step()

    def redo(self) -> None:
        """Do again what was taken back."""
        if self._here.redo():
            self._on_step()

    def _on_step(self) -> None:
        if self.annotations is not None and self.selected not in self.annotations:
            self.selected = ""
        self.changed.emit()

    def _apply(self, new: AnnotationSet, selected: str) -> None:
        """Take over a change and save it."""
        self.status_changed.emit("")
        self._here.change(new)
        self.selected = selected
        self.changed.emit()

    def save_again(self) -> None:
        """Try once more to save what could not be saved."""
        if self._here.found is not None and self.unsaved:
            self._here.save(self._here.found)
            self.changed.emit()

    # -- loading ------------------------------------------------------------------------------------------------------

    def _on_scan(self, _scan: object = None) -> None:
        self.selected = ""
        self.status_changed.emit("")
        volume = self.volume
        if volume is not None and self.annotations is None:
            kept = AnnotatedScan(self.store, self.status_changed.emit)
            self._scans[scan_key(volume)] = kept
            kept.load(volume, self.reader, self.labels.name)
        if self.tool and (volume is None or self.problem):
            self.use("")
        self._load_others()
        self.changed.emit()

    def _reload(self) -> None:
        self._scans.clear()
        self._on_scan()

    def _read_labels(self) -> None:
        try:
            self.labels = self.store.labels()
        except LesionError as error:
            self.labels = LUNG_NODULES
            self.status_changed.emit(f"⚠ {sentence(error)}")
        self.label = self.labels.labels[0]


annotator = one_each(Annotator)
"""Get the annotator of a viewer."""
