"""The viewer against plain napari: start, scrolling in one view and in four, memory, how long the window is deaf.

Run: python benchmarks/viewer.py --data CT_FOLDER --json viewer.json      (needs a display, or xvfb-run)

All windows are open at the same time and take turns, so that what else the machine does weighs on all alike.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SCRATCH = tempfile.mkdtemp(prefix="napari-lesion-viewer-")
# Before napari reads its settings, and ours are read.
os.environ["NAPARI_CONFIG"] = str(Path(SCRATCH) / "napari.yaml")
os.environ["NAPARI_LESION_SETTINGS"] = str(Path(SCRATCH) / "settings.ini")
os.environ.setdefault("QT_API", "pyside6")

import numpy as np  # noqa: E402

SAMPLE = Path(__file__).resolve().parent.parent / "sample_dicoms" / "baseline"
PARTS = ("start", "scrolling", "memory", "event-loop")
SIZE = (1400, 900)
EMPTY, ARRAY, SCRIPT, WORKSTATION = STARTS = (
    "plain napari, empty",
    "plain napari, an array",
    "plain napari, the scan by pydicom",
    "workstation, a folder of DICOM",
)
"""What is started: what a script of ten lines does with a folder is the fair one to compare the workstation with."""
PATIENCE_S = 30.0
BEAT_MS = 5
BIG = (400, 512, 512)
"""Shape of the scan whose memory is measured: 200 MB."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SAMPLE, help="folder of a CT series")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=12, help="slices in a round")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--detect", type=Path, help=argparse.SUPPRESS)  # the child process of the last part
    parser.add_argument("--start", choices=STARTS, help=argparse.SUPPRESS)  # the child processes of the first part
    parser.add_argument("--since", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.start is not None:
        start_once(arguments.start, arguments.data, arguments.since)
        return
    if arguments.detect is not None:
        detect_over_and_over(arguments.detect)
    volume = read(arguments.data)
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "start": lambda: starting(arguments.data, arguments.rounds),
        "scrolling": lambda: scrolling(volume, some_heatmap(volume), arguments.rounds, arguments.steps),
        "memory": memory,
        "event-loop": lambda: event_loop(volume, arguments.data),
    }
    results = {name: part() for name, part in parts.items() if name in arguments.parts}
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2))


def read(folder: Path) -> Any:
    """Read a scan."""
    from napari_lesion.dicom.index.series import find_series
    from napari_lesion.dicom.read.reader import read_series

    return read_series(next(iter(find_series(folder))))


def some_heatmap(volume: Any) -> Any:
    """Make a heatmap on the grid that the detector has: 2 mm."""
    from napari_lesion.model.findings import Heatmap

    step = np.array(volume.spacing)
    shape = np.maximum(np.array(volume.shape) * step / 2.0, 2).astype(int)
    affine = volume.affine.copy()
    affine[:3, :3] = volume.affine[:3, :3] / step * (step * np.array(volume.shape) / shape)
    return Heatmap(np.random.default_rng(0).random(shape, dtype=np.float32) ** 4, affine)


# -- start ------------------------------------------------------------------------------------------------------------


def starting(folder: Path, rounds: int) -> dict[str, Any]:
    """Measure from the start of a process to its first picture, in turns: plain napari, and the workstation."""
    times: dict[str, list[float]] = {name: [] for name in STARTS}
    busy: dict[str, list[float]] = {name: [] for name in STARTS}
    for round_ in range(rounds):
        for name in STARTS:
            command = [sys.executable, __file__, "--start", name, "--data", str(folder)]
            command += ["--since", str(time.monotonic())]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            cpu, wall = map(float, said.split()[-2:])
            times[name].append(wall)
            busy[name].append(cpu)
        print(f"start {round_ + 1}: " + ", ".join(f"{name} {times[name][-1]:.2f} s" for name in STARTS), flush=True)
    result: dict[str, Any] = {name: {"s": times[name], "processor, s": busy[name]} for name in STARTS}
    for name in STARTS:
        cpu = statistics.median(busy[name])
        print(f"{name:34} {statistics.median(times[name]):.2f} s, of the window's process {cpu:.2f} s of processor")
    for base in (EMPTY, ARRAY, SCRIPT):
        ratios = [own / other for own, other in zip(times[WORKSTATION], times[base], strict=True)]
        middle, ends = statistics.median(ratios), [min(ratios), max(ratios)]
        result[WORKSTATION][f"over {base}"] = {"ratio": middle, "range": ends}
        print(f"workstation over {base:34} {middle:.2f} ({ends[0]:.2f} to {ends[1]:.2f})")
    return result


def start_once(name: str, folder: Path, since: float) -> None:
    """Start, and print how long the first picture took: with the scan on the canvas, where there is one."""
    if name == WORKSTATION:
        from napari_lesion.plugin import start

        start.begin(folder)
        from napari_lesion.plugin.viewer import layout

        watch = layout.Layout.show
        sys.argv = ["napari-lesion-viewer", str(folder)]
        layout.Layout.show = lambda self: (watch(self), tell_first_picture(self._viewer, since, True))[0]
        layout.main()
        return
    import napari

    viewer = napari.Viewer()
    if name == ARRAY:
        viewer.add_image(np.zeros((99, 512, 512), np.int16), contrast_limits=(-1350, 150))
    elif name == SCRIPT:
        viewer.add_image(read_by_pydicom(folder), contrast_limits=(-1350, 150))
    tell_first_picture(viewer, since, name != EMPTY)
    napari.run()


def read_by_pydicom(folder: Path) -> Any:
    """Read the largest series below a folder as a short script would: sorted along z, in HU, with no other question."""
    import pydicom

    series: dict[str, list[Any]] = {}
    for file in filter(Path.is_file, folder.rglob("*")):
        one = pydicom.dcmread(file)
        series.setdefault(one.SeriesInstanceUID, []).append(one)
    slices = sorted(max(series.values(), key=len), key=lambda one: float(one.ImagePositionPatient[2]))
    first = slices[0]
    voxels = np.stack([one.pixel_array for one in slices]).astype(np.int16)
    return voxels * np.int16(first.RescaleSlope) + np.int16(first.RescaleIntercept)


def tell_first_picture(viewer: Any, since: float, with_layer: bool) -> None:
    """Print the process's own processor time and the time, s, of the first drawing with what it shows; end it."""
    from qtpy.QtCore import QTimer

    def on_draw(_event: object) -> None:
        if not with_layer or (len(viewer.layers) and viewer.layers[0].loaded):
            print(time.process_time(), time.monotonic() - since, flush=True)
            os._exit(0)

    canvas = viewer.window._qt_viewer.canvas
    canvas.events.draw.connect(on_draw, position="last")
    QTimer.singleShot(0, canvas.native.update)
    QTimer.singleShot(int(1e3 * PATIENCE_S), lambda: os._exit(1))


# -- windows ----------------------------------------------------------------------------------------------------------


def settle(seconds: float = 0.5) -> None:
    """Let Qt do what waits."""
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.005)


def window(volume: Any, heatmap: Any, ours: bool) -> Any:
    """Open a window with a scan and a heatmap."""
    import napari

    from napari_lesion.plugin.viewer.layers import heatmap_layer, scan_layer
    from napari_lesion.plugin.viewer.scan_view import scan_view

    viewer = napari.Viewer(show=True)
    viewer.window.resize(*SIZE)
    if ours:
        scan_view(viewer)
    for data, attributes, _ in (scan_layer(volume), heatmap_layer(heatmap, volume)):
        layer = viewer.add_image(data, **attributes)
        if not ours:
            layer.interpolation2d = "nearest"  # as napari shows an image by itself
    viewer.reset_view()
    settle()
    return viewer


class Drawn:
    """Counts what a canvas draws."""

    def __init__(self, qt_viewer: Any) -> None:
        self.times = 0
        qt_viewer.canvas.events.draw.connect(self._on_draw, position="last")

    def _on_draw(self, _event: object) -> None:
        self.times += 1


def step_time(step: Callable[[], None], drawn: Drawn) -> tuple[float, float]:
    """Measure from a change to when the canvas shows it and nothing waits any more: time, and time of processors, s."""
    from qtpy.QtWidgets import QApplication

    before = drawn.times
    start, busy = time.perf_counter(), time.process_time()
    step()
    while drawn.times == before:
        QApplication.processEvents()
        if time.perf_counter() - start > PATIENCE_S:
            sys.exit("The canvas was not drawn: is there a display?")
    QApplication.processEvents()
    return time.perf_counter() - start, time.process_time() - busy


def scrolling(volume: Any, heatmap: Any, rounds: int, steps: int) -> dict[str, Any]:
    """Scroll in plain napari, in our single view, in four views, and with a prior beside."""
    from napari_lesion.plugin.viewer.views.mpr import views

    plain, single, four, follow_up = (window(volume, heatmap, ours) for ours in (False, True, True, True))
    show_prior(follow_up, volume)
    start = time.perf_counter()
    views(four).show_all()
    opening = time.perf_counter() - start
    settle(2)
    arms: dict[str, tuple[Any, Callable[[int], None]]] = {
        "plain napari": (plain.window._qt_viewer, lambda n: plain.dims.set_current_step(0, _bounce(plain, n))),
        "one view": (
            single.window._qt_viewer,
            lambda n: views(single).crosshair.scroll(views(single).panes[0], _way(n)),
        ),
        "four views": (four.window._qt_viewer, lambda n: views(four).crosshair.scroll(views(four).panes[0], _way(n))),
        "a prior beside": (
            follow_up.window._qt_viewer,
            lambda n: views(follow_up).crosshair.scroll(views(follow_up).panes[0], _way(n)),
        ),
    }
    if importlib.util.find_spec("napari_orthogonal_views") is not None:
        arms["napari-orthogonal-views"] = orthogonal_views(volume, heatmap)
    counts = {name: Drawn(qt_viewer) for name, (qt_viewer, _) in arms.items()}
    beside = [Drawn(pane.qt_viewer) for pane in views(four).panes[1:]]
    for viewer in (plain, single, four, follow_up):
        viewer.dims.set_current_step(0, int(viewer.dims.nsteps[0]) // 2)
    settle()
    for name, (_, step) in arms.items():
        step_time(lambda step=step: step(0), counts[name])
    settle()
    for one in beside:
        one.times = 0
    times: dict[str, list[float]] = {name: [] for name in arms}
    busy: dict[str, list[float]] = {name: [] for name in arms}
    for round_ in range(rounds):
        for name, (_, step) in arms.items():
            taken = [step_time(lambda n=n, step=step: step(n), counts[name]) for n in range(steps)]
            times[name].append(statistics.median(wall for wall, _ in taken))
            busy[name].append(statistics.median(cpu for _, cpu in taken))
            settle(0.2)
        print(
            f"round {round_ + 1}: " + ", ".join(f"{name} {1e3 * times[name][-1]:.0f} ms" for name in arms), flush=True
        )
    result: dict[str, Any] = {
        "opening four views, s": opening,
        "draws of the other three views": [d.times for d in beside],
    }
    print(f"opening four views: {opening:.2f} s; the other three drew {[d.times for d in beside]} times meanwhile")
    for name, values in times.items():
        ratios = [value / base for value, base in zip(values, times["plain napari"], strict=True)]
        cpu = statistics.median(own / base for own, base in zip(busy[name], busy["plain napari"], strict=True))
        middle, ends = statistics.median(ratios), [min(ratios), max(ratios)]
        result[name] = {"ms": [1e3 * one for one in values], "ratio": middle, "range": ends, "processor": cpu}
        print(f"{name:25} {middle:.2f} x plain ({ends[0]:.2f} to {ends[1]:.2f}), {cpu:.2f} x its processor time")
    for viewer in (plain, single, four, follow_up):
        viewer.close()
    settle()
    return result


def show_prior(viewer: Any, volume: Any) -> None:
    """Show a scan beside itself, as if it were its prior, linked by a deformation."""
    from napari_lesion.comparison.aligned import Aligned
    from napari_lesion.follow_up import Prior
    from napari_lesion.model.compared import Alignment, Comparison
    from napari_lesion.plugin.session.session import session_of
    from napari_lesion.plugin.viewer.views.side_by_side import side_by_side
    from napari_lesion.review.review import unsearched

    shape = tuple(int(n * s / 3.0) + 1 for n, s in zip(volume.shape, volume.spacing, strict=True))
    grid = volume.affine.copy()
    grid[:3, :3] *= 3.0 / np.array(volume.spacing)
    field = np.random.default_rng(0).random((*shape, 3), dtype=np.float32)
    comparison = Comparison(
        prior_series_uid="1.2", prior_study_date="20200101", days=365, alignment=Alignment(accepted=True)
    )
    aligned = Aligned(np.eye(4), field, grid, volume, volume)
    session = session_of(viewer)
    session.set_comparison(Prior(volume, unsearched(volume), comparison, aligned))
    side_by_side(session).show()
    settle(2)


def _bounce(viewer: Any, n: int) -> int:
    return int(viewer.dims.current_step[0]) + _way(n)


def _way(n: int) -> int:
    """Six slices on, six back."""
    return 1 if n % 12 < 6 else -1


def orthogonal_views(volume: Any, heatmap: Any) -> tuple[Any, Callable[[int], None]]:
    """Open the same layers in the plugin of that name."""
    from napari_orthogonal_views.ortho_view_manager import show_orthogonal_views

    viewer = window(volume, heatmap, ours=False)
    start = time.perf_counter()
    show_orthogonal_views(viewer)
    print(f"napari-orthogonal-views: opened two more views in {time.perf_counter() - start:.2f} s")
    settle(2)
    return viewer.window._qt_viewer, lambda n: viewer.dims.set_current_step(0, _bounce(viewer, n))


# -- memory -----------------------------------------------------------------------------------------------------------


def resident() -> float:
    """Bytes of this process that are in memory (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def memory() -> dict[str, Any]:
    """Measure what a large scan and its heatmap take in four views, which were opened with a tiny one before."""
    from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume
    from napari_lesion.plugin.viewer.layers import heatmap_layer, scan_layer
    from napari_lesion.plugin.viewer.views.mpr import views

    def scan(shape: tuple[int, int, int]) -> Any:
        certificate = GeometryCertificate(shape=shape, spacing_mm=(1.0, 0.7, 0.7), orientation="axial", axes="HPL")
        affine = np.array([[0, 0, 0.7, -180], [0, 0.7, 0, -180], [1.0, 0, 0, -200], [0, 0, 0, 1]])
        voxels = np.random.default_rng(0).integers(-1000, 400, shape, dtype=np.int16)
        return Volume(voxels, affine, SeriesIdentity(series_uid="1.2.3", modality="CT"), certificate)

    small = scan((20, 512, 512))
    viewer = window(small, some_heatmap(small), ours=True)
    views(viewer).show_all()
    settle(2)
    before = resident()
    viewer.layers.clear()
    volume = scan(BIG)
    for data, attributes, _ in (scan_layer(volume), heatmap_layer(some_heatmap(volume), volume)):
        viewer.add_image(data, **attributes)
    views(viewer).show_all()
    settle(3)
    for n in range(20):
        for pane in views(viewer).panes[:3]:
            views(viewer).crosshair.scroll(pane, _way(n))
        settle(0.05)
    held = sum(layer.data.nbytes for layer in viewer.layers)
    shared = all(
        np.shares_memory(layer.data, mirror.mirrored_layer_of(layer).data)
        for mirror in views(viewer).mirrors[:2]
        for layer in viewer.layers
    )
    grown = resident() - before
    print(
        f"memory: {grown / 1e6:.0f} MB more for {held / 1e6:.0f} MB of scan and heatmap: {grown / held:.2f} (bar: 1.2)"
    )
    print(f"        arrays shared by all planes: {shared}")
    viewer.close()
    settle()
    return {"grown": grown, "scan and heatmap": held, "ratio": grown / held, "shared": shared}


# -- the event loop ---------------------------------------------------------------------------------------------------


def detect_over_and_over(folder: Path) -> None:
    """Run detections until killed: the same work without our interpreter's lock."""
    from napari_lesion.pipeline import analyse

    volume = read(folder)
    print("ready", flush=True)
    while True:
        analyse(volume, device="cpu")


def gaps(until: Callable[[], bool], seconds: float) -> list[float]:
    """Take the times between beats of a timer, s, while the event loop runs."""
    from qtpy.QtCore import QEventLoop, QTimer

    beats: list[float] = []
    loop, timer = QEventLoop(), QTimer()
    end = time.monotonic() + seconds

    def beat() -> None:
        beats.append(time.monotonic())
        if until() or beats[-1] > end:
            loop.quit()

    timer.timeout.connect(beat)
    timer.start(BEAT_MS)
    loop.exec()
    timer.stop()
    return list(np.diff(beats))


def event_loop(volume: Any, folder: Path) -> dict[str, Any]:
    """Measure how long the window is deaf: at rest, and beside a detection in another process and on a thread."""
    from napari_lesion.pipeline import analyse
    from napari_lesion.plugin.widgets.task import Task
    from napari_lesion.plugin.widgets.torch_loading import load_torch
    from napari_lesion.support.progress import Progress

    viewer = window(volume, some_heatmap(volume), ours=True)
    settle(2)
    result: dict[str, Any] = {}

    def tell(name: str, found: list[float]) -> None:
        ordered = sorted(found)
        top = [1e3 * one for one in ordered[-3:][::-1]]
        late = 1e3 * ordered[int(0.99 * len(ordered))]
        result[name] = {"longest ms": top, "99 % below ms": late, "beats": len(found)}
        print(f"event loop, {name:32} longest {top[0]:.0f}, {top[1]:.0f}, {top[2]:.0f} ms; 99 % below {late:.0f} ms")

    tell("at rest", gaps(lambda: False, 20))
    command = [sys.executable, __file__, "--detect", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        tell("detection in another process", gaps(lambda: False, 60))
        child.kill()

    def beside(name: str, work: Callable[[Progress], Any]) -> None:
        task: Task[Any] = Task(work)
        ended: list[bool] = []
        task.ended.connect(lambda: ended.append(True))
        task.failed.connect(lambda error: print(f"{name} failed:", error))
        task.start()
        tell(name, gaps(lambda: bool(ended), 600))

    # The panel loads torch when it opens, to list the devices: so it is there when a detection starts.
    beside("torch loaded, as the panel opens", lambda _progress: load_torch())
    for name in ("first detection on a thread", "second detection on a thread"):
        beside(name, lambda progress: analyse(volume, device="cpu", progress=progress))
    viewer.close()
    settle()
    return result


if __name__ == "__main__":
    main()
