"""Whatever may hold scans is read, or named as left out: links, folders, archives, DICOMDIRs as media hold them."""

from __future__ import annotations

import bz2
import gzip
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import pydicom
import pytest
from dicom_factory import asymmetric_phantom, ct_slices, write, write_dicomdir, write_zip

from napari_lesion.dicom.index import tree
from napari_lesion.dicom.index.series import SeriesIndex, find_series

COUNT = 5


def slices(name: str) -> list[pydicom.Dataset]:
    return ct_slices(asymmetric_phantom("axial", (COUNT, 24, 20), (3.0, 2.5, 2.25)), name)


def counts(index: SeriesIndex) -> list[int]:
    return [series.n_slices for series in index]


def reasons(index: SeriesIndex) -> dict[str, str]:
    assert set(index.left_out) <= set(index.skipped)
    return {path.name: reason for path, reason in index.left_out}


def test_links_are_followed_once_and_circles_end(tmp_path: Path) -> None:
    write(slices("a"), tmp_path / "study" / "a")
    write(slices("b"), tmp_path / "elsewhere" / "b")
    (tmp_path / "study" / "b").symlink_to("../elsewhere/b")
    (tmp_path / "study" / "again").symlink_to("a")
    (tmp_path / "study" / "a" / "circle").symlink_to("..")
    (tmp_path / "elsewhere" / "b" / "back").symlink_to(tmp_path / "study")
    (tmp_path / "study" / "a0").symlink_to("a/IM0001.dcm")
    index = find_series(tmp_path / "study")
    assert counts(index) == [COUNT, COUNT]
    assert not index.skipped
    assert not any(series.duplicates for series in index)


def test_links_to_single_files_are_read(tmp_path: Path) -> None:
    for path in write(slices("a"), tmp_path / "elsewhere"):
        (tmp_path / "study").mkdir(exist_ok=True)
        (tmp_path / "study" / path.name).symlink_to(path)
    assert counts(find_series(tmp_path / "study")) == [COUNT]


def test_a_link_that_leads_nowhere_is_left_out_by_name(tmp_path: Path) -> None:
    write(slices("a"), tmp_path / "a")
    (tmp_path / "gone").symlink_to("../../nowhere")
    (tmp_path / "itself").symlink_to("itself")
    index = find_series(tmp_path)
    assert counts(index) == [COUNT]
    assert set(reasons(index)) == {"gone", "itself"}
    assert all("a link that leads nowhere" in reason for reason in reasons(index).values())


def test_a_pipe_is_no_file_to_wait_for(tmp_path: Path) -> None:
    write(slices("a"), tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    index = find_series(tmp_path)
    assert counts(index) == [COUNT]
    assert sorted(path.name for path, _ in index.skipped) == ["null", "pipe"]
    assert not index.left_out


def test_a_folder_and_a_file_that_may_not_be_read_are_left_out_by_name(tmp_path: Path, monkeypatch) -> None:
    write(slices("a"), tmp_path / "a")
    write(slices("b"), tmp_path / "locked")
    whole, read = os.scandir, Path.open

    def scandir(path):
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return whole(path)

    def opened(self, *arguments, **options):
        if self.name == "IM0002.dcm":
            raise PermissionError(13, "Permission denied")
        return read(self, *arguments, **options)

    monkeypatch.setattr(tree.os, "scandir", scandir)
    monkeypatch.setattr(Path, "open", opened)
    index = find_series(tmp_path)
    assert counts(index) == [COUNT - 1]
    assert reasons(index) == {
        "locked": "a folder that cannot be read (Permission denied)",
        "IM0002.dcm": "cannot be read (Permission denied)",
    }


def _tar(mode: str):
    def pack(folder: Path, path: Path) -> None:
        with tarfile.open(path, mode) as archive:
            archive.add(folder, "scan")

    return pack


def _nested(folder: Path, path: Path) -> None:
    inner = write_zip(folder, path.with_suffix(".inner"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(inner, "inner.zip")
    inner.unlink()


def _locked(folder: Path, path: Path) -> None:
    write_zip(folder, path)
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = content.find(mark)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(mark, at + 4)
    path.write_bytes(content)


def _one(compress):
    def pack(folder: Path, path: Path) -> None:
        path.write_bytes(compress(next(folder.iterdir()).read_bytes()))

    return pack


ARCHIVES = {
    "tar": (_tar("w"), "a tar archive that holds DICOM"),
    "tar.gz": (_tar("w:gz"), r"a tar archive \(gzip\) that holds DICOM"),
    "tar.xz": (_tar("w:xz"), r"a tar archive \(xz\) that holds DICOM"),
    "nested.zip": (_nested, "a zip archive that holds DICOM"),
    "password.zip": (_locked, "a zip archive with a password"),
    "zip without its name": (write_zip, "a zip archive that holds DICOM"),
    "dcm.gz": (_one(gzip.compress), "a DICOM file compressed by gzip"),
    "dcm.bz2": (_one(bz2.compress), "a DICOM file compressed by bzip2"),
    "7z": (lambda _, path: path.write_bytes(b"7z\xbc\xaf'\x1c" + bytes(99)), "a 7z archive, which is not looked into"),
    "rar": (lambda _, path: path.write_bytes(b"Rar!\x1a\x07" + bytes(99)), "a RAR archive, which is not"),
    "damaged.zip": (lambda _, path: path.write_bytes(b"PK\x03\x04" + bytes(999)), "a damaged zip archive"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_may_hold_scans_is_left_out_by_name(name: str, tmp_path: Path) -> None:
    import re

    write(slices("a"), tmp_path / "in")
    write(slices("b"), tmp_path / "study")
    pack, words = ARCHIVES[name]
    pack(tmp_path / "in", tmp_path / "study" / f"x.{name}")
    index = find_series(tmp_path / "study")
    assert counts(index) == [COUNT]
    (reason,) = reasons(index).values()
    assert re.match(words, reason)
    if not name.endswith(("zip", "its name")):  # which are read, or tell by themselves
        alone = find_series(tmp_path / "study" / f"x.{name}")
        assert not alone
        assert list(reasons(alone).values()) == [reason]


def test_what_a_zip_lacks_of_its_scans_is_left_out_by_name(tmp_path: Path) -> None:
    write(slices("a"), tmp_path / "in")
    _nested(tmp_path / "in", tmp_path / "nested.zip")
    with zipfile.ZipFile(tmp_path / "nested.zip", "a") as archive:
        archive.writestr("../out.dcm", b"x")
    index = find_series(tmp_path / "nested.zip")
    assert not index
    assert set(reasons(index)) == {"inner.zip", "out.dcm"}


def test_documents_and_programs_beside_a_scan_are_no_scans(tmp_path: Path) -> None:
    write(slices("a"), tmp_path)
    with zipfile.ZipFile(tmp_path / "letter.docx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
    with zipfile.ZipFile(tmp_path / "viewer.zip", "w") as archive:
        archive.write(tmp_path / "letter.docx", "lib/viewer.jar")
    (tmp_path / "image.nii.gz").write_bytes(gzip.compress(bytes(999)))
    (tmp_path / "empty.dcm").touch()
    index = find_series(tmp_path)
    assert len(index.skipped) == 4
    assert not index.left_out


def test_a_damaged_image_is_left_out_by_name(tmp_path: Path) -> None:
    paths = write(slices("a"), tmp_path)
    paths[2].write_bytes(paths[2].read_bytes()[:700])
    assert set(reasons(find_series(tmp_path))) == {paths[2].name}


# ----------------------------------------------------------------------------------------------------- DICOMDIR


def rewritten(dicomdir: Path, change) -> None:
    ds = pydicom.dcmread(dicomdir)
    for record in ds.DirectoryRecordSequence:
        if "ReferencedFileID" in record:
            change(record)
    ds.save_as(dicomdir)


def _with_ending(root: Path) -> None:
    for path in [p for p in root.rglob("IM*") if p.is_file()]:
        path.rename(path.with_name(path.name + ".dcm"))


def _with_version(root: Path) -> None:
    for path in [p for p in root.rglob("IM*") if p.is_file()]:
        path.rename(path.with_name(path.name.lower() + ".;1"))


def _in_one_part(root: Path) -> None:
    with pydicom.config.disable_value_validation():
        rewritten(root / "DICOMDIR", lambda r: setattr(r, "ReferencedFileID", "/".join(r.ReferencedFileID)))


def _versions_named(root: Path) -> None:
    def change(record) -> None:
        record.ReferencedFileID = [*record.ReferencedFileID[:-1], f"{record.ReferencedFileID[-1]};1"]

    with pydicom.config.disable_value_validation():
        rewritten(root / "DICOMDIR", change)


def _inside_another(root: Path) -> None:
    (root / "DICOMDIR").rename(root / "INNER")
    outer = pydicom.dcmread(root / "INNER")
    record = outer.DirectoryRecordSequence[0]
    outer.DirectoryRecordSequence = [record]
    record.ReferencedFileID = "INNER"
    outer.save_as(root / "DICOMDIR")


@pytest.mark.parametrize("change", [_with_ending, _with_version, _in_one_part, _versions_named, _inside_another])
def test_a_dicomdir_leads_to_its_files_as_media_name_them(change, tmp_path: Path) -> None:
    dicomdir = write_dicomdir(slices("a"), tmp_path)
    change(tmp_path)
    index = find_series(dicomdir)
    assert counts(index) == [COUNT]
    assert not index.left_out


def test_a_dicomdir_that_lies_is_told(tmp_path: Path) -> None:
    dicomdir = write_dicomdir(slices("a"), tmp_path / "cd")
    (tmp_path / "secret").mkdir()
    shutil.copy(next(p for p in (tmp_path / "cd").rglob("IM*") if p.is_file()), tmp_path / "secret" / "IM")
    for way in (["..", "secret", "IM"], ["../secret/IM"], [str(tmp_path / "secret" / "IM")]):
        with pydicom.config.disable_value_validation():
            rewritten(dicomdir, lambda record, way=way: setattr(record, "ReferencedFileID", way))
        index = find_series(dicomdir)
        assert not index
        assert len(index.left_out) == COUNT
    ds = pydicom.dcmread(dicomdir)
    ds.DirectoryRecordSequence = []
    ds.save_as(dicomdir)
    assert reasons(find_series(dicomdir)) == {
        "DICOMDIR": "a DICOMDIR that names no image; open the folder that it is in"
    }
