"""The user's own models: packages and MONAI bundles that were added, a folder each below ``packages.home()``.

A model is copied in whole or not at all, with the sha256 of each of its files beside it, so that a change is noticed.
Nothing of it is run or opened while it is added.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_lesion.models import package_metadata, packages
from napari_lesion.models.card import Card
from napari_lesion.models.package_files import CHUNK, LARGEST, copy_of, files_of, is_part, text_of
from napari_lesion.security import signing
from napari_lesion.security.signing import SIGNATURE, Signed
from napari_lesion.support.atomic import PREFIX, whole_file, whole_folder
from napari_lesion.support.errors import ModelError
from napari_lesion.support.progress import Progress, silent

ORIGIN = "origin.json"
BUNDLE_METADATA = "configs/metadata.json"

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""Zip files hold no time of making, so that the same model gives the same bytes."""

#: Reads the card that a folder holds; what a MONAI bundle says is worked out above this module.
CardReader: TypeAlias = Callable[[Path], Card]


class Origin(BaseModel):
    """``origin.json``: where an added model came from, and what each of its files was then."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    revision: str = ""
    """Of the repository, if it came from one."""
    sha256: dict[str, str]
    """File → its hash; other files are no part of the model."""
    card: Card
    """As it was read when the model was added: reading it from a bundle takes seconds."""


def add(source: Path, card_in: CardReader, *, replace: bool = False, progress: Progress = silent) -> str:
    """Copy a model into the user's folder, after its weights were checked.

    Parameters
    ----------
    source : Path
        Folder or zip of a model package or a MONAI bundle. A bundle's id is the name of its folder.
    card_in : callable
        Reads the card that a folder holds (``detection.registry.card_in``).
    replace : bool
        Take the place of an added model of the same id instead of refusing.

    Returns
    -------
    str
        The id under which it can be used.

    Raises
    ------
    ModelError
        If it is no model, its weights are not those that its description names, a file of the zip would land
        elsewhere, or there is a model of that id.
    Cancelled
        If ``progress`` raised it; nothing was added then.
    """
    with files_of(source) as (name, files):
        if packages.DESCRIPTION in files:
            content = text_of(files[packages.DESCRIPTION], packages.DESCRIPTION, source)
            metadata = packages.read_description(content, source / packages.DESCRIPTION)
            name, weights = metadata.id, {packages.WEIGHTS: metadata.sha256}
            if missing := [part for part in packages.FILES if part not in files]:
                raise ModelError(f"{source} is no whole model package: {' and '.join(missing)} is missing.")
            wanted: tuple[str, ...] = (*packages.FILES, *({SIGNATURE} & files.keys()))
        elif BUNDLE_METADATA in files:
            weights = {}
            wanted = tuple(sorted(filter(is_part, files)))
        else:
            raise ModelError(no_model(source))
        check_new_id(name, replace=replace)
        with whole_folder(packages.home() / name) as new:
            left, hashes = LARGEST, {}
            for done, file in enumerate(wanted):
                progress(done, len(wanted), f"copying {file}")
                hashes[file], size = copy_of(files[file], new / file, left, source)
                left -= size
            for file, sha256 in weights.items():
                if hashes[file] != sha256:
                    raise ModelError(
                        f"{source}: {file} is damaged or has been changed: sha256 {hashes[file]}, but "
                        f"{packages.DESCRIPTION} names {sha256}. It was not opened, and nothing was added. Get it "
                        f"again."
                    )
            signing.check(new, _own_files(new), name)
            write_origin(new, name, hashes, card_in, source=str(source.absolute()))
            progress(len(wanted), len(wanted), "copied")
    return name


def check_new_id(name: str, *, replace: bool = False) -> None:
    """Refuse an id that no added model can have.

    Raises
    ------
    ModelError
        If it is no plain name, or taken.
    """
    if not re.fullmatch(package_metadata.ID_PATTERN, name):
        raise ModelError(f"{name!r} cannot be the id of a model. Use letters, digits, dots, dashes and underscores.")
    if (packages.SHIPPED / name).is_dir():
        raise ModelError(f"{name} is the id of a model that comes with napari-lesion. Give the new one another id.")
    if (packages.home() / name).exists() and not replace:
        raise ModelError(
            f"There is a model {name} in {packages.home()}. Remove it first (`napari-lesion models remove {name}`), or "
            "pass --replace."
        )


def remove(name: str) -> Path:
    """Delete an added model; returns the folder where it was.

    Raises
    ------
    ModelError
        If no added model has this id.
    """
    folder = packages.find_model(name)
    if folder.parent != packages.home() or folder.name != name:
        raise ModelError(f"{name} was not added by `napari-lesion models add` or `pull`, so it is not removed.")
    doomed = folder.with_name(f"{PREFIX}{name}")  # it goes as a whole, also where deleting it takes a while
    try:
        folder.replace(doomed)
    except OSError as error:
        raise ModelError(f"{folder} cannot be removed ({error.strerror}).") from error
    shutil.rmtree(doomed, ignore_errors=True)
    return folder


def export(name: str | Path, out: Path, *, progress: Progress = silent) -> Path:
    """Write a model to one zip, or to a folder, that ``add`` takes; it is verified first.

    Parameters
    ----------
    name : str or Path
        Id of a model, or its folder.
    out : Path
        A name that ends in ``.zip`` for a zip, else a folder. It must not exist.

    Raises
    ------
    ModelError
        If there is no such model, it is damaged, or ``out`` exists.
    """
    folder = packages.find_model(name)
    if out.exists():
        raise ModelError(f"{out} exists. Choose another name, nothing is overwritten.")
    verify(folder)
    files = (*_own_files(folder), *([SIGNATURE] if (folder / SIGNATURE).is_file() else []))
    if out.suffix.lower() != ".zip":
        with whole_folder(out) as new:
            for done, file in enumerate(files):
                progress(done, len(files), f"copying {file}")
                (new / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / file, new / file)
        return out
    with whole_file(out) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for done, file in enumerate(files):
            progress(done, len(files), f"packing {file}")
            member = zipfile.ZipInfo(f"{folder.name}/{file}", _ZIP_TIME)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            with (folder / file).open("rb") as source, archive.open(member, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target, CHUNK)
    return out


def verify(folder: Path, *, signed: bool = True) -> None:
    """Check a model's files against what is known of them.

    A package's weights must be those that its description names; every file of an added model must be as it was added.

    Parameters
    ----------
    folder : Path
    signed : bool
        Check its signature, too.

    Raises
    ------
    ModelError
        If something is missing or was changed.
    """
    origin = read_origin(folder)
    if origin is not None:
        for file, sha256 in origin.sha256.items():
            if file == SIGNATURE:  # it may be signed anew
                continue
            path = folder / file
            try:
                with path.open("rb") as content:
                    found = hashlib.file_digest(content, "sha256").hexdigest()
            except OSError as error:
                raise ModelError(
                    f"model {folder.name}: {path} cannot be read ({error.strerror}). Add it again."
                ) from error
            if found != sha256:
                raise ModelError(
                    f"model {folder.name}: {path} is damaged or has been changed since it was added: sha256 {found}, "
                    f"but it was {sha256}. It was not opened. Remove the model and add it again."
                )
    if signed:
        check_signature(folder)
    if (folder / packages.DESCRIPTION).is_file():
        packages.read_weights(packages.read_package(folder))
    elif not (folder / BUNDLE_METADATA).is_file():
        raise ModelError(no_model(folder))


def read_origin(folder: Path) -> Origin | None:
    """Read where a model came from; None where it was not added.

    Raises
    ------
    ModelError
        If ``origin.json`` is damaged.
    """
    path = folder / ORIGIN
    if folder.parent != packages.home() or not path.exists():
        return None
    try:
        return Origin.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ModelError(f"{path} is damaged. Remove the model and add it again.") from error


def write_origin(
    folder: Path, name: str, hashes: Mapping[str, str], card_in: CardReader, *, source: str, revision: str = ""
) -> None:
    """Read what a copied model says of itself, and write ``origin.json`` beside it.

    Parameters
    ----------
    folder : Path
        Where the model lies now.
    name : str
        The id that it gets.
    hashes : mapping
        File → sha256.
    card_in : callable
        Reads the card that a folder holds.

    Raises
    ------
    ModelError
        If it is a package of another id, or what it says is wrong.
    """
    card = card_in(folder)
    if (folder / packages.DESCRIPTION).is_file():
        if card.id != name:
            raise ModelError(f"{source}: the model there calls itself {card.id}, not {name}.")
    else:
        card = card.model_copy(update={"id": name})
    fields = {field: getattr(card, field) for field in Card.model_fields}
    origin = Origin(source=source, revision=revision, sha256=dict(hashes), card=Card(**fields))
    (folder / ORIGIN).write_text(origin.model_dump_json(indent=2) + "\n", encoding="utf-8")


def no_model(path: Path) -> str:
    """Note that there is no model."""
    return (
        f"{path} is no model: it holds neither {packages.DESCRIPTION} (a model package) nor {BUNDLE_METADATA} (a MONAI "
        "bundle)."
    )


def check_signature(folder: Path) -> Signed | None:
    """Check the signature of a model package or a MONAI bundle (`signing.check`).

    Raises
    ------
    ModelError
        If the model is refused.
    """
    if folder.parent == packages.SHIPPED:
        return None
    return signing.check(folder, _own_files(folder))


def sign(folder: Path, key: Path) -> Path:
    """Sign a model, after it was verified; returns the file with the signature.

    Raises
    ------
    ModelError
        If it is damaged.
    ConfigError
        If the key cannot be used.
    """
    verify(folder, signed=False)
    return signing.sign(folder, _own_files(folder), key)


def _own_files(folder: Path) -> tuple[str, ...]:
    """Files of a model, but for its signature."""
    if (folder / packages.DESCRIPTION).is_file():
        return packages.own_files(folder)
    files = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return tuple(sorted(file for file in files if is_part(file) and file != SIGNATURE))
