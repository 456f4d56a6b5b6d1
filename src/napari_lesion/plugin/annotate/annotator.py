"""Annotating in one viewer: who reads, with which words and which tool, and what has been marked so far.

The panel and the layers show what is here. Every change is on disk when the method that made it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

import numpy as np
from platformdirs import user_data_path
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_lesion.annotation.annotations import (
    Annotation,
    AnnotationSet,
    changed,
    moved,
    new_annotation,
    with_mask,
)
from napari_lesion.annotation.labels import LUNG_NODULES, Label, LabelSet
from napari_lesion.annotation.store import Store, check_grid, open_set
from napari_lesion.assessment.measure.grow import grow
from napari_lesion.model.findings import Point
from napari_lesion.model.mask import Mask, fill_between
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.annotate.annotation_layers import AnnotationLayers
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.settings import option, reader_name, setting, store
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.actions import Action
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.layers import scan_key, scan_name
from napari_lesion.plugin.widgets.task import Task, sentence
from napari_lesion.support.errors import AnnotationError, LesionError
from napari_lesion.support.progress import Progress

if TYPE_CHECKING:
    from napari_lesion.plugin.annotate.annotation_layers import AnnotationLayers

#: What the mouse does: select and move, points, boxes, brush, eraser, growing; "" leaves it to the viewer.
TOOLS = ("", "select", "point", "box", "brush", "erase", "grow")
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
        self._sets: dict[str, AnnotationSet] = {}
        """Of the scans that were open, by `layers.scan_key`, of the present reader."""
        self._undone: dict[str, list[AnnotationSet]] = {}
        self._before: dict[str, list[AnnotationSet]] = {}
        self._problems: dict[str, str] = {}
        """Why the annotations of a series cannot be shown or changed."""
        self._unsaved: dict[str, str] = {}
        """Why the last change of a scan is not on disk yet."""
        self.reader = reader_name()
        self.store = Store(Path(option("annotation/folder") or user_data_path("napari-lesion") / "annotations"))
        self.labels: LabelSet = LUNG_NODULES
        self.label: Label = LUNG_NODULES.labels[0]
        self.selected = ""
        """Id of the annotation that the reader is at, or ""."""
        self.tool = ""
        self.others = False
        """Whether the annotations of the other readers are shown."""
        self._of_others: tuple[AnnotationSet, ...] = ()
        self._growing: Task[Mask] | None = None
        self._read_labels()
        session.scan_changed.connect(self._on_scan)
        session.open_scans.mouse_taken.connect(self._on_mouse_taken)
        session.finding_selected.connect(self._on_finding)
        self._on_scan()
        # Late, since the layers follow the signals.

        self.layers: AnnotationLayers = AnnotationLayers(self)

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
    def problem(self) -> str:
        """Why the scan that is read now cannot be annotated; "" if it can."""
        volume = self.volume
        if volume is None:
            return tr("Open a scan first.")
        return self._problems.get(scan_key(volume), "")

    @property
    def unsaved(self) -> str:
        """Why the last change in the scan that is read now is not on disk yet; "" if it is."""
        volume = self.volume
        return self._unsaved.get(scan_key(volume), "") if volume is not None else ""

    @property
    def annotations(self) -> AnnotationSet | None:
        """What the reader marked in the scan that is read now; None where that is not possible."""
        volume = self.volume
        return self._sets.get(scan_key(volume)) if volume is not None else None

    @property
    def of_others(self) -> tuple[AnnotationSet, ...]:
        """What other readers marked in the scan that is read now, if that is to be seen."""
        return self._of_others

    def _load_others(self) -> None:
        found = []
        volume = self.volume
        if volume is not None and self.others:
            try:
                for one in self.store.load_scan(volume.series.series_uid, volume.stack):
                    if one.reader != self.reader:
                        check_grid(one, volume)
                        found.append(one)
            except LesionError as error:
                self.status_changed.emit(f"⚠ {sentence(error)}")
        self._of_others = tuple(found)

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
        hints = {
            "": "",
            "select": tr("Click a finding to select it; drag a point or box to move it, Delete takes it away."),
            "point": tr("Drag from the middle of the finding to its rim. A click repeats the last diameter."),
            "box": tr("Drag from corner to corner."),
            "brush": tr("Paint the finding. B or another label begins the next finding."),
            "erase": tr("Erase from the selected finding; select it in the list first."),
            "grow": tr("Click into the finding: it is outlined at once. Correct the outline with the brush."),
        }
        if hints[tool]:
            self.status_changed.emit(hints[tool])

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
            self.session.go_to(mark.center_mm)

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
        found, mark = self.annotations, self.current
        if found is not None and mark is not None and mark.label != name:
            self._apply(found.put(changed(mark, label=self.labels[name].name)), mark.id)

    def comment(self, text: str) -> None:
        """Write a comment to the selected annotation."""
        found, mark = self.annotations, self.current
        if found is not None and mark is not None and mark.comment != text:
            self._apply(found.put(changed(mark, comment=text)), mark.id)

    def set_done(self, done: bool) -> None:
        """Say that the scan is finished, or that it is not."""
        found = self.annotations
        if found is not None and found.done != done:
            self._apply(found.finished(done), self.selected)

    def fill(self) -> None:
        """Fill the slices between those that the selected finding was drawn on."""
        mark, volume = self.current, self.volume
        if volume is None:
            return
        if mark is None or mark.mask is None:
            self.status_changed.emit(tr("Select a painted finding first: fill completes it between the slices drawn."))
            return
        try:
            filled = fill_between(mark.mask, volume.affine, self.layers.axis_across)
        except AnnotationError as error:
            self.status_changed.emit(f"⚠ {sentence(error)}")
            return
        self.paint(mark.id, self.layers.free_of_others(filled, mark.id))

    def grow_at(self, center_mm: Point) -> None:
        """Outline the finding at a place; the work is done on a thread."""
        volume = self.volume
        if volume is None or self.annotations is None or self._growing is not None:
            return

        def work(progress: Progress) -> Mask:
            volume.wait(progress)  # a scan is shown before all of it is read
            return grow(volume, center_mm)

        scan = self.session.open_scans.current
        self._growing = Task(work, self)
        self._growing.succeeded.connect(partial(self._on_grown, volume, self.label.name, self.reader))
        self._growing.failed.connect(partial(self._on_not_grown, volume))
        self._growing.ended.connect(self._on_growing_ended)
        if scan is not None:
            self.session.open_scans.begin_work(scan)
            self._growing.ended.connect(lambda: self.session.open_scans.end_work(scan))
        self._growing.start()

    def _on_not_grown(self, volume: Volume, error: Exception) -> None:
        where = "" if volume is self.volume else f"{scan_name(volume.series)}: "
        self.status_changed.emit(f"⚠ {where}{sentence(error)}")

    def _on_growing_ended(self) -> None:
        self._growing = None

    @property
    def growing(self) -> bool:
        """Whether a finding is being outlined."""
        return self._growing is not None

    def _on_grown(self, volume: Volume, label: str, reader: str, mask: Mask) -> None:
        """Take over what was outlined, in its own scan, whichever is on the screen by now."""
        found = self._sets.get(scan_key(volume))
        if found is None or reader != self.reader:
            return
        if volume is not self.volume:
            free = _free_of(found, mask, volume)
            if free is not None:
                made = new_annotation(volume, label=label, reader=reader, mask=free)
                self._before.setdefault(scan_key(volume), []).append(found)
                self._undone.pop(scan_key(volume), None)
                self._keep(scan_key(volume), found.put(made))
                self.status_changed.emit(
                    tr("Outlined in {scan}: {mm:.1f} mm.", scan=scan_name(volume.series), mm=made.diameter_mm)
                )
            return
        free = self.layers.free_of_others(mask, "")
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
        volume = self.volume
        return volume is not None and bool(self._before.get(scan_key(volume)))

    @property
    def can_redo(self) -> bool:
        """Whether a change was taken back in this scan."""
        volume = self.volume
        return volume is not None and bool(self._undone.get(scan_key(volume)))

    def undo(self) -> None:
        """Take the last change back."""
        self._step(self._before, self._undone)

    def redo(self) -> None:
        """Do again what was taken back."""
        self._step(self._undone, self._before)

    def _step(self, source: dict[str, list[AnnotationSet]], target: dict[str, list[AnnotationSet]]) -> None:
        found, volume = self.annotations, self.volume
        if found is None or volume is None or not source.get(scan_key(volume)):
            return
        target.setdefault(scan_key(volume), []).append(found)
        other = source[scan_key(volume)].pop()
        self._keep(scan_key(volume), other.model_copy(update={"revision": found.revision}))
        if self.selected not in other:
            self.selected = ""
        self.changed.emit()

    def _apply(self, new: AnnotationSet, selected: str) -> None:
        """Take over a change and save it."""
        found, volume = self.annotations, self.volume
        if volume is None:
            return
        key = scan_key(volume)
        if found is not None:
            self._before.setdefault(key, []).append(found)
            self._undone.pop(key, None)
        self.status_changed.emit("")
        self._keep(key, new)
        self.selected = selected
        self.changed.emit()

    def _keep(self, key: str, new: AnnotationSet) -> None:
        """Save; what cannot be saved stays in memory, and the reader is told until it can."""
        try:
            new = self.store.save(new)
            self._unsaved.pop(key, None)
        except LesionError as error:
            self._unsaved[key] = sentence(error)
            self.status_changed.emit(f"⚠ {self._unsaved[key]}")
        self._sets[key] = new

    def save_again(self) -> None:
        """Try once more to save what could not be saved."""
        found, volume = self.annotations, self.volume
        if found is not None and volume is not None and self.unsaved:
            self._keep(scan_key(volume), found)
            self.changed.emit()

    # -- loading ------------------------------------------------------------------------------------------------------

    def _on_scan(self, _scan: object = None) -> None:
        self.selected = ""
        self.status_changed.emit("")
        volume = self.volume
        if volume is not None and scan_key(volume) not in self._sets:
            self._load(volume)
        if self.tool and (volume is None or self.problem):
            self.use("")
        self._load_others()
        self.changed.emit()

    def _load(self, volume: Volume) -> None:
        key = scan_key(volume)
        self._problems.pop(key, None)
        try:
            self._sets[key] = open_set(
                self.store,
                volume,
                self.reader,
                self.labels.name,
                tell=lambda text: self.status_changed.emit(f"⚠ {text}"),
            )
        except LesionError as error:
            self._problems[key] = sentence(error)
            self.status_changed.emit(f"⚠ {sentence(error)}")

    def _reload(self) -> None:
        for state in (self._sets, self._before, self._undone, self._problems, self._unsaved):
            state.clear()
        self._on_scan()

    def _read_labels(self) -> None:
        try:
            self.labels = self.store.labels()
        except LesionError as error:
            self.labels = LUNG_NODULES
            self.status_changed.emit(f"⚠ {sentence(error)}")
        self.label = self.labels.labels[0]


def _free_of(found: AnnotationSet, mask: Mask, volume: Volume) -> Mask | None:
    """Take those voxels of a mask that no finding of a set has; None if there are none."""
    taken = np.zeros(volume.shape, bool)  # pages of zeros cost no memory before something is put there
    for mark in found.annotations:
        if mark.mask is not None:
            mark.mask.put(taken)
    free = mask.voxels & ~taken[mask.region]
    return Mask.of(free, mask.offset) if free.any() else None


_annotators: WeakKeyDictionary[Session, Annotator] = WeakKeyDictionary()


def annotator(session: Session) -> Annotator:
    """Get the annotator of a viewer; it is made when it is first asked for."""
    if session not in _annotators:
        _annotators[session] = Annotator(session)
    return _annotators[session]


def preload(progress: Progress) -> None:
    """Import what napari wants for the tables of its layers: a second that the window need not wait for."""
    progress(0, 1, "")
    import_module("pandas")


# -- keys --------------------------------------------------------------------------------------------------------------


def open_panel(session: Session) -> None:
    """Bring the panel to the front: nobody marks anything while it cannot be seen."""
    if session.mode == ANNOTATION:
        return  # it is what the workstation shows
    dock, _ = session.viewer.window.add_plugin_dock_widget("napari-lesion", "Annotate")
    dock.show()
    dock.raise_()


def _use(tool: str) -> Callable[[Session], None]:
    def run(session: Session) -> None:
        open_panel(session)
        one = annotator(session)
        one.use("" if one.tool == tool != "brush" else tool)

    return run


def _label(key: int) -> Callable[[Session], None]:
    def run(session: Session) -> None:
        one = annotator(session)
        name = next((label.name for label in one.labels.labels if label.key == key), None)
        if name is None:
            one.status_changed.emit(tr("No label has the key {key}.", key=key_name(f"annotation.label_{key}")))
        else:
            open_panel(session)
            one.set_label(name)

    return run


ACTIONS = (
    Action("annotation.brush", "Paint a finding; again: the next finding", "B", _use("brush")),
    Action("annotation.grow", "Outline a finding by a click", "G", _use("grow")),
    *(
        Action(f"annotation.label_{n}", f"Label {n} for what is marked next", f"Alt-{n}", _label(n))
        for n in range(1, 10)
    ),
)
