"""The quick pass over a header says what pydicom says."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from dicom_factory import SYNTAXES, asymmetric_phantom, ct_slices, encode, enhanced, write
from pydicom.dataset import Dataset

from napari_lesion.dicom.index import header
from napari_lesion.dicom.index.fast_header import ShortError, UnusualError, scan
from napari_lesion.dicom.index.interpret import interpret

SHAPE = (3, 40, 32)


def one(folder: Path, syntax: str, change: Dataset | None = None) -> Path:
    ds = ct_slices(asymmetric_phantom(shape=SHAPE))[1]
    ds.PatientName = "Müller^Jürgen"
    ds.SpecificCharacterSet = "ISO_IR 100"
    if change is not None:
        ds.update(change)
    return write([encode(ds, SYNTAXES[syntax])], folder)[0]


def nested() -> Dataset:
    """A sequence of undefined length with another in it, and a private element."""
    inner, outer = Dataset(), Dataset()
    inner.CodeValue = "42"
    outer.ConceptNameCodeSequence = [inner]
    outer["ConceptNameCodeSequence"].is_undefined_length = True
    top = Dataset()
    top.RequestAttributesSequence = [outer, outer]
    top["RequestAttributesSequence"].is_undefined_length = True
    block = top.private_block(0x0029, "TEST", create=True)
    block.add_new(1, "OB", b"\x01\x02\xe0\x7f\x10\x00")
    return top


@pytest.mark.parametrize("syntax", [name for name in SYNTAXES if name != "jpeg-baseline"])
def test_both_parsers_say_the_same(tmp_path: Path, syntax: str) -> None:
    path = one(tmp_path, syntax, nested())
    quick = header.read_header(path)
    thorough = interpret(path, path.stat().st_size, header._parse(path, path.stat().st_size))
    assert quick.frames == thorough.frames
    assert quick.identity() == thorough.identity()
    assert quick.identity().patient_name == "Müller^Jürgen"


def test_ordinary_files_take_the_quick_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(path: Path, size: int) -> None:
        raise AssertionError("pydicom was asked")

    monkeypatch.setattr(header, "_parse", never)
    for syntax in ("explicit", "implicit", "jpeg-ls", "rle"):
        assert header.read_header(one(tmp_path / syntax, syntax, nested())).frames


def test_a_header_longer_than_the_first_read_is_read_on(tmp_path: Path) -> None:
    long = Dataset()
    long.private_block(0x0029, "TEST", create=True).add_new(1, "OB", bytes(300_000))
    path = one(tmp_path, "explicit", long)
    (frame,) = header.read_header(path).frames
    with path.open("rb") as file:
        ds = pydicom.dcmread(file, stop_before_pixels=True)
        assert frame.file.pixel_offset == file.tell()
    assert frame.position == tuple(map(float, ds.ImagePositionPatient))


def test_a_cut_header_asks_for_more_and_damage_for_pydicom(tmp_path: Path) -> None:
    data = one(tmp_path, "explicit").read_bytes()
    with pytest.raises(ShortError):
        scan(data[:400], (), ())
    with pytest.raises(UnusualError):
        scan(b"\0" * 4096, (), ())


def test_the_frames_of_an_enhanced_object_have_places_of_their_own(tmp_path: Path) -> None:
    phantom = asymmetric_phantom(shape=SHAPE)
    (path,) = write([enhanced(phantom, order=[2, 0, 1])], tmp_path)
    frames = header.read_header(path).frames
    assert [frame.number for frame in frames] == [1, 2, 3]
    for frame, k in zip(frames, [2, 0, 1], strict=True):
        assert frame.position == pytest.approx(phantom.affine[:3, 3] + k * phantom.affine[:3, 0])
    assert len({frame.pixel_spacing for frame in frames}) == 1
