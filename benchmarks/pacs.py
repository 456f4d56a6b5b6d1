"""How fast the listener takes CT slices, and what memory it keeps: one sender on loopback.

python benchmarks/pacs.py [SLICES]
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import yaml
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from napari_lesion.pacs import engines

_PROGRAM = "from napari_lesion.cli.main import main; main()"


def main() -> None:
    """Print slices a second and the listener's memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slices", nargs="?", type=int, default=600)
    wanted = parser.parse_args().slices
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = _scan(folder / "source", wanted)
        port = _free_port()
        settings = {"port": port, "callers": ["SENDER"], "folder": str(folder / "service"), "free_gb": 0}
        (folder / "listen.yaml").write_text(yaml.safe_dump(settings))
        process = subprocess.Popen([sys.executable, "-c", _PROGRAM, "listen", str(folder / "listen.yaml")])
        try:
            _wait(port)
            memory = psutil.Process(process.pid).memory_info
            pynetdicom = engines.pynetdicom()
            entity = pynetdicom.AE(ae_title="SENDER")
            entity.add_requested_context("1.2.840.10008.5.1.4.1.1.2", ExplicitVRLittleEndian)
            association = entity.associate("127.0.0.1", port, ae_title="LESION")
            started, begun = time.perf_counter(), time.process_time()
            for number, one in enumerate(files, 1):
                assert association.send_c_store(one).Status == 0
                if number % 100 == 0:
                    seconds = time.perf_counter() - started
                    print(
                        f"{number:6} slices, {number / seconds:6.1f} a second, listener {memory().rss / 2**20:.0f} MB"
                    )
            association.release()
            times = psutil.Process(process.pid).cpu_times()
            print(f"CPU: sender {time.process_time() - begun:.1f} s, listener {times.user + times.system:.1f} s")
        finally:
            process.terminate()
            process.wait()


def _scan(folder: Path, slices: int) -> list[Path]:
    """Slices of 512 × 512, 16 bits, in files."""
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset

    folder.mkdir()
    chance = np.random.default_rng(1)
    study, series = generate_uid(prefix=None), generate_uid(prefix=None)
    paths = []
    for number in range(slices):
        one = Dataset()
        one.SOPClassUID, one.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", generate_uid(prefix=None)
        one.StudyInstanceUID, one.SeriesInstanceUID, one.Modality, one.PatientID = study, series, "CT", "BENCH"
        one.Rows = one.Columns = 512
        one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
        one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
        one.PixelData = chance.integers(0, 4096, (512, 512), np.uint16).tobytes()
        one.file_meta = FileMetaDataset()
        one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = folder / f"{number}.dcm"
        pydicom.dcmwrite(path, one, enforce_file_format=True)
        paths.append(path)
    return paths


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError


if __name__ == "__main__":
    main()
