"""Take the pictures of the documentation: a real window, the sample data, the model that comes along.

    python scripts/screenshots.py            (on a machine without a display, Xvfb is started)

They go to docs/images. A folder as argument takes them there instead; a second one names a scan to show.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
SIZE = (1366, 768)


def main() -> None:
    """Take all pictures."""
    images = Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "docs" / "images"
    scan = Path(sys.argv[2]) if len(sys.argv) > 2 else REPOSITORY / "sample_dicoms" / "baseline"
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        if shutil.which("xvfb-run") is None:
            sys.exit("There is no display and no xvfb-run; install the package xvfb.")
        command = ["xvfb-run", "-a", "-s", "-screen 0 1600x1200x24", sys.executable, *sys.argv]
        os.execvp(command[0], command)
    # Before napari reads its settings: the pictures must not depend on those of whoever takes them.
    os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp()) / "settings.yaml")
    os.environ.setdefault("QT_API", "pyside6")
    images.mkdir(parents=True, exist_ok=True)
    take(scan, images)


def take(scan: Path, images: Path) -> None:
    """Open a scan, search it, and take a picture at every step."""
    import napari
    from qtpy.QtWidgets import QApplication

    viewer = napari.Viewer(show=True)
    viewer.window.resize(*SIZE)

    def wait(until: Callable[[], bool] = lambda: False, seconds: float = 1.0) -> None:
        end = time.monotonic() + seconds
        while not until() and time.monotonic() < end:
            QApplication.processEvents()
            time.sleep(0.01)

    def picture(name: str) -> None:
        wait()
        viewer.window.screenshot(str(images / f"{name}.png"), canvas_only=False, flash=False)
        print(images / f"{name}.png")

    viewer.open(scan, plugin="napari-lesion")
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Detect lesions")
    viewer.reset_view()
    close_notifications(viewer)
    picture("open")

    panel.run()
    wait(lambda: panel.progress.value() > 300, 600)
    picture("searching")
    wait(lambda: not panel.cancel_button.isVisible(), 1200)
    if panel.report is None or not panel.report.findings:
        sys.exit(f"Nothing to show: {panel.status.text()}")
    viewer.reset_view()
    panel.table.setFocus()
    panel.table.setCurrentCell(0, 0)
    viewer.scene.camera.zoom *= 1.6
    picture("findings")

    panel.why.choose("heatmap", "grad-cam")
    panel.why.ask()
    wait(lambda: not panel.why.running, 600)
    picture("why")
    panel.why.clear(next(layer for layer in viewer.layers if type(layer).__name__ == "Image"))

    panel.planes.buttons()[1].click()
    panel.jump(0)
    viewer.scene.camera.zoom *= 1.4
    picture("coronal")
    viewer.close()


def close_notifications(viewer: Any) -> None:
    """Take away messages that lie over the picture."""
    from napari._qt.dialogs.qt_notification import NapariQtNotification

    for notification in viewer.window._qt_window.findChildren(NapariQtNotification):
        notification.close()


if __name__ == "__main__":
    main()
