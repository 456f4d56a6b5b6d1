"""The keys of annotating."""

from __future__ import annotations

from collections.abc import Callable

from napari_lesion.plugin.annotate.annotator import ANNOTATION, annotator
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.actions import Action
from napari_lesion.plugin.viewer.help import key_name


def open_panel(session: Session) -> None:
    """Bring the panel to the front: nobody marks anything while it cannot be seen."""
    if session.mode == ANNOTATION:
        return  # it is what the workstation shows
    dock, _ = session.viewer.window.add_plugin_dock_widget("napari-lesion", "Annotate")
    dock.show()
    dock.raise_()


def _use(tool: str) -> Callable[[Session], None]:
    def run(session: Session) -> None:
        open_panel(session)
        one = annotator(session)
        one.use("" if one.tool == tool != "brush" else tool)

    return run


def _label(key: int) -> Callable[[Session], None]:
    def run(session: Session) -> None:
        one = annotator(session)
        name = next((label.name for label in one.labels.labels if label.key == key), None)
        if name is None:
            one.status_changed.emit(tr("No label has the key {key}.", key=key_name(f"annotation.label_{key}")))
        else:
            open_panel(session)
            one.set_label(name)

    return run


ACTIONS = (
    Action("annotation.brush", "Paint a finding; again: the next finding", "B", _use("brush")),
    Action("annotation.grow", "Outline a finding by a click", "G", _use("grow")),
    *(
        Action(f"annotation.label_{n}", f"Label {n} for what is marked next", f"Alt-{n}", _label(n))
        for n in range(1, 10)
    ),
)
