"""``napari-lesion listen``: a service that receives studies, analyses them by rules, and sends results back."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from typing import Annotated

import typer

from napari_lesion.cli.console import print_line


def listen(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The listener's file (YAML).")],
    nodes: Annotated[
        Path | None, typer.Option("--nodes", dir_okay=False, help="The file with the nodes (default: the user's).")
    ] = None,
    status: Annotated[
        bool, typer.Option("--status", help="Only say, as JSON, what waits and what was done; the service may run.")
    ] = False,
) -> None:
    """Receive studies, analyse what the rules choose, and send results into the studies that they are of.

    Ctrl-C or SIGTERM stop it cleanly; after a crash it goes on where it was. Nothing that was acknowledged to a
    sender is lost.

    Exit status: 0 stopped as asked, 2 it could not be started so.
    """
    from napari_lesion.pacs.listener import Listener
    from napari_lesion.pacs.nodes import Nodes, load_nodes, nodes_file
    from napari_lesion.pacs.queue import Queue
    from napari_lesion.pacs.rules import load_listening

    # What pydicom says of values that are odd quotes them: a PatientID that is too long would stand in the log.
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="pydicom")

    known = load_nodes(nodes) if nodes is not None or nodes_file().is_file() else None
    settings = load_listening(file, known)
    if status:
        queue = Queue(settings.folder)
        tasks = queue.task_counts()
        print_line(json.dumps({**queue.counts(), **({"workitems": tasks} if tasks else {})}))
        queue.close()
        return
    Listener(settings, known or Nodes(), print_line).run()
