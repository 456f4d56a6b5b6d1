"""Turning from one scan to another: how long it takes in one view and in four, and what open scans take of the memory.

Run: python benchmarks/switching.py --json switching.json      (needs a display, or xvfb-run)
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SCRATCH = Path(tempfile.mkdtemp(prefix="napari-lesion-switching-"))
# Before napari reads its settings, and ours are read.
os.environ["NAPARI_CONFIG"] = str(SCRATCH / "napari.yaml")
os.environ["NAPARI_LESION_SETTINGS"] = str(SCRATCH / "settings.ini")
os.environ["NAPARI_LESION_STATE"] = str(SCRATCH / "state")
os.environ.setdefault("QT_API", "pyside6")

import numpy as np  # noqa: E402

PANELS = ("Detect lesions", "Finding", "Follow-up", "Annotate", "Second reader", "Reading")
SIZE = (1100, 640)
SHAPE = (100, 512, 512)
"""Of a scan whose memory is measured: 52 MB."""
SCANS = 10
BUDGET_MIB = 160.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--switches", type=int, default=12)
    parser.add_argument("--scans", type=int, default=SCANS)
    parser.add_argument("--parts", nargs="+", choices=("time", "memory"), default=("time", "memory"))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    if "time" in arguments.parts:
        results["time"] = times(arguments.switches)
    if "memory" in arguments.parts:
        results["memory"] = memory(arguments.scans)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2))
    sys.stdout.flush()
    os._exit(0)  # napari's threads may not end by themselves


def volume_of(number: int, shape: tuple[int, int, int]) -> Any:
    """Make a scan of noise."""
    from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume

    certificate = GeometryCertificate(
        shape=shape, spacing_mm=(1.0, 0.7, 0.7), orientation="axial", axes="HPL", unit="HU"
    )
    affine = np.array([[0, 0, 0.7, -180], [0, 0.7, 0, -180], [1.0, 0, 0, -200], [0, 0, 0, 1]])
    voxels = np.random.default_rng(number).integers(-1000, 400, shape, dtype=np.int16)
    series = SeriesIdentity(series_uid=f"1.2.3.{number}", patient_id=str(number), modality="CT", series_number="1")
    return Volume(voxels, affine, series, certificate)


def settle(seconds: float = 0.0) -> None:
    """Let the window do what it has to do."""
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    for _ in range(3):
        QApplication.processEvents()
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def window() -> Any:
    """Open a window with all panels."""
    import napari

    from napari_lesion.plugin.viewer.scan_view import scan_view

    viewer = napari.Viewer()
    viewer.window._qt_window.resize(*SIZE)
    scan_view(viewer)
    for name in PANELS:
        viewer.window.add_plugin_dock_widget("napari-lesion", name)
    settle(0.5)
    return viewer


def times(switches: int) -> dict[str, Any]:
    """Take the time from the click until the window has drawn, between two scans with two findings each."""
    from napari_lesion.plugin.findings.findings_view import findings_view
    from napari_lesion.plugin.session.session import session_of
    from napari_lesion.plugin.viewer.layers import scan_layer
    from napari_lesion.plugin.viewer.views.mpr import views
    from napari_lesion.review import edits

    viewer = window()
    session = session_of(viewer)
    for number in (1, 2):
        volume = volume_of(number, (60, 256, 256))
        data, attributes, _ = scan_layer(volume)
        viewer.add_image(data, **attributes)
        for share in (0.4, 0.6):
            place = tuple(volume.to_patient([share * size for size in volume.shape]).tolist())
            findings_view(session).change(lambda review, by, at=place, of=volume: edits.add(review, at, 6.0, by, of))
        settle(5)  # they are measured
    result: dict[str, Any] = {}
    for name in ("one view", "four views"):
        if name == "four views":
            views(viewer).show_all()
            settle(1)
        wall, cpu = [], []
        for number in range(switches + 2):
            scans = session.open_scans.scans
            begun, work = time.perf_counter(), time.thread_time()
            session.open_scans.show(
                scans[number % 2] if scans[number % 2] is not session.open_scans.current else scans[1]
            )
            settle()
            wall.append(time.perf_counter() - begun)
            cpu.append(time.thread_time() - work)
            settle(0.5)
        found = {"wall_s": statistics.median(wall[2:]), "cpu_s": statistics.median(cpu[2:])}
        result[name] = found
        print(
            f"{name}: a switch takes {found['wall_s']:.2f} s, {found['cpu_s']:.2f} s of the window's thread", flush=True
        )
    viewer.close()
    settle(1)
    return result


def resident() -> float:
    """Bytes of this process that are in memory (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def memory(count: int) -> list[float]:
    """Open scans one after another, with a budget for three of them, and tell what the process takes."""
    import gc

    from napari_lesion.dicom.index.series import find_series
    from napari_lesion.dicom.writer import write_ct_series
    from napari_lesion.plugin.session.open_scans import BUDGET_SETTING, open_scans
    from napari_lesion.plugin.settings import store
    from napari_lesion.plugin.viewer.reader import open_series

    store(BUDGET_SETTING, BUDGET_MIB / 1024)
    viewer = window()
    before, taken = resident(), []
    for number in range(count):
        folder = SCRATCH / str(number)
        write_ct_series(volume_of(number, SHAPE), folder)
        [series] = find_series(folder)
        for data, attributes, _ in open_series([series]):
            viewer.add_image(data, **attributes)
        settle(1)
        gc.collect()
        taken.append(resident() - before)
        held = open_scans(viewer)
        held_mb, grown = held.nbytes / 1e6, taken[-1] / 1e6
        print(f"scan {number + 1}: {len(held.scans)} open, {held_mb:.0f} MB; process + {grown:.0f} MB", flush=True)
    return taken


if __name__ == "__main__":
    main()
