"""Read a series so that it can be looked at meanwhile: one slice first, the others behind it.

That takes a volume whose shape, place and type are final before the first pixel is read. `obstacle` tells of which
series that can be said; all others are for `read_series`. Both give the same volume.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np

from napari_lesion.dicom.index.series import Series
from napari_lesion.dicom.read import pixels
from napari_lesion.dicom.read.decode import decode
from napari_lesion.dicom.read.hounsfield import taken_as_hu, unit_in_doubt
from napari_lesion.dicom.read.meaning import check_planes, refuse_unreadable_places
from napari_lesion.dicom.read.plan import StackPlan, plan_stack
from napari_lesion.dicom.read.reader import AIR_HU, note_opened, stack_volume
from napari_lesion.dicom.read.stored import FilePlanes, Voxels, by_file, jobs, native_frames
from napari_lesion.model.volume import LoadState, Volume
from napari_lesion.support.errors import LesionError
from napari_lesion.support.progress import Progress, silent


class WiderError(LesionError):
    """A value does not fit into 16 bits, so that the whole volume needs another type: `read_series` reads it."""


def plan_from_headers(series: Series) -> StackPlan:
    """Make the plan of a stack without reading a pixel.

    Raises
    ------
    GeometryError
        If the planes make no volume.
    """
    refuse_unreadable_places(series)
    return plan_stack(series)


def obstacle(series: Series) -> str:
    """Why a series can be shown only when it is read as a whole; empty where it can be shown while it is read."""
    if series.n_slices < 2:
        return "it is a single image"
    try:
        plan = plan_from_headers(series)
    except LesionError:
        return "its headers make no volume"
    if not plan.as_acquired:
        return "its slices have to be resampled"
    if len({frame.file.encapsulated for frame in plan.frames}) > 1:
        return "some of its files are compressed and some are not"
    if series.identity.modality == "CT" and unit_in_doubt(plan.frames):
        return "only its pixels tell whether its values are HU"
    return ""


class ProgressiveLoading:
    """A volume that is being read: its middle slice is there at once, the others come with `finish`.

    Parameters
    ----------
    series : Series
        One without an `obstacle`.

    Attributes
    ----------
    volume : Volume
        Identity, geometry and certificate are final (but for `take_as_hu`). `Volume.load_state` tells which slices are
        there; the others hold nothing of the patient.

    Raises
    ------
    LesionError
        As `read_series` does.
    """

    def __init__(self, series: Series) -> None:
        plan = plan_from_headers(series)
        self._frames = plan.frames
        check_planes(series, self._frames)
        first = self._frames[0].file
        shape = (len(self._frames), first.rows, first.columns)
        # Zeros cost nothing until they are touched; `finish` makes air of them.
        self._voxels: Voxels = np.zeros(shape, dtype=np.int16 if pixels.whole_values(self._frames) else np.float32)
        self._load_state = LoadState(len(self._frames))
        self.volume = replace(stack_volume(series, plan, self._voxels), load_state=self._load_state)
        self._series = series
        middle = self._load_state.focus
        frame = self._frames[middle]
        planes = FilePlanes(frame.file, {(frame.number or 1) - 1: middle})
        for k, stored in self._stored(iter([planes]), 1):
            self._take(k, stored)
        note_opened(series)

    def take_as_hu(self) -> None:
        """Take the values as HU because a person says that they are."""
        self.volume = taken_as_hu(self.volume)

    def finish(self, progress: Progress = silent) -> Volume:
        """Read all other slices, those next to `LoadState.focus` first, and return the volume.

        Raises
        ------
        WiderError
            If values do not fit the type that the headers let expect.
        LesionError, Cancelled
            As `read_series` does. Whatever is raised, the volume never counts as complete then.
        """
        load_state = self._load_state
        try:
            self._voxels[~load_state.present] = AIR_HU  # dark, so that nobody takes them for tissue
            what = f"Reading {self._series.label}"
            with closing(self._stored(self._nearest_first(), load_state.total - load_state.done)) as source:
                for k, stored in source:
                    progress(load_state.done, load_state.total, what)
                    self._take(k, stored)
            progress(load_state.total, load_state.total, what)
        except BaseException as error:
            load_state.end(error)
            raise
        load_state.end()
        return self.volume

    def _stored(self, files: Iterator[FilePlanes], count: int) -> Generator[tuple[int, pixels.StoredArray], None, None]:
        if self._frames[0].file.encapsulated:
            yield from decode(jobs(files), count=count)
        else:
            for one in files:
                yield from native_frames(one)

    def _take(self, k: int, stored: pixels.StoredArray) -> None:
        target = self._voxels[k]
        if not pixels.rescale_into(stored, self._frames[k], target):
            raise WiderError(f"{self._frames[k].file.path}: its values do not fit into 16 bits.")
        self._load_state.add(k, float(target.min()), float(target.max()))

    def _nearest_first(self) -> Iterator[FilePlanes]:
        """Yield files by the distance of their first missing slice from the focus, which may move meanwhile."""
        waiting: list[tuple[int, FilePlanes]] = []
        for one in by_file(self._frames):
            missing = {index: k for index, k in one.wanted.items() if not self._load_state.present[k]}
            if missing:
                waiting.append((min(missing.values()), FilePlanes(one.file, missing)))
        waiting.sort(key=lambda item: item[0])
        while waiting:
            focus = self._load_state.focus
            at = bisect_left(waiting, focus, key=lambda item: item[0])
            if at == len(waiting) or (at > 0 and focus - waiting[at - 1][0] <= waiting[at][0] - focus):
                at -= 1
            yield waiting.pop(at)[1]
