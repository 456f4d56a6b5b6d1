"""Compressed multiframes: each fragment belongs to one frame and each frame is there, or the file is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from struct import pack

import numpy as np
import pytest
from dicom_factory import SYNTAXES, asymmetric_phantom, ct_slices, encode, enhanced, write
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.support.errors import DecodeError

COUNT = 5
PHANTOM = asymmetric_phantom(shape=(COUNT, 32, 36), noise_hu=60)
FORMS = ("jpeg-ls", "jpeg-2000-lossless", "jpeg-lossless", "rle")
Frames = list[bytes]


@pytest.fixture(scope="module")
def made() -> dict[str, Dataset]:
    return {form: encode(enhanced(PHANTOM, "fragments"), SYNTAXES[form]) for form in FORMS}


def frames_of(ds: Dataset) -> Frames:
    return list(generate_frames(ds.PixelData, number_of_frames=COUNT))


def with_pixels(ds: Dataset, data: bytes, offsets: bytes | None = None, lengths: bytes | None = None) -> Dataset:
    ds = copy.deepcopy(ds)
    ds.PixelData = data
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    for keyword, value in (("ExtendedOffsetTable", offsets), ("ExtendedOffsetTableLengths", lengths)):
        if value is not None:
            setattr(ds, keyword, value)
    return ds


def saying(ds: Dataset, frames: int) -> Dataset:
    """Say less or more frames than there are."""
    ds = copy.deepcopy(ds)
    ds.NumberOfFrames = frames
    groups = list(ds.PerFrameFunctionalGroupsSequence)[:frames]
    while len(groups) < frames:
        before, last = (np.array(g.PlanePositionSequence[0].ImagePositionPatient) for g in groups[-2:])
        groups.append(copy.deepcopy(groups[-1]))
        groups[-1].PlanePositionSequence[0].ImagePositionPatient = [round(x, 6) for x in (2 * last - before).tolist()]
    ds.PerFrameFunctionalGroupsSequence = groups
    return ds


def read(ds: Dataset, folder: Path) -> np.ndarray:
    write([ds], folder)
    (series,) = find_series(folder)
    return read_series(series).voxels


def extended(frames: Frames) -> tuple[bytes, bytes, bytes]:
    data, offsets, lengths = encapsulate_extended(frames)
    return data, offsets, lengths


def numbers(*values: int) -> bytes:
    return pack(f"<{len(values)}Q", *values)


def apart(raw: bytes) -> list[int]:
    return [int.from_bytes(raw[n : n + 8], "little") for n in range(0, len(raw), 8)]


@pytest.mark.parametrize("form", FORMS)
def test_whole_frames_are_read_whatever_table_they_come_with(
    form: str, made: dict[str, Dataset], tmp_path: Path
) -> None:
    frames = frames_of(made[form])
    odd = [frame[:-1] if frame.endswith(b"\0") and form.startswith("jpeg-l") else frame for frame in frames]
    data, offsets, lengths = extended(odd)
    ways = {
        "with offsets": encapsulate(frames),
        "without": encapsulate(frames, has_bot=False),
        **({} if form == "rle" else {"in fragments": encapsulate(frames, fragments_per_frame=3)}),
        **({} if form == "rle" else {"in fragments, without": encapsulate(frames, 3, has_bot=False)}),
    }
    for name, pixels in ways.items():
        assert np.array_equal(read(with_pixels(made[form], pixels), tmp_path / name), PHANTOM.hu), name
    assert np.array_equal(read(with_pixels(made[form], data, offsets, lengths), tmp_path / "x"), PHANTOM.hu)


def swapped(values: list[int]) -> bytes:
    values[1], values[2] = values[2], values[1]
    return numbers(*values)


EXTENDED: dict[str, tuple[Callable[[bytes], bytes | None], Callable[[bytes], bytes | None], str]] = {
    "offsets exchanged": (lambda o: swapped(apart(o)), lambda n: n, "does not rise"),
    "an offset between fragments": (
        lambda o: numbers(*apart(o)[:-1], apart(o)[-1] + 2),
        lambda n: n,
        "no fragment does",
    ),
    "an offset from the file's start": (
        lambda o: numbers(*(v + 4096 for v in apart(o))),
        lambda n: n,
        "no fragment does",
    ),
    "the first frame left out": (lambda o: numbers(*apart(o)[1:], apart(o)[-1]), lambda n: n, "does not rise"),
    "a frame too few": (lambda o: o[:-8], lambda n: n[:-8], "4 offsets and 4 lengths where its header says 5"),
    "no lengths": (lambda o: o, lambda n: None, "5 offsets and 0 lengths"),
    "no offsets": (lambda o: None, lambda n: n, "0 offsets and 5 lengths"),
    "a length too short": (lambda o: o, lambda n: numbers(apart(n)[0] - 2, *apart(n)[1:]), "frame 1 has"),
    "a length too long": (lambda o: o, lambda n: numbers(*apart(n)[:-1], apart(n)[-1] + 2), "frame 5 has"),
    "lengths of zero": (lambda o: o, lambda n: numbers(0, 0, 0, 0, 0), "frame 1 has 0 bytes"),
}


@pytest.mark.parametrize("case", EXTENDED)
def test_an_extended_table_that_contradicts_the_fragments_is_refused(
    case: str, made: dict[str, Dataset], tmp_path: Path
) -> None:
    offsets_of, lengths_of, said = EXTENDED[case]
    data, offsets, lengths = extended(frames_of(made["jpeg-ls"]))
    with pytest.raises(DecodeError, match=said) as refused:
        read(with_pixels(made["jpeg-ls"], data, offsets_of(offsets), lengths_of(lengths)), tmp_path)
    assert "IM0001.dcm" in str(refused.value)


def test_two_tables_that_contradict_each_other_are_refused(made: dict[str, Dataset], tmp_path: Path) -> None:
    frames = frames_of(made["jpeg-ls"])
    halves = [half for frame in frames for half in (frame[: len(frame) // 4 * 2], frame[len(frame) // 4 * 2 :])]
    data = encapsulate(halves, has_bot=False)
    starts, at = [], 0
    for half in halves:
        starts.append(at)
        at += 8 + len(half) + len(half) % 2
    whole = starts[::2]
    lengths = numbers(*(len(frame) for frame in frames))
    table = pack("<5L", *whole[:2], starts[5], *whole[3:])
    wrong = b"\xfe\xff\x00\xe0" + pack("<L", len(table)) + table + data[8:]
    with pytest.raises(DecodeError, match="contradicts its Basic Offset Table"):
        read(with_pixels(made["jpeg-ls"], wrong, numbers(*whole), lengths), tmp_path)


BASIC: dict[str, tuple[Callable[[list[int]], list[int]], str]] = {
    "exchanged": (lambda t: [t[0], t[2], t[1], *t[3:]], "does not rise"),
    "all the same": (lambda t: [0] * 5, "does not rise"),
    "in between": (lambda t: [*t[:-1], t[-1] + 2], "no fragment does"),
    "from the table on": (lambda t: [v + 28 for v in t], "no fragment does"),
    "one too few": (lambda t: t[:-1], "holds 4 compressed frames where its header says 5"),
    "the first left out": (lambda t: [*t[1:], t[-1] + 8], "no fragment does|does not rise"),
}


@pytest.mark.parametrize("case", BASIC)
def test_a_basic_table_that_contradicts_the_fragments_is_refused(
    case: str, made: dict[str, Dataset], tmp_path: Path
) -> None:
    change, said = BASIC[case]
    data = encapsulate(frames_of(made["jpeg-ls"]))
    table = [int.from_bytes(data[n : n + 4], "little") for n in range(8, 28, 4)]
    changed = change(table)
    raw = b"\xfe\xff\x00\xe0" + pack("<L", 4 * len(changed)) + pack(f"<{len(changed)}L", *changed) + data[28:]
    with pytest.raises(DecodeError, match=said):
        read(with_pixels(made["jpeg-ls"], raw), tmp_path)


@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("said", [COUNT - 1, COUNT + 1])
def test_more_or_fewer_frames_than_the_header_says_are_refused(
    said: int, form: str, table: bool, made: dict[str, Dataset], tmp_path: Path
) -> None:
    ds = with_pixels(saying(made[form], said), encapsulate(frames_of(made[form]), has_bot=table))
    with pytest.raises(DecodeError, match=rf"holds {COUNT} compressed frames where its header says {said}"):
        read(ds, tmp_path)


@pytest.mark.parametrize("table", [True, False])
def test_frames_behind_the_only_one_that_the_header_names_are_told(table: bool, tmp_path: Path) -> None:
    slices = [encode(ds, SYNTAXES["jpeg-ls"]) for ds in ct_slices(PHANTOM, "beyond")]
    streams = [next(generate_frames(ds.PixelData, number_of_frames=1)) for ds in slices]
    slices[2].PixelData = encapsulate(streams[2:4], has_bot=table)
    write(slices, tmp_path)
    (series,) = find_series(tmp_path)
    with pytest.raises(DecodeError, match=r"IM0003\.dcm: holds 2 compressed frames where its header says 1"):
        read_series(series)
