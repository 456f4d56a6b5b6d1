"""Compressed frames of which something is missing are refused, whatever their decoder makes of them.

More by hand: NAPARI_LESION_DAMAGED_FRAMES=500 pytest tests/dicom/test_damaged_frames.py
"""

from __future__ import annotations

import io
import os
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import pack

import imagecodecs
import numpy as np
import pytest
from dicom_factory import SYNTAXES, Phantom, Stored, asymmetric_phantom, ct_slices, encode, enhanced, grid, write
from little_memory import read_with_little_memory
from PIL import Image
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read import codecs, decode, jpeg
from napari_lesion.dicom.read.codecs import FrameFormat
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.support.errors import DecodeError

MUTANTS = int(os.environ.get("NAPARI_LESION_DAMAGED_FRAMES", "12"))
COMPRESSED = [name for name, syntax in SYNTAXES.items() if syntax.is_encapsulated]
Random = np.random.Generator


def plane(rows: int = 96, columns: int = 80) -> np.ndarray:
    """HU of something like a slice: air, a body with a gradient, and noise."""
    random = np.random.default_rng(5)
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    hu = np.where(x**2 + y**2 < 0.6, 40 + 200 * y, -990) + random.normal(0, 20, (rows, columns))
    return np.clip(hu, -1024, 1500).astype(np.int16)


def frame_of(name: str) -> tuple[bytes, FrameFormat]:
    hu = plane()[None]
    stored = Stored(bits_allocated=8, bits_stored=8, slope=16.0) if name == "jpeg-baseline" else None
    ds = encode(ct_slices(Phantom(hu, grid(shape=hu.shape)), "damaged", stored)[0], SYNTAXES[name])
    form = FrameFormat(
        str(SYNTAXES[name]), ds.Rows, ds.Columns, ds.BitsAllocated, ds.BitsStored, bool(ds.PixelRepresentation)
    )
    return next(generate_frames(ds.PixelData, number_of_frames=1)), form


def parts(frame: bytes) -> tuple[bytes, bytes]:
    """A frame up to its end marker, if it has one, and from there on."""
    at = frame.rfind(b"\xff\xd9")
    return (frame[:at], frame[at:]) if at >= 0 else (frame, b"")


def lose_the_end(random: Random, frame: bytes) -> bytes:
    body, end = parts(frame)
    return body[: -int(len(body) * random.uniform(0.02, 0.6))] + end


def lose_a_piece(random: Random, frame: bytes) -> bytes:
    body, end = parts(frame)
    count = max(1, int(len(body) * random.uniform(0.02, 0.4)))
    at = int(random.integers(len(body) // 3, len(body) - count))
    return body[:at] + body[at + count :] + end


def lose_the_end_marker_too(random: Random, frame: bytes) -> bytes:
    return frame[: int(len(frame) * random.uniform(0.3, 0.97))]


def refused(frame: bytes, form: FrameFormat) -> bool:
    """Whether a frame is refused; decoders raise what they like, and `decode` puts the file's name to it."""
    try:
        codecs.decode_frame(frame, form)
    except Exception:
        return True
    return False


@pytest.mark.parametrize("loss", [lose_the_end, lose_a_piece, lose_the_end_marker_too])
@pytest.mark.parametrize("name", COMPRESSED)
def test_a_frame_that_lost_a_part_is_refused(name: str, loss: Callable[[Random, bytes], bytes]) -> None:
    frame, form = frame_of(name)
    codecs.decode_frame(frame, form)
    for seed in range(MUTANTS):
        damaged = loss(np.random.default_rng(seed), frame)
        assert refused(damaged, form), f"mutant {seed} came out without a word"


@pytest.mark.parametrize("name", ["jpeg-lossless", "jpeg-lossless-sv1", "jpeg-ls", "jpeg-2000-lossless", "jpeg-2000"])
def test_zeros_where_data_were_lost_are_noticed(name: str) -> None:
    frame, form = frame_of(name)
    body, end = parts(frame)
    for seed in range(MUTANTS):
        random = np.random.default_rng(seed)
        at = int(random.integers(len(body) // 3, len(body) - 300))
        damaged = body[:at] + bytes(256) + body[at + 256 :] + end
        assert refused(damaged, form), f"mutant {seed} came out without a word"


# ---------------------------------------------------------------------------------------------- whole JPEG frames

_HU = plane(64, 77)
_TWELVE, _EIGHT = (_HU + 1024).astype(np.uint16), ((_HU + 1024) >> 4).astype(np.uint8)
WHOLE = {
    **{f"lossless {p}": (_TWELVE, {"lossless": True, "predictor": p, "bitspersample": 12}) for p in range(1, 8)},
    **{f"lossless 8 bits {p}": (_EIGHT, {"lossless": True, "predictor": p}) for p in (1, 4, 5, 6, 7)},
    "lossless 16 bits": (_TWELVE * 13, {"lossless": True, "predictor": 1, "bitspersample": 16}),
    "all alike": (np.full_like(_TWELVE, 7), {"lossless": True, "predictor": 1, "bitspersample": 12}),
    **{f"baseline {level}": (_EIGHT, {"level": level}) for level in (10, 40, 75, 95, 100)},
    **{f"optimised {level}": (_EIGHT, {"level": level, "optimize": True}) for level in (40, 95)},
    "extended": (_TWELVE, {"level": 90, "bitspersample": 12}),
    "all white": (np.full_like(_EIGHT, 255), {"level": 90}),
    "all black": (np.zeros_like(_EIGHT), {"level": 90}),
}


@pytest.mark.parametrize("case", WHOLE)
def test_whole_jpeg_frames_come_out_as_they_were(case: str) -> None:
    image, options = WHOLE[case]
    for rows, columns in ((64, 77), (37, 29), (64, 1), (1, 50), (9, 8), (1, 1)):
        crop = np.ascontiguousarray(image[:rows, :columns])
        stream = bytes(imagecodecs.jpeg8_encode(crop, **options))
        assert np.array_equal(jpeg.decode(stream), imagecodecs.jpeg8_decode(stream)), (rows, columns)


@pytest.mark.parametrize("case", ["lossless 1", "extended", "baseline 75"])
def test_what_writers_put_about_the_end_does_no_harm(case: str) -> None:
    image, options = WHOLE[case]
    stream = bytes(imagecodecs.jpeg8_encode(image, **options))
    expected = imagecodecs.jpeg8_decode(stream)
    body, _ = parts(stream)
    for end in (b"\xff\xd9\0", b"\xff\xff\xff\xd9", b"\0\xff\xd9", b"\xff\xd9" + bytes(9)):
        assert np.array_equal(jpeg.decode(body + end), expected), end


def waves(seed: int) -> np.ndarray:
    """Twelve bits of waves and noise, of some size."""
    random = np.random.default_rng(seed)
    rows, columns = random.integers(1, 150, 2)
    y, x = np.mgrid[:rows, :columns]
    image = 2000 + 1500 * np.sin(x / random.uniform(2, 60)) * np.cos(y / random.uniform(2, 60))
    image += random.normal(0, random.choice([0, 5, 50, 400]), image.shape)
    return np.ascontiguousarray(np.where(image > 2000, 4095, 0) if seed % 5 == 0 else image.clip(0, 4095), np.uint16)


@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"bitspersample": 12}, {"lossless": True}], ids=str)
def test_whole_jpeg_frames_of_all_kinds_come_out_as_they_were(options: dict[str, object]) -> None:
    for seed in range(5 * MUTANTS):
        image, level = waves(seed), int(np.random.default_rng(seed).integers(20, 101))
        if "bitspersample" not in options:
            image = (image >> 4).astype(np.uint8)
        given = options if "lossless" in options else {"level": level, **options}
        stream = bytes(imagecodecs.jpeg8_encode(image, **given))
        assert np.array_equal(jpeg.decode(stream), imagecodecs.jpeg8_decode(stream)), seed


def test_tables_without_a_code_for_known_greys_are_no_obstacle() -> None:
    """An image of one frequency alone: its optimised tables have next to no codes."""
    image = np.tile(np.array([[100, 156]], np.uint8).repeat(8, 0).repeat(8, 1), (4, 4))
    stream = bytes(imagecodecs.jpeg8_encode(image, level=60, optimize=True))
    assert np.array_equal(jpeg.decode(stream), imagecodecs.jpeg8_decode(stream))


def restarted(rows: int = 1) -> bytes:
    out = io.BytesIO()
    Image.fromarray(_EIGHT).save(out, "JPEG", quality=90, restart_marker_rows=rows)
    return out.getvalue()


def restarted_lossless() -> tuple[bytes, np.ndarray]:
    """Four equal bands, each a restart interval of its own: they share their tables."""
    band = _TWELVE[:16]
    stream = bytes(imagecodecs.jpeg8_encode(np.ascontiguousarray(band), lossless=True, predictor=1, bitspersample=12))
    scan = jpeg._parse(stream)
    head = stream[: scan.rows_at] + pack(">H", 64) + stream[scan.rows_at + 2 : scan.start]
    at = head.rfind(b"\xff\xda")
    head = head[:at] + b"\xff\xdd\0\x04" + pack(">H", 16 * 77) + head[at:]
    data = stream[scan.start : scan.end]
    return head + b"".join(data + b"\xff" + bytes([0xD0 + n]) for n in range(3)) + data + b"\xff\xd9", np.tile(
        band, (4, 1)
    )


def test_restart_intervals_come_out_as_they_were() -> None:
    for rows in (1, 2, 3):
        assert np.array_equal(jpeg.decode(restarted(rows)), imagecodecs.jpeg8_decode(restarted(rows)))
    stream, expected = restarted_lossless()
    assert np.array_equal(jpeg.decode(stream), expected)


@pytest.mark.parametrize("name", ["baseline", "lossless"])
def test_every_restart_interval_has_to_be_whole(name: str) -> None:
    stream = restarted() if name == "baseline" else restarted_lossless()[0]
    found = list(re.finditer(rb"\xff[\xd0-\xd7]", stream))
    (one, two) = found[:2]
    gone = stream[: one.start()] + stream[two.start() :]
    short = stream[: two.start() - 12] + stream[two.start() :]
    long = stream[: two.start()] + b"\x12\x34\x56\x78" + stream[two.start() :]
    for damaged in (gone, short) if name == "baseline" else (gone, short, long):
        with pytest.raises(ValueError):
            jpeg.decode(damaged)


def test_a_second_image_in_a_frame_is_not_dropped() -> None:
    frame, form = frame_of("jpeg-ls")
    with pytest.raises(ValueError, match="another image follows"):
        codecs.decode_frame(frame + frame, form)
    frame, form = frame_of("jpeg-lossless")
    with pytest.raises(ValueError, match="another image follows"):
        codecs.decode_frame(frame + frame, form)
    frame, form = frame_of("jpeg-2000-lossless")
    with pytest.raises(ValueError, match="more follows"):
        codecs.decode_frame(frame + frame, form)


def test_a_process_that_the_transfer_syntax_does_not_allow_is_named() -> None:
    out = io.BytesIO()
    Image.fromarray(_EIGHT).save(out, "JPEG", progressive=True)
    with pytest.raises(ValueError, match="JPEG process 2"):
        jpeg.decode(out.getvalue())


def test_a_damaged_frame_is_named_with_its_slice(tmp_path: Path) -> None:
    datasets = [encode(ds, JPEGLosslessSV1) for ds in ct_slices(asymmetric_phantom(noise_hu=60), "damaged")]
    frame = next(generate_frames(datasets[4].PixelData, number_of_frames=1))
    datasets[4].PixelData = encapsulate([lose_a_piece(np.random.default_rng(1), frame)])
    write(datasets, tmp_path)
    (series,) = find_series(tmp_path)
    with pytest.raises(DecodeError, match=r"IM0005\.dcm: its JPEG Lossless.*some were lost"):
        read_series(series)


# --------------------------------------------------------------------------------------------- JP2, frames, zips


def boxed(stream: bytes) -> bytes:
    """Wrap a codestream into a JP2 file."""
    box = lambda kind, body: pack(">L4s", 8 + len(body), kind) + body  # noqa: E731
    return (
        box(b"jP  ", b"\r\n\x87\n")
        + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
        + box(b"jp2h", box(b"ihdr", bytes(14)))
        + box(b"jp2c", stream)
    )


def test_jpeg_2000_in_boxes_is_read(tmp_path: Path) -> None:
    phantom = asymmetric_phantom(noise_hu=60)
    datasets = [encode(ds, JPEG2000Lossless) for ds in ct_slices(phantom, "boxed")]
    for ds in datasets:
        ds.PixelData = encapsulate([boxed(next(generate_frames(ds.PixelData, number_of_frames=1)))])
    write(datasets, tmp_path)
    (series,) = find_series(tmp_path)
    assert np.array_equal(read_series(series).voxels, phantom.hu)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and RLIMIT_AS")
def test_a_large_image_in_boxes_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    large = bytes(imagecodecs.jpeg2k_encode(np.zeros((12000, 12000), np.uint16), reversible=True, codecformat="j2k"))
    datasets = [encode(ds, JPEG2000Lossless) for ds in ct_slices(asymmetric_phantom(), "boxed")]
    datasets[2].PixelData = encapsulate([boxed(large)])
    write(datasets, tmp_path)
    said = read_with_little_memory(tmp_path)
    assert "DecodeError" in said
    assert "12000 × 12000" in said


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and RLIMIT_AS")
@pytest.mark.parametrize(
    ("name", "count"),
    [("explicit", 1000), ("jpeg-ls", 1000), ("explicit", 100_000), ("jpeg-ls", 100_000), ("deflated", 100_000)],
)
def test_more_frames_than_a_file_has_room_for_are_refused_at_once(tmp_path: Path, name: str, count: int) -> None:
    ds = encode(ct_slices(asymmetric_phantom(shape=(1, 8, 8)), "many")[0], SYNTAXES[name])
    ds.NumberOfFrames = count
    write([ds], tmp_path)
    ((path, reason),) = find_series(tmp_path).skipped
    assert path.name == "IM0001.dcm"
    assert f"NumberOfFrames is {count}" in reason
    assert "skipped" in read_with_little_memory(tmp_path)


def test_many_frames_that_are_there_are_read(tmp_path: Path) -> None:
    phantom = asymmetric_phantom(shape=(70, 8, 8))
    write([enhanced(phantom)], tmp_path)
    (series,) = find_series(tmp_path)
    assert read_series(series).shape == (70, 8, 8)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and RLIMIT_AS")
@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "lzma"])
def test_a_zip_packed_otherwise_expands_within_bounds(tmp_path: Path, method: int) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", method) as archive, archive.open("zeros", "w", force_zip64=True) as out:
        for _ in range(20):
            out.write(bytes(2**24))
    assert "SeriesError" in read_with_little_memory(bomb)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "lzma"])
def test_a_zip_packed_otherwise_is_read_and_its_damage_told(tmp_path: Path, method: int) -> None:
    phantom = asymmetric_phantom(noise_hu=60)
    paths = write(ct_slices(phantom, "zipped"), tmp_path / "in")
    packed = tmp_path / "scan.zip"
    with zipfile.ZipFile(packed, "w", method) as archive:
        for path in paths:
            archive.write(path, path.name)
    (series,) = find_series(packed)
    assert np.array_equal(read_series(series).voxels, phantom.hu)
    data = bytearray(packed.read_bytes())
    with zipfile.ZipFile(packed) as archive:
        entry = archive.infolist()[3]
    data[entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2] ^= 0x10
    packed.write_bytes(data)
    ((path, reason),) = find_series(packed).skipped
    assert path.name == "IM0004.dcm"
    assert "damaged inside the zip" in reason


# ------------------------------------------------------------------------------- decoders that the system has ended

KILLED = (
    "import os, signal; import napari_lesion.dicom.read.codecs as codecs; from pathlib "
    "import Path; real = codecs.decode_frame; mark = Path({mark!r})\n"
    "def deed(*given):\n"
    "    if {always} or not mark.exists():\n"
    "        mark.touch(); os.kill(os.getpid(), signal.{number})\n"
    "    return real(*given)\n"
    "codecs.decode_frame = deed; from napari_lesion.dicom.read.worker import main; main()"
)


@pytest.fixture
def no_workers() -> Iterator[None]:
    decode._close_all()
    yield
    decode._close_all()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell who ended a process")
@pytest.mark.parametrize("number", ["SIGKILL", "SIGTERM"])
def test_a_decoder_that_the_system_has_ended_is_tried_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_workers: None, number: str
) -> None:
    phantom = asymmetric_phantom(noise_hu=60)
    write([encode(ds, JPEGLosslessSV1) for ds in ct_slices(phantom, "killed")], tmp_path / "in")
    (series,) = find_series(tmp_path / "in")
    start = KILLED.format(mark=str(tmp_path / "mark"), always=False, number=number)
    monkeypatch.setattr(decode, "_START", start)
    assert np.array_equal(read_series(series).voxels, phantom.hu)
    assert (tmp_path / "mark").exists()
    decode._close_all()
    monkeypatch.setattr(decode, "_START", KILLED.format(mark=str(tmp_path / "mark"), always=True, number=number))
    with pytest.raises(DecodeError, match=f"ended by the system twice .{number}") as caught:
        read_series(series)
    assert "damaged" not in str(caught.value)
    assert "IM00" in str(caught.value)
