"""Archives by the names that the file with the nodes gives them."""

from __future__ import annotations

from napari_lesion.pacs.audited import AuditedArchive
from napari_lesion.pacs.dicomweb import WebArchive
from napari_lesion.pacs.dimse import DimseArchive
from napari_lesion.pacs.nodes import Nodes, Way
from napari_lesion.pacs.records import Archive
from napari_lesion.support.errors import ConfigError


def open_archive(nodes: Nodes, name: str, way: Way | None = None) -> Archive:
    """Make an archive that can be asked; nothing connects yet.

    Parameters
    ----------
    nodes : Nodes
    name : str
    way : {"dimse", "dicomweb"}, optional
        How to reach it; by default as the node prefers.

    Raises
    ------
    ConfigError
        If there is none of that name, it is not reached this way, or what is needed is not installed.
    """
    node = nodes.node(name)
    way = way or node.way
    if way == "dimse":
        if node.host is None:
            raise ConfigError(f"The archive {name!r} has no ae_title, host and port, which DIMSE needs.")
        return AuditedArchive(DimseArchive(name, node, nodes.local))
    if node.dicomweb is None:
        raise ConfigError(f"The archive {name!r} has no dicomweb, the URL that DICOMweb needs.")
    return AuditedArchive(WebArchive(name, node))
