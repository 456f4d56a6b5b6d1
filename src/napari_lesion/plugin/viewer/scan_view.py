"""Makes a viewer fit for scans: its session and, with a window, views, tools and keys."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

from napari_lesion.plugin.session.open_scans import open_scans
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.settings_page import show_settings
from napari_lesion.plugin.viewer.actions import bind
from napari_lesion.plugin.viewer.tools.measuring_bar import add_to_bar
from napari_lesion.plugin.viewer.tools.reading import attach
from napari_lesion.plugin.viewer.tools.slider import SliderText
from napari_lesion.plugin.viewer.view import ScanView, close_messages, unwrapped
from napari_lesion.plugin.viewer.views.mpr import views

if TYPE_CHECKING:
    from napari.components import ViewerModel

_views: WeakKeyDictionary[ViewerModel, ScanView] = WeakKeyDictionary()


def scan_view(viewer: ViewerModel) -> ScanView:
    """Make a viewer fit for scans (once), and return what keeps it so. With a window it gets views, tools and keys."""
    viewer = unwrapped(viewer)
    if viewer not in _views:
        open_scans(viewer)
        has_window = getattr(viewer, "window", None) is not None
        weak = ref(viewer)
        open_scans(viewer).leaving.connect(
            lambda scan: close_messages(one, scan.volume) if (one := weak()) is not None else None
        )
        _views[viewer] = ScanView(viewer, letters=not has_window)
        if has_window:
            views(viewer).settings_asked.connect(partial(show_settings, session_of(viewer)))
            SliderText(viewer.window._qt_viewer.dims, attach(viewer))
            add_to_bar(viewer)
            bind(viewer)
    return _views[viewer]
