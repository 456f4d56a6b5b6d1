"""What becomes of attributes and files, in the user's language."""

from __future__ import annotations

from napari_lesion.plugin.texts import tr


def what_text(what: str) -> str:
    """Describe what becomes of an attribute or a file."""
    words = {
        "removed": tr("removed"),
        "emptied": tr("emptied"),
        "dummy": tr("dummy value"),
        "replaced": tr("replaced"),
        "moved": tr("moved"),
        "cleaned": tr("cleaned"),
        "added": tr("added"),
        "quarantined": tr("held back"),
        "left out": tr("left out"),
    }
    return words.get(what, what)
