"""The napari plugin. What scripts and consoles beside a viewer use is offered here, imported on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_lesion.plugin.follow_up.priors import priors as priors
    from napari_lesion.plugin.session.session import session_of as session_of
    from napari_lesion.plugin.viewer.scan_view import scan_view as scan_view
    from napari_lesion.plugin.viewer.views.mpr import views as views

_WHERE = {
    "priors": "follow_up.priors",
    "scan_view": "viewer.scan_view",
    "session_of": "session.session",
    "views": "viewer.views.mpr",
}

__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
