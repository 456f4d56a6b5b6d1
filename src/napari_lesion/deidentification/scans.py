"""The scans that were just de-identified, for results that are made anew of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from napari_lesion.deidentification import burned_in, files, pixels
from napari_lesion.dicom.index.series import Series, find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.model.findings import Report, may_be_of
from napari_lesion.model.volume import Volume
from napari_lesion.support.errors import LesionError

VolumeGetter = Callable[[str], tuple[Volume, Series] | None]
"""Gives the scan of a series (by its UID before) that is at hand, with its files; None where there is none."""


class Scans:
    """De-identified scans of one patient.

    Parameters
    ----------
    folder : Path
        Where they were written.
    volume_at_hand : callable, optional
        For scans that are not written: by the de-identified UID of a series, the scan as it is.
    uid : callable
        Makes the UID that stands for another.
    """

    def __init__(
        self, folder: Path, volume_at_hand: VolumeGetter = lambda _: None, uid: Callable[[str], str] = str
    ) -> None:
        self._folder = folder
        self._volume_at_hand = volume_at_hand
        self._uid = uid
        self._volumes: dict[str, Volume | None] = {}

    @cached_property
    def _series(self) -> tuple[Series, ...]:
        return tuple(find_series(self._folder)) if self._folder.is_dir() else ()

    def stack(self, series_uid: str) -> str:
        """Give the stack (``Volume.stack``) of a series that has one; "" where it is not here, or has several."""
        found = [one.stack_id for one in self._series if one.identity.series_uid == series_uid]
        return found[0] if len(found) == 1 else ""

    def volume_of(self, report: Report) -> Volume | None:
        """Read the scan of a de-identified report; None where it is not here, or cannot be read.

        It is kept for the report's other pages, until another one is asked for.
        """
        if report.series_uid not in self._volumes:
            self._volumes = {report.series_uid: self._read(report)}
        volume = self._volumes[report.series_uid]
        return volume if volume is not None and may_be_of(report, volume) else None

    def _read(self, report: Report) -> Volume | None:
        at_hand = self._volume_at_hand(report.series_uid)
        if at_hand is not None:
            volume, source = at_hand
            volume.wait()
            return self._nameless(volume, report) if has_no_text(source) else None
        for series in self._series:
            if series.identity.series_uid != report.series_uid:
                continue
            try:
                volume = read_series(series)
            except LesionError:
                continue
            if may_be_of(report, volume):
                return volume
        return None

    def _nameless(self, volume: Volume, report: Report) -> Volume:
        planes = tuple(replace(one, sop_instance_uid=self._uid(one.sop_instance_uid)) for one in volume.instances)
        return replace(volume, series=report.series, certificate=report.certificate, instances=planes)


def has_no_text(source: Series) -> bool:
    """Whether pictures of a scan name nobody: no text is found in its images, as in those that leave."""
    for path in {one.file.path for one in source.frames}:
        try:
            dataset = files.read(path)
            extent = pixels.text_search_of(dataset).extent
            if extent is not pixels.Extent.NOTHING:
                first = extent is pixels.Extent.LOOK_FIRST
                burned_in.without_text(dataset, dataset, files.syntax_of(dataset), mask=False, look_first=first)
        except (files.NotDicomError, burned_in.TextFoundError):
            return False
    return True
