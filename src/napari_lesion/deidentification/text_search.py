"""Text in one image, found by OCR (rapidocr): the image is looked at in several renderings, and what is read is judged.

A rendering is a window of grey values (all of them; those of most pixels; those that the header names) in a size:
text may be at the ends of the stored range, faint in it, or small. Each is divided into tiles that the detector sees at
their size. Text counts if `is_text` holds in one rendering; a weaker reading counts if another one agrees with it. The
levels were chosen on the tuning half of ``benchmarks/text_in_pixels.py``: what the detector alone finds says
nothing (nearly every image without text has a sure box), what is read in the box does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesion.support.processors import processors

Grey = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""First and last row (exclusive), first and last column (exclusive)."""
Window = tuple[float, float]
"""Lowest and highest stored value that are told apart."""

_SURE, _AGREED, _PAIR = 0.75, 0.6, 0.9
"""Least score of a reading that counts by itself; of two that agree; of two that agree on two characters."""
_DETECTED = 0.3
_CHARACTERS, _KINDS = 3, 2
_SMALL_PX, _TILE_PX, _OVERLAP_PX = 640, 1024, 96
_ALIKE = 3.0
"""Grey levels (of 256) by which two renderings have to differ, in the mean, for both to be looked at."""
_MARGIN = 3
#: What vessels, edges and bars are read as: these tell nothing apart from each other.
_BARS, _RINGS = frozenset("Il1i|ⅠⅡⅢ"), frozenset("0OoQDCcGeaU")


@dataclass(frozen=True)
class Reading:
    """What stands in one box of one rendering."""

    text: str
    score: float
    box: Box

    @property
    def characters(self) -> int:
        """Letters and digits of the Latin alphabet and its relatives, and of those that the model knows besides."""
        return sum(map(_is_letter, self.text))

    @property
    def kinds(self) -> int:
        """How many different characters; all bars are one, and so are all rings."""
        found = {one for one in self.text if _is_letter(one)}
        return len({"bar" if one in _BARS else "ring" if one in _RINGS else one.casefold() for one in found})


def text_in(
    frame: npt.NDArray[Any], windows: Sequence[Window] = (), *, inverted: bool = False, all_of_it: bool = True
) -> list[Box]:
    """Find text in a frame.

    Parameters
    ----------
    frame : (rows, columns) or (rows, columns, 3)
        Grey values or colours, as stored.
    windows : sequence of Window
        Those that the header names.
    inverted : bool
        Low values are shown bright (MONOCHROME1).
    all_of_it : bool
        Find all boxes; else the first rendering that has text ends the search.
    """
    found: list[Box] = []
    weak: list[list[Reading]] = []
    for picture in _renderings(frame, windows, inverted=inverted):
        readings = _read(picture)
        found += [one.box for one in readings if is_text(one)]
        found += [one.box for one in readings for others in weak if any(_agree(one, other) for other in others)]
        if found and not all_of_it:
            break
        weak.append(readings)
    if not found:
        return []
    # Where there is text, what is read beside it is text, too: a name is often in two boxes.
    found += [one.box for readings in weak for one in readings if one.score >= _AGREED and one.characters]
    return [_widened(box, frame.shape[:2]) for box in dict.fromkeys(found)]


def may_have_text(frame: npt.NDArray[Any]) -> bool:
    """Look once, at the size and in the range of values that a frame has: what to begin with where there are many."""
    pictures = _windowed(frame, (), inverted=False)[:1]
    readings = [one for picture in pictures for one in _read((picture, 1))]
    return any(one.characters >= _CHARACTERS - 1 and one.score >= _AGREED for one in readings)


def is_text(reading: Reading) -> bool:
    """Whether a reading counts by itself."""
    return reading.score >= _SURE and reading.characters >= _CHARACTERS and reading.kinds >= _KINDS


def _agree(one: Reading, other: Reading) -> bool:
    """Whether two renderings have about the same text at about the same place."""
    if min(one.characters, other.characters) < _CHARACTERS - 1 or not _overlap(one.box, other.box):
        return False
    if min(one.kinds, other.kinds) < _KINDS:
        return False
    if one.text.casefold() == other.text.casefold():
        return min(one.score, other.score) >= (_AGREED if one.characters >= _CHARACTERS else _PAIR)
    common = {letter for letter in one.text.casefold() if _is_letter(letter)} & set(other.text.casefold())
    least = min(one.characters, other.characters)
    return least >= _CHARACTERS and len(common) >= _CHARACTERS - 1 and min(one.score, other.score) >= _AGREED


def _is_letter(one: str) -> bool:
    return one.isalpha() or one.isdecimal()


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def _renderings(frame: npt.NDArray[Any], windows: Sequence[Window], *, inverted: bool) -> Iterator[tuple[Grey, float]]:
    """Give pictures, with how many times larger each is than the frame; those that cost least first."""
    pictures = _windowed(frame, windows, inverted=inverted)
    yield from ((picture, 1) for picture in pictures)
    large = max(frame.shape[:2])
    scale = 2 if large <= _SMALL_PX else 1.5
    yield from ((picture, scale) for picture in pictures)
    if large > 2 * _TILE_PX:  # letters that are larger than tiles
        yield from ((picture, _TILE_PX / large) for picture in pictures[:1])


def _windowed(frame: npt.NDArray[Any], windows: Sequence[Window], *, inverted: bool) -> list[Grey]:
    if frame.ndim == 3:
        top = 255 if frame.dtype == np.uint8 else max(1, int(frame.max()))
        return [(frame.astype(np.float32) * (255 / top)).clip(0, 255).astype(np.uint8)]
    values = frame.astype(np.float32)
    all_values = float(values.min()), float(values.max())
    most_pixels: Window = tuple(map(float, np.percentile(values, (1, 99))))  # type: ignore[assignment]
    pictures: list[Grey] = []
    for low, high in (all_values, most_pixels, *windows):
        if high <= low:
            continue
        picture = (np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)
        picture = 255 - picture if inverted else picture
        if all(float(np.abs(picture.astype(np.int16) - one).mean()) >= _ALIKE for one in pictures):
            pictures.append(picture)
    return pictures


def _read(rendering: tuple[Grey, float]) -> list[Reading]:
    """Read a rendering tile by tile; places are those in the frame."""
    import cv2

    picture, scale = rendering
    if scale != 1:
        how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=how).astype(np.uint8)
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    found = []
    for top in _starts(picture.shape[0]):
        for left in _starts(picture.shape[1]):
            tile = np.ascontiguousarray(picture[top : top + _TILE_PX, left : left + _TILE_PX])
            for corners, text, score in _engine().read(tile):
                rows, columns = (corners[:, 1] + top) / scale, (corners[:, 0] + left) / scale
                box = (int(rows.min()), int(np.ceil(rows.max())), int(columns.min()), int(np.ceil(columns.max())))
                found.append(Reading(text, score, box))
    return found


def _starts(length: int) -> list[int]:
    """Divide a length into tiles that overlap by more than a line of text is high."""
    if length <= _TILE_PX * 1.25:
        return [0] if length <= _TILE_PX else [0, length - _TILE_PX]
    count = -(-(length - _OVERLAP_PX) // (_TILE_PX - _OVERLAP_PX))
    return [round(n * (length - _TILE_PX) / (count - 1)) for n in range(count)]


def _widened(box: Box, shape: tuple[int, ...]) -> Box:
    top, bottom, left, right = box
    return (
        max(0, top - _MARGIN),
        min(shape[0], bottom + _MARGIN),
        max(0, left - _MARGIN),
        min(shape[1], right + _MARGIN),
    )


class _Engine:
    """The three networks of rapidocr, asked one by one: it gives scores of boxes in another order than the boxes."""

    def __init__(self) -> None:
        import logging

        from rapidocr import RapidOCR

        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        threads = "EngineConfig.onnxruntime.{}_op_num_threads"
        whole: Any = RapidOCR(
            params={
                "Global.log_level": "error",
                threads.format("intra"): processors(),
                threads.format("inter"): 1,
                "Det.limit_side_len": 32,
                "Det.box_thresh": _DETECTED,
            }
        )
        self._detector = whole._load_det_model()
        self._turner = whole._load_cls_model()
        self._reader = whole._load_rec_model()

    def read(self, picture: Grey) -> Iterator[tuple[npt.NDArray[np.float32], str, float]]:
        """Give the corners (x, y), text and score of each box."""
        from rapidocr.ch_ppocr_rec.typings import TextRecInput
        from rapidocr.utils.process_img import get_rotate_crop_image

        found = self._detector(picture)
        if found.boxes is None or not len(found.boxes):
            return
        corners = [np.asarray(one, np.float32) for one in found.boxes]
        crops = [get_rotate_crop_image(picture, one.copy()) for one in corners]
        upright = self._turner(crops).img_list
        read = self._reader(TextRecInput(img=upright, return_word_box=False))
        if read.txts is not None:
            yield from zip(corners, map(str, read.txts), map(float, read.scores), strict=True)


@cache
def _engine() -> _Engine:
    return _Engine()
