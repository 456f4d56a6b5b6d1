"""Commands in napari's menus, and the batch for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_lesion.batch import BatchResult
from napari_lesion.batch import analyse_folder as batch
from napari_lesion.plugin.texts import tr

if TYPE_CHECKING:
    from napari.viewer import Viewer


def analyse_folder(
    path: str | PathLike[str] | Sequence[str | PathLike[str]], out: str | PathLike[str], **options: Any
) -> BatchResult:
    """Analyse every CT series below a path and write the results, without a window.

    From a script, after ``manager = npe2.PluginManager.instance()`` and ``manager.discover()``:
    ``manager.commands.execute("napari-lesion.analyse_folder", (path, out))``.

    Parameters
    ----------
    path : path or sequence of paths
        Files, folders or archives.
    out : path
        Folder of the results.
    **options
        As `napari_lesion.batch.analyse_folder` has them: ``detector``, ``device``, ``threshold``, ``progress``...

    Returns
    -------
    BatchResult
    """
    paths = [path] if isinstance(path, str | PathLike) else list(path)
    return batch([Path(one) for one in paths], Path(out), **options)


def open_folder(viewer: Viewer) -> None:
    """Ask for a folder and open a scan in it: napari's own Open Folder asks first which plugin shall read it."""
    from qtpy.QtWidgets import QFileDialog

    folder = QFileDialog.getExistingDirectory(viewer.window._qt_window, tr("Open the folder of a CT scan"))
    if folder:
        viewer.open(folder, plugin="napari-lesion")


def open_settings(viewer: Viewer) -> None:
    """Show the settings."""
    from napari_lesion.plugin.session.session import session_of
    from napari_lesion.plugin.settings_page import show_settings

    show_settings(session_of(viewer))
