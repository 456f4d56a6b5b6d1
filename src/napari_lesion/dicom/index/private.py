"""Tags of manufacturers, which nobody else can interpret: that they tell slices apart shows, but not what from.

They are looked at only where slices would be put together, a few files each time: reading all of them takes long.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from napari_lesion.dicom.index.fast_header import UnusualError, scan
from napari_lesion.dicom.index.frames import Frame
from napari_lesion.support.errors import SecurityError
from napari_lesion.support.vault import open_file

#: Slices that are looked at, from the middle, and fewest: a flag must not alternate by chance.
_MOST, _FEWEST = 24, 8
#: Longest value that may be a label.
_LONGEST = 64
_FIRST_BYTES = 2**17


class _Private:
    """All tags of odd groups."""

    def __contains__(self, tag: object) -> bool:
        return isinstance(tag, int) and bool(tag >> 16 & 1)


def _values(frame: Frame) -> dict[int, bytes]:
    """Short values of the private tags of a plane's file, as they are written; none where it is no ordinary file."""
    try:
        with open_file(frame.file.path)[0] as file:
            _, elements, _, _ = scan(file.read(_FIRST_BYTES), _Private(), ())
    except (UnusualError, OSError, UnicodeDecodeError, SecurityError):
        return {}
    return {tag: value for tag, raw in elements.items() if len(value := bytes(raw.value or b"")) <= _LONGEST}


def _named(tag: int) -> str:
    return f"the private tag ({tag >> 16:04X},{tag & 0xFFFF:04X})"


def alternating(frames: Sequence[Frame]) -> str:
    """Name a private tag that has two values in turns, slice by slice; '' where there is none.

    Parameters
    ----------
    frames : sequence of Frame
        Of one volume, as it seems, along the normal.
    """
    if len(frames) < _FEWEST or len({frame.file.path for frame in frames}) < len(frames):
        return ""
    start = max(0, (len(frames) - _MOST) // 2)
    looked_at = frames[start : start + _MOST]
    first, second = _values(looked_at[0]), _values(looked_at[1])
    candidates = {tag for tag in {*first, *second} if first.get(tag) != second.get(tag)}
    for n, frame in enumerate(looked_at[2:]):
        if not candidates:
            return ""
        values, like = _values(frame), (first, second)[n % 2]
        candidates = {tag for tag in candidates if values.get(tag) == like.get(tag)}
    return _named(min(candidates)) if candidates else ""


def differing_tags(together: Sequence[tuple[Frame, ...]]) -> str:
    """Name a private tag whose values tell planes apart that lie at the same places; '' where there is none.

    Parameters
    ----------
    together : sequence of tuple of Frame
        The planes of each place.
    """
    values = [[_values(frame) for frame in place] for place in together[:_MOST]]
    tags = {tag for place in values for one in place for tag in one}
    for tag in sorted(tags):
        sets = [sorted(one.get(tag, b"") for one in place) for place in values]
        if all(a == b for a, b in pairwise(sets)) and all(len(set(one)) == len(one) for one in sets):
            return _named(tag)
    return ""
