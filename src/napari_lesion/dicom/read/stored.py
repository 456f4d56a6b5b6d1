"""Stored values of image planes, whatever they are encoded in, and whether two planes show the same."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from napari_lesion.dicom.index.frames import Frame, ImageFile
from napari_lesion.dicom.read import pixels
from napari_lesion.dicom.read.decode import DecodeJob, decode
from napari_lesion.dicom.read.fragments import compressed_frames
from napari_lesion.support.vault import open_file

Voxels = npt.NDArray[np.generic]
_CHUNK = 2**20


@dataclass(frozen=True)
class FilePlanes:
    """What is wanted of one file."""

    file: ImageFile
    wanted: dict[int, int]
    """Index k in the stack of each frame (0-based) of the file."""


def stored_frames(
    frames: Sequence[Frame], room: Voxels | None = None
) -> Generator[tuple[int, pixels.StoredArray], None, None]:
    """Yield (k, stored values) of every frame, in the order of the files; valid until the next one.

    Parameters
    ----------
    room : (n, rows, columns) int16, optional
        Where uncompressed 16-bit frames are read to directly.
    """
    files = by_file(frames)
    for one in files:
        if not one.file.encapsulated:
            yield from native_frames(one, room)
    compressed = [one for one in files if one.file.encapsulated]
    yield from decode(jobs(compressed), count=sum(len(one.wanted) for one in compressed))


def by_file(frames: Sequence[Frame]) -> list[FilePlanes]:
    """Sort the planes of a stack by the files that they are in, in the order of the files."""
    numbered = sorted(enumerate(frames), key=lambda item: (str(item[1].file.path), item[1].number or 1))
    return [
        FilePlanes(file, {(frame.number or 1) - 1: k for k, frame in members})
        for file, members in groupby(numbered, key=lambda item: item[1].file)
    ]


def native_frames(planes: FilePlanes, room: Voxels | None = None) -> Iterator[tuple[int, pixels.StoredArray]]:
    """Yield (k, stored values) of the planes of an uncompressed file; see `stored_frames`."""
    file = planes.file
    dtype = pixels.stored_dtype(file)
    scratch = None
    if room is None or dtype.itemsize != 2:
        scratch = np.empty((file.rows, file.columns), dtype=dtype)
    with pixels.opened(file) as stream:
        for index, k in planes.wanted.items():
            if scratch is None:
                assert room is not None
                target = room[k].view(dtype)
            else:
                target = scratch
            pixels.read_native(file, stream, index, target)
            yield k, target


def jobs(files: Iterable[FilePlanes]) -> Iterator[DecodeJob]:
    """Read the compressed planes of some files, for `decode`."""
    for one in files:
        with pixels.opened(one.file) as stream:
            pixels.find_pixels(one.file, stream)
            for index, codestream in enumerate(compressed_frames(one.file, stream)):
                if index in one.wanted:
                    yield DecodeJob(one.wanted[index], codestream, one.file)


def fingerprint(frame: Frame) -> bytes:
    """Hash of a plane's rescaled values: equal where two planes show the same image, however each is encoded.

    Raises
    ------
    DecodeError, OSError
        If the plane can't be read.
    """
    pixels.check_frames([frame])
    (values,) = [np.array(stored, dtype=np.float64) for _, stored in stored_frames([frame])]
    values *= pixels.slope_of(frame)
    values += pixels.intercept_of(frame)
    values += 0.0  # -0.0 is 0.0
    return hashlib.sha256(values.tobytes()).digest()


def same_bytes(first: ImageFile, second: ImageFile) -> bool:
    """Whether two files are copies of each other, byte for byte; False where one can't be read."""
    if first.size != second.size:
        return False
    try:
        if first.path.samefile(second.path):
            return True
        with open_file(first.path)[0] as a, open_file(second.path)[0] as b:
            while True:
                one, other = a.read(_CHUNK), b.read(_CHUNK)
                if one != other:
                    return False
                if not one:
                    return True
    except OSError:
        return False
