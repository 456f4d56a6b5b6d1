"""Heatmap and explanations of the scan that is read: which of them are shown, and how they look."""

from __future__ import annotations

from collections.abc import Callable

from napari.layers import Image, Layer
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_lesion.model.findings import Heatmap, Report
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.settings import setting, store
from napari_lesion.plugin.viewer.maps import set_map_look
from napari_lesion.plugin.viewer.tools.overlays import overlays
from napari_lesion.plugin.widgets.task import Task
from napari_lesion.review.kept_heatmap import heatmap_path, kept_heatmap
from napari_lesion.support.progress import Progress


class MapLayers(QObject):
    """The maps of one viewer."""

    changed = Signal()
    """Maps came or went, or look different."""

    def __init__(self, session: Session, heatmap: Callable[[], Layer | None], parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._heatmap = heatmap
        overlays(session).changed.connect(self.changed)

    def of_kind(self, *kinds: str) -> list[Image]:
        """Get the maps that are in the viewer: ``heatmap``, ``explanation``."""
        volume = self._session.volume
        uid = volume.series.series_uid if volume is not None else ""
        return [
            layer
            for layer in self._session.viewer.layers
            if isinstance(layer, Image)
            and layer.metadata.get("kind") in kinds
            and layer.metadata["series"]["series_uid"] == uid
        ]

    @property
    def heatmap(self) -> Layer | None:
        """The heatmap, if there is one."""
        return self._heatmap()

    def toggle_heatmap(self) -> None:
        """Show or hide the heatmap."""
        heatmap = self.heatmap
        if heatmap is not None and not self._session.blind:
            heatmap.visible = not heatmap.visible
            self.changed.emit()

    def toggle_explanations(self) -> None:
        """Hide the explanation that is shown; if none is, show the one that was made last."""
        if self._session.blind:
            return
        made = self.of_kind("explanation")
        seen = [layer for layer in made if layer.visible]
        for layer in seen:
            layer.visible = False
        if made and not seen:
            made[-1].visible = True
        self.changed.emit()

    @property
    def opacity(self) -> float:
        """Of all maps, 0 to 1."""
        return setting("findings/map_opacity", 0.5)

    @property
    def threshold(self) -> float:
        """Share of a map's range below which it is transparent, 0 to 1."""
        return setting("findings/map_threshold", 0.0)

    def set_look(self, opacity: float, threshold: float) -> None:
        """Set opacity and threshold of all maps, those that come later too."""
        store("findings/map_opacity", opacity)
        store("findings/map_threshold", threshold)
        for layer in self.of_kind("heatmap", "explanation"):
            set_map_look(layer, opacity, threshold)

    def bring_back(self, volume: Volume, start: Report, show: Callable[[Heatmap], None]) -> None:
        """Show the heatmap that was kept with a review, when the review comes back; it is read on a thread."""
        if not heatmap_path(volume).is_file():
            return

        def work(progress: Progress) -> Heatmap | None:
            progress(0, 1, "reading the heatmap")
            return kept_heatmap(volume, start)

        self._task: Task[Heatmap | None] = Task(work, self)
        self._task.succeeded.connect(lambda heatmap: show(heatmap) if heatmap is not None else None)
        self._task.start()
