"""A scan as one reader annotated it: on disk after every change, with steps that can be taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from napari_lesion.annotation.annotations import AnnotationSet
from napari_lesion.annotation.store import Store, check_grid, open_set
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.support.errors import LesionError


class AnnotatedScan:
    """What was marked in one scan; nothing where its annotations cannot be read.

    Parameters
    ----------
    store : Store
    report : callable
        Takes a sentence on what went wrong.
    """

    def __init__(self, store: Store, report: Callable[[str], None]) -> None:
        self._store = store
        self._report = report
        self.found: AnnotationSet | None = None
        self.problem = ""
        """Why the annotations cannot be shown or changed."""
        self.unsaved = ""
        """Why the last change is not on disk yet."""
        self._before: list[AnnotationSet] = []
        self._undone: list[AnnotationSet] = []

    def load(self, volume: Volume, reader: str, labels: str) -> None:
        """Read what a reader marked, with the names of the labels that are marked with."""
        self.problem = ""
        try:
            self.found = open_set(self._store, volume, reader, labels, warn=lambda text: self._report(f"⚠ {text}"))
        except LesionError as error:
            self.problem = sentence(error)
            self._report(f"⚠ {self.problem}")

    def save(self, new: AnnotationSet) -> None:
        """Save; what cannot be saved stays in memory, and the reader is told until it can."""
        self.found = new
        try:
            self.found = self._store.save(new)
            self.unsaved = ""
        except LesionError as error:
            self.unsaved = sentence(error)
            self._report(f"⚠ {self.unsaved}")

    def change(self, new: AnnotationSet) -> None:
        """Take over a change."""
        if self.found is not None:
            self._before.append(self.found)
            self._undone.clear()
        self.save(new)

    # -- undo ---------------------------------------------------------------------------------------------------------

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        """Whether a change was taken back."""
        return bool(self._undone)

    def undo(self) -> bool:
        """Take the last change back; False where there is none."""
        return self._step(self._before, self._undone)

    def redo(self) -> bool:
        """Do again what was taken back; False where there is nothing."""
        return self._step(self._undone, self._before)

    def _step(self, source: list[AnnotationSet], target: list[AnnotationSet]) -> bool:
        if self.found is None or not source:
            return False
        target.append(self.found)
        self.save(source.pop().model_copy(update={"revision": self.found.revision}))
        return True


def sets_of_others(store: Store, volume: Volume, reader: str) -> Iterator[AnnotationSet]:
    """Read what readers but one marked in a scan.

    Raises
    ------
    LesionError
        If a file of theirs cannot be read, or is of another scan.
    """
    for one in store.load_scan(volume.series.series_uid, volume.stack):
        if one.reader != reader:
            check_grid(one, volume)
            yield one


def free_voxels(found: AnnotationSet, mask: Mask, volume: Volume, but: str = "") -> Mask | None:
    """Take those voxels of a mask that no finding of a set has, but one; None if there are none."""
    taken = np.zeros(volume.shape, bool)  # pages of zeros cost no memory before something is put there
    for mark in found.annotations:
        if mark.mask is not None and mark.id != but:
            mark.mask.put(taken)
    free = mask.voxels & ~taken[mask.region]
    return Mask.of(free, mask.offset) if free.any() else None
