"""The search that all tests here rest on finds a value in each form that it may have, and nothing else."""

from __future__ import annotations

import base64
import gzip
import io
import json
import sqlite3
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from leak_canary import PARTS, VALUES, parts_in, write_scan
from PIL import Image, PngImagePlugin
from pydicom.uid import DeflatedExplicitVRLittleEndian

NAME = str(VALUES["PatientName"])


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", content)
    return buffer.getvalue()


def png_with(text: str) -> bytes:
    info, buffer = PngImagePlugin.PngInfo(), io.BytesIO()
    info.add_text("Title", text, zip=True)
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def npz_with(text: str) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, name=np.array([text]))
    return buffer.getvalue()


FORMS: dict[str, Callable[[str], bytes | str]] = {
    "plain": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "with a blank for the caret": lambda text: text.replace("^", " "),
    "latin-1": lambda text: text.encode("latin-1"),
    "utf-16 little endian": lambda text: text.encode("utf-16-le"),
    "utf-16 big endian": lambda text: text.encode("utf-16-be"),
    "zip": lambda text: zipped(text.encode()),
    "percent-encoded": lambda text: urllib.parse.quote(text),
    "every byte percent-encoded": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "hexadecimal": lambda text: text.encode().hex(),
    "JSON": lambda text: json.dumps({"name": text}),
    **{
        f"base64 behind {before} bytes": lambda text, before=before: base64.b64encode(
            b"x" * before + text.encode() + b"yz"
        )
        for before in range(3)
    },
    "gzip": lambda text: gzip.compress(text.encode()),
    "zip in a zip": lambda text: zipped(zipped(text.encode())),
    "stream of a PDF": lambda text: b"stream\n" + zlib.compress(text.encode()) + b"\nendstream",
    "text of a PNG": png_with,
    "PNG in a page": lambda text: f'<img src="data:image/png;base64,{base64.b64encode(png_with(text)).decode()}">',
    "npz, which has UTF-32": npz_with,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_name_is_found_in_each_form(form: str) -> None:
    assert parts_in(FORMS[form](f"of {NAME}, and so on")) == {"name"}
    assert parts_in(FORMS[form]("of somebody else, and so on")) == set()


def test_a_name_is_found_in_a_database_and_in_names_of_files(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "a.sqlite")
    database.execute("create table t (name)")
    database.execute("insert into t values (?)", (NAME,))
    database.commit()
    database.close()
    assert parts_in(tmp_path / "a.sqlite") == {"name"}
    (tmp_path / "b" / NAME).mkdir(parents=True)
    assert parts_in(tmp_path / "b") == {"name"}
    assert parts_in(tmp_path / "b" / NAME) == set(), "a folder is not searched for what it is called itself"


def test_all_of_the_patient_is_in_the_scan_that_goes_through_everything(tmp_path: Path) -> None:
    (file, *_) = write_scan(tmp_path)
    assert parts_in(file) == PARTS - {"folder", "file"}
    one = pydicom.dcmread(file)
    one.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    one.save_as(tmp_path / "deflated.dcm", enforce_file_format=True)
    assert parts_in(tmp_path / "deflated.dcm") == PARTS - {"folder", "file"}
