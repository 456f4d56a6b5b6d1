"""What several readers agree on: the findings that enough of them marked, with the middle of what they drew."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence

import numpy as np

from napari_lesion.annotation.agreement import match
from napari_lesion.annotation.annotations import Annotation, AnnotationSet, refuse_several_stacks
from napari_lesion.model.mask import Mask
from napari_lesion.support.errors import AnnotationError

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "napari-lesion annotations")


def consensus(sets: Sequence[AnnotationSet], at_least: int) -> AnnotationSet:
    """Put the annotations of several readers of one series together.

    Reader by reader, marks join the finding that they are of (as in `agreement.match`). A finding counts if `at_least`
    readers marked it: with the mean of their centres and diameters, the label that most of them gave (of equally
    many, the first reader's), and, where half of them or more drew masks, the voxels that at least half of those have.

    Raises
    ------
    AnnotationError
        If fewer than `at_least` readers have read the series, or on different voxels.
    """
    refuse_several_stacks(sets)
    first = sets[0]
    if len(sets) < at_least:
        raise AnnotationError(
            f"series {first.series_uid}: {len(sets)} readers have finished it, so no finding can have {at_least}."
        )
    groups: list[list[Annotation]] = []
    for one in sets:
        if not one.grid.same(first.grid):
            raise AnnotationError(
                f"series {first.series_uid}: {first.reader!r} and {one.reader!r} drew on different voxels of it."
            )
        matched = dict(match(one.annotations, [_middle(group, first) for group in groups]))
        for n, mark in enumerate(one.annotations):
            if n in matched:
                groups[matched[n]].append(mark)
            else:
                groups.append([mark])
    found = tuple(_middle(group, first) for group in groups if len(group) >= at_least)
    return first.model_copy(
        update={"reader": f"at least {at_least} of {len(sets)} readers", "annotations": found, "done": True}
    )


def _middle(group: Sequence[Annotation], found: AnnotationSet) -> Annotation:
    """One annotation for those of several readers."""
    if len(group) == 1:
        return group[0]
    x, y, z = (float(v) for v in np.mean([mark.center_mm for mark in group], axis=0))
    label = Counter(mark.label for mark in group).most_common(1)[0][0]
    merged = Annotation(
        id=str(uuid.uuid5(_NAMESPACE, " ".join(mark.id for mark in group))),
        label=label,
        center_mm=(x, y, z),
        diameter_mm=float(np.mean([mark.diameter_mm for mark in group])),
        reader=", ".join(mark.reader for mark in group),
        time=max(mark.time for mark in group),
        comment=" / ".join(mark.comment for mark in group if mark.comment),
    )
    masks = [mark.mask for mark in group if mark.mask is not None]
    if 2 * len(masks) < len(group):
        return merged
    common = _majority(masks)
    if common is None:
        return merged
    x, y, z = map(float, common.center_mm(found.grid.matrix))
    diameter = common.diameter_mm(found.grid.matrix)
    return merged.model_copy(update={"mask": common, "center_mm": (x, y, z), "diameter_mm": diameter})


def _majority(masks: Sequence[Mask]) -> Mask | None:
    low = np.min([mask.offset for mask in masks], axis=0)
    high = np.max([np.add(mask.offset, mask.shape) for mask in masks], axis=0)
    votes = np.zeros(high - low, np.uint8)
    for mask in masks:
        start = np.subtract(mask.offset, low)
        votes[tuple(slice(s, s + n) for s, n in zip(start, mask.shape, strict=True))] += mask.voxels
    enough = 2 * votes >= len(masks)
    k, j, i = (int(n) for n in low)
    return Mask.of(enough, (k, j, i)) if enough.any() else None
