"""``napari-lesion models``: what models there are, what they say of themselves, and whether they are intact."""

from __future__ import annotations

from typing import Annotated

import typer

from napari_lesion.cli.console import complain, say, show_table
from napari_lesion.errors import ModelError

app = typer.Typer(no_args_is_help=True, help="List, show and verify the models.")

ModelName = Annotated[str, typer.Argument(metavar="ID", help="Id of a model, or the folder of a model pack.")]


@app.command("list")
def list_() -> None:
    """List the models that come with napari-lesion."""
    from napari_lesion.detection.detector import DEFAULT_MODEL, list_models

    cards = list_models()
    if not cards:
        say("No model is installed.")
        return
    show_table(
        ["id", "version", "task", "licence", "threshold", "summary"],
        [
            [
                f"{card.id} (default)" if card.id == DEFAULT_MODEL else card.id,
                card.version,
                card.task,
                card.licence,
                f"{card.threshold:g}",
                card.summary,
            ]
            for card in cards
        ],
    )


@app.command()
def show(model: ModelName = "nodule-3d") -> None:
    """Show the card of a model: what it was trained and tested on, and what it cannot do."""
    from napari_lesion.detection.packs import CARD, find_pack

    pack = find_pack(model)
    about = pack.metadata
    say(f"{about.id} {about.version}: {about.task}, licence {about.licence}")
    say(f"sha256 {about.sha256}, default threshold {about.threshold:g}")
    say(f"in {pack.folder}")
    card = pack.folder / CARD
    if card.is_file():
        say()
        say(card.read_text(encoding="utf-8").rstrip())


@app.command()
def verify(
    models: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Default: all.")] = None,
) -> None:
    """Check the weights of models against their sha256.

    Exit status: 0, or 1 where one is damaged.
    """
    from napari_lesion.detection import packs
    from napari_lesion.detection.detector import list_models

    names = models or [card.id for card in list_models()]
    if not names:
        complain("error: no model is installed.")
        raise typer.Exit(1)
    damaged = False
    for name in names:
        try:
            pack = packs.find_pack(name)
            packs.verify(pack)
        except ModelError as error:
            damaged = True
            complain(f"error: {error}")
        else:
            say(f"intact   {pack.metadata.id} {pack.metadata.version}: sha256 {pack.metadata.sha256}")
    if damaged:
        raise typer.Exit(1)
