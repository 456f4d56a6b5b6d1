"""What the listener bears: slices a second, a kill at any moment, data sets that are damaged.

python benchmarks/pacs.py speed [--slices N]
python benchmarks/pacs.py kills [--studies N] [--kills N] [--senders N]     (needs Orthanc)
python benchmarks/pacs.py mutants [--number N]
"""

from __future__ import annotations

import argparse
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pydicom
import yaml
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from napari_lesion.pacs import engines
from napari_lesion.pacs.association import mended
from napari_lesion.pacs.queue import Queue
from napari_lesion.pacs.storage import describe, instances_below

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))
from ports import free_port

CT, SR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.33"
#: In place of the analysis: a report that lies ready, and a line in a log for each that is made.
STAND_IN = """
import os, pathlib, shutil, sys
scan, out = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[4])
ready = pathlib.Path({ready!r})
for series in sorted(scan.iterdir()):
    target = out / series.name / "structured_report.dcm"
    if target.exists():
        continue
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    shutil.copy(ready / (series.name + ".dcm"), partial)
    with open(ready / "made.log", "a") as log:
        log.write(series.name + "\\n")
    partial.rename(target)
"""


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("speed")
    one.add_argument("--slices", type=int, default=600)
    one.set_defaults(work=speed)
    one = commands.add_parser("kills")
    one.add_argument("--studies", type=int, default=1000)
    one.add_argument("--kills", type=int, default=20)
    one.add_argument("--senders", type=int, default=10)
    one.set_defaults(work=kills)
    one = commands.add_parser("mutants")
    one.add_argument("--number", type=int, default=10_000)
    one.set_defaults(work=mutants)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        arguments.work(Path(name), arguments)


def speed(folder: Path, arguments: argparse.Namespace) -> None:
    """Print slices of 512 × 512 a second from one sender on loopback, and the listener's memory."""
    study, series = generate_uid(prefix=None), generate_uid(prefix=None)
    files = [instance(folder / f"{number}.dcm", study, series, 512) for number in range(arguments.slices)]
    with listening(folder) as (port, process), associated(port) as association:
        started, begun = time.perf_counter(), time.process_time()
        for number, one in enumerate(files, 1):
            assert association.send_c_store(one).Status == 0
            if number % 100 == 0:
                seconds = time.perf_counter() - started
                print(f"{number:6} slices, {number / seconds:6.1f} a second, listener {memory(process):.0f} MB")
        times = psutil.Process(process.pid).cpu_times()
        print(f"CPU: sender {time.process_time() - begun:.1f} s, listener {times.user + times.system:.1f} s")


def kills(folder: Path, arguments: argparse.Namespace) -> None:
    """Kill the listener at random moments while studies come, are analysed, and their reports are sent."""
    from orthanc import running

    ready = folder / "ready"
    left = [small_study(folder / "source" / str(number), ready, number) for number in range(arguments.studies)]
    sources = {describe(path).sop_uid: path for study in left for path in study}
    with running(folder / "orthanc") as archive:
        archive.put([path for study in left for path in study])
        nodes = folder / "pacs.yaml"
        nodes.write_text(yaml.safe_dump(archive.nodes().model_dump(mode="json")))
        rule = {"name": "all", "send": {"orthanc": ["sr"]}}
        settings = {"port": free_port(), "stable_s": 30, "retry_s": 1, "rules": [rule], "associations": 50}
        service = write_settings(folder, settings)
        program = (
            f"from napari_lesion.pacs import analysis; analysis._PROGRAM = {STAND_IN.format(ready=str(ready))!r}; "
        )
        command = ("--nodes", str(nodes))
        process = start(folder, settings["port"], program, command)
        acknowledged: set[str] = set()
        lock, chance, started = threading.Lock(), random.Random(3), time.monotonic()

        def send() -> None:
            while True:
                with lock:
                    if not left:
                        return
                    study = left.pop()
                missing = list(study)
                while missing:
                    done = store(int(settings["port"]), missing)
                    with lock:
                        acknowledged.update(describe(path).sop_uid for path in done)
                    missing = [path for path in missing if path not in done]
                    time.sleep(0.05)

        senders = [threading.Thread(target=send, daemon=True) for _ in range(arguments.senders)]
        for sender in senders:
            sender.start()
        killed = 0

        def counts() -> dict[str, int]:
            queue = Queue(service)
            found = queue.counts()
            queue.close()
            return found

        try:
            while True:
                # Kills are spread over the whole of the work: sending, analysing, sending back.
                time.sleep(chance.uniform(0.2, 3.0))
                done = counts().get("done", 0)
                if killed < arguments.kills and done >= killed * arguments.studies / arguments.kills * 0.95:
                    process.kill()
                    process.wait()
                    killed += 1
                    process = start(folder, settings["port"], program, command)
                if done >= arguments.studies and killed >= arguments.kills:
                    break
                if not any(sender.is_alive() for sender in senders) and counts().get("failed"):
                    break
            process.terminate()
            process.wait()
        finally:
            process.kill()
        kept = {one.sop_uid: one.path for one in instances_below([service / "inbox"])}
        lost = [uid for uid in acknowledged if uid in kept and data_set(kept[uid]) != data_set(sources[uid])]
        made = Counter((ready / "made.log").read_text().split())
        held = [
            one
            for one in archive.files().values()
            if pydicom.dcmread(pydicom.filebase.DicomBytesIO(one)).Modality == "SR"
        ]
        print(
            f"{arguments.studies} studies from {arguments.senders} senders, killed {killed} times, "
            f"{time.monotonic() - started:.0f} s: {len(acknowledged)} of {len(sources)} instances acknowledged, "
            f"{len(acknowledged - set(kept)) + len(lost)} of them lost or changed; {len(made)} studies analysed, "
            f"{sum(number > 1 for number in made.values())} twice; {len(held)} reports in the archive; {counts()}"
        )


def mutants(folder: Path, arguments: argparse.Namespace) -> None:
    """Send data sets with bytes that are changed, gone, doubled; the listener must go on."""
    study, series = generate_uid(prefix=None), generate_uid(prefix=None)
    whole = instance(folder / "whole.dcm", study, series, 16).read_bytes()
    begin = len(whole) - len(data_set(folder / "whole.dcm"))
    chance, said = random.Random(7), Counter[str]()
    with listening(folder) as (port, process):
        before, begun = memory(process), time.monotonic()
        number, told = 0, 500
        while number < arguments.number:
            with associated(port) as association:
                for _ in range(500):
                    number += 1
                    path = folder / "mutant.dcm"
                    path.write_bytes(whole[:begin] + mutated(whole[begin:], chance))
                    try:
                        status = association.send_c_store(path)
                    except RuntimeError:  # it was ended while the last one was looked at
                        number -= 1
                        break
                    said[f"0x{status.Status:04X}" if "Status" in status else "no answer"] += 1
                    if not association.is_established:
                        break
            if number >= told:
                told += 500
                print(f"{number} mutants after {time.monotonic() - begun:.0f} s: {dict(said)}", flush=True)
            assert process.poll() is None, (folder / "listener.log").read_text()[-2000:]
        with associated(port) as association:
            assert association.send_c_store(folder / "whole.dcm").Status == 0
        assert process.poll() is None
        print(f"{number} mutants: {dict(said)}; the listener goes on, {before:.0f} to {memory(process):.0f} MB")


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Change a data set in one to eight places."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        # Mostly in the headers, before the pixels.
        at = chance.randrange(max(len(changed) if chance.random() < 0.2 else min(len(changed), 600), 1))
        kind = chance.randrange(4)
        if kind == 0:
            changed[at : at + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            del changed[at : at + chance.randint(1, 40)]
        elif kind == 2:
            changed[at:at] = changed[at : at + chance.randint(1, 40)]
        else:
            changed[at : at + 4] = chance.choice(
                (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xfe\xff\x00\xe0", chance.randbytes(4))
            )
    return bytes(changed)


# -- the listener, and what is sent to it -----------------------------------------------------------------------------


def write_settings(folder: Path, changes: dict[str, Any]) -> Path:
    """Write the listener's file; give its folder."""
    service = folder / "service"
    settings = {"callers": ["SENDER"], "folder": str(service), "free_gb": 0, **changes}
    (folder / "listen.yaml").write_text(yaml.safe_dump(settings))
    return service


def start(folder: Path, port: object, program: str = "", more: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
    """Start the listener, and wait until it listens."""
    code = program + "from napari_lesion.cli.main import main; main()"
    with (folder / "listener.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", code, "listen", str(folder / "listen.yaml"), *more], stdout=log, stderr=log
        )
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", int(str(port)))) == 0:
                return process
        time.sleep(0.1)
    raise TimeoutError((folder / "listener.log").read_text()[-2000:])


@contextmanager
def listening(folder: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Start a listener without rules; give its port and process."""
    port = free_port()
    write_settings(folder, {"port": port})
    process = start(folder, port)
    try:
        yield port, process
    finally:
        process.terminate()
        process.wait()


@contextmanager
def associated(port: int) -> Iterator[Any]:
    """Open an association that sends CT."""
    pynetdicom = engines.pynetdicom()
    entity = pynetdicom.AE(ae_title="SENDER")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 120
    entity.add_requested_context(CT, ExplicitVRLittleEndian)
    opened = [(pynetdicom.evt.EVT_CONN_OPEN, mended, [120])]
    association = entity.associate("127.0.0.1", port, ae_title="LESION", evt_handlers=opened)
    assert association.is_established
    yield association
    if association.is_established:
        association.release()


def store(port: int, paths: list[Path]) -> list[Path]:
    """Send files; give those that were acknowledged."""
    done: list[Path] = []
    try:
        with associated(port) as association:
            for path in paths:
                if association.send_c_store(path).get("Status") != 0:
                    break
                done.append(path)
    except (AssertionError, RuntimeError, ValueError, OSError):  # it was killed; who sends tries again
        pass
    return done


def data_set(path: Path) -> bytes:
    """Give what is behind a file's header."""
    content = path.read_bytes()
    return content[144 + int.from_bytes(content[140:144], "little") :]


def memory(process: subprocess.Popen[bytes]) -> float:
    """MB that a process has in memory."""
    return float(psutil.Process(process.pid).memory_info().rss / 2**20)


def small_study(folder: Path, ready: Path, number: int) -> list[Path]:
    """Two slices of 16 × 16, and the report that lies ready for them."""
    study, series = f"2.25.{10**9 + number}", f"2.25.{2 * 10**9 + number}"
    paths = [instance(folder / f"{one}.dcm", study, series, 16, f"P{number}") for one in range(2)]
    report = pydicom.dcmread(paths[0])
    del report.PixelData
    report.SOPClassUID, report.SOPInstanceUID = SR, f"2.25.{3 * 10**9 + number}"
    report.SeriesInstanceUID, report.Modality = f"2.25.{4 * 10**9 + number}", "SR"
    save(report, ready / f"{series}.dcm")
    return paths


def instance(path: Path, study: str, series: str, size: int, patient: str = "BENCH") -> Path:
    """Write a CT slice into a file."""
    chance = np.random.default_rng(abs(hash((study, path.name))) % 2**32)
    one = Dataset()
    one.SOPClassUID, one.SOPInstanceUID = CT, generate_uid(prefix=None)
    one.StudyInstanceUID, one.SeriesInstanceUID, one.Modality, one.PatientID = study, series, "CT", patient
    one.Rows = one.Columns = size
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.PixelData = chance.integers(0, 4096, (size, size), np.uint16).tobytes()
    save(one, path)
    return path


def save(one: Dataset, path: Path) -> None:
    """Write a file after PS3.10."""
    path.parent.mkdir(parents=True, exist_ok=True)
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    pydicom.dcmwrite(path, one, enforce_file_format=True)


if __name__ == "__main__":
    main()
