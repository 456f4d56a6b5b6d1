"""Every text on the screen goes through `tr`: English in the code, other languages in ``plugin/translations``."""

from __future__ import annotations

from qtpy.QtCore import QCoreApplication

CONTEXT = "napari-lesion"


def tr(text: str, **values: object) -> str:
    """Say a text in the user's language.

    Parameters
    ----------
    text : str
        In English, a literal; ``{name}`` stands for a value.
    **values
        What is filled in.
    """
    said = QCoreApplication.translate(CONTEXT, text)
    return said.format(**values) if values else said
