"""What a reader does with the measuring tools. Each function takes a review and returns a new one.

Something that would change nothing returns the same review.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from napari_lesion.assessment.measure.planar import measured
from napari_lesion.model.drawn import Drawing, Point, Slab, Tool
from napari_lesion.model.volume import Volume
from napari_lesion.review.review import Provenance, Review, ReviewChange
from napari_lesion.support.errors import ReviewError

MOVED_MM = 0.01
"""A shorter move is rounding: coordinates were converted forth and back."""


def draw(
    review: Review,
    tool: Tool,
    points_mm: Iterable[Sequence[float]],
    normal: Sequence[float],
    by: Provenance,
    scan: Volume,
    *,
    text: str = "",
    slab: Slab | None = None,
) -> Review:
    """Draw something and measure it; it is the last of `Review.drawings` then.

    Parameters
    ----------
    review : Review
    tool : Tool
    points_mm : iterable of (3,)
        LPS mm, as `model.drawn.POINTS` has them.
    normal : (3,)
        Of the plane that it is drawn on, LPS.
    by : Provenance
    scan : Volume
        The scan that it is drawn on.
    text : str
        Of an arrow.
    slab : Slab, optional
        What was on the screen, where that was no single slice.

    Raises
    ------
    LesionError
        If it lies outside of the scan.
    """
    number = review.last_drawing + 1
    new = Drawing(
        id=str(uuid.uuid4()),
        number=number,
        tool=tool,
        points_mm=tuple(map(_point, points_mm)),
        normal=_point(normal),
        slab=slab,
        text=text,
        reader=by.reader,
        time=by.time,
    )
    return _done(review, (*review.drawings, measured(new, scan)), f"{tool} {new.name} drawn", by)


def reshape(review: Review, id_: str, points_mm: Iterable[Sequence[float]], by: Provenance, scan: Volume) -> Review:
    """Put the points of a drawing elsewhere in its plane, and measure it anew.

    Raises
    ------
    LesionError
        If there is no such drawing, or it would lie outside of the scan.
    """
    old, points = drawing_of(review, id_), tuple(map(_point, points_mm))
    if len(points) == len(old.points_mm) and np.abs(np.subtract(points, old.points_mm)).max() < MOVED_MM:
        return review
    # Made anew, not copied: a shape that cannot be is refused.
    content = old.model_dump() | {"points_mm": points, "reader": by.reader, "time": by.time}
    return _replace(review, measured(Drawing.model_validate(content), scan), f"{old.tool} {old.name} moved", by)


def label(review: Review, id_: str, text: str, by: Provenance) -> Review:
    """Write something else at a drawing.

    Raises
    ------
    ReviewError
        If there is no such drawing.
    """
    old, text = drawing_of(review, id_), text.strip()
    if text == old.text:
        return review
    new = old.model_copy(update={"text": text, "reader": by.reader, "time": by.time})
    return _replace(review, new, f"text of {old.name} changed", by)


def erase(review: Review, ids: Collection[str], by: Provenance) -> Review:
    """Take drawings away; their numbers are not given again.

    Raises
    ------
    ReviewError
        If there is no such drawing.
    """
    names = [drawing_of(review, id_).name for id_ in ids]
    if not names:
        return review
    left = tuple(one for one in review.drawings if one.id not in ids)
    return _done(review, left, f"{', '.join(names)} deleted", by)


def drawing_of(review: Review, id_: str) -> Drawing:
    """Get a drawing by its id.

    Raises
    ------
    ReviewError
        If it is not in the review (any more).
    """
    for drawing in review.drawings:
        if drawing.id == id_:
            return drawing
    raise ReviewError(f"series {review.start.series_uid}: there is no drawing {id_} in this review.")


def _replace(review: Review, new: Drawing, what: str, by: Provenance) -> Review:
    return _done(review, tuple(new if one.id == new.id else one for one in review.drawings), what, by)


def _done(review: Review, drawings: tuple[Drawing, ...], what: str, by: Provenance) -> Review:
    return review.done(ReviewChange(what=what, time=by.time, reader=by.reader, drawings=drawings))


def _point(values: Sequence[float]) -> Point:
    x, y, z = (float(value) for value in values)
    return x, y, z
