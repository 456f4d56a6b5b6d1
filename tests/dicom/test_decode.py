"""Decoding in processes of their own."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from napari_lesion.dicom.read import decode

SAMPLE = Path(__file__).parents[2] / "sample_dicoms" / "baseline"


def test_compressed_series_are_read_where_shared_memory_cannot_be_written():
    code = f"""
from pathlib import Path
from napari_lesion import find_series, read_series
from napari_lesion.dicom.read import decode
decode._SHARED_MEMORY = Path("/there/is/no/such/folder")
print(read_series(find_series({str(SAMPLE)!r})[0]).shape[0])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 1


def test_a_small_shared_memory_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(decode, "_SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=64 << 20))
    assert decode._shared_folder(1 << 20) == tmp_path
    assert decode._shared_folder(16 << 20) is None
