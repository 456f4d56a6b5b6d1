"""Damaged, hostile and foreign files end in a sentence that names the file, never in a crash, a hang or a guess."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from dicom_factory import (
    SYNTAXES,
    Stored,
    asymmetric_phantom,
    ct_slices,
    encode,
    enhanced,
    uid,
    write,
    write_without_meta,
)
from little_memory import read_with_little_memory
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    MPEG4HP41,
    UID,
    BasicTextSRStorage,
    DeflatedExplicitVRLittleEndian,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RTStructureSetStorage,
)

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read import decode
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.model.volume import Volume
from napari_lesion.support.errors import DecodeError, SeriesError

SHAPE = (6, 40, 32)
COMPRESSED = [name for name, syntax in SYNTAXES.items() if syntax.is_encapsulated]


def slices(syntax: UID = ExplicitVRLittleEndian) -> list[Dataset]:
    stored = Stored(bits_allocated=8, bits_stored=8, slope=8.0) if syntax == SYNTAXES["jpeg-baseline"] else None
    datasets = ct_slices(asymmetric_phantom(shape=SHAPE, noise_hu=60), "bad", stored)
    return [encode(ds, syntax) for ds in datasets]


def read(path: Path) -> Volume:
    (series,) = find_series(path)
    return read_series(series)


def edit_pixels(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change everything after the head of the pixel data element."""
    data = path.read_bytes()
    start = max(data.rfind(b"\xe0\x7f\x10\x00"), data.rfind(b"\x7f\xe0\x00\x10")) + 12
    path.write_bytes(data[:start] + change(data[start:]))


# ------------------------------------------------------------------------------------------- nothing to read at all


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 4096,
        b"patient,nodules\n1,2\n",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 600,
        b"\0" * 128 + b"DICM",
        b"\0" * 128 + b"DICM" + b"\xff" * 4096,
        b"\x08\x00\x05\x00" + b"\xff" * 64,
        b"PK\x03\x04" + b"\0" * 100,
    ],
    ids=["empty", "zeros", "text", "png", "only a preamble", "noise after preamble", "noise", "no zip"],
)
def test_a_file_that_is_no_dicom_is_skipped_with_a_reason(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "stray").write_bytes(content)
    index = find_series(tmp_path)
    assert len(index) == 0
    ((path, reason),) = index.skipped
    assert path.name == "stray"
    assert reason


def test_an_empty_folder_holds_no_series(tmp_path: Path) -> None:
    index = find_series(tmp_path)
    assert len(index) == 0
    assert index.skipped == ()


def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SeriesError, match="nowhere"):
        find_series(tmp_path / "nowhere")


@pytest.mark.parametrize("sop_class", [BasicTextSRStorage, RTStructureSetStorage, EncapsulatedPDFStorage])
def test_objects_without_an_image_are_skipped_beside_the_series(tmp_path: Path, sop_class: UID) -> None:
    write(slices(), tmp_path)
    other = copy.deepcopy(slices()[0])
    for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel"):
        delattr(other, keyword)
    other.SOPClassUID = other.file_meta.MediaStorageSOPClassUID = sop_class
    other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = uid("no image")
    write([other], tmp_path, "other{:d}")
    (tmp_path / "readme.txt").write_text("hello")
    index = find_series(tmp_path)
    assert len(index) == 1
    assert read_series(index[0]).shape == SHAPE
    assert sorted(path.name for path, _ in index.skipped) == ["other1", "readme.txt"]


# -------------------------------------------------------------------------------------------- damaged pixel data


@pytest.mark.parametrize("name", [*SYNTAXES])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.98])
def test_a_truncated_file_is_named(tmp_path: Path, name: str, share: float) -> None:
    paths = write(slices(SYNTAXES[name]), tmp_path)
    if SYNTAXES[name] == DeflatedExplicitVRLittleEndian:
        data = paths[3].read_bytes()
        paths[3].write_bytes(data[: len(data) // 2 + int(share * len(data) // 2)])
    else:
        edit_pixels(paths[3], lambda pixels: pixels[: int(share * len(pixels))])
    index = find_series(tmp_path)
    if index.skipped:
        ((path, _),) = index.skipped
        assert path.name == paths[3].name
        return
    with pytest.raises(DecodeError, match=paths[3].name):
        read_series(index[0])


@pytest.mark.parametrize("name", COMPRESSED)
def test_a_stream_of_noise_is_named(tmp_path: Path, name: str) -> None:
    datasets = slices(SYNTAXES[name])
    noise = np.random.default_rng(0).integers(0, 256, 900, dtype=np.uint8).tobytes()
    datasets[2].PixelData = encapsulate([noise])
    paths = write(datasets, tmp_path)
    with pytest.raises(DecodeError, match=paths[2].name):
        read(tmp_path)


@pytest.mark.parametrize("name", COMPRESSED)
def test_an_empty_stream_is_named(tmp_path: Path, name: str) -> None:
    datasets = slices(SYNTAXES[name])
    datasets[2].PixelData = encapsulate([b"\0\0"])
    paths = write(datasets, tmp_path)
    with pytest.raises(DecodeError, match=paths[2].name):
        read(tmp_path)


def test_a_multiframe_object_with_too_few_streams_is_named(tmp_path: Path) -> None:
    ds = encode(enhanced(asymmetric_phantom(shape=SHAPE)), JPEGLSLossless)
    few = encode(enhanced(asymmetric_phantom(shape=(4, *SHAPE[1:]))), JPEGLSLossless)
    ds.PixelData = few.PixelData
    write([ds], tmp_path)
    with pytest.raises(DecodeError, match=r"IM0001\.dcm"):
        read(tmp_path)


def test_a_multiframe_object_with_too_few_bytes_is_named(tmp_path: Path) -> None:
    ds = enhanced(asymmetric_phantom(shape=SHAPE))
    ds.PixelData = ds.PixelData[: len(ds.PixelData) * 2 // 3]
    write([ds], tmp_path)
    with pytest.raises(DecodeError, match=r"IM0001\.dcm"):
        read(tmp_path)


# ----------------------------------------------------------------------------------------- wrong transfer syntax

MISLABELLED = [
    ("jpeg-ls", "jpeg-2000-lossless"),
    ("jpeg-2000-lossless", "jpeg-ls"),
    ("jpeg-2000-lossless", "jpeg-lossless-sv1"),
    ("jpeg-lossless-sv1", "rle"),
    ("rle", "jpeg-lossless-sv1"),
    ("rle", "htj2k-lossless"),
    ("jpeg-ls", "rle"),
    ("jpeg-ls", "explicit"),
    ("rle", "explicit"),
    ("explicit", "jpeg-ls"),
    ("explicit", "rle"),
    ("explicit", "jpeg-2000-lossless"),
    ("explicit", "implicit"),
    ("implicit", "explicit"),
    ("explicit", "big-endian"),
    ("explicit", "deflated"),
    ("deflated", "explicit"),
]


def relabel(path: Path, syntax: UID) -> None:
    """Change nothing but the transfer syntax in the meta header (and the lengths that count it, PS3.10 7.1)."""
    data = path.read_bytes()
    start = data.index(b"\x02\x00\x10\x00UI")
    length = int.from_bytes(data[start + 6 : start + 8], "little")
    value = syntax.encode() + b"\0" * (len(syntax) % 2)
    group = int.from_bytes(data[140:144], "little") + len(value) - length
    path.write_bytes(
        data[:140]
        + group.to_bytes(4, "little")
        + data[144 : start + 6]
        + len(value).to_bytes(2, "little")
        + value
        + data[start + 8 + length :]
    )


@pytest.mark.parametrize(("really", "label"), MISLABELLED)
def test_a_wrong_transfer_syntax_is_read_right_or_refused(tmp_path: Path, really: str, label: str) -> None:
    """Many such files can be read all the same; but whatever comes out must be the image."""
    for path in write(slices(SYNTAXES[really]), tmp_path):
        relabel(path, SYNTAXES[label])
    index = find_series(tmp_path)
    if not index:
        assert len(index.skipped) == SHAPE[0]
        return
    try:
        volume = read_series(index[0])
    except DecodeError as error:
        assert re.search("IM000[1-6]", str(error)), error  # noqa: PT017 - the other outcome is a volume
    else:
        assert np.array_equal(volume.voxels, asymmetric_phantom(shape=SHAPE, noise_hu=60).hu)


def test_a_movie_is_refused_by_the_name_of_its_encoding(tmp_path: Path) -> None:
    for path in write(slices(JPEGLSLossless), tmp_path):
        relabel(path, MPEG4HP41)
    with pytest.raises(DecodeError, match="MPEG-4"):
        read(tmp_path)


# ------------------------------------------------------------------------------------------------ missing header


def test_files_without_a_meta_header_are_read(tmp_path: Path) -> None:
    for number, ds in enumerate(slices()):
        write_without_meta(ds, tmp_path / f"bare{number}")
    volume = read(tmp_path)
    assert np.array_equal(volume.voxels, asymmetric_phantom(shape=SHAPE, noise_hu=60).hu)


# -------------------------------------------------------------------------------------------- absurd dimensions


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and RLIMIT_AS")
@pytest.mark.parametrize("name", ["explicit", "rle", "jpeg-ls", "jpeg-2000-lossless", "deflated"])
def test_absurd_sizes_in_the_header_are_refused_before_memory_is_asked_for(tmp_path: Path, name: str) -> None:
    datasets = slices(SYNTAXES[name])
    for ds in datasets:
        ds.Rows = ds.Columns = 65535
    write(datasets, tmp_path)
    said = read_with_little_memory(tmp_path)
    assert "DecodeError" in said or "skipped" in said
    assert "IM000" in said


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and RLIMIT_AS")
@pytest.mark.parametrize("name", ["explicit", "rle", "jpeg-ls"])
def test_an_absurd_number_of_frames_is_refused(tmp_path: Path, name: str) -> None:
    ds = encode(enhanced(asymmetric_phantom(shape=SHAPE)), SYNTAXES[name])
    ds.NumberOfFrames = 2**31 - 1
    write([ds], tmp_path)
    said = read_with_little_memory(tmp_path)
    assert "Error" in said or "skipped" in said
    assert "IM0001" in said


#: A small stream that says it is large: each of these decodes to 12000×12000, 288 MB.
_LARGE = np.zeros((12000, 12000), dtype=np.uint16)
STREAM_BOMBS: dict[UID, Callable[[], bytes]] = {
    JPEG2000Lossless: lambda: bytes(imagecodecs.jpeg2k_encode(_LARGE, reversible=True, codecformat="j2k")),
    HTJ2KLossless: lambda: bytes(imagecodecs.htj2k_encode(_LARGE, reversible=True)),
    JPEGLSLossless: lambda: bytes(imagecodecs.jpegls_encode(_LARGE)),
    JPEGLosslessSV1: lambda: bytes(imagecodecs.jpeg8_encode(_LARGE, lossless=True, bitspersample=12)),
}


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and RLIMIT_AS")
@pytest.mark.parametrize("syntax", STREAM_BOMBS, ids=lambda syntax: syntax.name)
def test_a_stream_larger_than_the_header_says_is_refused_before_it_is_decoded(tmp_path: Path, syntax: UID) -> None:
    datasets = slices(syntax)
    datasets[2].PixelData = encapsulate([STREAM_BOMBS[syntax]()])
    write(datasets, tmp_path)
    said = read_with_little_memory(tmp_path)
    assert "DecodeError" in said
    assert "IM0003.dcm" in said


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and RLIMIT_AS")
def test_a_deflated_file_that_expands_without_end_is_refused(tmp_path: Path) -> None:
    (path, *_) = write(slices(DeflatedExplicitVRLittleEndian)[:1], tmp_path)
    data = path.read_bytes()
    end_of_meta = 144 + int.from_bytes(data[140:144], "little")
    dataset = zlib.decompress(data[end_of_meta:], -15)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(dataset)
    # A private element of 1 GB of zeros before the end.
    packed += packer.compress(b"\xe1\x7f\x10\x00OB\0\0" + (2**30).to_bytes(4, "little"))
    for _ in range(64):
        packed += packer.compress(b"\0" * 2**24)
    path.write_bytes(data[:end_of_meta] + packed + packer.flush())
    said = read_with_little_memory(tmp_path, peak_mb=128)  # 50 × the file, twice while zlib's buffer grows
    assert "IM0001" in said


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and RLIMIT_AS")
def test_a_zip_that_expands_without_end_is_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("zeros", "w", force_zip64=True) as out,
    ):
        for _ in range(64):
            out.write(b"\0" * 2**24)
    assert "SeriesError" in read_with_little_memory(bomb)


def test_no_file_of_a_zip_gets_out_of_its_folder(tmp_path: Path) -> None:
    (inside,) = write(slices()[:1], tmp_path / "in")
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(evil, "w") as archive:
        for name in ("../escaped.dcm", "/escaped.dcm", "a/../../escaped.dcm", "good.dcm"):
            archive.writestr(zipfile.ZipInfo(name), inside.read_bytes())
    before = set(tmp_path.rglob("*"))
    index = find_series(evil)
    assert set(tmp_path.rglob("*")) == before
    assert sum(series.n_slices for series in index) == 1
    assert len(index.skipped) == 3


# ---------------------------------------------------------------------------------------------- decoders that crash

#: A worker like the real one, but for what its decoder does.
SABOTAGED = (
    "import os, signal, time; import napari_lesion.dicom.read.codecs as codecs; "
    "codecs.decode_frame = lambda *_: {deed}; from napari_lesion.dicom.read.worker import main; main()"
)
ACTION_PREFIX = {
    "crashes": "os.kill(os.getpid(), signal.SIGSEGV)",
    "exits": "os._exit(0)",
    "hangs": "time.sleep(600)",
    "runs out of memory": "bytearray(2**45)",
    "returns too much": "__import__('numpy').zeros((512, 512), 'u2')",
    "returns too little": "__import__('numpy').zeros((2, 2), 'u2')",
}


@pytest.fixture
def no_workers() -> Iterator[None]:
    """Begin and end without decoder processes that another test started."""
    decode._close_all()
    yield
    decode._close_all()


@pytest.mark.parametrize("deed", ACTION_PREFIX)
def test_a_decoder_that_fails_costs_an_error_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_workers: None, deed: str
) -> None:
    paths = write(slices(JPEGLSLossless), tmp_path)
    with monkeypatch.context() as sabotage:
        sabotage.setattr(decode, "_START", SABOTAGED.format(deed=ACTION_PREFIX[deed]))
        sabotage.setattr(decode, "TIMEOUT_S", 2.0)
        sabotage.setattr(decode, "TIMEOUT_S_PER_MEGAPIXEL", 0.0)
        with pytest.raises(DecodeError, match="|".join(re.escape(path.name) for path in paths)):
            read(tmp_path)
    decode._close_all()
    assert np.array_equal(read(tmp_path).voxels, asymmetric_phantom(shape=SHAPE, noise_hu=60).hu)


def test_decoders_leave_no_processes_and_files_behind(tmp_path: Path, no_workers: None) -> None:
    write(slices(JPEGLSLossless), tmp_path)
    script = (
        "import json, sys; from napari_lesion.dicom.read.reader import read_series; "
        "from napari_lesion.dicom.index.series import find_series; from napari_lesion.dicom.read import decode; "
        "read_series(find_series(sys.argv[1])[0]); "
        "print(json.dumps([[w._process.pid for w in decode._idle], [str(w._path) for w in decode._idle]]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    processes, files = json.loads(result.stdout)
    assert processes
    assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]
    assert not [file for file in files if file != "None" and Path(file).exists()]
