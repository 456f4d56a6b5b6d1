"""Single images that are the slices of one volume, exported with a SeriesInstanceUID each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence

from napari_lesion.dicom.index.frames import Frame
from napari_lesion.dicom.index.partition import lie
from napari_lesion.dicom.index.stack import SAME_PLANE_MM, apart_mm
from napari_lesion.dicom.read.geometry import axes_of
from napari_lesion.model.volume import SeriesIdentity

#: Fewest images that count as slices of one volume.
_FEWEST = 4
#: Largest distance of slices, mm.
_FARTHEST_MM = 20.0
_MODALITIES = ("CT", "MR", "PT")


def scattered(images: Sequence[tuple[SeriesIdentity, tuple[Frame, ...]]]) -> Iterator[tuple[list[Frame], str]]:
    """Find single images that lie as the slices of one volume do.

    Parameters
    ----------
    images : sequence of (SeriesIdentity, (Frame,))
        Each the only image of its series, or of its kind in it.

    Yields
    ------
    frames : list of Frame
        Of images that belong together, or of one.
    why : str
        What is wrong with them, and what to do; '' where nothing is.
    """
    groups: dict[Hashable, list[tuple[SeriesIdentity, Frame]]] = defaultdict(list)
    for identity, (frame,) in images:
        placed = None not in (frame.position, frame.orientation, frame.pixel_spacing)
        if placed and frame.number is None and identity.modality in _MODALITIES:
            groups[_whose(identity, frame)].append((identity, frame))
        else:
            yield [frame], ""
    for group in groups.values():
        frames = [frame for _, frame in group]
        uids = {identity.series_uid for identity, _ in group}
        if len(uids) == len(frames) >= _FEWEST and _make_a_stack(frames):
            yield (
                frames,
                f"{len(frames)} single images of one patient lie at even steps as the slices of one volume, but each "
                "has a SeriesInstanceUID of its own, so that nothing says that they belong together. Export the series "
                "again with one SeriesInstanceUID; to look at one image, open its file.",
            )
        else:
            for frame in frames:
                yield [frame], ""


def _whose(identity: SeriesIdentity, frame: Frame) -> Hashable:
    """Give what slices of one volume have in common, but for their UIDs."""
    return (
        *(identity.patient_id, identity.patient_name, identity.study_date, identity.modality),
        *(identity.series_number, identity.series_description, frame.file.rows, frame.file.columns),
    )


def _make_a_stack(frames: Sequence[Frame]) -> bool:
    axes = axes_of(frames[0].orientation or ())
    if axes is None or any(apart_mm(frames[0], frame) > SAME_PLANE_MM for frame in frames):
        return False
    lying = lie(frames, axes)
    return lying.nearly_whole and lying.places.step_mm <= _FARTHEST_MM
