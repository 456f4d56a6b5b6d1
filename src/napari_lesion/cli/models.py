"""``napari-lesion models``: what models there are, what they say of themselves, whether they are intact; and more."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lesion.cli.console import print_error, print_line, print_lines, show_progress, show_table
from napari_lesion.support.errors import ModelError
from napari_lesion.support.plain import lines

if TYPE_CHECKING:
    from napari_lesion.models.card import Card
    from napari_lesion.models.pull import Pin

app = typer.Typer(no_args_is_help=True, help="List, show, verify, add, remove and export models.")

ModelName = Annotated[
    str, typer.Argument(metavar="ID", help="Id of a model, or the folder of a model package or a MONAI bundle.")
]


@app.command("list")
def list_() -> None:
    """List the models that are installed."""
    from napari_lesion.detection.default import default_model
    from napari_lesion.detection.registry import read_card
    from napari_lesion.models import packages, store

    rows, damaged = [], []
    try:
        default = default_model()
    except ModelError as error:
        default = ""
        damaged.append(str(error))
    for folder in packages.model_folders():
        shipped = folder.parent == packages.SHIPPED
        try:
            card = read_card(folder)
            origin = store.read_origin(folder)
        except ModelError as error:
            damaged.append(f"damaged: {error}")
            continue
        where = "napari-lesion" if shipped else origin.source if origin else str(folder)
        name = f"{folder.name} (default)" if folder.name == default else folder.name
        rows.append([name, card.version, card.task, card.licence, f"{card.threshold:g}", where])
    if not rows:
        print_line("No model is installed.")
    else:
        show_table(["id", "version", "task", "licence", "threshold", "from"], rows)
    for line in damaged:
        print_error(line)
    if to_get := _to_get():
        print_line()
        print_line("To be had with `napari-lesion models pull NAME`:")
        show_table(_CATALOGUE_HEADER, to_get)


_CATALOGUE_HEADER = ["name", "size", "licence", "published", "what"]


def _to_get() -> list[list[str]]:
    """Rows of the catalogue whose models are not installed."""
    from napari_lesion.models import packages
    from napari_lesion.models import pull as hub

    there = {folder.name for folder in packages.model_folders()}
    return [_catalogue_row(pin) for pin in hub.CATALOGUE if pin.name not in there]


def _catalogue_row(pin: Pin) -> list[str]:
    size = f"{pin.size_mb:g} MB" if pin.size_mb else ""
    return [pin.name, size, pin.licence, pin.published, pin.summary]


@app.command("default")
def default_(
    model: Annotated[str | None, typer.Argument(metavar="[ID]", help="Default: say which it is.")] = None,
) -> None:
    """Show or choose the model that searches where none is named."""
    from napari_lesion.detection.default import default_model, make_default

    if model is not None:
        make_default(model)
    print_line(default_model())


@app.command()
def show(model: ModelName = "nodule-3d") -> None:
    """Show the card of a model: what it was trained and tested on, and what it cannot do."""
    from napari_lesion.detection.registry import read_card
    from napari_lesion.models import packages, store

    folder = packages.find_model(model)
    card = read_card(folder)
    print_line(f"{card.id} {card.version}: {card.task}, licence {card.licence}")
    print_line(f"in {folder}")
    if origin := store.read_origin(folder):
        print_line(f"from {origin.source}" + (f" at revision {origin.revision}" if origin.revision else ""))
    for name, value in _facts(card).items():
        print_line(f"{name + ':':24}{value}")
    if card.metrics:
        print_line()
        show_table(
            ["measured", "value", "95 % interval", "on"],
            [
                [m.name, f"{m.value:.4g}", f"{m.interval[0]:.4g} to {m.interval[1]:.4g}" if m.interval else "", m.data]
                for m in card.metrics
            ],
        )
    for name in (packages.CARD, "docs/README.md", "README.md"):
        if (folder / name).is_file():
            print_line()
            _show_markdown((folder / name).read_text(encoding="utf-8", errors="replace"))
            break


def _facts(card: Card) -> dict[str, str]:
    from napari_lesion.models.package_metadata import Metadata
    from napari_lesion.models.packages import DESCRIPTION

    facts = {
        "summary": card.summary,
        "intended use": card.intended_use,
        "searches": ", ".join(card.modalities),
        "default threshold": f"{card.threshold:g}",
        "false positives a scan": ", ".join(f"{rate:g} from {score:.3g} on" for rate, score in card.operating_points),
        "sha256 of the weights": card.sha256,
    }
    if isinstance(card, Metadata):
        low, high = card.preprocessing.window_hu
        network = card.network.model_dump()
        facts |= {
            "network": f"{network.pop('name')} ({', '.join(f'{key} {value}' for key, value in network.items())})",
            "sees": f"voxels of {card.preprocessing.spacing_mm:g} mm, {low:g} to {high:g} HU",
            "false-positive reduction": str(card.false_positive_reduction or ""),
            "training cases": f"{len(card.training_cases)}, named in {DESCRIPTION}" if card.training_cases else "",
        }
    return {name: value for name, value in facts.items() if value}


def _show_markdown(text: str) -> None:
    """Print a card: as a page on a terminal, as it is into a file."""
    if not sys.stdout.isatty():
        print_lines(text.rstrip())
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console(width=min(Console().width, 100)).print(Markdown(lines(text)))


@app.command()
def verify(models: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Default: all.")] = None) -> None:
    """Check the files of models against their sha256, and their signatures.

    Exit status: 0, or 1 where one is damaged.
    """
    from napari_lesion.detection.registry import read_card
    from napari_lesion.models import packages, store

    names: list[str | Path] = [*(models or packages.model_folders())]
    if not names:
        print_error("error: no model is installed.")
        raise typer.Exit(1)
    damaged = False
    for name in names:
        try:
            folder = packages.find_model(name)
            store.verify(folder)
            card = read_card(folder)
        except ModelError as error:
            damaged = True
            print_error(f"error: {error}")
        else:
            signed = store.check_signature(folder)
            by = f", signed by {signed.name or f'a key that is not trusted ({signed.key})'}" if signed else ""
            print_line(f"intact   {card.id} {card.version}: sha256 {card.sha256}{by}")
    if damaged:
        raise typer.Exit(1)


@app.command()
def sign(
    model: ModelName,
    key: Annotated[Path, typer.Option(dir_okay=False, help="Ed25519 key (PEM, mode 0600).")],
    make_key: Annotated[
        bool, typer.Option("--make-key", help="Make the key first; the public one goes beside it, ending in .pub.")
    ] = False,
) -> None:
    """Sign a model: the SHA-256 of all its files, by an Ed25519 key. It is verified first."""
    from napari_lesion.models import packages, store
    from napari_lesion.security import signing

    folder = packages.find_model(model)
    if make_key:
        print_line(f"Made {key}; who is to trust it gets {signing.make_key(key)}.")
    print_line(f"Wrote {store.sign(folder, key)}.")


@app.command()
def trust(
    key: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Public key (PEM, ending in .pub).")],
) -> None:
    """Trust who has a key: models that they signed are theirs, and as they were."""
    from napari_lesion.security import signing

    print_line(f"Trusted from now on: {signing.trust(key)}.")


@app.command()
def add(
    source: Annotated[Path, typer.Argument(exists=True, help="Folder or zip of a model package or a MONAI bundle.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of an added model of the same id.")
    ] = False,
) -> None:
    """Copy a model into your own models, so that it has an id. It is verified first."""
    from napari_lesion.detection.registry import card_in
    from napari_lesion.models import packages, store

    with show_progress() as progress:
        name = store.add(source, card_in, replace=replace, progress=progress)
    print_line(f"Added {name} in {packages.home() / name}. Use it with `--model {name}`.")


@app.command()
def remove(
    models: Annotated[list[str], typer.Argument(metavar="ID...", help="Models that were added or pulled.")],
) -> None:
    """Delete models that were added or pulled; those that come with napari-lesion stay."""
    from napari_lesion.models import store

    for name in models:
        print_line(f"Removed {store.remove(name)}.")


class Runtime(StrEnum):
    """What else can run an exported network."""

    ONNX = "onnx"
    OPENVINO = "openvino"


@app.command()
def export(
    model: ModelName,
    out: Annotated[Path, typer.Option("-o", "--out", help="A name ending in .zip for one file, else a new folder.")],
    to: Annotated[
        Runtime | None, typer.Option("--to", help="Write the network for another runtime instead, compared with torch.")
    ] = None,
    int8: Annotated[
        list[Path] | None,
        typer.Option(
            "--int8",
            exists=True,
            metavar="PATH",
            help="With --to openvino: 8-bit integers, ranges taken from the CT below PATH; may be given again.",
        ),
    ] = None,
) -> None:
    """Write a model to one zip or folder that `models add` takes, or for another runtime. It is verified first."""
    from napari_lesion.models import store

    if to is None:
        if int8:
            raise typer.BadParameter("--int8 goes with --to openvino.")
        with show_progress() as progress:
            print_line(f"Wrote {store.export(model, out, progress=progress)}.")
        return
    from napari_lesion.detection import export_runtime
    from napari_lesion.detection.quantise import calibration_boxes
    from napari_lesion.models import packages

    with show_progress() as progress:
        package = packages.find_package(model)
        boxes = calibration_boxes(package, int8 or ())
        exported = export_runtime.export(package, out, to.value, calibration=boxes, progress=progress)
    print_line(f"Wrote {exported.path}. Its largest difference from torch is {exported.largest_difference:.1e}.")
    if int8:
        print_line("8-bit integers change scores: evaluate the model with them before you rely on it.")


@app.command()
def pull(
    name: Annotated[
        str | None, typer.Argument(help="Name in the catalogue, or OWNER/NAME on Hugging Face. Default: say the names.")
    ] = None,
    revision: Annotated[str, typer.Option(help="Commit of OWNER/NAME, 40 hexadecimal digits.")] = "",
    sha256: Annotated[str, typer.Option(help="Of the weights of OWNER/NAME, 64 hexadecimal digits.")] = "",
    file: Annotated[str, typer.Option(help="Where the weights of OWNER/NAME lie.")] = "models/model.pt",
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of an added model of the same id.")
    ] = False,
) -> None:
    """Fetch a model from Hugging Face, at a pinned revision; interrupted, it goes on where it was.

    The weights are checked against their sha256 before anything opens them, and no code of the model is run.
    """
    from napari_lesion.detection.registry import card_in
    from napari_lesion.models import packages
    from napari_lesion.models import pull as hub

    if name is None:
        show_table(_CATALOGUE_HEADER, [_catalogue_row(pin) for pin in hub.CATALOGUE])
        return
    pin = hub.make_pin(name, revision, sha256, file) if "/" in name else hub.find_pin(name)
    with show_progress() as progress:
        hub.pull(pin, card_in, replace=replace, progress=progress)
    print_line(f"Fetched {pin.name} into {packages.home() / pin.name}. Use it with `--model {pin.name}`.")
    print_line(f"To use it always: `napari-lesion models default {pin.name}`.")
